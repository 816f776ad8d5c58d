"""Conditions split a path in two, and say what each half may rely on.

A test on sizes becomes an inequality. A test on content becomes a choice of the caller, where the
content is the caller's: not sorted, not written before, not compared with itself. Everything else
is opaque.
"""

from __future__ import annotations

from fractions import Fraction

from neox.compiler import nodes as n
from neox.compiler.complexity.affine import Affine
from neox.compiler.complexity.expressions import Expressions
from neox.compiler.complexity.growth import ONE, Growth
from neox.compiler.complexity.values import (
    Condition,
    Element,
    GaveUp,
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


class Conditions(Expressions):
    """Evaluates tests."""

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
        if isinstance(test, n.Compare) and _is_main(test):
            return [st], []
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
            operands, about = (shape(test), None), self._about(line, value)
            return (
                [Condition("data", line, operands=operands, outcomes=frozenset("T"), about=about)],
                [Condition("data", line, operands=operands, outcomes=frozenset("F"), about=about)],
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

    def compare_cost(self, node: n.Compare, st: State) -> list[Value]:
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
        left, right = self.compare_cost(test, yes)
        scan = ONE
        if op in {"In", "NotIn"}:
            scan = self._search_cost(right, yes)
        _follow(no, yes)
        unknown = [Condition("opaque", line)], [Condition("opaque", line)]
        operands = shape(test.left), shape(test.comparators[0])
        if op in {"In", "NotIn"}:
            absent = no if op == "In" else yes
            absent.low = absent.low + scan
            if isinstance(right, Parameter) and scan != ONE:
                absent.assumed_low.add(f"list:{right.name}")
            if not self._may_be_absent(left, right, yes):
                inside = [*unknown[0], *self._occupied(right, yes, line)]
                return (inside, unknown[1]) if op == "In" else (unknown[1], inside)
            absent_only = frozenset(["absent"])
            about = self._about(line, right)
            out = [Condition("data", line, None, None, 1, operands, absent_only, about)]
            unknown[0].extend(self._occupied(right, yes, line))
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
        if op in {"Is", "IsNot"} and isinstance(left, Parameter):
            other = test.comparators[0]
            if isinstance(other, n.Constant) and other.value is None:
                none = [Condition("opaque", line, about=frozenset([f"none:{left.name}"]))]
                some = [Condition("opaque", line, about=frozenset([f"some:{left.name}"]))]
                return (none, some) if op == "Is" else (some, none)
        if op not in ORDERS or operands[0] == operands[1]:
            return unknown
        if not self._chosen_by_caller(test, left, right):
            return unknown
        found, about = [], self._about(line, left, right)
        turned = repr(operands[1]) < repr(operands[0])  # one order for `a < b` and `b > a`
        pair = operands[::-1] if turned else operands
        for outcomes in (ORDERS[op], frozenset("<=>") - ORDERS[op]):
            gap = self._index_gap(left, right, outcomes)
            orders = frozenset(o.translate(_TURN) for o in outcomes) if turned else outcomes
            kept = Condition("data", line, gap, None, 1, pair, orders, about)
            found.append([Condition("opaque", line)] if gap == Affine() else [kept])
        return found[0], found[1]

    def _about(self, line: int, *values: Value) -> frozenset[str]:
        """The containers that a choice of content speaks of; remembered by line as well."""
        names = set()
        for v in values:
            if isinstance(v, Element) and v.path:
                names.add(v.path.partition("[")[0])
            elif isinstance(v, Parameter):
                names.add(v.name)
        self.facts.about.setdefault(line, set()).update(names)
        return frozenset(names)

    def _occupied(self, where: Value, st: State, line: int) -> list[Condition]:
        """What contains something is not empty."""
        found = self.container(where, st)
        if found is None or found[1].length is None or found[1].kind not in {"set", "dict"}:
            return []
        return [Condition("size", line, found[1].length)]

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
        if b == Affine() and len(a.terms) == 1 and a.atoms[0] in self.facts.mods:
            dividend, modulus = self.facts.mods[a.atoms[0]]
            if len(dividend.terms) == 1 and not dividend.const and "#" not in dividend.atoms[0]:
                different = [Condition("prime", line, dividend, Affine.number(modulus))]
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


def _is_main(test: n.Compare) -> bool:
    """`__name__ == "__main__"`"""
    return isinstance(test.left, n.Name) and test.left.id == "__name__"


def _follow(late: State, early: State) -> None:
    """Give the failing path all that evaluating the test did."""
    copy = early.copy()
    late.env, late.heap, late.low, late.high = copy.env, copy.heap, copy.low, copy.high
    late.calls, late.notes = copy.calls, copy.notes
    late.assumed_high, late.assumed_low = copy.assumed_high, copy.assumed_low
    late.touched = copy.touched


ORDERS = {
    "Eq": frozenset("="),
    "NotEq": frozenset("<>"),
    "Lt": frozenset("<"),
    "LtE": frozenset("<="),
    "Gt": frozenset(">"),
    "GtE": frozenset(">="),
}


_TURN = str.maketrans("<>", "><")


def shape(node: object) -> object:
    if isinstance(node, n.Node):
        return type(node).__name__, *(shape(getattr(node, f)) for f in node._fields)
    if isinstance(node, list):
        return tuple(shape(x) for x in node)
    return node
