"""From the paths of a recursive function to its recurrence, and to its cost.

Tries the sizes that the base-case tests speak of (`n`, `len(a)`, `hi - lo`) as the measure of the
recursion. A measure serves if it shrinks on every call of every path and cannot jump over the base
case; then the calls give a recurrence in it. Several calls of different paths are never added up.
"""

from __future__ import annotations

from fractions import Fraction

from neox.compiler.complexity.affine import Affine, Facts, ratio
from neox.compiler.complexity.explain import Shape, explain_recurrence
from neox.compiler.complexity.growth import ONE, UNIT, Factor, Growth, Monomial, monomial
from neox.compiler.complexity.linked import linked
from neox.compiler.complexity.parity import Call, alternating, residues
from neox.compiler.complexity.record import replace
from neox.compiler.complexity.recurrences import (
    divide,
    full_history,
    product_of_sizes,
    subtract,
)
from neox.compiler.complexity.roots import rooted
from neox.compiler.complexity.select import settled, witness
from neox.compiler.complexity.solution import Solution
from neox.compiler.complexity.split import split
from neox.compiler.complexity.trips import Move, euclid_trips, measure_move, shrinks
from neox.compiler.complexity.values import CallSite, Condition, Element, State


def unchosen(paths: list[State], facts: Facts) -> list[State]:
    """The paths, where content that the function itself writes is not the caller's to choose.

    What one call writes the next one reads. Items that only change places stay the caller's.
    """
    changed = {k.removeprefix("parameter:") for p in paths for k in p.touched}
    written = {
        key.removeprefix("parameter:")
        for p in paths
        for key in p.touched & p.heap.keys()
        if not (isinstance(p.heap[key].element, Element) and p.heap[key].element.free)  # type: ignore[union-attr]
    }
    result = []
    for p in paths:
        conditions = [
            Condition("opaque", c.line, c.value, c.other)
            if c.kind == "prime"
            else Condition("opaque", c.line)
            if c.kind == "data" and c.about & (changed if "absent" in c.outcomes else written)
            else _without_noise(c, facts)
            for c in p.conditions
        ]
        lines = [x.partition(":")[2] for x in p.assumed_low if x.startswith("path-feasible:")]
        doubtful = any(facts.about.get(int(line), set()) & written for line in lines)
        low = ONE if doubtful else p.low
        result.append(replace(p, conditions=conditions, low=low))
    return result


def _without_noise(c: Condition, facts: Facts) -> Condition:
    """What a decision on a size implies whatever its rounding errors; the same for large sizes."""
    if c.kind != "size" or c.value is None or facts.mods.keys() & set(c.value.atoms):
        return c
    noise = set(c.value.atoms) - set(facts.without_noise(c.value).atoms)
    value = facts.upper(c.value, noise) if noise else None
    return c if value is None or not value.terms else replace(c, value=value)


def solve(paths: list[State], facts: Facts) -> Solution:
    """Cost of a recursive function from the states at its ends; lows and highs are settled."""
    paths = unchosen(paths, facts)
    recursive = [p for p in paths if p.calls]
    euclid = (
        _euclid(paths, recursive) or linked(paths, recursive) or rooted(paths, recursive, facts)
    )
    if euclid is not None:
        return euclid
    notes: set[str] = set()
    for measure in candidates(recursive):
        solution = _solve_in(measure, paths, recursive, facts)
        if solution is None:
            solution = _solve_split(measure, paths, recursive, facts)
        if solution is not None and solution.high is not None:
            return solution
        if solution is not None:
            notes |= solution.notes
    return Solution(notes=notes or {"no measure was found that shrinks on every recursive call"})


def _euclid(paths: list[State], recursive: list[State]) -> Solution | None:
    """f(a, b) = f(b, a % b) until b is 0: log of the smaller, reached by Fibonacci numbers."""
    pairs = {site.euclid for p in recursive for site in p.calls}
    if len(pairs) != 1 or any(len(p.calls) != 1 or p.high != ONE for p in recursive):
        return None
    pair = pairs.pop()
    if pair is None or any(p.high != ONE for p in paths):
        return None
    a, b = pair
    guards = [c for p in recursive for c in p.conditions]
    if not guards or any(c.kind != "nonzero" or c.value != Affine.atom(b) for c in guards):
        return None
    trips = euclid_trips(Affine.atom(a), Affine.atom(b))
    return None if trips is None else Solution(trips.low, trips.high)


def candidates(recursive: list[State]) -> list[Affine]:
    found: list[Affine] = []
    for path in recursive:
        for c in path.conditions:
            if c.kind in {"size", "nonzero"} and c.value is not None and c.value.terms:
                line = c.value.linear()
                line = line.scale(1 / abs(line.terms[0][1]))
                options = [line, -line] if c.kind == "nonzero" else [line]
                for option in options:
                    rising = any(c > 0 for _, c in option.terms)  # -n is no size
                    if rising and not any("#" in a for a in option.atoms) and option not in found:
                        found.append(option)
    found.sort(key=lambda m: sum(c < 0 for _, c in m.terms) - sum(c > 0 for _, c in m.terms) >= 0)
    return found[:8]


def _solve_in(
    measure: Affine, paths: list[State], recursive: list[State], facts: Facts
) -> Solution | None:
    notes: set[str] = set()
    shapes: list[list[Call]] = []
    for path in recursive:
        start, bottom = domain(path, measure, facts)
        calls: list[Call] = []
        for site in path.calls:
            call = _shape(site, measure, facts)
            if call is None:
                return None
            if start is None or not _founded(call, measure, start, bottom):
                return None
            calls.append(call)
        if bottom is not None and not (bottom == 0 and _natural(measure)):
            notes.add(f"{measure.text()} >= {bottom}")
        shapes.append(calls)
    unfolded = alternating(measure, recursive, shapes, facts)
    high = _upper(measure, paths, recursive, unfolded, facts)
    low, assumed = _lower(measure, paths, recursive, shapes, facts)
    merged = _dominating([_sorted_shape(s) for s in shapes], True)
    tolls = [p.high for p in paths]
    trace = [] if merged is None else explain(measure, merged, tolls)
    return Solution(low, high, assumed, notes, trace)


def _solve_split(
    measure: Affine, paths: list[State], recursive: list[State], facts: Facts
) -> Solution | None:
    if any(domain(p, measure, facts)[0] is None or domain(p, measure, facts)[1] for p in recursive):
        return None

    def recurrence(calls: list[Call], toll: Growth, path: State) -> Growth | None:
        return _recurrence(calls, toll, measure, [path], facts, False)

    return split(measure, paths, recursive, facts, recurrence)


def explain(measure: Affine, calls: list[Call], tolls: list[Growth | None]) -> list[str]:
    toll: Growth | None = ONE
    for t in tolls:
        toll = None if toll is None or t is None else toll + t
    shapes = [
        Shape(c.move.scale, c.move.least, c.move.most, c.times is None, c.history) for c in calls
    ]
    return explain_recurrence(measure, shapes, toll)


def _natural(measure: Affine) -> bool:
    return all(c > 0 for _, c in measure.terms)


def domain(path: State, measure: Affine, facts: Facts) -> tuple[int | None, int | None]:
    """(least measure on this path, least measure callers may pass or None for any).

    `measure >= t` comes from comparisons. `measure != v` excludes v: with the excluded values in
    a row the recursion starts above them, if arguments never fall below the row.
    """
    least: int | None = None
    excluded: set[int] = set()
    for c in path.conditions:
        if c.value is None or not c.value.terms:
            continue
        k = ratio(c.value, measure)
        if k is None:
            continue
        if c.kind == "size" and k > 0:
            bound = -((c.value.const - 1) / k // 1)  # k*m + const >= 1
            least = int(bound) if least is None else max(least, int(bound))
        elif c.kind == "nonzero":
            point = -c.value.const / k
            if point.denominator == 1:
                excluded.add(int(point))
    left = residues(path, measure, facts)
    if least is not None:
        while least in excluded or (left and least % 2 not in left):
            least += 1
        return least, None
    if not excluded:
        return None, None
    bottom = min(excluded)
    least = bottom
    while least in excluded or (left and least % 2 not in left):
        least += 1
    return least, bottom


def _founded(call: Call, measure: Affine, start: int, bottom: int | None) -> bool:
    clamped = len(measure.terms) == 1 and measure.atoms[0].startswith("len(")
    floor_at = None if bottom is None or (clamped and bottom <= 0) else Fraction(bottom)
    if call.history:
        return True
    return shrinks(call.move, start, floor_at)


def _shape(site: CallSite, measure: Affine, facts: Facts) -> Call | None:
    sizes = dict(site.sizes)
    after = measure.map_atoms(lambda a: sizes.get(a, Affine.atom(a)))
    if after is None:
        return None
    if site.times.is_constant:
        times: Fraction | None = site.times.const
    elif ratio(site.times, measure) == 1:
        times = None
    else:
        return None
    if site.index is not None and site.index in after.atoms:
        return _history(site, after, measure, facts)
    m = measure_move(measure, after, facts)
    if m is None or not 0 < m.scale <= 1:
        return None
    return Call(m, times, maybe=site.maybe)


def _history(site: CallSite, after: Affine, measure: Affine, facts: Facts) -> Call | None:
    """Arguments running once through a range that ends just below the measure."""
    assert site.index is not None
    if abs(after.coefficient(site.index)) != 1 or ratio(site.times, measure) != 1:
        return None
    low = facts.lower(after, [site.index])
    high = facts.upper(after, [site.index])
    if low is None or high is None or not low.is_constant or low.const < 0:
        return None
    if ratio(high, measure) != 1 or high.const - measure.const != -1:
        return None
    return Call(Move(UNIT, Fraction(-1), Fraction(-1)), UNIT, history=True, maybe=site.maybe)


def _sorted_shape(calls: list[Call]) -> list[Call]:
    """Constant repetitions written out, largest arguments first."""
    flat: list[Call] = []
    for c in calls:
        if c.times is None or c.history:
            flat.append(c)
        else:
            flat += [Call(c.move, UNIT, maybe=c.maybe)] * min(int(c.times), 64)
    return sorted(flat, key=lambda c: (c.move.scale, c.move.most), reverse=True)


def _upper(
    measure: Affine,
    paths: list[State],
    recursive: list[State],
    shapes: list[list[Call]],
    facts: Facts,
) -> Growth | None:
    """One recurrence above all paths: the i-th largest argument of any path, the largest toll."""
    ordered = [_sorted_shape(s) for s in shapes]
    merged = _dominating(ordered, True)
    tolls = [p.high for p in paths]
    total = ONE
    for toll in tolls:
        if toll is None:
            return None
        total = total + toll
    return None if merged is None else _recurrence(merged, total, measure, recursive, facts, True)


def _dominating(shapes: list[list[Call]], largest: bool) -> list[Call] | None:
    """Position by position the largest (or smallest) argument; special calls must agree."""
    if any(c.times is None or c.history for s in shapes for c in s):
        plain = [[c for c in s if largest or not c.maybe] for s in shapes]
        return plain[0] if all(s == plain[0] for s in plain) else None
    count = (max if largest else min)(len(s) for s in shapes)
    result = []
    for i in range(count):
        column = [s[i] for s in shapes if i < len(s)]
        pick = max if largest else min
        result.append(pick(column, key=lambda c: (c.move.scale, c.move.most)))
    return result


def _lower(
    measure: Affine,
    paths: list[State],
    recursive: list[State],
    shapes: list[list[Call]],
    facts: Facts,
) -> tuple[Growth, set[str]]:
    """The best path that some input takes at every level; else the least of what all must do."""
    sizes = frozenset([measure.linear()])
    best, assumed = ONE, set[str]()
    for path, calls in zip(recursive, shapes, strict=True):
        taken = witness(path.conditions, sizes)
        sure = _sorted_shape([c for c in calls if not c.maybe])
        if taken is None or not sure:
            continue
        found = _recurrence(sure, path.low, measure, [path], facts, False)
        if found is not None and best <= found and found != best:
            best, assumed = found, taken | path.assumed_low
    live = [p for p in paths if not any(settled(c, sizes) is False for c in p.conditions)]
    if all(p.calls for p in live) and best == ONE:
        merged = _dominating([_sorted_shape([c for c in s if not c.maybe]) for s in shapes], False)
        if merged:
            toll = _least([p.low for p in live])
            found = _recurrence(merged, toll, measure, recursive, facts, False)
            if found is not None:
                best = found
                assumed = set().union(*(p.assumed_low for p in live))
    return best, assumed


def _least(tolls: list[Growth]) -> Growth:
    least = tolls[0]
    for toll in tolls[1:]:
        least = least if least <= toll else toll if toll <= least else ONE
    return least


def _recurrence(
    calls: list[Call],
    toll: Growth,
    measure: Affine,
    recursive: list[State],
    facts: Facts,
    largest: bool,
) -> Growth | None:
    """Solve T(m) = calls + toll for every monomial of the toll and take the largest."""
    size = measure.linear()
    total = ONE
    for m in toll.monomials:
        inner, others = _separate(m, size)
        if not all(invariant(s, recursive) for s in others.sizes):
            if largest:
                return None
            inner, others = Factor(), ONE
        factor = _solve_factor(calls, inner, largest)
        if factor is None:
            return None
        total = total + others * Growth(frozenset([monomial({size: factor})]))
    return total


def _separate(m: Monomial, size: Affine) -> tuple[Factor, Growth]:
    factors = dict(m)
    inner = factors.pop(size, Factor())
    return inner, Growth(frozenset([monomial(factors)]))


def invariant(size: Affine, recursive: list[State]) -> bool:
    """Every recursive call passes this size on unchanged."""
    for path in recursive:
        for site in path.calls:
            sizes = dict(site.sizes)
            if size.map_atoms(lambda a, sizes=sizes: sizes.get(a, Affine.atom(a))) != size:  # type: ignore[misc]
                return False
    return True


def _solve_factor(calls: list[Call], toll: Factor, largest: bool) -> Factor | None:
    if not calls:
        return toll
    special = [c for c in calls if c.times is None or c.history]
    if special:
        if all(c.history for c in calls):
            return full_history(Fraction(len(calls)), toll)
        if len(calls) != 1:
            return None
        steps_by_one = calls[0].move.least == calls[0].move.most == -1
        return product_of_sizes(toll) if steps_by_one and calls[0].move.scale == 1 else None
    if all(c.move.scale < 1 for c in calls):
        return divide(tuple((UNIT, c.move.scale) for c in calls), toll)
    if all(c.move.scale == 1 for c in calls):
        steps = [-(c.move.most if largest else c.move.least) for c in calls]
        if any(k.denominator != 1 or k < 1 for k in steps):
            return None
        return subtract(tuple((UNIT, k) for k in steps), toll)
    if largest and len(calls) == 1:
        return None
    return None
