"""Solutions of recurrences in one size: T(n) = sum of smaller T plus a toll, up to constants.

Takes scales, shifts and the toll's growth factor in n; gives the growth factors of T. The caller
has checked that arguments shrink and that the base case is reached. Akra and Bazzi (1998) with
Leighton's conditions (1996); linear recurrences by their characteristic root. Knows no syntax.
"""

from __future__ import annotations

from fractions import Fraction

from neox.compiler.complexity.exponent import Exponent, Terms, compare, solve_power, solve_rate
from neox.compiler.complexity.growth import UNIT, ZERO, Factor
from neox.compiler.complexity.record import replace


def divide(terms: Terms, toll: Factor) -> Factor | None:
    """T(n) = sum a*T(b*n + O(1)) + toll(n), 0 < b < 1; None where no theorem applies.

    A toll with exponential or factorial growth dominates every shrunken copy of itself, because
    g(b*n + O(1)) / g(n) tends to 0; so T = Theta(toll).
    """
    if not toll.polylog:
        return toll
    p = solve_power(terms)
    sign = compare(p, toll.power)
    if sign > 0:
        return Factor(power=p)
    if sign < 0:
        return toll
    return resonance(toll)


def resonance(toll: Factor) -> Factor | None:
    """The integral of log(u)**b * loglog(u)**c du/u, times n**p (the five tied cases)."""
    b, c = toll.log, toll.loglog
    if b > -1:
        return replace(toll, log=b + 1)
    if b == -1 and c > -1:
        return replace(toll, log=ZERO, loglog=c + 1)
    if b == -1 and c == -1:
        return None  # log log log n is outside the algebra
    return replace(toll, log=ZERO, loglog=ZERO)


def subtract(terms: Terms, toll: Factor) -> Factor | None:
    """T(n) = sum c*T(n - k) + toll(n), k >= 1 integers: terms are (c, k)."""
    if toll.factorial:
        return toll
    rate: Exponent = solve_rate(terms)
    sign = compare(rate, toll.rate)
    if sign > 0:
        return Factor(rate=rate)
    if sign < 0:
        return toll
    return summed(toll)


def summed(toll: Factor) -> Factor | None:
    """sum_{j <= n} toll(j) for an exponential part that cancels: n**a log**b loglog**c du."""
    sign = compare(toll.power, Fraction(-1))
    if sign > 0:
        return toll.times(Factor(power=UNIT))
    if sign == 0:
        return resonance(replace(toll, power=ZERO))
    return replace(toll, power=ZERO, log=ZERO, loglog=ZERO)


def product_of_sizes(toll: Factor) -> Factor | None:
    """T(n) = n*T(n-1) + toll(n): n! as soon as sum toll(j)/j! converges."""
    return Factor(factorial=1) if toll.factorial == 0 else None


def full_history(weight: Fraction, toll: Factor) -> Factor | None:
    """T(n) = weight * (T(0) + ... + T(n-1)) + toll(n): (1 + weight)**n for a slower toll."""
    return subtract(((1 + weight, UNIT),), toll)
