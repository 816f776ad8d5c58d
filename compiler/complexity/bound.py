"""`Bound`: what is known about the running time of one function, from below and from above.

Each side carries its own evidence: "proved" (all side conditions checked), "assumed" (true if the
named assumptions hold), "heuristic", or "unknown". A side that is unknown has no expression; it is
never a guess. Expressions are sympy syntax over the names in `parameters`. Knows no syntax trees.
"""

from __future__ import annotations

from typing import Literal

from neox.compiler.complexity.growth import Growth
from neox.compiler.complexity.record import dataclass

Evidence = Literal["proved", "assumed", "heuristic", "unknown"]
RANK: dict[Evidence, int] = {"proved": 3, "assumed": 2, "heuristic": 1, "unknown": 0}


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a bound; `growth` is the same expression in the algebra, for comparisons."""

    expression: str | None
    evidence: Evidence
    growth: Growth | None = None
    assumptions: tuple[str, ...] = ()


UNKNOWN = Side(None, "unknown")


@dataclass(frozen=True, slots=True)
class Bound:
    """The worst-case cost of `function` over all inputs of given sizes.

    `parameters` pairs a name used in the expressions with the size it stands for, such as
    `("n", "len(a)")`. `theta` is set only where both sides are proved or assumed and equal.
    """

    function: str
    line: int
    parameters: tuple[tuple[str, str], ...]
    lower: Side
    upper: Side
    notes: tuple[str, ...] = ()
    path: str | None = None
    trace: tuple[str, ...] = ()  # how it was found: recurrence, case, conditions
    label: str | None = None  # of a script: one of the seven classes

    @property
    def theta(self) -> str | None:
        low, high = self.lower, self.upper
        if low.growth is None or high.growth is None or low.growth != high.growth:
            return None
        if min(RANK[low.evidence], RANK[high.evidence]) < RANK["assumed"]:
            return None
        return high.expression

    @property
    def status(self) -> Evidence:
        """The weaker evidence of the two sides."""
        return min(self.lower.evidence, self.upper.evidence, key=RANK.__getitem__)

    @property
    def assumptions(self) -> tuple[str, ...]:
        return tuple(sorted({*self.lower.assumptions, *self.upper.assumptions}))
