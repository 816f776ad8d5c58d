"""Real roots that name exponents: exact case decisions, certified enclosures, closed forms.

A `Root` is the unique positive-coefficient root of `sum a_i * b_i**p = 1` (an exponent p, Akra and
Bazzi) or of `sum c_i * R**-k_i = 1` (a growth rate R, a linear recurrence), plus a rational shift.
No decision is a float comparison. Knows nothing about programs.
"""

from __future__ import annotations

from decimal import Decimal, localcontext
from fractions import Fraction
from functools import lru_cache
from math import isqrt
from typing import Literal

from neox.compiler.complexity.record import dataclass

Terms = tuple[tuple[Fraction, Fraction], ...]
DIGITS = 60  # working precision; enclosures are good to 10**-40, far below any printed digit
_WIDTH = Decimal(10) ** -40
_MARGIN = Decimal(10) ** -50  # rounding of a sum of under 1000 powers stays below this


class Undecided(Exception):
    """Two quantities could not be told apart within the precision we allow ourselves."""


@dataclass(frozen=True, slots=True)
class Root:
    """`kind` "power": p with sum a*b**p = 1; "rate": R with sum a*R**-b = 1. Terms are (a, b)."""

    kind: Literal["power", "rate"]
    terms: Terms
    shift: Fraction = Fraction(0)

    def compare(self, value: Fraction) -> int:
        """Sign of (this root - value), exactly.

        The sum falls strictly in p (in R), so the root is larger where the sum there exceeds 1.
        """
        point = value - self.shift
        if self.kind == "rate" and point <= 0:
            return 1
        return sum_sign(self.kind, self.terms, point)

    def enclose(self) -> tuple[Decimal, Decimal]:
        low, high = _enclose(self.kind, self.terms)
        with localcontext() as context:
            context.prec = DIGITS
            shift = Decimal(self.shift.numerator) / Decimal(self.shift.denominator)
            return low + shift - _WIDTH, high + shift + _WIDTH

    def plus(self, value: Fraction) -> Root:
        return Root(self.kind, self.terms, self.shift + value)

    def equation(self) -> str:
        if self.kind == "power":
            parts = [f"{_times(a)}({b})**p" for a, b in self.terms]
        else:
            parts = [f"{_times(a)}R**-{b}" for a, b in self.terms]
        return " + ".join(parts) + " = 1"

    def text(self) -> str:
        """Closed form where there is a short one, else 25 certified digits."""
        closed = _closed(self)
        if closed is None:
            low, high = self.enclose()
            closed = str(((low + high) / 2).quantize(Decimal(10) ** -25))
            return closed
        return closed if not self.shift else f"({closed} + {self.shift})"


Exponent = Fraction | Root


def compare(left: Exponent, right: Exponent) -> int:
    """Sign of left - right, exactly; raises Undecided where 40 digits do not separate two roots."""
    if isinstance(left, Fraction):
        if isinstance(right, Fraction):
            return (left > right) - (left < right)
        return -right.compare(left)
    if isinstance(right, Fraction):
        return left.compare(right)
    if left == right:
        return 0
    a, b = left.enclose(), right.enclose()
    if a[0] > b[1]:
        return 1
    if a[1] < b[0]:
        return -1
    raise Undecided(f"{left.equation()} against {right.equation()}")


def solve_power(terms: Terms) -> Exponent:
    """The Akra-Bazzi exponent of `sum a * T(b * n)`: rational where it is rational."""
    merged: dict[Fraction, Fraction] = {}
    for a, b in terms:
        merged[b] = merged.get(b, Fraction(0)) + a
    ordered = tuple(sorted(((a, b) for b, a in merged.items()), key=lambda t: -t[1]))
    return _rational(Root("power", ordered))


def solve_rate(terms: Terms) -> Exponent:
    """The dominant root of `T(n) = sum c * T(n - k)`: terms are (c, k)."""
    merged: dict[Fraction, Fraction] = {}
    for c, k in terms:
        merged[k] = merged.get(k, Fraction(0)) + c
    ordered = tuple(sorted(((c, k) for k, c in merged.items()), key=lambda t: t[1]))
    return _rational(Root("rate", ordered))


def _rational(root: Root) -> Exponent:
    for whole in range(0 if root.kind == "power" else 1, 4):  # the usual ones need no enclosure
        sign = root.compare(Fraction(whole))
        if sign == 0:
            return Fraction(whole)
        if sign < 0:
            break
    low, high = root.enclose()
    middle = Fraction((low + high) / 2)
    for limit in (1, 2, 3, 4, 6, 12):  # exponents such as 3/2; a false guess fails the exact test
        guess = middle.limit_denominator(limit)
        if root.compare(guess) == 0:
            return guess
    return root


def sum_sign(kind: str, terms: Terms, point: Fraction) -> int:
    """Sign of (sum at `point`) - 1, exactly.

    A sum of positive rational multiples of real radicals is 1 only if every radical is rational
    (Besicovitch 1940), so either the exact sum decides or a finite precision does.
    """
    exact = Fraction(0)
    for a, b in terms:
        value = _power(b, point) if kind == "power" else _power(point, -b)
        if value is None:
            return _approximate_sign(kind, terms, point)
        exact += a * value
    return (exact > 1) - (exact < 1)


def _power(base: Fraction, exponent: Fraction) -> Fraction | None:
    """base ** exponent where that is rational, else None."""
    if abs(exponent) > 4096:
        return None
    v = exponent.denominator
    top, bottom = _integer_root(base.numerator, v), _integer_root(base.denominator, v)
    if top is None or bottom is None:
        return None
    return Fraction(top, bottom) ** int(exponent.numerator)


def _integer_root(value: int, degree: int) -> int | None:
    if degree == 1:
        return value
    low, high = 0, 1 << (value.bit_length() // degree + 1)
    while low < high:
        middle = (low + high + 1) // 2
        if middle**degree <= value:
            low = middle
        else:
            high = middle - 1
    return low if low**degree == value else None


def _approximate_sign(kind: str, terms: Terms, point: Fraction) -> int:
    for digits in (DIGITS, 4 * DIGITS):
        with localcontext() as context:
            context.prec = digits
            p = Decimal(point.numerator) / Decimal(point.denominator)
            gap = _sum(kind, terms, p) - 1
            if abs(gap) > Decimal(10) ** (10 - digits):
                return 1 if gap > 0 else -1
    raise Undecided(f"the sum at {point} is too close to 1")


def _sum(kind: str, terms: Terms, p: Decimal) -> Decimal:
    total = Decimal(0)
    for a, b in terms:
        weight = Decimal(a.numerator) / Decimal(a.denominator)
        real = Decimal(b.numerator) / Decimal(b.denominator)
        total += weight * ((p * real.ln()).exp() if kind == "power" else (-real * p.ln()).exp())
    return total


@lru_cache(maxsize=256)
def _enclose(kind: str, terms: Terms) -> tuple[Decimal, Decimal]:
    """Bisection; each step is taken only where the sign is certain at the working precision."""
    with localcontext() as context:
        context.prec = DIGITS
        low = Decimal(0) if kind == "power" else Decimal(1)
        if kind == "power" and sum(a for a, _ in terms) < 1:
            low = Decimal(-1)
            while _sum(kind, terms, low) < 1:
                low *= 2
        high = low + 1
        while _sum(kind, terms, high) > 1:
            high = high * 2
        while high - low > _WIDTH:
            middle = (low + high) / 2
            gap = _sum(kind, terms, middle) - 1
            if abs(gap) < _MARGIN:
                return middle - _WIDTH, middle + _WIDTH
            if gap > 0:
                low = middle
            else:
                high = middle
        return low, high


def _times(a: Fraction) -> str:
    return "" if a == 1 else f"{a}*"


def _closed(root: Root) -> str | None:
    if root.kind == "power":
        if len(root.terms) == 1:
            a, b = root.terms[0]
            return f"log({a},{_text(1 / b)})"
        steps = _powers_of_one_base(root.terms)
        if steps is None:
            return None
        base, coefficients = steps
        inner = _quadratic(coefficients)
        return None if inner is None else f"log({inner},{_text(base)})"
    if len(root.terms) == 1:
        c, k = root.terms[0]
        return f"({_text(c)}**({1 / k}))"
    return _quadratic({int(k): c for c, k in root.terms if k.denominator == 1})


def _powers_of_one_base(terms: Terms) -> tuple[Fraction, dict[int, Fraction]] | None:
    """(1/b, {1: a_1, 2: a_2}) when the two ratios are b and b**2."""
    if len(terms) != 2:
        return None
    (a1, b1), (a2, b2) = terms
    return (1 / b1, {1: a1, 2: a2}) if b2 == b1 * b1 else None


def _quadratic(coefficients: dict[int, Fraction]) -> str | None:
    """Positive root of x**2 = c1*x + c2 for integers c1, c2."""
    if set(coefficients) != {1, 2}:
        return None
    c1, c2 = coefficients[1], coefficients[2]
    if c1.denominator != 1 or c2.denominator != 1:
        return None
    inside = int(c1 * c1 + 4 * c2)
    if isqrt(inside) ** 2 == inside:
        return _text((c1 + isqrt(inside)) / 2)
    return f"(({c1}+sqrt({inside}))/2)"


def _text(value: Fraction) -> str:
    return str(value) if value.denominator == 1 else f"({value})"
