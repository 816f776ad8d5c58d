"""Runs untrusted programs under limits and says what happened.

>>> from neox.sandbox import Call, Sandbox
>>> with Sandbox(workers=1) as box:
...     box.run(Call("def f(n):\\n    return n + 1\\n", "f", [[1]], [2])).verdict
'pass'

The solution's process gets code and inputs and returns claimed outputs; expected values never leave
the caller's process, which alone compares. All walls share one kernel: for deliberately hostile
multi-tenant use, put a virtual machine around it.
"""

from neox.sandbox.codec import CodecError
from neox.sandbox.executor import Executor
from neox.sandbox.jobs import Approx, Asserts, Call, Compare, Count, Evaluate, Job, Script
from neox.sandbox.outcome import Limits, Outcome, SandboxUnavailable, TestResult, Verdict
from neox.sandbox.report import Layer, SandboxReport, report
from neox.sandbox.sandbox import Sandbox
from neox.sandbox.scaling import Fit, Generator, Point, Scaling, geometric, measure_scaling

__all__ = [
    "Approx",
    "Asserts",
    "Call",
    "CodecError",
    "Compare",
    "Count",
    "Evaluate",
    "Executor",
    "Fit",
    "Generator",
    "Job",
    "Layer",
    "Limits",
    "Outcome",
    "Point",
    "Sandbox",
    "SandboxReport",
    "SandboxUnavailable",
    "Scaling",
    "Script",
    "TestResult",
    "Verdict",
    "geometric",
    "measure_scaling",
    "report",
]
