"""Recursion on the square root: T(n) = a*T(sqrt n) + g(n).

With m = log n it is S(m) = a*S(m/2) + g(e**m), an ordinary recurrence where g is polylogarithmic;
where g has a power of n, g falls so fast from level to level that T = Theta(g).
"""

from __future__ import annotations

from fractions import Fraction

from neox.compiler.complexity.affine import Affine, Facts
from neox.compiler.complexity.growth import ONE, ZERO, Factor, Growth, monomial
from neox.compiler.complexity.recurrences import divide
from neox.compiler.complexity.select import settled, witness
from neox.compiler.complexity.solution import Solution
from neox.compiler.complexity.values import State


def rooted(paths: list[State], recursive: list[State], facts: Facts) -> Solution | None:
    """The solution where every recursive call is on the root of one and the same size."""
    sites = [site for p in recursive for site in p.calls]
    bases = set()
    for site in sites:
        found = [
            (atom, facts.roots[size.atoms[0]])
            for atom, size in site.sizes
            if size is not None and size.atoms and size.atoms[0] in facts.roots
        ]
        if len(found) != 1 or found[0][1] != Affine.atom(found[0][0]) or not _once(site.times):
            return None
        bases.add(found[0][0])
    if len(bases) != 1:
        return None
    size = Affine.atom(bases.pop())
    if not all(_above_one(p, size) for p in recursive):
        return None
    most = max(len(p.calls) for p in recursive)
    high: Growth | None = ONE
    for p in paths:
        high = None if high is None or p.high is None else high + p.high
    live = [p for p in paths if not any(settled(c) is False for c in p.conditions)]
    sure = live and all(p.calls and not any(c.maybe for c in p.calls) for p in live)
    least = min((len(p.calls) for p in live), default=0) if sure else 0
    low = ONE
    for p in live:
        low = p.low if p is live[0] else low if low <= p.low else p.low if p.low <= low else ONE
    assumed = set().union(*(p.assumed_low for p in live)) if live else set()
    for p in recursive:
        taken = witness(p.conditions)
        if taken is not None and len(p.calls) > least and not any(c.maybe for c in p.calls):
            least, low, assumed = len(p.calls), p.low, taken | p.assumed_low
    top = None if high is None else _solved(most, high, size)
    bottom = _solved(least, low, size) if least else low
    trace = [f"recurrence: T(n) = {most}*T(sqrt(n)) + toll; with m = log(n), S(m) = {most}*S(m/2)"]
    return Solution(bottom or ONE, top, assumed, trace=trace)


def _once(times: Affine) -> bool:
    return times.is_constant and times.const == 1


def _above_one(path: State, size: Affine) -> bool:
    """Only above 1 is the whole root smaller than the number."""
    return any(
        c.kind == "size" and c.value is not None and c.value.linear() == size
        and 1 - c.value.const >= 2
        for c in path.conditions
    )  # fmt: skip


def _solved(calls: int, toll: Growth, size: Affine) -> Growth | None:
    total = ONE
    for m in toll.monomials:
        if any(s != size for s, _ in m):
            return None
        f = dict(m).get(size, Factor())
        if not f.polylog or f.power != ZERO:
            answer: Factor | None = f
        else:
            inner = divide(((Fraction(calls), Fraction(1, 2)),), Factor(power=f.log, log=f.loglog))
            fits = inner is not None and inner.loglog == 0 and isinstance(inner.power, Fraction)
            answer = None
            if fits and inner is not None and isinstance(inner.power, Fraction):
                answer = Factor(log=inner.power, loglog=inner.log)
        if answer is None:
            return None
        total = total + Growth(frozenset([monomial({size: answer})]))
    return total
