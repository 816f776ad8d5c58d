"""Affine expressions over named sizes: the arithmetic of trip counts and recursive arguments.

An `Affine` is `sum c_i * atom_i + c` with exact rational coefficients. An atom is a name: a size at
function entry (`n`, `len(a)`), or an unknown introduced on the way (a loop index, a rounding error)
whose bounds are kept in `Facts`. Knows nothing about syntax trees or growth.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction

from neox.compiler.complexity.record import dataclass, field


@dataclass(frozen=True, slots=True)
class Affine:
    """`terms` are sorted by atom and have no zero coefficient."""

    terms: tuple[tuple[str, Fraction], ...] = ()
    const: Fraction = Fraction(0)

    @staticmethod
    def number(value: int | Fraction) -> Affine:
        return Affine((), Fraction(value))

    @staticmethod
    def atom(name: str) -> Affine:
        return Affine(((name, Fraction(1)),))

    @staticmethod
    def build(terms: Mapping[str, Fraction], const: Fraction) -> Affine:
        return Affine(tuple(sorted((a, c) for a, c in terms.items() if c)), const)

    @property
    def is_constant(self) -> bool:
        return not self.terms

    @property
    def atoms(self) -> tuple[str, ...]:
        return tuple(a for a, _ in self.terms)

    def coefficient(self, atom: str) -> Fraction:
        return next((c for a, c in self.terms if a == atom), Fraction(0))

    def __add__(self, other: Affine) -> Affine:
        terms = dict(self.terms)
        for atom, c in other.terms:
            terms[atom] = terms.get(atom, Fraction(0)) + c
        return Affine.build(terms, self.const + other.const)

    def __neg__(self) -> Affine:
        return self.scale(Fraction(-1))

    def __sub__(self, other: Affine) -> Affine:
        return self + -other

    def scale(self, factor: int | Fraction) -> Affine:
        f = Fraction(factor)
        return Affine.build({a: c * f for a, c in self.terms}, self.const * f)

    def plus(self, value: int | Fraction) -> Affine:
        return Affine(self.terms, self.const + value)

    def linear(self) -> Affine:
        """The expression without its constant."""
        return Affine(self.terms)

    def substitute(self, values: Mapping[str, Affine]) -> Affine:
        result = Affine.number(self.const)
        for atom, c in self.terms:
            result = result + values.get(atom, Affine.atom(atom)).scale(c)
        return result

    def map_atoms(self, value: Callable[[str], Affine | None]) -> Affine | None:
        """Replace every atom; None as soon as one has no value."""
        result = Affine.number(self.const)
        for atom, c in self.terms:
            new = value(atom)
            if new is None:
                return None
            result = result + new.scale(c)
        return result

    def text(self) -> str:
        """Readable form, positive terms first: `hi - lo`, `2*n + 1`."""
        parts: list[str] = []
        for atom, c in sorted(self.terms, key=lambda t: (t[1] < 0, t[0])):
            name = atom if abs(c) == 1 else f"{abs(c)}*{atom}"
            if not parts:
                parts.append(f"-{name}" if c < 0 else name)
            else:
                parts.append(f"- {name}" if c < 0 else f"+ {name}")
        if self.const or not parts:
            sign = "- " if self.const < 0 else "+ "
            parts.append(f"{sign}{abs(self.const)}" if parts else str(self.const))
        return " ".join(parts)


def ratio(left: Affine, right: Affine) -> Fraction | None:
    """`k` with `left.linear() == k * right.linear()`, or None. `right` must not be constant."""
    atom, c = right.terms[0]
    k = left.coefficient(atom) / c
    return k if left.linear() == right.linear().scale(k) else None


@dataclass(slots=True)
class Facts:
    """Bounds of the atoms that are not sizes at entry; either bound may be missing."""

    low: dict[str, Affine] = field(default_factory=dict)
    high: dict[str, Affine] = field(default_factory=dict)
    local: set[str] = field(default_factory=set)
    rows: dict[str, tuple[str, str]] = field(default_factory=dict)  # length atom: container, index
    most: dict[str, Affine] = field(default_factory=dict)  # bounds from above, or the atom is 0
    known: set[Affine] = field(default_factory=set)  # >= 0 for a reason that bounds do not show
    mods: dict[str, tuple[Affine, int]] = field(default_factory=dict)  # atom = value % modulus
    roots: dict[str, Affine] = field(default_factory=dict)  # atom = square root of a value
    choice: set[str] = field(default_factory=set)  # the caller may choose any value in the bounds
    distinct: set[str] = field(default_factory=set)  # at their most where all items differ
    splits: dict[object, list[tuple[frozenset[str], str]]] = field(default_factory=dict)
    about: dict[int, set[str]] = field(default_factory=dict)  # containers a line's test speaks of
    count: int = 0

    def fresh(self, hint: str, low: Affine | None = None, high: Affine | None = None) -> Affine:
        """A new atom, known to lie between the bounds."""
        self.count += 1
        name = f"{hint}#{self.count}"
        self.local.add(name)
        self.bound(name, low, high)
        return Affine.atom(name)

    def bound(self, name: str, low: Affine | None, high: Affine | None) -> None:
        if low is not None:
            self.low[name] = low
        if high is not None:
            self.high[name] = high

    def upper(self, value: Affine, only: Iterable[str] | None = None) -> Affine | None:
        """Replace local atoms by the bound that makes the value largest; None where one misses."""
        return self._extreme(value, only, True)

    def lower(self, value: Affine, only: Iterable[str] | None = None) -> Affine | None:
        """Replace local atoms by the bound that makes the value smallest; None where one misses."""
        return self._extreme(value, only, False)

    def _extreme(self, value: Affine, only: Iterable[str] | None, largest: bool) -> Affine | None:
        targets = self.local if only is None else set(only)
        for _ in range(64):  # bounds may name further local atoms; the chain is short
            hits = [t for t in value.terms if t[0] in targets]
            if not hits:
                return value
            # youngest first: its bounds may name older atoms, and then cancel against them
            atom, c = max(hits, key=lambda t: int(t[0].rpartition("#")[2]))
            bound = (self.high if (c > 0) == largest else self.low).get(atom)
            if bound is None and largest and c > 0:
                bound = self.most.get(atom)
            if bound is None:
                return None
            value = value.substitute({atom: bound})
        return None

    def range(self, value: Affine) -> tuple[Fraction | None, Fraction | None]:
        """Constant bounds of a value, where it has them."""
        low, high = self.lower(value), self.upper(value)
        return (
            low.const if low is not None and low.is_constant else None,
            high.const if high is not None and high.is_constant else None,
        )

    def without_noise(self, value: Affine) -> Affine:
        """Drop atoms whose two bounds are constants: they change a size by O(1)."""
        kept = {
            a: c
            for a, c in value.terms
            if not (
                a in self.local
                and a in self.low
                and a in self.high
                and self.low[a].is_constant
                and self.high[a].is_constant
            )
        }
        return Affine.build(kept, value.const)

    def nonnegative(self, value: Affine) -> bool:
        """True when the value is provably >= 0, sizes at entry being >= 0."""
        if value in self.known:
            return True
        low = self.lower(value)
        return low is not None and low.const >= 0 and all(c > 0 for _, c in low.terms)
