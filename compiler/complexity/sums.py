"""Summing the cost of one iteration over all iterations, from above and from below.

An iteration's cost is a growth over sizes that may contain the loop's own atoms: an index in
arithmetic progression, a variable growing or shrinking by a factor. The sums follow the integral:
sum i**a is n**(a+1), sum 1/i is log n, a geometric progression sums to its largest term. A size
that is linear in the index and stays >= 0 keeps a quarter of its maximum on half of the range, so
from below it counts as its larger end. Knows no syntax.
"""

from __future__ import annotations

from neox.compiler.complexity.affine import Affine, Facts, ratio
from neox.compiler.complexity.growth import ONE, UNIT, Factor, Growth, Monomial, monomial
from neox.compiler.complexity.record import dataclass, field


@dataclass(slots=True)
class Progress:
    """How the atoms of a loop move: `moves` gives each its first and its last value, if known."""

    low: Growth
    high: Growth | None
    moves: dict[str, tuple[Affine, Affine | None]] = field(default_factory=dict)
    rising: set[str] = field(default_factory=set)
    geometric: dict[str, Growth] = field(default_factory=dict)
    positive: set[str] = field(default_factory=set)  # start at a constant >= 1 and rise
    amortised: dict[str, Growth] = field(default_factory=dict)  # atoms by their sum over the loop


def settle(growth: Growth, facts: Facts, only: set[str], largest: bool) -> Growth | None:
    """Replace atoms by their bounds; from above None where one is missing, from below dropped."""

    def change(size: Affine, factor: Factor) -> Growth:
        if not only & set(size.atoms):
            return Growth(frozenset([monomial({size: factor})]))
        falling = factor.falling
        bound = facts.upper(size, only) if largest != falling else facts.lower(size, only)
        if bound is None:
            if largest:
                raise Unbounded
            return ONE
        if not factor.polylog:
            return _exponential(size, factor, bound, largest)
        return Growth.size(bound, factor)

    try:
        return growth.map(change)
    except Unbounded:
        return None


class Unbounded(Exception):
    """An atom has no bound from above."""


def _exponential(size: Affine, factor: Factor, bound: Affine, largest: bool) -> Growth:
    """Constants inside an exponent are constant factors, scales are not: refuse those."""
    line = bound.linear()
    if factor.factorial or not (len(line.terms) == 1 and line.terms[0][1] == 1):
        if largest:
            raise Unbounded
        return ONE
    return Growth(frozenset([monomial({line: factor})]))


def total_high(cost: Growth | None, progress: Progress, facts: Facts) -> Growth | None:
    """Upper bound of the sum over all iterations."""
    if cost is None or progress.high is None:
        return None
    result = ONE
    for m in cost.monomials:
        part = _monomial_high(m, progress, facts)
        if part is None:
            return None
        result = result + part
    return result


def _monomial_high(m: Monomial, progress: Progress, facts: Facts) -> Growth | None:
    assert progress.high is not None
    only = set(progress.moves) | set(progress.geometric)
    for size, factor in m:
        atom = size.atoms[0]
        if len(size.terms) == 1 and factor == Factor(power=UNIT) and atom in progress.amortised:
            others = Growth(frozenset([tuple((s, f) for s, f in m if s != size)]))
            value = settle(others, facts, only, True)
            if value is not None and not any(a in only for a in value.atoms):
                return value * (progress.amortised[atom] + ONE)
    special, rest = _split(m, progress)
    if special is None:
        value = settle(Growth(frozenset([m])), facts, only, True)
        return None if value is None else progress.high * value
    atom, factor = special
    value = settle(Growth(frozenset([rest])), facts, only, True)
    if value is None:
        return None
    if atom in progress.geometric:
        extent = progress.geometric[atom]
        return value * extent.map(lambda s, f: Growth.size(s, factor) if _plain(f) else extent)
    end = facts.upper(Affine.atom(atom), only)
    if end is None:
        return None
    if factor.power == -1:
        return value * Growth.size(end, Factor(log=UNIT)) + value
    return value * _exponential(end, factor, end, True) + value


def _plain(f: Factor) -> bool:
    return f == Factor(power=UNIT)


def _split(m: Monomial, progress: Progress) -> tuple[tuple[str, Factor] | None, Monomial]:
    """The one factor whose sum is not (number of terms) x (largest term), if there is one."""
    for size, factor in m:
        if len(size.terms) != 1 or size.terms[0][1] != 1:
            continue
        atom = size.atoms[0]
        rest = tuple((s, f) for s, f in m if s != size)
        if any(atom in s.atoms for s, _ in rest) and factor.power != -1:
            continue
        if atom in progress.geometric and _plain(factor):
            if all(_plain(f) for g in progress.geometric[atom].monomials for _, f in g):
                return (atom, factor), rest
            continue
        harmonic = atom in progress.positive and factor == Factor(power=-UNIT)
        if harmonic or (atom in progress.rising and not factor.polylog and not factor.factorial):
            return (atom, factor), rest
    return None, m


def total_low(cost: Growth, progress: Progress, facts: Facts) -> Growth:
    """Lower bound of the sum over all iterations."""
    result = progress.low
    for m in cost.monomials:
        result = result + _monomial_low(m, progress, facts)
    return result


def _monomial_low(m: Monomial, progress: Progress, facts: Facts) -> Growth:
    special, rest = _split(m, progress)
    if special is not None:
        atom, factor = special
        end = progress.moves.get(atom, (Affine(), None))[1]
        if atom in progress.geometric:
            return _largest_term(atom, factor, rest, progress)
        kept = _ends(rest, progress, facts, 0 if factor.power == -1 else 1)
        if end is None or kept is None:
            return ONE
        if factor.power == -1:
            return kept * Growth.size(end, Factor(log=UNIT))
        try:
            return kept * _exponential(end, factor, end, False)
        except Unbounded:
            return ONE
    logs = _geometric_logs(m, progress)
    if logs is not None:
        return progress.low * logs
    kept = _ends(m, progress, facts)
    return ONE if kept is None else progress.low * kept


def _geometric_logs(m: Monomial, progress: Progress) -> Growth | None:
    """log(i)**b over a doubling i: at least half of the rounds have half of the last logarithm."""
    value, found = ONE, False
    for size, f in m:
        if not set(size.atoms) & (set(progress.geometric) | set(progress.moves)):
            value = value * Growth(frozenset([monomial({size: f})]))
            continue
        extent = progress.geometric.get(size.atoms[0])
        if extent is None or len(size.terms) != 1 or f.power != 0 or not f.polylog or f.log < 0:
            return None
        if progress.low == ONE or not all(_plain(g) for e in extent.monomials for _, g in e):
            return None
        found = True
        value = value * extent.map(lambda s, _, f=f: Growth.size(s, f))  # type: ignore[misc]
    return value if found else None


def _largest_term(atom: str, factor: Factor, rest: Monomial, progress: Progress) -> Growth:
    """A geometric progression that is known to run through reaches its extent up to a factor."""
    if progress.low == ONE or any(
        a in progress.moves or a in progress.geometric for s, _ in rest for a in s.atoms
    ):
        return ONE
    extent = progress.geometric[atom]
    if not all(_plain(f) for m in extent.monomials for _, f in m):
        return ONE
    return extent.map(lambda s, f: Growth.size(s, factor)) * Growth(frozenset([rest]))


def _ends(m: Monomial, progress: Progress, facts: Facts, end: int | None = None) -> Growth | None:
    """Each size by its larger end, where it is provably >= 0 at both ends; None if one is not.

    `end` 0 or 1 asks for the value at the first or last iteration instead: where a factor puts the
    weight of the sum on one end.
    """
    only = set(progress.moves) | set(progress.geometric)
    value = ONE
    for size, factor in m:
        if not only & set(size.atoms):
            value = value * Growth(frozenset([monomial({size: factor})]))
            continue
        if not factor.polylog or factor.falling:
            return None
        ends = _two_ends(size, progress)
        if ends is None or not all(_is_size(e, progress, facts) for e in ends):
            return None
        first, last = ends
        settled = facts.without_noise(last).is_constant
        larger = ends[end] if end is not None else first if settled else last
        if not facts.without_noise(larger).is_constant:
            value = value * Growth.size(facts.without_noise(larger), factor)
    return value


def _is_size(value: Affine, progress: Progress, facts: Facts) -> bool:
    """Provably >= 0, or a difference such as hi - lo that the loop itself counts through."""
    if facts.nonnegative(value):
        return True
    return any((ratio(value, size) or 0) > 0 for size in progress.low.sizes)


def _two_ends(size: Affine, progress: Progress) -> tuple[Affine, Affine] | None:
    first: dict[str, Affine] = {}
    last: dict[str, Affine] = {}
    for atom in size.atoms:
        if atom in progress.geometric:
            return None
        if atom in progress.moves:
            start, end = progress.moves[atom]
            if end is None:
                return None
            first[atom], last[atom] = start, end
    return size.substitute(first), size.substitute(last)
