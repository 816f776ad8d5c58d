"""How a recurrence was solved, in words: the equation, the case, the root, the conditions.

For `neox verify --explain`. Takes the calls and the toll that `recursion` found; decides nothing.
"""

from __future__ import annotations

from fractions import Fraction

from neox.compiler.complexity.affine import Affine
from neox.compiler.complexity.exponent import Exponent, Root, compare, solve_power, solve_rate
from neox.compiler.complexity.growth import UNIT, Factor, Growth
from neox.compiler.complexity.record import dataclass


@dataclass(frozen=True, slots=True)
class Shape:
    """One recursive call: scale * n + [least, most]; `each`: n times; `history`: all below."""

    scale: Fraction
    least: Fraction
    most: Fraction
    each: bool
    history: bool


def explain_recurrence(measure: Affine, calls: list[Shape], toll: Growth | None) -> list[str]:
    size = measure.linear()
    names = {s: "n" if s == size else s.text() for s in (toll.sizes if toll else frozenset())}
    cost = "unknown" if toll is None else toll.text(names)
    lines = [f"recurrence: T(n) = {_calls(calls)} + {cost}, n = {measure.text()}"]
    factor = _factor(toll, size)
    if not calls or factor is None:
        return lines
    if any(c.history for c in calls):
        lines.append(f"case: full history; T(n) - T(n-1) leaves {1 + len(calls)}*T(n-1)")
    elif any(c.each for c in calls):
        lines.append("case: n calls of size n-1; n! as soon as the sum of toll(j)/j! converges")
    elif all(c.scale < 1 for c in calls):
        lines += _akra_bazzi(calls, factor)
    elif all(c.scale == 1 for c in calls):
        lines += _linear(calls, factor)
    return lines


def _calls(calls: list[Shape]) -> str:
    texts: dict[str, int] = {}
    for c in calls:
        if c.history:
            text = "sum of T(j), j < n"
        else:
            head = "n" if c.scale == 1 else f"{c.scale}*n"
            shift = "" if c.least == c.most == 0 else f" + [{c.least}, {c.most}]"
            if c.least == c.most and c.most:
                shift = f" - {-c.most}" if c.most < 0 else f" + {c.most}"
            text = f"{'n*' * c.each}T({head}{shift})"
        texts[text] = texts.get(text, 0) + 1
    return " + ".join(f"{k}*{t}" if k > 1 else t for t, k in texts.items())


def _factor(toll: Growth | None, size: Affine) -> Factor | None:
    """The largest part of the toll in the measure alone."""
    if toll is None:
        return None
    best = Factor()
    for m in toll.monomials:
        part = dict(m).get(size, Factor())
        if part.compare(best) > 0:
            best = part
    return best


def _akra_bazzi(calls: list[Shape], toll: Factor) -> list[str]:
    terms = tuple((UNIT, c.scale) for c in calls)
    p = solve_power(terms)
    equation = " + ".join(f"({c.scale})**p" for c in calls) + " = 1"
    lines = [f"p: {_text(p)}, the root of {equation}"]
    if not toll.polylog:
        return [*lines, "case: the toll outgrows every polynomial and dominates its smaller copies"]
    sign = compare(p, toll.power)
    word = {1: "above", 0: "equal to", -1: "below"}[sign]
    result = {1: "n**p", 0: "n**p times the integral of the logarithms", -1: "the toll"}[sign]
    shift = max(max(abs(c.least), abs(c.most)) for c in calls)
    return [
        *lines,
        f"case: p is {word} the toll's degree {_text(toll.power)}, so T grows like {result}",
        f"Leighton 1: {len(calls)} calls, a fixed number, each with 0 < b < 1: holds",
        f"Leighton 2: |h(n)| <= {shift} <= n/log(n)**2: holds",
        "Leighton 3: every argument falls and the base case is reached: checked for all integers",
        "Leighton 4: the toll is n**a log(n)**b loglog(n)**c, of polynomial growth: holds",
    ]


def _linear(calls: list[Shape], toll: Factor) -> list[str]:
    steps = [-c.most for c in calls]
    deep = "depth: linear in n"
    if len(calls) == 1:
        return [f"case: one call, {steps[0]} smaller: the tolls of all levels are summed", deep]
    rate = solve_rate(tuple((UNIT, k) for k in steps))
    equation = " + ".join(f"R**-{k}" for k in steps) + " = 1"
    word = {1: "above", 0: "equal to", -1: "below"}[compare(rate, toll.rate)]
    return [
        f"R: {_text(rate)}, the root of {equation}",
        f"case: R is {word} the toll's rate {_text(toll.rate)}",
        deep,
    ]


def _text(value: Exponent) -> str:
    if isinstance(value, Root):
        low, high = value.enclose()
        return f"{value.text()} in [{low:.12f}, {high:.12f}]"
    return str(value)
