"""What happened to a program.

A wrong, slow, hostile or malformed program is data: it gets a verdict, and the caller goes on. Only
`pass` means right, and only because the supervisor itself compared claimed outputs with expected
ones. A sandbox that could not do its work raises `SandboxUnavailable`; that is never a verdict.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Verdict = Literal["pass", "fail", "timeout", "memory", "output_limit", "violation", "error"]


class SandboxUnavailable(Exception):
    """The sandbox's own failure: a worker died twice, or a required layer is missing."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Per execution. CPU and wall time in seconds, judged from outside the process."""

    cpu_s: float = 2.0
    wall_s: float = 4.0
    memory_mb: int = 512
    output_kb: int = 64


@dataclass(frozen=True, slots=True)
class TestResult:
    """One test: `detail` is a short text for people, never used to decide."""

    __test__ = False  # for pytest: not a test class

    verdict: Verdict
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The verdict on one job, per test where there are several, and what it cost."""

    verdict: Verdict
    tests: tuple[TestResult, ...] = ()
    cpu_s: float = 0.0
    wall_s: float = 0.0
    peak_mb: float = 0.0
    stdout: str = ""
    near_limit: bool = False
    layers: tuple[str, ...] = ()
    detail: str = ""
