"""The algebra of growth: sums of monomials, up to constant factors.

A factor in one size x is x!**f * c**x * x**a * log(x)**b * loglog(x)**d; a monomial is a product of
factors over different sizes; a `Growth` is a set of monomials none of which dominates another.
Sizes are affine expressions without constant and are never merged: n + m, n*m and n*log(m) stay
apart. Order between factors of one size is lexicographic, between monomials factor by factor.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction

from neox.compiler.complexity.affine import Affine
from neox.compiler.complexity.exponent import Exponent, Root, Undecided, compare
from neox.compiler.complexity.record import dataclass, replace

ZERO, UNIT = Fraction(0), Fraction(1)


@dataclass(frozen=True, slots=True)
class Factor:
    """Growth in one size; the neutral element is `Factor()`."""

    factorial: int = 0
    rate: Exponent = UNIT
    power: Exponent = ZERO
    log: Fraction = ZERO
    loglog: Fraction = ZERO

    def times(self, other: Factor) -> Factor:
        return Factor(
            self.factorial + other.factorial,
            _multiply(self.rate, other.rate),
            _add(self.power, other.power),
            self.log + other.log,
            self.loglog + other.loglog,
        )

    def compare(self, other: Factor) -> int:
        if self.factorial != other.factorial:
            return 1 if self.factorial > other.factorial else -1
        for mine, theirs in (
            (self.rate, other.rate),
            (self.power, other.power),
            (self.log, other.log),
            (self.loglog, other.loglog),
        ):
            sign = compare(mine, theirs)
            if sign:
                return sign
        return 0

    @property
    def falling(self) -> bool:
        """Tends to 0."""
        return self.compare(Factor()) < 0

    @property
    def polylog(self) -> bool:
        """No exponential and no factorial part."""
        return self.factorial == 0 and self.rate == UNIT


def _add(a: Exponent, b: Exponent) -> Exponent:
    if isinstance(a, Fraction) and isinstance(b, Fraction):
        return a + b
    if isinstance(a, Root) and isinstance(b, Fraction):
        return a.plus(b)
    if isinstance(b, Root) and isinstance(a, Fraction):
        return b.plus(a)
    raise Undecided("a sum of two irrational exponents")


def _multiply(a: Exponent, b: Exponent) -> Exponent:
    if isinstance(a, Fraction) and isinstance(b, Fraction):
        return a * b
    if a == UNIT:
        return b
    if b == UNIT:
        return a
    raise Undecided("a product of irrational rates")


Monomial = tuple[tuple[Affine, Factor], ...]


def monomial(factors: Mapping[Affine, Factor]) -> Monomial:
    return tuple(
        sorted(((s, f) for s, f in factors.items() if f != Factor()), key=lambda t: t[0].terms)
    )


def _dominates(big: Monomial, small: Monomial) -> bool:
    left, right = dict(big), dict(small)
    neutral = Factor()
    return all(
        left.get(size, neutral).compare(right.get(size, neutral)) >= 0
        for size in left.keys() | right.keys()
    )


@dataclass(frozen=True, slots=True)
class Growth:
    """A sum of undominated monomials; `ONE` is the empty monomial alone."""

    monomials: frozenset[Monomial]

    @staticmethod
    def of(monomials: Iterable[Monomial]) -> Growth:
        kept: list[Monomial] = []
        for new in monomials:
            if any(_dominates(old, new) for old in kept):
                continue
            kept = [old for old in kept if not _dominates(new, old)]
            kept.append(new)
        if len(kept) > 32:
            raise Undecided("too many incomparable terms")
        return Growth(frozenset(kept))

    @staticmethod
    def size(value: Affine, factor: Factor | None = None) -> Growth:
        """`value` as a size, up to constants; a sum of sizes splits, a constant is 1.

        Opposite signs keep the whole difference as one size: `hi - lo`.
        """
        factor = factor or Factor(power=UNIT)
        value = value.linear()
        if value.is_constant or all(c < 0 for _, c in value.terms):
            return ONE
        if all(c > 0 for _, c in value.terms) and not any("#" in a for a in value.atoms):
            return Growth.of(monomial({Affine.atom(a): factor}) for a in value.atoms)
        return Growth(frozenset([monomial({_scaled(value): factor})]))

    def __add__(self, other: Growth) -> Growth:
        return Growth.of([*self.monomials, *other.monomials])

    def __mul__(self, other: Growth) -> Growth:
        return Growth.of(product(a, b) for a in self.monomials for b in other.monomials)

    def __le__(self, other: Growth) -> bool:
        """Every monomial here is dominated by one there."""
        return all(any(_dominates(b, a) for b in other.monomials) for a in self.monomials)

    @property
    def sizes(self) -> frozenset[Affine]:
        return frozenset(size for m in self.monomials for size, _ in m)

    @property
    def atoms(self) -> frozenset[str]:
        return frozenset(a for size in self.sizes for a in size.atoms)

    def map(self, change: Callable[[Affine, Factor], Growth]) -> Growth:
        """Replace every factor by a growth and multiply out."""
        total: list[Monomial] = []
        for m in self.monomials:
            value = ONE
            for size, factor in m:
                value = value * change(size, factor)
            total.extend(value.monomials)
        return Growth.of(total)

    def text(self, names: Mapping[Affine, str]) -> str:
        """sympy syntax, sizes printed by the given names."""
        return " + ".join(sorted(_monomial_text(m, names) for m in self.monomials))


def product(a: Monomial, b: Monomial) -> Monomial:
    factors = dict(a)
    for size, factor in b:
        factors[size] = factors[size].times(factor) if size in factors else factor
    return monomial(factors)


def _scaled(value: Affine) -> Affine:
    return value.scale(1 / abs(value.terms[0][1]))


ONE = Growth(frozenset([()]))


def log_of(growth: Growth) -> Growth:
    """log of a growth: log of its largest parts."""
    total: list[Monomial] = [()]
    for m in growth.monomials:
        for size, f in m:
            if f.factorial:
                total.append(monomial({size: Factor(power=UNIT, log=UNIT)}))
            elif f.rate != UNIT:
                total.append(monomial({size: Factor(power=UNIT)}))
            elif f.power != ZERO:
                total.append(monomial({size: Factor(log=UNIT)}))
            elif f.log:
                total.append(monomial({size: Factor(loglog=UNIT)}))
    return Growth.of(total)


def root_of(growth: Growth, degree: int) -> Growth | None:
    """growth ** (1/degree) for rational polylog growth, else None."""
    total = []
    for m in growth.monomials:
        factors = {}
        for size, f in m:
            if not f.polylog or isinstance(f.power, Root):
                return None
            factors[size] = replace(
                f, power=f.power / degree, log=f.log / degree, loglog=f.loglog / degree
            )
        total.append(monomial(factors))
    return Growth.of(total)


def _monomial_text(m: Monomial, names: Mapping[Affine, str]) -> str:
    parts = [part for size, factor in m for part in _factor_texts(factor, names[size])]
    return "*".join(parts) or "1"


def _factor_texts(f: Factor, x: str) -> list[str]:
    parts = []
    if f.factorial:
        parts.append(_raised(f"factorial({x})", Fraction(f.factorial)))
    if f.rate != UNIT:
        parts.append(f"{_number(f.rate)}**{x}")
    if f.power != ZERO:
        parts.append(f"sqrt({x})" if f.power == Fraction(1, 2) else _raised(x, f.power))
    if f.log:
        parts.append(_raised(f"log({x})", f.log))
    if f.loglog:
        parts.append(_raised(f"log(log({x}))", f.loglog))
    return parts


def _raised(base: str, exponent: Exponent) -> str:
    return base if exponent == UNIT else f"{base}**{_number(exponent)}"


def _number(value: Exponent) -> str:
    if isinstance(value, Root):
        return value.text()
    return str(value) if value.denominator == 1 and value >= 0 else f"({value})"
