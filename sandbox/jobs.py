"""The kinds of work a sandbox takes.

`Call` sends inputs and compares returned values here; `Script` feeds standard input and compares
standard output; `Asserts` runs a test text against the program in a second jail. In all of them the
expected answers stay out of the process that runs the program. `Evaluate` and `Count` judge
nothing: they make inputs, and measure.
Knows nothing about how they are carried out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from neox.sandbox.outcome import Limits

CompareMode = Literal["eq", "exact", "approx", "unordered", "any_of", "raises", "truth"]


@dataclass(frozen=True, slots=True)
class Approx:
    """Numbers are right when abs(got - want) <= atol + rtol * abs(want), wherever they stand."""

    rtol: float = 1e-6
    atol: float = 1e-9


Compare = CompareMode | Approx


@dataclass(frozen=True, slots=True)
class Call:
    """Call `entry(*inputs[i])` and compare with `expected[i]`.

    compare: one mode for all tests, or a sequence with one per test. `eq` is Python's ==, `exact`
    also wants equal types, `approx` allows rounding, `unordered` ignores the order of a list,
    `any_of` takes `expected[i]` as the list of accepted answers, `raises` as an exception name,
    `truth` asks only whether the value counts as true, as `expected[i]` says.
    Raises ValueError when the lengths differ.
    """

    code: str
    entry: str
    inputs: Sequence[Sequence[Any]]
    expected: Sequence[Any]
    compare: Compare | Sequence[Compare] = "eq"
    limits: Limits | None = None

    def __post_init__(self) -> None:
        if len(self.inputs) != len(self.expected):
            raise ValueError(f"{len(self.inputs)} inputs but {len(self.expected)} expected values")
        if not self.inputs:
            raise ValueError("a call needs at least one input: nothing tested is not a pass")
        modes = self.compare
        if not isinstance(modes, str | Approx) and len(modes) != len(self.inputs):
            raise ValueError(f"{len(self.inputs)} inputs but {len(modes)} compare modes")

    def mode(self, index: int) -> Compare:
        """The compare mode of test `index`."""
        modes = self.compare
        return modes if isinstance(modes, str | Approx) else modes[index]


@dataclass(frozen=True, slots=True)
class Script:
    """Run `code` as a program with `stdin`; its whole standard output must be `expected_stdout`.

    compare: `tokens` (same words in the same order, both ways), `lines` (equal after trailing white
    space is cut), or an `Approx` that also lets numeric tokens differ by rounding.
    """

    code: str
    stdin: str
    expected_stdout: str
    compare: Literal["tokens", "lines"] | Approx = "tokens"
    limits: Limits | None = None


@dataclass(frozen=True, slots=True)
class Asserts:
    """Run the program in one jail and `test` in another that can only call `entry` from outside.

    Where every assert of the test is a call on literals compared with a literal, there is nothing
    to run: it is judged as a `Call`, which is the same and several times cheaper. `separate` keeps
    the test a program.

    test: assert lines that call `entry` by its name, or a program defining `check(candidate)`.
    prelude: task code the test needs (helpers of the prompt), run before the test, beside it.
    Arguments and results cross as plain data, so a result that is not plain data fails the test.
    """

    code: str
    test: str
    entry: str
    prelude: str = ""
    limits: Limits | None = None
    separate: bool = False


@dataclass(frozen=True, slots=True)
class Evaluate:
    """Call `entry(*arguments)` and hand on what it returns, as `Outcome.claim`.

    For programs that make inputs, not answers: nothing is compared, and `pass` says only that there
    is a plain value.
    """

    code: str
    entry: str
    arguments: Sequence[Any]
    limits: Limits | None = None


@dataclass(frozen=True, slots=True)
class Count:
    """Call `entry` once and claim how many elementary operations that took, as `Outcome.claim`.

    arguments: the list of arguments in the codec's bytes, so that what one jail made can go into
    another unread. most: give up beyond so many operations (the claim is then -1). called: False
    does all but the call, for a baseline of CPU time.
    """

    code: str
    entry: str
    arguments: bytes
    most: int = 10_000_000
    called: bool = True
    limits: Limits | None = None


Job = Call | Script | Asserts | Evaluate | Count
