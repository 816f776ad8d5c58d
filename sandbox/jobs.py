"""What can be run: functions on data, scripts on text, and assert-style tests.

Expected values stay with the supervisor; the process that runs `code` gets inputs only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from neox.sandbox.outcome import Limits

Compare = Literal["eq", "exact"]


@dataclass(frozen=True, slots=True)
class Call:
    """Call `entry` of `code` with each of `inputs` (argument lists); compare with `expected`.

    Values are plain data: None, bool, int, float, complex, str, bytes, list, tuple, dict, set.
    compare "eq" is Python's ==; "exact" also asks for equal types all the way down.
    """

    code: str
    entry: str
    inputs: Sequence[Sequence[Any]]
    expected: Sequence[Any]
    compare: Compare = "eq"
    limits: Limits | None = None

    def __post_init__(self) -> None:
        if len(self.inputs) != len(self.expected) or not self.inputs:
            raise ValueError(
                f"{len(self.inputs)} inputs and {len(self.expected)} expected values: "
                "a Call needs as many of one as of the other, and at least one"
            )


@dataclass(frozen=True, slots=True)
class Script:
    """Run `code` as a program with `stdin`; its words must be those of `expected_stdout`."""

    code: str
    stdin: str
    expected_stdout: str
    limits: Limits | None = None


@dataclass(frozen=True, slots=True)
class Asserts:
    """Run `test` in a process of its own, where `entry` stands for the solution's function.

    `test` defines `check(candidate)`, or is a row of asserts that call `entry` by name. `prelude`
    is code of the task (imports, helpers) that runs before it. The solution's process sees neither.
    """

    code: str
    test: str
    entry: str
    prelude: str = ""
    limits: Limits | None = None


Job = Call | Script | Asserts
