"""Recursion with remembered results: distinct states times the work of one.

The states are bounded by coordinates, sizes that no recursive call raises; a path that steps down
by one in each coordinate reaches them all, which gives the same product from below.
"""

from __future__ import annotations

from fractions import Fraction

from neox.compiler.complexity.affine import Affine, Facts, ratio
from neox.compiler.complexity.growth import ONE, Growth
from neox.compiler.complexity.recursion import Solution, candidates, domain, invariant
from neox.compiler.complexity.select import witness
from neox.compiler.complexity.trips import Move, measure_move, shrinks
from neox.compiler.complexity.values import CallSite, State


def remembered(paths: list[State], facts: Facts, fixed: set[str]) -> Solution:
    """Cost with remembered results: distinct states times the work of one."""
    recursive = [p for p in paths if p.calls]
    changed = {
        a
        for p in recursive
        for site in p.calls
        for a, size in site.sizes
        if size != Affine.atom(a) and _matters(a, recursive) and _owner(a) not in fixed
    }
    coordinates: list[Affine] = []
    for c in candidates(recursive):
        moves = [_coordinate_move(c, site, facts) for p in recursive for site in p.calls]
        if all(m is not None and m.most <= 0 for m in moves) and not any(
            ratio(c, old) for old in coordinates
        ):
            coordinates.append(c)
    covered = {a for c in coordinates for a in c.atoms}
    if not coordinates or not changed <= covered:
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


def _coordinate_move(coordinate: Affine, site: CallSite, facts: Facts) -> Move | None:
    sizes = dict(site.sizes)
    after = coordinate.map_atoms(lambda a: sizes.get(a, Affine.atom(a)))
    if after is None or site.index is not None:
        return None
    m = measure_move(coordinate, after, facts)
    return m if m is not None and m.scale == 1 else None


def _progresses(recursive: list[State], coordinates: list[Affine], facts: Facts) -> bool:
    """Each call lowers a coordinate, and none falls past the values the base case catches."""
    for p in recursive:
        for site in p.calls:
            falls = False
            for c in coordinates:
                m = _coordinate_move(c, site, facts)
                assert m is not None
                if m.most == 0 and m.least == 0:
                    continue
                start, bottom = domain(p, c)
                if start is None or not shrinks(
                    m, start, None if bottom is None else Fraction(bottom)
                ):
                    return False
                falls = True
            if not falls:
                return False
    return True


def _all_reached(
    recursive: list[State], coordinates: list[Affine], facts: Facts
) -> tuple[Growth, set[str]]:
    """A path that calls one step down in each coordinate reaches every state."""
    sizes = frozenset(coordinates)
    for p in recursive:
        taken = witness(p.conditions, sizes)
        if taken is None:
            continue
        unit_steps: set[Affine] = set()
        for site in p.calls:
            moves = {c: _coordinate_move(c, site, facts) for c in coordinates}
            moved = [c for c, m in moves.items() if m is not None and m.least != 0]
            only = moves[moved[0]] if len(moved) == 1 else None
            if only is not None and only.least == only.most == -1 and not site.maybe:
                unit_steps.add(moved[0])
        if unit_steps == set(coordinates):
            low = ONE
            for c in coordinates:
                low = low * Growth.size(c)
            return low, taken
    return ONE, set()
