"""Calls on one path: built-ins by the cost table, functions of the file by their summaries.

A call of the function under analysis becomes a `CallSite` for the recurrence; a call of another
function is charged its summary with the arguments' sizes put in. An unknown callee costs an
unknown amount: never O(1).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction

from neox.compiler import nodes as n
from neox.compiler.complexity import costs
from neox.compiler.complexity.affine import Affine
from neox.compiler.complexity.expressions import Expressions
from neox.compiler.complexity.growth import ONE, Factor, Growth, log_of, monomial
from neox.compiler.complexity.unit import Function, Unit, dotted
from neox.compiler.complexity.values import (
    CallSite,
    Element,
    GaveUp,
    Lazy,
    Magnitude,
    Num,
    Parameter,
    Product,
    Progression,
    Remainder,
    State,
    Unknown,
    Value,
)


@dataclass(frozen=True, slots=True)
class Summary:
    """What a caller needs: cost from both sides in entry sizes, and the size of the result."""

    low: Growth
    high: Growth | None
    assumed_low: frozenset[str]
    assumed_high: frozenset[str]
    notes: frozenset[str]
    result_kind: str  # "container", "plain" or "unknown"
    result_length: Affine | None
    odd: str | None = None


class Calls(Expressions):
    """`summarize` gives the summary of a function that is not on a cycle with this one."""

    def __init__(
        self, unit: Unit, root: Function, summarize: Callable[[Function], Summary]
    ) -> None:
        super().__init__(unit, root)
        self.summarize = summarize
        self.result: tuple[str, Affine | None] = ("unknown", None)  # hypothesis for recursion

    def call(self, node: n.Call, st: State) -> Value:
        if any(isinstance(a, n.Starred) for a in node.args) or any(
            k.arg is None for k in node.keywords
        ):
            for part in (*node.args, *(k.value for k in node.keywords)):
                self.value(part, st)
            st.lose(f"line {self.line}: call with unpacked arguments")
            return Unknown()
        if isinstance(node.func, n.Name) and node.func.id not in st.env:
            target = self.unit.find(node.func.id, self.scope)
            if target is not None:
                return self.call_function(target, node, st)
        if isinstance(node.func, n.Attribute):
            return self._attribute_call(node, node.func, st)
        arguments = [self.value(a, st) for a in node.args]
        keywords = {k.arg: self.value(k.value, st) for k in node.keywords}
        if isinstance(node.func, n.Name) and node.func.id not in st.env:
            name = self.unit.imports.get(node.func.id, node.func.id)
            return self.builtin(name, node, arguments, keywords, st)
        self.value(node.func, st)
        return self.unknown_call(dotted(node.func) or "expression", arguments, st)

    def unknown_call(self, name: str, arguments: list[Value], st: State) -> Value:
        """Costs an unknown amount and may resize every container it is given."""
        st.lose(f"callee-cost:{name}")
        for argument in arguments:
            self.forget_length(argument, st)
        return Unknown()

    def forget_length(self, value: Value, st: State) -> None:
        found = self.container(value, st)
        if found is not None:
            key, content = found
            st.heap[key] = replace(content, length=None, growth=None)
            st.touched.add(key)

    # Functions of the file

    def bind(self, target: Function, node: n.Call, st: State) -> dict[str, Value] | None:
        """Arguments by parameter name; None where they do not fit."""
        if target.odd is not None:
            return None
        a = target.node.args
        positional = [p.arg for p in (*a.posonlyargs, *a.args)]
        if len(node.args) > len(positional):
            return None
        bound: dict[str, Value] = {}
        for name, argument in zip(positional, node.args, strict=False):
            bound[name] = self.value(argument, st)
        for keyword in node.keywords:
            if keyword.arg is not None:
                bound[keyword.arg] = self.value(keyword.value, st)
        for name, default in zip(reversed(positional), reversed(a.defaults), strict=False):
            if name not in bound:
                bound[name] = self.value(default, st)
        for only, default_or_none in zip(a.kwonlyargs, a.kw_defaults, strict=False):
            if only.arg not in bound and default_or_none is not None:
                bound[only.arg] = self.value(default_or_none, st)
        return bound if set(bound) == set(target.parameters) else None

    def call_function(self, target: Function, node: n.Call, st: State) -> Value:
        bound = self.bind(target, node, st)
        if bound is None:
            return self.unknown_call(target.name, [self.value(a, st) for a in node.args], st)
        for name in target.resized:
            self.forget_length(bound[name] if name in bound else self.name(name, st), st)
        if target is self.root:
            sizes = self.entry_sizes(bound, st)
            st.calls.append(CallSite(sizes, euclid=self._euclid(bound, st)))
            return self._recursive_result(bound, st)
        if self.unit.reaches(target, self.root):
            raise GaveUp(f"mutual recursion through {target.name} inside an expression")
        for name in bound:
            self._content_unknown(bound[name], st)
        return self.use_summary(target, self.summarize(target), bound, st)

    def _content_unknown(self, value: Value, st: State) -> None:
        """A function of the file may have changed what a container holds."""
        found = self.container(value, st)
        if found is not None and isinstance(found[1].element, Element):
            st.heap[found[0]] = replace(found[1], element=replace(found[1].element, free=False))
            st.touched.add(found[0])

    def entry_sizes(
        self, bound: dict[str, Value], st: State
    ) -> tuple[tuple[str, Affine | None], ...]:
        """The callee's entry sizes in terms of atoms here."""
        sizes: list[tuple[str, Affine | None]] = []
        for name, value in bound.items():
            sizes.append((name, self.number(value, st)))
            sizes.append((f"len({name})", self._clean_length(value, st)))
            sizes.append((f"len({name}[])", self._inner_length(value)))
        return tuple(sizes)

    def _euclid(self, bound: dict[str, Value], st: State) -> tuple[str, str] | None:
        for a, first in bound.items():
            for b, second in bound.items():
                step = Remainder(Affine.atom(a), Affine.atom(b))
                if second == step and self.number(first, st) == Affine.atom(b):
                    return a, b
        return None

    def _clean_length(self, value: Value, st: State) -> Affine | None:
        if isinstance(value, Element):
            return None
        return self.length(value, st)

    def _inner_length(self, value: Value) -> Affine | None:
        return Affine.atom(f"len({value.name}[])") if isinstance(value, Parameter) else None

    def _recursive_result(self, bound: dict[str, Value], st: State) -> Value:
        kind, length = self.result
        if kind != "container":
            return Unknown()
        sizes = dict(self.entry_sizes(bound, st))
        size = None if length is None else length.map_atoms(lambda a: sizes.get(a, Affine.atom(a)))
        return self.allocate(st, "list", size, Element("", False))

    def use_summary(
        self, target: Function, summary: Summary, bound: dict[str, Value], st: State
    ) -> Value:
        sizes = dict(self.entry_sizes(bound, st))

        def size_of(atom: str) -> Affine | None:
            if atom in sizes:
                return sizes[atom]
            inner = atom.removeprefix("len(").removesuffix(")")
            value = self.name(inner.removesuffix("[]"), st)  # a variable of the callee's outside
            if inner.endswith("[]"):
                return self._inner_length(value)
            return self.length(value, st) if atom.startswith("len(") else self.number(value, st)

        st.notes |= summary.notes
        st.assumed_low |= summary.assumed_low
        st.assumed_high |= summary.assumed_high
        low = replace_sizes(summary.low, size_of, self.facts.without_noise)
        high = summary.high
        if high is not None:
            high = replace_sizes(high, size_of, self.facts.without_noise)
            if high is None:
                st.notes.add(f"line {self.line}: the size of an argument of {target.name}")
        st.charge(low or ONE, high)
        if summary.result_kind != "container":
            return Unknown()
        length = summary.result_length
        return self.allocate(
            st, "list", None if length is None else length.map_atoms(size_of), Element("", False)
        )

    # Built-ins

    def builtin(
        self,
        name: str,
        node: n.Call,
        arguments: list[Value],
        keywords: dict[str | None, Value],
        st: State,
    ) -> Value:
        if "key" in keywords or name in {"map", "filter"}:
            st.lose(f"callee-cost:function given to {name}")
            return Unknown()
        if name == "len" and len(arguments) == 1:
            length = self.length(arguments[0], st)
            return Unknown() if length is None else Num(length)
        if name == "range" and 1 <= len(arguments) <= 3:
            one, zero = Num(Affine.number(1)), Num(Affine())
            if len(arguments) == 1:
                return Progression(zero, arguments[0], one)
            return Progression(arguments[0], arguments[1], (*arguments, one)[2])
        if name in {"zip", "enumerate", "iter", "reversed"} and arguments:
            if name == "zip":
                return Lazy("zip", tuple(arguments))
            return Lazy("enumerate" if name == "enumerate" else "plain", tuple(arguments[:1]))
        if name in {"int", "math.floor", "math.ceil", "round", "math.trunc"} and arguments:
            return self._rounded(node.args[0], arguments[0], st)
        if name in {"math.sqrt", "math.isqrt"} and len(arguments) == 1:
            return self.square_root(arguments[0], st)
        if name in {"min", "max"} and len(arguments) > 1:
            return self._extreme(name, arguments, st)
        if name == "abs" and arguments:
            return arguments[0] if isinstance(arguments[0], Magnitudes) else Unknown()
        if name in {"str", "repr", "print"}:
            for argument in arguments:
                if self.number(argument, st) is None and not isinstance(argument, Element):
                    st.charge(ONE, self.length_growth(argument, st))
            return Unknown()
        if name == "sum" and len(arguments) > 1:
            st.lose("sum with a start value may concatenate")
            return Unknown()
        if name in _EMPTY and not arguments:
            return self.allocate(st, _EMPTY[name], Affine(), Element("", False))
        entry = costs.FUNCTIONS.get(name)
        if entry is None or (keywords and name not in {"sorted", "max", "min"}):
            return self.unknown_call(name, arguments, st)
        return self.apply(name, entry, arguments[0] if arguments else Unknown(), arguments, st)

    def apply(
        self, name: str, entry: costs.Entry, receiver: Value, arguments: list[Value], st: State
    ) -> Value:
        if entry.assumption:
            st.assumed_high.add(entry.assumption)
            st.assumed_low.add(entry.assumption)
        k = ONE if {entry.low, entry.high} == {"1"} else self.length_growth(receiver, st)
        if k is None:
            st.charge(ONE, None)
            st.notes.add(f"line {self.line}: {name} of something of unknown size")
        else:
            worst = name in costs.WORST_IS_HIGH
            st.charge(_cost(entry.high if worst else entry.low, k), _cost(entry.high, k))
            if worst and entry.low != entry.high:
                st.assumed_low.add(f"worst-case-content:{name}")
        if entry.grows != 0:
            self.resize(receiver, entry.grows, st)
        return self._result(name, entry, receiver, st)

    def resize(self, receiver: Value, by: int | None, st: State) -> None:
        found = self.container(receiver, st)
        if found is None:
            return
        key, content = found
        length = None if by is None or content.length is None else content.length.plus(by)
        st.heap[key] = replace(content, length=length, growth=None)
        st.touched.add(key)

    def _result(self, name: str, entry: costs.Entry, receiver: Value, st: State) -> Value:
        if entry.result in {"list", "set", "dict", "same"}:
            found = self.container(receiver, st)
            length = self.length(receiver, st)
            kind = found[1].kind if entry.result == "same" and found else entry.result
            if kind in {"set", "dict"} and length is not None and entry.result != "same":
                length = self.facts.fresh("distinct", Affine(), length)
            free = name in {"list", "tuple", "collections.deque"} or entry.result == "same"
            inner = found[1].element if found is not None and free else Element("", False)
            if name == "collections.deque":
                kind = "deque"
            growth = None if length is not None else self.length_growth(receiver, st)
            return self.allocate(st, "list" if kind == "parameter" else kind, length, inner, growth)
        if entry.result == "element":
            found = self.container(receiver, st)
            return found[1].element if found is not None else Unknown()
        if entry.result == "lazy":
            return Lazy("plain", (receiver,))
        return Unknown()

    def _rounded(self, node: n.expr, value: Value, st: State) -> Value:
        if isinstance(node, n.BinOp) and node.op == "Div":
            scratch = st.copy()
            a = self.number(self.value(node.left, scratch), scratch)
            b = self.number(self.value(node.right, scratch), scratch)
            if a is not None and b is not None and b.is_constant and b.const > 0:
                return self.floor_divide(a, b.const)
        if isinstance(node, n.BinOp) and node.op == "Pow" and _is_half(node.right):
            scratch = st.copy()
            return self.square_root(self.value(node.left, scratch), scratch)
        if isinstance(value, (Parameter, *Magnitudes)) and self.magnitude(value, st) is not None:
            return value
        return Unknown()

    def _extreme(self, name: str, arguments: list[Value], st: State) -> Value:
        numbers = [self.number(a, st) for a in arguments]
        known = [x for x in numbers if x is not None]
        if len(known) == len(numbers) and len(set(known)) == 1:
            return arguments[0]
        if name == "min" and known:  # at most each of the known ones
            return Num(self.facts.fresh("min", None, known[0]))
        if all(isinstance(a, Element) and a.free for a in arguments):
            return Element("", False)
        return Unknown()

    # Methods

    def _attribute_call(self, node: n.Call, func: n.Attribute, st: State) -> Value:
        head = dotted(func)
        first = head.partition(".")[0]
        if first in self.unit.imports and first not in st.env:
            arguments = [self.value(a, st) for a in node.args]
            keywords = {k.arg: self.value(k.value, st) for k in node.keywords}
            name = self.unit.imports[first] + head[len(first) :]
            return self.builtin(name, node, arguments, keywords, st)
        receiver = self.value(func.value, st)
        arguments = [self.value(a, st) for a in node.args]
        for keyword in node.keywords:
            self.value(keyword.value, st)
            if keyword.arg == "key":
                st.lose(f"callee-cost:function given to {func.attr}")
        return self.method(func.attr, receiver, arguments, st)

    def method(self, name: str, receiver: Value, arguments: list[Value], st: State) -> Value:
        found = self.container(receiver, st)
        kind = found[1].kind if found is not None else "unknown"
        table = costs.METHODS.get({"parameter": "list", "tuple": "list"}.get(kind, kind), {})
        entry = table.get(name)
        if found is None or entry is None:
            if isinstance(receiver, (Element, Unknown)) and name in {"append", "add"}:
                st.assumed_high.add(f"constant-time:.{name}")
                return Unknown()
            if kind == "parameter":
                for other in ("deque", "set", "dict", "str"):
                    if name in costs.METHODS[other]:
                        return self.apply(name, costs.METHODS[other][name], receiver, arguments, st)
            return self.unknown_call(f".{name}", [receiver, *arguments], st)
        if name == "extend" and arguments:
            return self._extend(receiver, arguments[0], st)
        if name == "pop" and kind in {"list", "parameter"} and arguments:
            return self._pop_at(receiver, arguments[0], st)
        if name in {"append", "appendleft", "insert", "add", "setdefault"}:
            self.keep(receiver, arguments[-1] if arguments else Unknown(), st)
        if name == "insert" and arguments:
            at = self.number(arguments[0], st)
            front = at is not None and at.is_constant and at.const >= 0
            growth = self.length_growth(receiver, st)
            st.charge(growth if front and growth is not None else ONE, growth)
            self.resize(receiver, 1, st)
            return Unknown()
        if name == "sort":
            self._scramble(receiver, st)
        return self.apply(name, entry, receiver, arguments, st)

    def keep(self, receiver: Value, value: Value, st: State) -> None:
        """Remember that a container holds containers."""
        found = self.container(receiver, st)
        if found is not None and self.heavy(value):
            st.heap[found[0]] = replace(found[1], element=Unknown(heavy=True))

    def _scramble(self, receiver: Value, st: State) -> None:
        """After sorting, the content is no longer the caller's to choose."""
        found = self.container(receiver, st)
        if found is not None:
            st.heap[found[0]] = replace(found[1], element=Element("", False))

    def _extend(self, receiver: Value, other: Value, st: State) -> Value:
        growth, extra = self.length_growth(other, st), self.length(other, st)
        st.charge(growth or ONE, growth)
        found = self.container(receiver, st)
        if found is not None:
            key, content = found
            total = None
            if content.length is not None and extra is not None:
                total = content.length + extra
            st.heap[key] = replace(content, length=total, growth=None)
        return Unknown()

    def _pop_at(self, receiver: Value, index: Value, st: State) -> Value:
        at = self.number(index, st)
        growth = self.length_growth(receiver, st)
        last = at is not None and at.is_constant and at.const == -1
        front = at is not None and at.is_constant and at.const >= 0
        if not last:
            st.charge(growth if front and growth is not None else ONE, growth)
        self.resize(receiver, -1, st)
        found = self.container(receiver, st)
        return found[1].element if found is not None else Unknown()


_EMPTY = {
    "list": "list",
    "tuple": "list",
    "set": "set",
    "frozenset": "set",
    "dict": "dict",
    "collections.deque": "deque",
}
Magnitudes = (Num, Magnitude, Product)


def _is_half(node: n.expr) -> bool:
    return isinstance(node, n.Constant) and node.value == 0.5


def _cost(cost: costs.Cost, k: Growth) -> Growth:
    if cost == "1":
        return ONE
    if cost == "log":
        return log_of(k)
    return k if cost == "k" else k * log_of(k)


def replace_sizes(
    growth: Growth,
    size_of: Callable[[str], Affine | None],
    clean: Callable[[Affine], Affine],
) -> Growth | None:
    """Put the caller's sizes into a callee's growth; None where one is unknown or unfit."""

    def change(size: Affine, factor: Factor) -> Growth:
        new = size.map_atoms(size_of)
        if new is None:
            raise Missing
        new = clean(new)
        if new.is_constant or all(c < 0 for _, c in new.terms):
            return ONE
        if factor.polylog:
            return Growth.size(new, factor)
        return _in_exponent(new, factor)

    try:
        return growth.map(change)
    except Missing:
        return None


class Missing(Exception):
    """A size of the callee has no expression at the call."""


def _in_exponent(new: Affine, factor: Factor) -> Growth:
    """c**(k*m + d) is (c**k)**m; (m + d)! is m! * m**d for a whole number d."""
    scale = abs(new.terms[0][1])
    base = new.linear().scale(1 / scale)
    if scale.denominator != 1 or (scale != 1 and not isinstance(factor.rate, Fraction)):
        raise Missing
    if scale != 1 and factor.factorial:
        raise Missing
    if factor.factorial and new.const.denominator != 1:
        raise Missing
    rate = factor.rate ** int(scale) if isinstance(factor.rate, Fraction) else factor.rate
    shifted = replace(factor, rate=rate)
    if factor.factorial:
        shifted = shifted.times(Factor(power=new.const * factor.factorial))
    return Growth(frozenset([monomial({base: shifted})]))
