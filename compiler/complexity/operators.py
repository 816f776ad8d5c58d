"""Operators, subscripts and slices on symbolic values.

Affine arithmetic stays exact; a product, a power or a root keeps its growth; joining containers
builds a new one and costs its length. Knows nothing about calls or conditions.
"""

from __future__ import annotations

from fractions import Fraction

from neox.compiler import nodes as n
from neox.compiler.complexity.affine import Affine, ratio
from neox.compiler.complexity.growth import ONE, UNIT, Factor, Growth, monomial, root_of
from neox.compiler.complexity.inputs import MARK, NUMBERS
from neox.compiler.complexity.record import replace
from neox.compiler.complexity.values import (
    Element,
    Magnitude,
    Num,
    Parameter,
    Product,
    Reference,
    Remainder,
    Several,
    State,
    Unknown,
    Value,
)
from neox.compiler.complexity.views import Views


def _unread(base: Parameter, node: n.Subscript) -> bool:
    """A part of the whole input, `data[1:n + 1]`: taking the input apart."""
    return MARK in base.name and base.name.removesuffix(MARK) in {
        "input", "numbers", "data", "tokens", "inp", "lines", "it", "d", "buf", "raw", "words",
    }  # fmt: skip


class Operators(Views):
    """Combines values that are already evaluated; slices evaluate their ends."""

    def binary(self, op: str, left: Value, right: Value, st: State) -> Value:
        a, b = self.number(left, st), self.number(right, st)
        if a is not None and b is not None:
            return self._arithmetic(op, a, b)
        if op in {"Add", "Mult"}:
            joined = self._sequence(op, left, right, st)
            if joined is not None:
                return joined
        for side in (left, right):
            if self.container(side, st) is not None and a is None and b is None:
                st.charge(ONE, self.length_growth(side, st))
        if op == "Pow" and a is not None and not a.is_constant and isinstance(right, Element):
            return Unknown()
        if op == "Mult" and (a is not None or b is not None):
            product = right if a is not None else left
            number = a if a is not None else b
            if isinstance(product, Product) and number is not None:
                return Product((*product.factors, number))
        if isinstance(left, Element) or isinstance(right, Element):
            if self._stays_free(op, left, right, st):
                name = next((v.path for v in (left, right) if isinstance(v, Element)), "")
                return Element(f"{name.rstrip('+')}+" if name else "", True)
            return Element("", False)
        big = self.magnitude(left, st)
        if big is not None and b is not None and b.is_constant and op in {"Add", "Sub"}:
            return Magnitude(big)
        return Unknown()

    def _stays_free(self, op: str, left: Value, right: Value, st: State) -> bool:
        """Sums can be steered by the caller; other operations may be constant whatever comes in."""
        if op not in {"Add", "Sub"}:
            return False
        for v in (left, right):
            if not ((isinstance(v, Element) and v.free) or self.number(v, st) is not None):
                return False
        both = isinstance(left, Element) and isinstance(right, Element)
        return op == "Add" or not both

    def _arithmetic(self, op: str, a: Affine, b: Affine) -> Value:
        if op == "Add":
            return Num(a + b)
        if op == "Sub":
            return Num(a - b)
        if op == "Mult":
            if a.is_constant or b.is_constant:
                return Num(b.scale(a.const) if a.is_constant else a.scale(b.const))
            return Product((a, b))
        if op in {"FloorDiv", "RShift"} and b.is_constant:
            shift = int(b.const) if b.const <= 64 else 64
            divisor = b.const if op == "FloorDiv" else Fraction(2**shift)
            return self.floor_divide(a, divisor) if divisor > 0 else Unknown()
        if op == "FloorDiv" and a.terms and self.facts.nonnegative(a):
            factor = Growth(frozenset([monomial({b.linear(): Factor(power=-UNIT)})]))
            return Magnitude(self.size(a) * factor + ONE) if len(b.terms) == 1 else Unknown()
        if op == "Div" and b.is_constant and b.const > 0 and a.terms:
            return Magnitude(self.size(a))
        if op == "Mod":
            if b.is_constant and b.const > 0:
                return self._modulo(a, b.const)
            return Remainder(a, b)
        if op == "BitAnd" and b.is_constant and b.const == 1:
            return self._modulo(a, b.const + 1)
        if op == "Pow":
            return self._power(a, b)
        if op == "LShift" and a.is_constant:
            return self._power(Affine.number(2), b)
        return Unknown()

    def _modulo(self, a: Affine, modulus: Fraction) -> Num:
        rest = self.facts.fresh("mod", Affine(), Affine.number(modulus - 1))
        if modulus.denominator == 1:
            self.facts.mods[rest.atoms[0]] = a, int(modulus)
        return Num(rest)

    def floor_divide(self, a: Affine, divisor: Fraction) -> Value:
        whole = a.scale(1 / divisor)
        if whole.is_constant:
            return Num(Affine.number(whole.const // 1))
        if all(c.denominator == 1 for _, c in whole.terms) and whole.const.denominator == 1:
            return Num(whole)
        key = (a, divisor)
        if key not in self.rounding:
            # atoms may stand for fractions of integers; 1 covers every rounding below it
            top = Fraction(divisor - 1, divisor) if divisor.denominator == 1 else Fraction(1)
            self.rounding[key] = self.facts.fresh("floor", Affine(), Affine.number(top))
            if self.facts.nonnegative(a):
                self.facts.known.add(whole - self.rounding[key])
        return Num(whole - self.rounding[key])

    def _power(self, a: Affine, b: Affine) -> Value:
        if b.is_constant:
            if b.const.denominator == 1 and 0 < b.const <= 8 and a.terms:
                return Product((a,) * int(b.const)) if b.const > 1 else Num(a)
            return Unknown()
        line = self.facts.without_noise(b).linear()
        single = len(line.terms) == 1 and line.terms[0][1] > 0 and line.terms[0][1].denominator == 1
        if a.is_constant and a.const > 1 and single:
            rate = a.const ** int(line.terms[0][1])
            atom = Affine.atom(line.atoms[0])
            return Magnitude(Growth(frozenset([monomial({atom: Factor(rate=Fraction(rate))})])))
        return Unknown()

    def square_root(self, value: Value, st: State) -> Value:
        growth = self.magnitude(value, st)
        root = None if growth is None else root_of(growth, 2)
        return Unknown() if root is None else Magnitude(root, self.number(value, st))

    def _sequence(self, op: str, left: Value, right: Value, st: State) -> Value | None:
        """Concatenation and repetition build a new container of the summed length."""
        if any(isinstance(v, Unknown) and v.heavy for v in (left, right)):
            st.lose(f"line {self.line}: an operation on something of unknown size")
            return Unknown(heavy=True)
        known: list[Value] = [v for v in (left, right) if isinstance(v, (Reference, Several))]
        known += [
            v for v in (left, right) if isinstance(v, Parameter) and self.is_container(v.name)
        ]
        if not known:
            return None
        if op == "Add":
            a, b = self.length(left, st), self.length(right, st)
            total = a + b if a is not None and b is not None else None
        else:
            count = self.number(right if known[0] is left else left, st)
            inner = self.length(known[0], st)
            if count is None or inner is None:
                big = self.magnitude(right if known[0] is left else left, st)
                st.charge(ONE, big)
                return self.allocate(st, "list", None, Unknown(), big)
            if not count.is_constant and not inner.is_constant:
                both = self.size(count) * self.size(inner)
                st.charge(both, both)
                return self.allocate(st, "list", None, Unknown(), both)
            total = count.scale(inner.const) if inner.is_constant else inner.scale(count.const)
        growth = self.size(total) if total is not None else None
        st.charge(growth or ONE, growth)
        if growth is None:
            st.notes.add(f"line {self.line}: a concatenation of unknown length")
        return self.allocate(st, "list", total, Element("", False))

    def subscript(self, node: n.Subscript, st: State) -> Value:
        base = self.value(node.value, st)
        if isinstance(node.slice, n.Slice) and isinstance(base, Parameter) and _unread(base, node):
            return Parameter(NUMBERS)
        if isinstance(node.slice, n.Slice):
            return self.slice(base, node.slice, st)
        index = self.value(node.slice, st)
        if isinstance(index, Several):
            st.assumed_high.add("hash-O1")
        if isinstance(base, Several):
            at = self.number(index, st)
            if at is not None and at.is_constant and at.const < len(base.items):
                return base.items[int(at.const)]
            return Unknown()
        if isinstance(base, Element):
            return Element(base.path + "[]" if base.path else "", base.free)
        found = self.container(base, st)
        if found is None:
            return Element("", False) if isinstance(base, Unknown) else Unknown()
        element = found[1].element
        if isinstance(element, Element):
            return replace(element, index=self.number(index, st))
        return element

    def slice(self, base: Value, part: n.Slice, st: State) -> Value:
        """A slice copies: its cost and its length are what lies between the clamped ends."""
        whole = self.length(base, st)
        found = self.container(base, st)
        element = found[1].element if found is not None else Element("", False)
        low = self._end(part.lower, Affine(), whole, st)
        high = self._end(part.upper, whole, whole, st)
        step = self.value(part.step, st) if part.step is not None else Num(Affine.number(1))
        by = self.number(step, st)
        if whole is None or by is None or not by.is_constant or not by.const:
            st.charge(ONE, None if whole is None else self.size(whole))
            return self.allocate(st, "list", None, element)
        if by.const == 1 and (low is None or high is None):
            between = self._between_places(part, st)
            if between is not None:
                st.charge(self.size(between), self.size(between))
                name = base.name if isinstance(base, Parameter) else "slice"
                st.assumed_low.add(f"in-range:{name}")
                st.assumed_high.add(f"in-range:{name}")
                return self.allocate(st, "list", between, element)
        if low is None or high is None or (by.const < 0 and (part.lower or part.upper)):
            length = self.facts.fresh("slice", Affine(), whole)
            st.charge(ONE, self.size(whole))
            return self.allocate(st, "list", length, element)
        length = high - low
        local = any(atom in self.facts.local for atom in length.atoms)
        if local and not self.facts.nonnegative(length):
            length = self._clamped(length, whole, st)
        if abs(by.const) != 1:
            rounding = self.facts.fresh("floor", Affine(), Affine.number(1))
            length = length.scale(1 / abs(by.const)) + rounding
        st.charge(self.size(length), self.size(length))
        return self.allocate(st, "list", length, element)

    def _between_places(self, part: n.Slice, st: State) -> Affine | None:
        """The length of a[i:j] for i <= j known on this path, places inside the container."""
        scratch = st.copy()
        low = self.number(self.value(part.lower, scratch), scratch)
        high = self.number(self.value(part.upper, scratch), scratch)
        if low is None or high is None:
            return None
        gap = high - low
        return gap if gap.terms and self._known_at_least_none(gap, st) else None

    def _known_at_least_none(self, value: Affine, st: State) -> bool:
        if self.facts.nonnegative(value):
            return True
        least = self.facts.lower(value)
        if least is None or not least.terms:
            return False
        for c in st.conditions:
            if c.kind == "size" and c.value is not None and c.value.terms:
                k = ratio(least, c.value)
                if k is not None and k > 0 and k * (1 - c.value.const) + least.const >= 0:
                    return True
        return False

    def _clamped(self, length: Affine, whole: Affine, st: State) -> Affine:
        """max(0, length): by a constant more, if the length is above a constant below 0."""
        least = self.facts.lower(length)
        if least is None or not all(c > 0 for _, c in least.terms):
            return self.facts.fresh("slice", Affine(), whole)
        most = -least.const
        for condition in st.conditions:  # what the path knows of a size: at least so much
            value = condition.value
            if condition.kind == "size" and value is not None and len(value.terms) == 1:
                atom, k = value.terms[0]
                if k > 0 and least.atoms == (atom,):
                    most = min(most, -least.const - least.terms[0][1] * (1 - value.const) / k)
        if most <= 0:
            return length
        return length + self.facts.fresh("clamp", Affine(), Affine.number(most))

    def _end(
        self, node: n.expr | None, default: Affine | None, whole: Affine | None, st: State
    ) -> Affine | None:
        """One end of a slice, if it lies between 0 and the length for all large lengths."""
        if node is None or whole is None:
            return default
        end = self.number(self.value(node, st), st)
        if end is None:
            return None
        if end.is_constant:
            return end if end.const >= 0 else whole + end
        inside = self.facts.lower(end)
        rest = self.facts.lower(whole - end)
        if inside is None or rest is None:
            return None
        if all(c > 0 for _, c in inside.terms) and all(c > 0 for _, c in rest.terms):
            fits = (inside.const >= 0 or inside.terms) and (rest.const >= 0 or rest.terms)
            return end if fits else None
        return None
