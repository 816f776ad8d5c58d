"""What a reward takes and gives.

A bad attempt is data: it gets a `Scored`, often zero. A reward that could not do its work (it
raised, the sandbox was not to be had, the number was not finite) gives `Failed`, which is counted,
kept out of every baseline, and never turned into a zero.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args

from neox.compiler import Program, parse
from neox.datasets.task import Task

FailureKind = Literal["error", "timeout", "sandbox", "non_finite", "unscorable"]
KINDS: tuple[FailureKind, ...] = get_args(FailureKind)


@dataclass(frozen=True, slots=True)
class Attempt:
    """A completion of a task, with its token ids where known; parsed once, on demand."""

    task: Task
    completion: str
    ids: tuple[int, ...] = field(default=(), repr=False, compare=False)
    _parsed: list[Program] = field(default_factory=list, repr=False, compare=False)

    @property
    def code(self) -> str:
        return self.task.program(self.completion)

    @property
    def program(self) -> Program:
        if not self._parsed:
            self._parsed.append(parse(self.code))
        return self._parsed[0]


@dataclass(frozen=True, slots=True)
class Scored:
    """A finite value, and what it is made of."""

    value: float
    parts: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Failed:
    """No value: the reward's own failure, with its cause."""

    kind: FailureKind
    detail: str


Score = Scored | Failed
Reward = Callable[[Sequence[Attempt]], list[Score]]


def scored(part: str, value: float) -> Score:
    """`Scored` under the part's own name, or `Failed` when the number is not finite."""
    if not math.isfinite(value):
        return Failed("non_finite", f"{part} gave {value}")
    return Scored(value, {part: value})
