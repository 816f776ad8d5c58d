"""Recursions that step down by one when odd and halve when even: two calls taken as one.

`f(n - 1)` for odd n leads to an even argument, so the next call is one of those that even arguments
make. Putting that call in its place gives a recurrence that divides on every path.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from neox.compiler.complexity.affine import Affine, Facts
from neox.compiler.complexity.record import dataclass, replace
from neox.compiler.complexity.trips import Move
from neox.compiler.complexity.values import State


@dataclass(frozen=True, slots=True)
class Call:
    """One recursive call in terms of the measure: how it moves, how often it happens."""

    move: Move
    times: Fraction | None  # None: once per unit of the measure
    history: bool = False  # the arguments run through all smaller measures
    maybe: bool = False


def alternating(
    measure: Affine, recursive: list[State], shapes: list[list[Call]], facts: Facts
) -> list[list[Call]]:
    """The calls of each path, steps by an odd number followed by what must come next."""
    all_residues = [residues(p, measure, facts) for p in recursive]
    result: list[list[Call]] = []
    for calls, mine in zip(shapes, all_residues, strict=True):
        step = _step(calls)
        if step is None or len(mine) != 1:
            result.append(calls)
            continue
        [residue] = mine
        following = [
            s for s, r in zip(shapes, all_residues, strict=True) if (residue + step) % 2 in r
        ]
        if not following or not all(_divides(s) for s in following):
            result.append(calls)
            continue
        for after in following:
            result.append([_composed(c, a) for c in calls for a in after])
    return result


def _step(calls: Sequence[Call]) -> int | None:
    """The odd number all calls step down by, or None."""
    steps = {c.move.least for c in calls} | {c.move.most for c in calls}
    if len(steps) != 1 or any(c.move.scale != 1 or c.times != 1 or c.history for c in calls):
        return None
    [step] = steps
    return int(step) if step.denominator == 1 and step % 2 == 1 else None


def _divides(calls: Sequence[Call]) -> bool:
    return all(c.move.scale < 1 and c.times is not None and not c.history for c in calls)


def _composed(first: Call, then: Call) -> Call:
    a, b = first.move, then.move
    move = Move(b.scale, b.least + b.scale * a.least, b.most + b.scale * a.most)
    return replace(then, move=move, maybe=first.maybe or then.maybe)


def residues(path: State, measure: Affine, facts: Facts) -> set[int]:
    """Which remainders of the measure by 2 the decisions of a path leave."""
    left = {0, 1}
    for c in path.conditions:
        if c.value is None or len(c.value.terms) != 1:
            continue
        if c.kind in {"prime", "opaque"} and c.value == measure and c.other == Affine.number(2):
            left.discard(0)
        atom, k = c.value.terms[0]
        value, modulus = facts.mods.get(atom, (measure, 0))
        shift = value - measure
        if modulus != 2 or not shift.is_constant or shift.const.denominator != 1:
            continue
        for rest in (0, 1):
            amount = k * rest + c.value.const
            holds = (
                amount >= 1 if c.kind == "size" else amount != 0 if c.kind == "nonzero" else True
            )
            if not holds:
                left.discard(int(rest - shift.const) % 2)
    return left
