"""Values and costs of expressions on one path.

`value` dispatches on the kind of expression and charges the state for what evaluation costs.
Conditions, calls and comprehensions are left to the subclasses.
"""

from __future__ import annotations

from neox.compiler import nodes as n
from neox.compiler.complexity.affine import Affine
from neox.compiler.complexity.growth import ONE
from neox.compiler.complexity.operators import Operators
from neox.compiler.complexity.record import replace
from neox.compiler.complexity.unit import place
from neox.compiler.complexity.values import (
    Element,
    Instance,
    Magnitude,
    Num,
    Parameter,
    Remainder,
    Several,
    State,
    Unknown,
    Value,
)

_COMPREHENSIONS = (n.ListComp, n.SetComp, n.DictComp, n.GeneratorExp)


class Expressions(Operators):
    """The evaluator of one function."""

    def call(self, node: n.Call, st: State) -> Value:
        raise NotImplementedError

    def produce(self, node: n.Yield | n.YieldFrom, st: State) -> Value:
        raise NotImplementedError

    def comprehension(self, node: n.expr, st: State) -> Value:
        raise NotImplementedError

    def compare_cost(self, node: n.Compare, st: State) -> list[Value]:
        raise NotImplementedError

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
            key = place(node)
            if key and key.partition(".")[0] == self.scope.receiver:
                return st.env.get(key, Parameter(key))
            base = self.value(node.value, st)
            if isinstance(base, Instance):
                return st.env.get(f"{base.key}.{node.attr}", Unknown(heavy=True))
            if isinstance(base, Parameter) and not self.is_container(base.name):
                return Element(f"{base.name}.{node.attr}", self.chosen(base.name))
            if isinstance(base, Element):
                return Element(f"{base.path}.{node.attr}" if base.path else "", base.free)
            return Unknown(heavy=isinstance(base, Unknown) and base.heavy)
        if isinstance(node, n.Compare):
            self.compare_cost(node, st)
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
        if isinstance(node, (n.Yield, n.YieldFrom)):
            return self.produce(node, st)
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
