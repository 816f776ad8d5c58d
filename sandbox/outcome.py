"""What one execution came to: limits, verdict, results per test.

A bad program is data, never an exception: whatever it does ends as an `Outcome` with one of seven
verdicts, judged from the outside. The only exception this package raises about an execution is
`SandboxUnavailable`: the machinery itself failed twice, so there is nothing to say about the
program, and the caller must not turn that into a zero reward.
Knows nothing about processes or wire formats.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Verdict = Literal["pass", "fail", "timeout", "memory", "output_limit", "violation", "error"]
VERDICTS: tuple[Verdict, ...] = (
    "pass",
    "fail",
    "timeout",
    "memory",
    "output_limit",
    "violation",
    "error",
)


class SandboxUnavailable(RuntimeError):
    """The sandbox could not run a job for reasons that are not the program's doing."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one execution may use.

    cpu_s: processor seconds; wall_s: seconds from start to verdict; memory_mb: address space in
    MiB; output_kb: KiB of standard output kept and allowed. Raises ValueError unless positive.
    """

    cpu_s: float = 2.0
    wall_s: float = 4.0
    memory_mb: int = 512
    output_kb: int = 64

    def __post_init__(self) -> None:
        for name in ("cpu_s", "wall_s", "memory_mb", "output_kb"):
            if not getattr(self, name) > 0:
                raise ValueError(f"limit {name} must be positive, not {getattr(self, name)!r}")


@dataclass(frozen=True, slots=True)
class TestResult:
    """One test of a job; `detail` is a short text for people, never used to decide."""

    __test__ = False  # not a test class, whatever pytest thinks of the name

    verdict: Verdict
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The verdict over one execution with the evidence for it.

    tests: one entry per test seen, in order; an execution that was cut short has only those that
    finished. cpu_s, peak_mb: from the kernel, outside the process. wall_s: seconds from fork to
    verdict. stdout: what it printed, cut at the output limit. near_limit: the verdict came so close
    to a limit that a second run could differ. layers: names of the isolation layers that held.
    claim: what an `Evaluate` or `Count` gave back, in the codec's bytes, unread.
    violations: how often it tried to get out, by system call, and how it tried to cheat:
    `forged_claim` (its answer was not one of ours), `early_exit` (it ended itself before it had
    answered), `always_equal` (it returned something equal to everything). None of these worked.
    detail: one line saying why, made of claims by the program, so never evidence.
    """

    verdict: Verdict
    tests: tuple[TestResult, ...] = ()
    cpu_s: float = 0.0
    wall_s: float = 0.0
    peak_mb: float = 0.0
    stdout: str = ""
    near_limit: bool = False
    layers: tuple[str, ...] = ()
    detail: str = ""
    claim: bytes = b""
    violations: Mapping[str, int] = field(default_factory=dict)
