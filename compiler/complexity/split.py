"""Recursion whose data decide how a size is split: T(k) + T(n-1-k) + g(n), as in quicksort.

From above: the parts of every call add up to less than the whole, and F(n) = sum of g(i), i <= n,
is superadditive, so T <= F whatever the split. From below: a split that the caller may choose, such
as nothing on one side, at every level (sorted input); the assumption says so.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from neox.compiler.complexity.affine import Affine, Facts
from neox.compiler.complexity.growth import ONE, Factor, Growth, monomial
from neox.compiler.complexity.parity import Call
from neox.compiler.complexity.recurrences import summed
from neox.compiler.complexity.select import witness
from neox.compiler.complexity.solution import Solution
from neox.compiler.complexity.trips import measure_move
from neox.compiler.complexity.values import State

Recurrence = Callable[[list[Call], Growth, State], Growth | None]


def split(
    measure: Affine,
    paths: list[State],
    recursive: list[State],
    facts: Facts,
    recurrence: Recurrence,
) -> Solution | None:
    """The cost in this measure where all calls share it out; the caller checked the base case."""
    parts = [_parts(measure, p, facts) for p in recursive]
    if any(x is None for x in parts):
        return None
    high = _summed(measure, paths, recursive)
    if high is None:
        return None
    low, assumed = ONE, set[str]()
    for p, afters in zip(recursive, parts, strict=True):
        taken = witness(p.conditions, frozenset([measure.linear()]))
        if taken is None or afters is None or any(c.maybe for c in p.calls):
            continue
        for largest in (False, True):
            calls = _extreme(measure, afters, facts, largest)
            found = None if not calls else recurrence(calls, p.low, p)
            if found is not None and low <= found and found != low:
                low, assumed = found, taken | p.assumed_low | {"worst-case-content:split"}
    trace = [
        f"recurrence: T(n) = T(k) + T(n-1-k) + toll, n = {measure.text()}",
        "case: the parts add up to less than n, so T(n) is at most the sum of the tolls up to n",
    ]
    return Solution(low, high, assumed, trace=trace)


def _parts(measure: Affine, path: State, facts: Facts) -> list[Affine] | None:
    """The sizes of the calls of one path, if they shrink and share the measure out."""
    afters: list[Affine] = []
    least = Fraction(0)
    for site in path.calls:
        sizes = dict(site.sizes)
        after = measure.map_atoms(lambda a, sizes=sizes: sizes.get(a, Affine.atom(a)))  # type: ignore[misc]
        if after is None or site.index is not None or site.times != Affine.number(1):
            return None
        low, high = facts.lower(after), facts.upper(after - measure)
        if low is None or not low.is_constant or high is None or not high.is_constant:
            return None
        if high.const > -1:
            return None
        least = min(least, low.const)
        afters.append(after)
    shift = -least  # sizes n + shift are >= 0
    total = Affine()
    for after in afters:
        total = total + after
    top = facts.upper(total - measure)
    if top is None or not top.is_constant or top.const > shift - 1 - len(afters) * shift:
        return None
    return afters


def _summed(measure: Affine, paths: list[State], recursive: list[State]) -> Growth | None:
    """n times the toll, for a toll that does not fall."""
    size, total = measure.linear(), ONE
    for p in paths:
        if p.high is None:
            return None
        for m in p.high.monomials:
            inner = dict(m).get(size, Factor())
            others = tuple((s, f) for s, f in m if s != size)
            if (
                not inner.polylog
                or inner.falling
                or not all(_kept(s, recursive) for s, _ in others)
            ):
                return None
            factor = summed(inner)
            if factor is None:
                return None
            total = total + Growth(frozenset([others])) * Growth(
                frozenset([monomial({size: factor})])
            )
    return total + Growth.size(measure)


def _kept(size: Affine, recursive: list[State]) -> bool:
    for path in recursive:
        for site in path.calls:
            sizes = dict(site.sizes)
            after = size.map_atoms(lambda a, sizes=sizes: sizes.get(a, Affine.atom(a)))  # type: ignore[misc]
            if after != size:
                return False
    return True


def _extreme(
    measure: Affine, afters: list[Affine], facts: Facts, largest: bool
) -> list[Call] | None:
    """The calls when every free choice is taken at one end; parts of constant size are none."""
    calls: list[Call] = []
    for after in afters:
        value = after
        for _ in range(16):
            chosen = [a for a in value.atoms if a in facts.choice]
            if not chosen:
                break
            atom = max(chosen, key=lambda a: int(a.rpartition("#")[2]))
            end = (facts.high if largest else facts.low).get(atom)
            if end is None:
                return None
            value = value.substitute({atom: end})
        low = facts.lower(value)
        if low is not None and low.is_constant:
            continue
        move = measure_move(measure, value, facts)
        if move is None or not 0 < move.scale <= 1:
            return None
        calls.append(Call(move, Fraction(1)))
    return calls
