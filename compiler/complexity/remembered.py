"""Recursion with remembered results: distinct states times the work of one.

The states are bounded by coordinates, sizes that no recursive call raises. Every argument that
changes must be determined by them: either the coordinates span all that changes, or a difference
hi - lo counts twice, for hi that never rises and lo that never falls. From below, a path that steps
down by one in each coordinate, or a loop over all smaller arguments, reaches every state.
"""

from __future__ import annotations

from fractions import Fraction

from neox.compiler.complexity.affine import Affine, Facts, ratio
from neox.compiler.complexity.growth import ONE, ZERO, Growth
from neox.compiler.complexity.recursion import candidates, domain, invariant, unchosen
from neox.compiler.complexity.select import witness
from neox.compiler.complexity.solution import Solution
from neox.compiler.complexity.values import CallSite, State


def remembered(paths: list[State], facts: Facts, fixed: set[str]) -> Solution:
    """Cost with remembered results: distinct states times the work of one."""
    paths = unchosen(paths, facts)
    recursive = [p for p in paths if p.calls]
    changed = {
        a
        for p in recursive
        for site in p.calls
        for a, size in site.sizes
        if size != Affine.atom(a) and _matters(a, recursive) and _owner(a) not in fixed
    }
    coordinates = _coordinates(recursive, changed, facts)
    if not coordinates:
        return Solution(notes={"the range of remembered arguments is unknown"})
    if not _progresses(recursive, coordinates, facts):
        return Solution(notes={"remembered calls need not end"})
    states = ONE
    for c in coordinates:
        states = states * Growth.size(c)
    total: Growth | None = ONE
    for p in paths:
        total = None if total is None or p.high is None else total + p.high
    sizes = [*coordinates]
    if total is not None and not all(s in sizes or invariant(s, recursive) for s in total.sizes):
        total = None
    low, assumed = _all_reached(recursive, coordinates, facts)
    return Solution(low, None if total is None else states * total, assumed, {"cold-cache"})


def _coordinates(recursive: list[State], changed: set[str], facts: Facts) -> list[Affine]:
    """Sizes whose values tell all changing arguments apart; empty where there are none.

    Differences are listed twice where their two ends move towards each other.
    """
    falling: list[Affine] = []
    loops = [
        Affine.atom(a) for a in sorted(changed) if any(s.index for p in recursive for s in p.calls)
    ]
    for c in [*candidates(recursive), *loops]:
        moves = [_step(c, site, facts) for p in recursive for site in p.calls]
        if all(high is not None and high <= 0 for _, high in moves) and not any(
            ratio(c, old) for old in falling
        ):
            falling.append(c)
    chosen: list[Affine] = []
    for c in falling:
        if not _spans(chosen, {a for a in c.atoms if a in changed} or {c.atoms[0]}):
            chosen.append(c)
    if _spans(chosen, changed):
        return chosen
    for c in falling:
        ends = [a for a in c.atoms if a in changed]
        towards = len(ends) == 2 and all(
            _towards(Affine.atom(a).scale(c.coefficient(a)), site, facts)
            for a in ends
            for p in recursive
            for site in p.calls
        )
        if towards and set(ends) == changed:
            return [c, c]
    return []


def _towards(end: Affine, site: CallSite, facts: Facts) -> bool:
    high = _step(end, site, facts)[1]
    return high is not None and high <= 0


def _spans(coordinates: list[Affine], atoms: set[str]) -> bool:
    """Do the coordinates determine each of the atoms? By elimination over the atoms."""
    rows = [{a: k for a, k in c.terms if a in atoms} for c in coordinates]
    for rank, atom in enumerate(sorted(atoms)):
        pivot = next((r for r in rows[rank:] if r.get(atom)), None)
        if pivot is None:
            return False
        rows.remove(pivot)
        rows.insert(rank, pivot)
        for r in rows[rank + 1 :]:
            if r.get(atom):
                k = r[atom] / pivot[atom]
                for a, value in pivot.items():
                    r[a] = r.get(a, Fraction(0)) - k * value
    return True


def _owner(atom: str) -> str:
    return atom.removeprefix("len(").removesuffix(")").removesuffix("[]")


def _matters(atom: str, recursive: list[State]) -> bool:
    """A length of a plain number, or a value of a container, is a name without meaning."""
    name = _owner(atom)
    used = {a for p in recursive for c in p.conditions if c.value for a in c.value.atoms}
    is_number = name in used
    is_container = f"len({name})" in used
    if atom == name:
        return not is_container
    return atom == f"len({name})" and not is_number and is_container


def _step(
    coordinate: Affine, site: CallSite, facts: Facts
) -> tuple[Fraction | None, Fraction | None]:
    """The least and the most a call adds to a coordinate; None where that is not constant."""
    sizes = dict(site.sizes)
    after = coordinate.map_atoms(lambda a: sizes.get(a, Affine.atom(a)))
    if after is None:
        return None, None
    least, most = facts.range(after - coordinate)
    if most is None:  # an index below the coordinate itself
        high = facts.upper(after)
        most = (high - coordinate).const if high is not None and _same(high, coordinate) else None
    return least, most


def _same(a: Affine, b: Affine) -> bool:
    return a.linear() == b.linear()


def _above(coordinate: Affine, site: CallSite, facts: Facts, floor: Fraction) -> bool:
    """Is the coordinate of a call at least `floor` whatever the index of the loop it is in?"""
    sizes = dict(site.sizes)
    after = coordinate.map_atoms(lambda a: sizes.get(a, Affine.atom(a)))
    low = None if after is None else facts.lower(after)
    return low is not None and low.is_constant and low.const >= floor


def _progresses(recursive: list[State], coordinates: list[Affine], facts: Facts) -> bool:
    """Each call lowers a coordinate, and none falls past the values the base case catches."""
    for p in recursive:
        for site in p.calls:
            falls = False
            for c in coordinates:
                least, most = _step(c, site, facts)
                assert most is not None
                if most == 0 and least == 0:
                    continue
                start, bottom = domain(p, c, facts)
                if start is None and site.index is not None and _above(c, site, facts, ZERO):
                    start = 1  # a loop over 0 .. c - 1 that is empty at 0
                if start is None:
                    return False
                if bottom is not None:
                    reached = least is not None and start + least >= bottom
                    if not reached and not _above(c, site, facts, Fraction(bottom)):
                        return False
                falls = falls or most <= -1
            if not falls:
                return False
    return True


def _all_reached(
    recursive: list[State], coordinates: list[Affine], facts: Facts
) -> tuple[Growth, set[str]]:
    """A path that calls one step down in each coordinate reaches every state, and pays in each."""
    sizes = frozenset(coordinates)
    twice = len(sizes) != len(coordinates)
    ends = [Affine.atom(a).scale(c) for a, c in coordinates[0].terms] if twice else coordinates
    for p in recursive:
        taken = witness(p.conditions, sizes)
        if taken is None:
            continue
        unit_steps: set[Affine] = set()
        for site in p.calls:
            if site.maybe:
                continue
            steps = {e: _step(e, site, facts) for e in ends}
            still = Fraction(0), Fraction(0)
            moved = [e for e, step in steps.items() if step != still]
            if len(moved) != 1:
                continue
            least, most = steps[moved[0]]
            # exactly one step, or a loop over smaller ones that begins right below
            if most == -1 and (least == -1 or site.index is not None):
                unit_steps.add(moved[0])
        if unit_steps == set(ends):
            low = ONE
            for c in coordinates:
                low = low * Growth.size(c)
            return low * _paid_by_all(p.low, sizes, recursive), taken | p.assumed_low
    return ONE, set()


def _paid_by_all(low: Growth, sizes: frozenset[Affine], recursive: list[State]) -> Growth:
    """The part of a path's cost that a constant share of all states pays, up to a factor."""
    kept = ONE
    for m in low.monomials:
        known = all(s in sizes or invariant(s, recursive) for s, _ in m)
        if known and all(f.polylog and not f.falling for _, f in m):
            kept = kept + Growth(frozenset([m]))
    return kept
