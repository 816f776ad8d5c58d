"""Values and costs of expressions on one path; conditions split a path in two.

`value` evaluates for its cost and result, `branch` for the paths where a test holds and where it
fails. Statements, loops and calls are left to the subclasses.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from neox.compiler import nodes as n
from neox.compiler.complexity.affine import Affine, Facts
from neox.compiler.complexity.growth import ONE, UNIT, Factor, Growth, monomial, root_of
from neox.compiler.complexity.unit import Function, Unit
from neox.compiler.complexity.values import (
    Condition,
    Container,
    Element,
    GaveUp,
    Lazy,
    Magnitude,
    Num,
    Parameter,
    Product,
    Progression,
    Reference,
    Remainder,
    Several,
    State,
    Unknown,
    Value,
)

MAX_STEPS = 20_000
_COMPREHENSIONS = (n.ListComp, n.SetComp, n.DictComp, n.GeneratorExp)


class Expressions:
    """The evaluator of one function; `facts` holds the bounds of all atoms it introduces."""

    def __init__(self, unit: Unit, root: Function) -> None:
        self.unit = unit
        self.root = root
        self.scope = root
        self.facts = Facts()
        self.steps = 0
        self.rounding: dict[tuple[Affine, Fraction], Affine] = {}
        self.line = 0

    def call(self, node: n.Call, st: State) -> Value:
        raise NotImplementedError

    def comprehension(self, node: n.expr, st: State) -> Value:
        raise NotImplementedError

    def tick(self) -> None:
        self.steps += 1
        if self.steps > MAX_STEPS:
            raise GaveUp("analysis budget exceeded")

    def value(self, node: n.Node | None, st: State) -> Value:
        self.tick()
        if node is None:
            return Unknown()
        if isinstance(node, n.Constant):
            return self._constant(node, st)
        if isinstance(node, n.Name):
            return self.name(node.id, st)
        if isinstance(node, n.BinOp):
            return self.binary(node.op, self.value(node.left, st), self.value(node.right, st), st)
        if isinstance(node, n.UnaryOp):
            inner = self.value(node.operand, st)
            number = self.number(inner, st)
            return Num(-number) if node.op == "USub" and number is not None else Unknown()
        if isinstance(node, n.Call):
            return self.call(node, st)
        if isinstance(node, n.Subscript):
            return self.subscript(node, st)
        if isinstance(node, n.Tuple):
            if any(isinstance(e, n.Starred) for e in node.elts):
                return self._display("tuple", node.elts, st)
            return Several(tuple(self.value(e, st) for e in node.elts))
        if isinstance(node, (n.List, n.Set)):
            return self._display("list" if isinstance(node, n.List) else "set", node.elts, st)
        if isinstance(node, n.Dict):
            if any(k is None for k in node.keys):
                st.lose("dict unpacking")
            for part in (*node.keys, *node.values):
                self.value(part, st)
            return self.allocate(st, "dict", Affine.number(len(node.keys)), Unknown())
        if isinstance(node, _COMPREHENSIONS):
            return self.comprehension(node, st)
        return self._other(node, st)

    def _other(self, node: n.Node, st: State) -> Value:
        if isinstance(node, n.Attribute):
            base = self.value(node.value, st)
            return Element(f"{base.path}.{node.attr}") if isinstance(base, Element) else Unknown()
        if isinstance(node, n.Compare):
            self._compare_cost(node, st)
            return Unknown()
        if isinstance(node, n.BoolOp):
            self.value(node.values[0], st)
            self.maybe(list(node.values[1:]), st)
            return Unknown()
        if isinstance(node, n.IfExp):
            self.value(node.test, st)
            found = self.maybe([node.body, node.orelse], st)
            return found[0] if found[0] == found[1] else Unknown()
        if isinstance(node, n.NamedExpr):
            value = self.value(node.value, st)
            if isinstance(node.target, n.Name):
                st.env[node.target.id] = value
            return value
        if isinstance(node, (n.JoinedStr, n.TemplateStr)):
            for part in node.values:
                value = self.value(part.value if isinstance(part, n.FormattedValue) else part, st)
                if not isinstance(value, (Num, Element, Magnitude, Remainder)):
                    st.charge(ONE, self.length_growth(value, st) or ONE)
            return Unknown()
        if isinstance(node, n.Lambda):
            return Unknown()
        if isinstance(node, n.Starred):
            return self.value(node.value, st)
        st.lose(f"line {self.line}: {type(node).__name__} is not analysed")
        return Unknown()

    def maybe(self, nodes: list[n.expr], st: State) -> list[Value]:
        """Expressions that need not be evaluated: they count from above only."""
        low, calls, found = st.low, len(st.calls), []
        for node in nodes:
            found.append(self.value(node, st))
        st.low = low
        st.calls[calls:] = [replace(c, maybe=True) for c in st.calls[calls:]]
        return found

    def _constant(self, node: n.Constant, st: State) -> Value:
        if isinstance(node.value, int):
            return Num(Affine.number(int(node.value)))
        if isinstance(node.value, float) and node.value.is_integer():
            return Num(Affine.number(int(node.value)))
        if isinstance(node.value, (str, bytes)):
            return self.allocate(st, "str", Affine.number(len(node.value)), Element("", False))
        return Unknown()

    def name(self, name: str, st: State) -> Value:
        if name in st.env:
            return st.env[name]
        if name in self.unit.constants:
            return Num(Affine.number(self.unit.constants[name]))
        outer = self.scope.parent
        while outer is not None:
            if name in outer.parameters:
                return Parameter(name)
            outer = outer.parent
        return Unknown()

    def allocate(
        self,
        st: State,
        kind: str,
        length: Affine | None,
        element: Value,
        growth: Growth | None = None,
    ) -> Reference:
        self.facts.count += 1
        key = f"{kind}#{self.facts.count}"
        st.heap[key] = Container(kind, length, element, growth, built=length == Affine())
        return Reference(key)

    def _display(self, kind: str, items: list[n.expr], st: State) -> Value:
        starred = any(isinstance(e, n.Starred) for e in items)
        heavy = False
        for item in items:
            value = self.value(item, st)
            if isinstance(item, n.Starred):
                growth = self.length_growth(value, st)
                st.charge(ONE, growth)
            heavy = heavy or self.heavy(value)
        if kind == "set":
            st.assumed_high.add("hash-O1")
        inner: Value = Unknown(heavy=True) if heavy else Element("", False)
        return self.allocate(st, kind, None if starred else Affine.number(len(items)), inner)

    def heavy(self, value: Value) -> bool:
        """May this be a container?"""
        return isinstance(value, (Reference, Several)) or (
            isinstance(value, Unknown) and value.heavy
        )

    # Views of a value

    def number(self, value: Value, st: State) -> Affine | None:
        if isinstance(value, Num):
            return value.value
        if isinstance(value, Parameter) and not self.is_container(value.name):
            return Affine.atom(value.name)
        return None

    def is_container(self, name: str) -> bool:
        scope: Function | None = self.scope
        while scope is not None:
            if name in scope.containers:
                return True
            scope = scope.parent
        return False

    def container(self, value: Value, st: State) -> tuple[str, Container] | None:
        """Key and content of a container; a parameter gets its place on the heap when asked."""
        if isinstance(value, Reference):
            return value.key, st.heap[value.key]
        if isinstance(value, Parameter):
            key = f"parameter:{value.name}"
            if key not in st.heap:
                st.heap[key] = Container(
                    "parameter",
                    Affine.atom(f"len({value.name})"),
                    Element(f"{value.name}[]"),
                )
            return key, st.heap[key]
        return None

    def length(self, value: Value, st: State) -> Affine | None:
        if isinstance(value, Several):
            return Affine.number(len(value.items))
        if isinstance(value, Element):
            if value.free and value.path.endswith("[]") and "[][]" not in value.path:
                st.assumed_high.add(f"uniform-lengths:{value.path[:-2]}")
                st.assumed_low.add(f"uniform-lengths:{value.path[:-2]}")
                return Affine.atom(f"len({value.path})")
            return None
        if isinstance(value, Progression):
            start, stop = self.number(value.start, st), self.number(value.stop, st)
            unit_step = self.number(value.step, st) == Affine.number(1)
            return stop - start if start is not None and stop is not None and unit_step else None
        if isinstance(value, Lazy):
            lengths = [self.length(p, st) for p in value.parts]
            return lengths[0] if lengths and all(x == lengths[0] for x in lengths) else None
        found = self.container(value, st)
        return None if found is None else found[1].length

    def length_growth(self, value: Value, st: State) -> Growth | None:
        """The length as a growth, None where unknown."""
        length = self.length(value, st)
        if length is not None:
            return self.size(length)
        found = self.container(value, st)
        return None if found is None else found[1].growth

    def size(self, value: Affine, factor: Factor | None = None) -> Growth:
        return Growth.size(self.facts.without_noise(value), factor)

    def magnitude(self, value: Value, st: State) -> Growth | None:
        number = self.number(value, st)
        if number is not None:
            return self.size(number)
        if isinstance(value, Magnitude):
            return value.growth
        if isinstance(value, Product):
            result = ONE
            for factor in value.factors:
                result = result * self.size(factor)
            return result
        return None

    # Operators

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
            return Element("", self._stays_free(op, left, right, st))
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
                return Num(self.facts.fresh("mod", Affine(), Affine.number(b.const - 1)))
            return Remainder(a, b)
        if op == "Pow":
            return self._power(a, b)
        if op == "LShift" and a.is_constant:
            return self._power(Affine.number(2), b)
        return Unknown()

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
        return Unknown() if root is None else Magnitude(root)

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
        if low is None or high is None or (by.const < 0 and (part.lower or part.upper)):
            length = self.facts.fresh("slice", Affine(), whole)
            st.charge(ONE, self.size(whole))
            return self.allocate(st, "list", length, element)
        length = high - low
        local = any(atom in self.facts.local for atom in length.atoms)
        if local and not self.facts.nonnegative(length):
            length = self.facts.fresh("slice", Affine(), whole)
        if abs(by.const) != 1:
            rounding = self.facts.fresh("floor", Affine(), Affine.number(1))
            length = length.scale(1 / abs(by.const)) + rounding
        st.charge(self.size(length), self.size(length))
        return self.allocate(st, "list", length, element)

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

    # Conditions

    def branch(self, test: n.expr, st: State) -> tuple[list[State], list[State]]:
        """The states where the test holds and where it fails."""
        self.tick()
        if isinstance(test, n.UnaryOp) and test.op == "Not":
            yes, no = self.branch(test.operand, st)
            return no, yes
        if isinstance(test, n.BoolOp):
            return self._connective(test, st)
        if isinstance(test, n.Compare) and len(test.ops) > 1:
            parts: list[n.expr] = []
            left = test.left
            for op, right in zip(test.ops, test.comparators, strict=True):
                parts.append(n.Compare(left, [op], [right], test.start, test.end))
                left = right
            return self._connective(n.BoolOp("And", parts, test.start, test.end), st)
        if isinstance(test, n.Constant):
            return ([st], []) if test.value else ([], [st])
        holds, fails = st, st.copy()
        for state, found in zip((holds, fails), self._decide(test, holds, fails), strict=True):
            state.conditions.extend(found)
        return [holds], [fails]

    def _connective(self, test: n.BoolOp, st: State) -> tuple[list[State], list[State]]:
        conjunction = test.op == "And"
        going, stopped = [st], []
        for part in test.values:
            kept: list[State] = []
            for state in going:
                yes, no = self.branch(part, state)
                kept += yes if conjunction else no
                stopped += no if conjunction else yes
            going = kept
            if len(going) + len(stopped) > 32:
                raise GaveUp("too many paths through a condition")
        return (going, stopped) if conjunction else (stopped, going)

    def _decide(
        self, test: n.expr, yes: State, no: State
    ) -> tuple[list[Condition], list[Condition]]:
        line = self.line
        if isinstance(test, n.Compare):
            return self._decide_compare(test, yes, no)
        value = self.value(test, yes)
        _follow(no, yes)
        if isinstance(value, Element) and value.free:
            operands = _shape(test), None
            return (
                [Condition("data", line, operands=operands, outcomes=frozenset("T"))],
                [Condition("data", line, operands=operands, outcomes=frozenset("F"))],
            )
        amount = self.number(value, yes)
        if amount is None and not isinstance(value, (Element, Unknown, Magnitude, Product)):
            amount = self.length(value, yes)
            if amount is not None:
                one = [Condition("size", line, amount)]
                return one, [Condition("size", line, (-amount).plus(1))]
        if isinstance(value, Remainder):
            return self._divides(value, line)[::-1]
        if amount is None:
            return [Condition("opaque", line)], [Condition("opaque", line)]
        equal = [
            Condition("size", line, amount.plus(1)),
            Condition("size", line, (-amount).plus(1)),
        ]
        return [Condition("nonzero", line, amount)], equal

    def _divides(self, value: Remainder, line: int) -> tuple[list[Condition], list[Condition]]:
        """Divisible, not divisible: a prime dividend keeps the second for divisors 2..n-1."""
        return [Condition("opaque", line)], [Condition("prime", line, value.left, value.right)]

    def _compare_cost(self, node: n.Compare, st: State) -> list[Value]:
        values = [self.value(node.left, st)]
        for op, right in zip(node.ops, node.comparators, strict=True):
            value = self.value(right, st)
            values.append(value)
            if op in {"In", "NotIn"}:
                self._search_cost(value, st)
            elif op not in {"Is", "IsNot"}:
                for side in values[-2:]:
                    if isinstance(side, Unknown) and side.heavy:
                        st.lose(f"line {self.line}: a comparison of unknown size")
                    if isinstance(side, Reference) or (
                        isinstance(side, Parameter) and self.is_container(side.name)
                    ):
                        st.charge(ONE, self.length_growth(side, st))
        return values

    def _search_cost(self, where: Value, st: State) -> Growth:
        """Charge a membership test; returns the cost of an unsuccessful one."""
        found = self.container(where, st)
        if isinstance(where, (Progression, Several)):
            return ONE
        if found is not None and found[1].kind in {"set", "dict"}:
            st.assumed_high.add("hash-O1")
            return ONE
        growth = self.length_growth(where, st)
        if growth is None:
            st.lose(f"line {self.line}: membership in something of unknown size")
            return ONE
        st.charge(ONE, growth)
        return growth

    def _decide_compare(
        self, test: n.Compare, yes: State, no: State
    ) -> tuple[list[Condition], list[Condition]]:
        line, op = self.line, test.ops[0]
        left, right = self._compare_cost(test, yes)
        scan = ONE
        if op in {"In", "NotIn"}:
            scan = self._search_cost(right, yes)
        _follow(no, yes)
        unknown = [Condition("opaque", line)], [Condition("opaque", line)]
        operands = _shape(test.left), _shape(test.comparators[0])
        if op in {"In", "NotIn"}:
            absent = no if op == "In" else yes
            absent.low = absent.low + scan
            if isinstance(right, Parameter) and scan != ONE:
                absent.assumed_low.add(f"list:{right.name}")
            if not self._may_be_absent(left, right, yes):
                return unknown
            out = [Condition("data", line, operands=operands, outcomes=frozenset(["absent"]))]
            return (unknown[0], out) if op == "In" else (out, unknown[0])
        a, b = self.number(left, yes), self.number(right, yes)
        if a is not None and b is not None and op not in {"Is", "IsNot"}:
            return self._numbers(op, a, b, line)
        if isinstance(left, Remainder) and b is not None and op in {"Eq", "NotEq"}:
            if b != Affine():
                return unknown
            divides, not_so = self._divides(left, line)
            return (divides, not_so) if op == "Eq" else (not_so, divides)
        powers = self._product_guard(op, left, right, line, yes)
        if powers is not None:
            return powers
        if op not in _ORDERS or operands[0] == operands[1]:
            return unknown
        if not self._chosen_by_caller(test, left, right):
            return unknown
        found = []
        for outcomes in (_ORDERS[op], frozenset("<=>") - _ORDERS[op]):
            gap = self._index_gap(left, right, outcomes)
            kept = Condition("data", line, gap, operands=operands, outcomes=outcomes)
            found.append([Condition("opaque", line)] if gap == Affine() else [kept])
        return found[0], found[1]

    def _may_be_absent(self, item: Value, where: Value, st: State) -> bool:
        """New items can keep coming: the container held none of them when the path began."""
        found = self.container(where, st)
        if not (isinstance(item, Element) and item.free and item.path) or found is None:
            return False
        key, content = found
        if content.kind == "parameter":
            return key not in st.touched and not item.path.startswith(key.partition(":")[2] + "[")
        return content.built and key not in st.touched

    def _chosen_by_caller(self, test: n.Compare, left: Value, right: Value) -> bool:
        """One side is free content, the other free content, a fixed size or a constant."""
        sides = ((left, test.left), (right, test.comparators[0]))
        if not any(isinstance(v, Element) and v.free for v, _ in sides):
            return False
        if isinstance(left, Element) and isinstance(right, Element):
            return left.free and right.free and bool(left.path and right.path)
        return all(
            (isinstance(v, Element) and v.free)
            or isinstance(v, Parameter)
            or (isinstance(v, Num) and not self.facts.local & set(v.value.atoms))
            or isinstance(node, n.Constant)
            for v, node in sides
        )

    def _index_gap(self, left: Value, right: Value, outcomes: frozenset[str]) -> Affine | None:
        """For two elements of one container, the distance that must not be 0.

        None where equal content will do, or the containers differ; 0 where places may coincide.
        """
        if not (isinstance(left, Element) and isinstance(right, Element)):
            return None
        if left.path != right.path or "=" in outcomes:
            return None
        if left.index is None or right.index is None:
            return Affine()
        return left.index - right.index

    def _product_guard(
        self, op: str, left: Value, right: Value, line: int, st: State
    ) -> tuple[list[Condition], list[Condition]] | None:
        """`i * i <= n` and its mirror: recorded as i**2 against n for the loop analysis."""
        limit = self.number(right, st)
        holds, fails = ("Lt", "LtE"), ("Gt", "GtE")
        if not (isinstance(left, Product) and limit is not None and op in holds + fails):
            return None
        if any(f != left.factors[0] for f in left.factors):
            return None
        guard = Condition(
            "opaque", line, left.factors[0], limit.scale(Fraction(1)), len(left.factors)
        )
        other = Condition("opaque", line)
        return ([guard], [other]) if op in holds else ([other], [guard])

    def _numbers(
        self, op: str, a: Affine, b: Affine, line: int
    ) -> tuple[list[Condition], list[Condition]]:
        gap = b - a
        less = [Condition("size", line, gap)]  # integers: a < b is b - a >= 1
        at_most = [Condition("size", line, gap.plus(1))]
        more = [Condition("size", line, -gap)]
        at_least = [Condition("size", line, (-gap).plus(1))]
        equal = [*at_most, *at_least]
        different = [Condition("nonzero", line, a - b)]
        table = {
            "Lt": (less, at_least),
            "LtE": (at_most, more),
            "Gt": (more, at_most),
            "GtE": (at_least, less),
            "Eq": (equal, different),
            "NotEq": (different, equal),
        }
        unknown = [Condition("opaque", line)], [Condition("opaque", line)]
        return table.get(op, unknown)


def _follow(late: State, early: State) -> None:
    """Give the failing path all that evaluating the test did."""
    copy = early.copy()
    late.env, late.heap, late.low, late.high = copy.env, copy.heap, copy.low, copy.high
    late.calls, late.notes = copy.calls, copy.notes
    late.assumed_high, late.assumed_low = copy.assumed_high, copy.assumed_low
    late.touched = copy.touched


_ORDERS = {
    "Eq": frozenset("="),
    "NotEq": frozenset("<>"),
    "Lt": frozenset("<"),
    "LtE": frozenset("<="),
    "Gt": frozenset(">"),
    "GtE": frozenset(">="),
}


def _shape(node: object) -> object:
    if isinstance(node, n.Node):
        return type(node).__name__, *(_shape(getattr(node, f)) for f in node._fields)
    if isinstance(node, list):
        return tuple(_shape(x) for x in node)
    return node
