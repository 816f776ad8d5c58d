"""How often a `while` loop runs: ranking arguments on the paths through its body.

Every variable the body changes is an atom holding its value when an iteration starts. A guard
gives a measure that is >= 1 while the loop runs; the loop ends because on every path the measure
falls by a constant, or by a factor, or because a variable grows by a factor, a power or squares
towards a fixed limit. Knows paths and conditions, not syntax.
"""

from __future__ import annotations

from fractions import Fraction
from math import ceil, floor

from neox.compiler.complexity.affine import Affine, Facts
from neox.compiler.complexity.growth import ONE, UNIT, Factor, Growth, log_of
from neox.compiler.complexity.record import dataclass, field
from neox.compiler.complexity.select import consistent, settled
from neox.compiler.complexity.values import Condition, Num, Product, Remainder, State, Value


@dataclass(frozen=True, slots=True)
class Carried:
    """A variable the body changes: its atom and what it held before the loop."""

    atom: str
    entry: Affine | None


@dataclass(slots=True)
class Trips:
    """`low` may be ONE (nothing known), `high` None; `count` is exact where it is known."""

    low: Growth = ONE
    high: Growth | None = None
    count: Affine | None = None
    most: Affine | None = None  # an upper bound of the number, where it is affine
    geometric: bool = False
    notes: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Move:
    """new = scale * atom + [least, most] on one path."""

    scale: Fraction
    least: Fraction
    most: Fraction


def move(atom: str, new: Affine, facts: Facts) -> Move | None:
    """How one path changes a variable, where that does not depend on other unknowns."""
    scale = new.coefficient(atom)
    least, most = facts.range(new - Affine.atom(atom).scale(scale))
    return None if least is None or most is None else Move(scale, least, most)


def measure_move(measure: Affine, after: Affine, facts: Facts) -> Move | None:
    """after = scale * measure + [least, most], for the scale that cancels the other atoms."""
    for atom, c in measure.terms:
        scale = after.coefficient(atom) / c
        least, most = facts.range(after - measure.scale(scale))
        if least is not None and most is not None:
            return Move(scale, least, most)
    return None


def shrinks(m: Move, start: int, floor_at: Fraction | None) -> bool:
    """Does every integer measure >= start fall, and stay >= floor_at where one is given?

    For scale < 1 the claim needs checking up to most / (1 - scale) only; beyond it holds.
    """
    if m.scale == 1:
        return m.most <= -1 and (floor_at is None or start + ceil(m.least) >= floor_at)
    if not 0 <= m.scale < 1:
        return False
    last = max(start, floor(m.most / (1 - m.scale)) + 1)
    if last - start > 10_000:
        return False
    falls = all(floor(m.scale * k + m.most) < k for k in range(start, last + 1))
    low = ceil(m.scale * start + m.least)
    return falls and (floor_at is None or low >= floor_at)


@dataclass(slots=True)
class Paths:
    """The continuing paths of a loop body, in terms of the atoms of one iteration.

    `after[i]` maps each carried atom to its affine value after path i; `values[i]` to any value.
    """

    going: list[State]
    after: list[dict[str, Affine]]
    values: list[dict[str, Value]]
    carried: dict[str, Carried]

    @property
    def entry(self) -> dict[str, Affine]:
        return {c.atom: c.entry for c in self.carried.values() if c.entry is not None}

    def only(self, index: int) -> Paths:
        return Paths([self.going[index]], [self.after[index]], [self.values[index]], self.carried)


def upper_trips(paths: Paths, facts: Facts, single: bool) -> Trips:
    """Trips from above; `single`: the loop ends only by its one guard, so a count is exact."""
    if not paths.going:
        return Trips(ONE, ONE)
    shared = [
        c for c in paths.going[0].conditions if all(c in g.conditions for g in paths.going[1:])
    ]
    best = Trips()
    found = [_by_condition(c, paths, facts) for c in shared]
    sizes = [c.value for c in shared if c.kind == "size" and c.value is not None]
    for i, a in enumerate(sizes):
        for b in sizes[i + 1 :]:
            found.append(_by_measure(a + b, "size", paths, facts))
    for trips in found:
        if trips is None or trips.high is None:
            continue
        if best.high is None or (trips.high <= best.high and trips.high != best.high):
            best = trips
    if not single:
        best.count, best.low = None, ONE
    return best


def lower_trips(
    index: int, paths: Paths, facts: Facts, start: list[Condition]
) -> tuple[Growth, set[str]] | None:
    """Trips when every iteration takes one path: the first of its decisions to turn ends it.

    None where a decision can be neither counted through nor chosen by the caller.
    """
    alone, assumed = paths.only(index), set()
    low: Growth | None = None
    if not consistent(paths.going[index].conditions):
        return None
    for condition in paths.going[index].conditions:
        if condition.kind == "data":
            gap = condition.value
            if gap is not None and not any(
                facts.nonnegative(side.plus(-1)) for side in (gap, -gap)
            ):
                return None
            assumed.add(f"path-feasible:{condition.line}")
            continue
        if condition.kind == "prime" and _prime_keeps(condition, alone, facts, start):
            assumed.add(f"path-feasible:{condition.line}")
            continue
        if condition.value is not None and condition.value.is_constant:
            if settled(condition):
                continue
            return None
        trips = _by_condition(condition, alone, facts)
        if trips is None:
            return None
        if low is None or trips.low <= low:
            low = trips.low
        elif not low <= trips.low:
            return None
    return (ONE if low is None else low), assumed


def _by_condition(condition: Condition, paths: Paths, facts: Facts) -> Trips | None:
    if condition.degree > 1:
        return _powered(condition, paths, facts)
    if condition.kind in {"size", "nonzero"} and condition.value is not None:
        return _by_measure(condition.value, condition.kind, paths, facts)
    return None


def _by_measure(measure: Affine, kind: str, paths: Paths, facts: Facts) -> Trips | None:
    unknown = {c.atom for c in paths.carried.values() if c.entry is None}
    if unknown & set(measure.atoms) or measure.is_constant:
        return None
    return (
        _ranked(measure, kind, paths, facts)
        or _by_amount(measure, paths, facts)
        or _accelerating(measure, paths, facts)
        or _growing(measure, paths, facts)
        or _squaring(measure, paths, facts)
        or _euclid(measure, paths)
    )


def _prime_keeps(condition: Condition, paths: Paths, facts: Facts, guards: list[Condition]) -> bool:
    """A prime n is not divisible by d as long as 2 <= d < n: d starts at 2 and a guard says so."""
    dividend, divisor = condition.value, condition.other
    if dividend is None or divisor is None:
        return False
    if divisor.is_constant and divisor.const >= 2:
        return True
    if len(divisor.terms) != 1 or divisor.const:
        return False
    atom = divisor.atoms[0]
    if len(dividend.terms) != 1 or "#" in dividend.atoms[0] or dividend.const:
        return False
    start = paths.entry.get(atom) or facts.low.get(atom)
    if divisor.terms[0][1] != 1 or start is None or start.terms or start.const < 2:
        return False
    if atom in paths.entry:
        moves = [move(atom, new.get(atom, divisor), facts) for new in paths.after]
        if not all(m is not None and m.scale == 1 and m.least >= 0 for m in moves):
            return False
    for guard in guards:
        if guard.degree > 1 and guard.value == divisor and guard.other == dividend:
            return True
        if guard.kind == "size" and guard.value is not None and guard.value.terms:
            gap = dividend - divisor - guard.value
            if gap.is_constant and gap.const >= 0:
                return True
    high = facts.high.get(atom)
    return high is not None and (dividend - high).is_constant and (dividend - high).const >= 1


def _after(measure: Affine, new: dict[str, Affine]) -> Affine | None:
    return measure.map_atoms(lambda a: new.get(a, Affine.atom(a)))


def _ranked(measure: Affine, kind: str, paths: Paths, facts: Facts) -> Trips | None:
    entry, after = paths.entry, paths.after
    if not set(measure.atoms) & set(entry):
        return None
    if kind == "nonzero" and len(measure.terms) == 1 and measure.terms[0][1] < 0:
        measure = -measure
    moves: list[Move] = []
    for new in after:
        value = _after(measure, new)
        m = None if value is None else measure_move(measure, value, facts)
        if m is None or not shrinks(m, 1, Fraction(0) if kind == "nonzero" else None):
            return None
        moves.append(m)
    start = measure.substitute(entry)
    notes = {f"{start.text()} >= 0"} if kind == "nonzero" else set()
    size = Growth.size(facts.without_noise(start))
    if all(m.scale == 1 for m in moves):
        exact = all(m.least == m.most == -1 for m in moves) and facts.nonnegative(start)
        return Trips(size, size, start if exact else None, start, notes=notes)
    if any(m.scale == 1 for m in moves):
        return Trips(ONE, size, None, start, notes=notes)
    low = log_of(size) if all(m.scale > 0 for m in moves) else ONE
    return Trips(low, log_of(size), geometric=True, notes=notes)


def _falls(measure: Affine, paths: Paths) -> list[Affine] | None:
    """What each path takes off the measure; None where that is unknown."""
    amounts = []
    for new in paths.after:
        value = _after(measure, new)
        if value is None:
            return None
        amounts.append(measure - value)
    return amounts


def _by_amount(measure: Affine, paths: Paths, facts: Facts) -> Trips | None:
    """Every path takes the same s >= 1 off the measure, s not changing: measure / s trips."""
    amounts = _falls(measure, paths)
    if not amounts or any(a != amounts[0] for a in amounts):
        return None
    step = amounts[0]
    line = step.linear()
    if len(line.terms) != 1 or line.terms[0][1] < 0 or set(step.atoms) & set(paths.entry):
        return None
    least = facts.lower(step)
    start = measure.substitute(paths.entry)
    if step.const < 0 or least is None or least.const < 1 or any(c < 0 for _, c in least.terms):
        return None
    size = Growth.size(facts.without_noise(start))
    share = size * Growth.size(line, Factor(power=-UNIT))
    return Trips(share, share + ONE)


def _accelerating(measure: Affine, paths: Paths, facts: Facts) -> Trips | None:
    """Each trip takes x off the measure and x itself grows by at least 1: a square root."""
    amounts = _falls(measure, paths)
    if not amounts:
        return None
    exact = len(amounts) == 1
    for amount, new in zip(amounts, paths.after, strict=True):
        moving = [a for a in amount.atoms if a in paths.entry]
        if len(moving) != 1 or amount.coefficient(moving[0]) <= 0:
            return None
        atom = moving[0]
        rest = facts.lower(amount - Affine.atom(atom).scale(amount.coefficient(atom)))
        start = facts.lower(paths.entry[atom])
        grows = move(atom, new.get(atom, Affine.atom(atom)), facts)
        if rest is None or rest.terms or start is None or any(c < 0 for _, c in start.terms):
            return None
        if grows is None or grows.scale != 1 or grows.least < 1:
            return None
        exact = exact and grows.least == grows.most and paths.entry[atom].is_constant
        exact = exact and len(amount.terms) == 1
    whole = measure.substitute(paths.entry)
    root = Growth.size(facts.without_noise(whole), Factor(power=Fraction(1, 2)))
    return Trips(root if exact else ONE, root)


def _growing(measure: Affine, paths: Paths, facts: Facts) -> Trips | None:
    """x < limit with x' >= c*x, c > 1, from x >= 1: logarithmic in the limit."""
    entry, after = paths.entry, paths.after
    moving = set(measure.atoms) & set(entry)
    if len(moving) != 1:
        return None
    (atom,) = moving
    start = facts.lower(entry[atom])
    if measure.coefficient(atom) >= 0 or start is None or start.terms or start.const < 1:
        return None
    moves = [move(atom, new.get(atom, Affine.atom(atom)), facts) for new in after]
    if not all(m is not None and m.scale > 1 and m.least >= 0 for m in moves):
        return None
    limit = Affine.build({a: c for a, c in measure.terms if a != atom}, Fraction(0))
    size = log_of(Growth.size(facts.without_noise(limit)))
    low = size if entry[atom].is_constant else ONE
    return Trips(low, size, geometric=True)


def _squaring(measure: Affine, paths: Paths, facts: Facts) -> Trips | None:
    """x < limit with x' = x*x from a constant x >= 2: log log of the limit."""
    entry, values = paths.entry, paths.values
    moving = set(measure.atoms) & set(entry)
    if len(moving) != 1:
        return None
    (atom,) = moving
    start = entry[atom]
    if measure.coefficient(atom) >= 0 or not start.is_constant or start.const < 2:
        return None
    square = Product((Affine.atom(atom), Affine.atom(atom)))
    if not all(v.get(atom) == square for v in values):
        return None
    limit = Affine.build({a: c for a, c in measure.terms if a != atom}, Fraction(0))
    size = log_of(log_of(Growth.size(facts.without_noise(limit))))
    return Trips(size, size, geometric=True)


def _euclid(measure: Affine, paths: Paths) -> Trips | None:
    """b != 0 with a, b = b, a % b: log of the smaller one; Fibonacci numbers reach it (Lame)."""
    entry, values = paths.entry, paths.values
    if len(measure.terms) != 1:
        return None
    b = measure.atoms[0]
    for a in entry:
        if a == b or b not in entry:
            continue
        step = Remainder(Affine.atom(a), Affine.atom(b))
        if all(v.get(b) == step and v.get(a) == Num(Affine.atom(b)) for v in values):
            return euclid_trips(entry[a], entry[b])
    return None


def euclid_trips(a: Affine, b: Affine) -> Trips | None:
    if any(len(x.terms) != 1 or "#" in x.atoms[0] or x.const for x in (a, b)):
        return None
    smaller = Affine.atom(f"min({a.atoms[0]}, {b.atoms[0]})")
    size = Growth.size(smaller, Factor(log=UNIT))
    return Trips(size, size, geometric=True)


def _powered(condition: Condition, paths: Paths, facts: Facts) -> Trips | None:
    """x**k <= limit with x' = x + d, d >= 1, from a constant: the k-th root of the limit."""
    if condition.value is None or condition.other is None:
        return None
    entry, after = paths.entry, paths.after
    base = condition.value
    if len(base.terms) != 1 or base.atoms[0] not in entry or base.terms[0][1] <= 0:
        return None
    atom = base.atoms[0]
    start = entry[atom]
    if not start.is_constant or start.const < 0 or set(condition.other.atoms) & set(entry):
        return None
    moves = [move(atom, new.get(atom, Affine.atom(atom)), facts) for new in after]
    root = Factor(power=Fraction(1, condition.degree))
    size = Growth.size(facts.without_noise(condition.other), root)
    if all(m is not None and m.scale == 1 and m.least >= 1 for m in moves):
        return Trips(size, size)
    if start.const >= 1 and all(m is not None and m.scale > 1 and m.least >= 0 for m in moves):
        return Trips(log_of(size), log_of(size), geometric=True)
    return None
