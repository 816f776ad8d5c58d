"""Built-in functions and methods on one path, charged by the cost table.

An unknown callee costs an unknown amount, never O(1), and may resize what it is given.
"""

from __future__ import annotations

from neox.compiler import nodes as n
from neox.compiler.complexity import costs
from neox.compiler.complexity.affine import Affine
from neox.compiler.complexity.conditions import Conditions
from neox.compiler.complexity.growth import ONE, Factor, Growth, log_of, monomial
from neox.compiler.complexity.inputs import KEEPS, MARK, NUMBERS, TEXT
from neox.compiler.complexity.record import replace
from neox.compiler.complexity.unit import dotted
from neox.compiler.complexity.values import (
    Element,
    Lazy,
    Magnitude,
    Num,
    Parameter,
    Product,
    Progression,
    Remainder,
    Several,
    State,
    Unknown,
    Value,
)


class Builtins(Conditions):
    """Arguments come evaluated, except where their text matters (`int(n / 2)`)."""

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

    def builtin(
        self,
        name: str,
        node: n.Call,
        arguments: list[Value],
        keywords: dict[str | None, Value],
        st: State,
    ) -> Value:
        first = arguments[0] if arguments else None
        if name in {"int", "float", "str"} and isinstance(first, (Element, Parameter)):
            if isinstance(first, Element):
                return first
            if MARK in first.name:
                if name == "int" and first.name == TEXT:
                    return Num(Affine.atom(f"number{MARK}"))
                return Element(f"{first.name}[]")
        if (
            isinstance(first, Parameter)
            and first.name in {TEXT, NUMBERS}
            and name in {"list", "tuple", "iter"}
        ):
            return first
        if name == "next" and isinstance(first, (Lazy, Parameter)):
            base = first.parts[0] if isinstance(first, Lazy) else first
            return self._item_of(base, st)
        if name == "map" and len(arguments) == 2 and isinstance(arguments[1], Parameter):
            read = arguments[1]
            if MARK in read.name and _converts(node.args[0]):
                return Parameter(NUMBERS)
        if name in {"map", "filter"} and len(arguments) > 1:
            return self._mapped(name, node.args[0], arguments[1:], st)
        key = next((k.value for k in node.keywords if k.arg == "key"), None)
        if key is not None:
            self._keyed(name, key, arguments[0] if arguments else Unknown(), st)
        if name.startswith("itertools."):
            chosen = self._choices(name, arguments, keywords, st)
            if chosen is not None:
                return chosen
        if name == "collections.defaultdict":
            return self.allocate(st, "dict", Affine(), Unknown(heavy=True))
        if name == "divmod" and len(arguments) == 2:
            quotient = self.binary("FloorDiv", arguments[0], arguments[1], st)
            return Several((quotient, self.binary("Mod", arguments[0], arguments[1], st)))
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
                light = isinstance(argument, Unknown) and not argument.heavy
                light = light or isinstance(argument, (Element, *Magnitudes, Remainder))
                if self.number(argument, st) is None and not light:
                    growth = self.length_growth(argument, st)
                    st.charge(growth or ONE, growth)
            return Unknown()
        if name == "sum" and len(arguments) > 1:
            st.lose("sum with a start value may concatenate")
            return Unknown()
        if name in _EMPTY and not arguments:
            return self.allocate(st, _EMPTY[name], Affine(), Element("", False))
        if name.startswith("bisect.insort") and len(arguments) == 2 and not keywords:
            item = arguments[1]
            if isinstance(item, Element) and item.free and item.path:  # smaller than all before
                growth = self.length_growth(arguments[0], st)
                st.charge(growth or ONE, growth)
                st.assumed_low.add("worst-case-content:insort")
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
            self.resize(receiver, entry.grows, st, name in {"add", "setdefault"})
        return self._result(name, entry, receiver, st)

    def resize(self, receiver: Value, by: int | None, st: State, growing: bool = False) -> None:
        """`growing` with an unknown amount: by one item or none (sets and dicts)."""
        found = self.container(receiver, st)
        if found is None:
            return
        key, content = found
        length = None
        if content.length is not None and by is not None:
            length = content.length.plus(by)
        elif content.length is not None and growing:
            length = content.length + self.facts.fresh("added", Affine(), Affine.number(1))
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
        if entry.result in {"part", "parts"}:
            length = self.length(receiver, st)
            length = None if length is None else self.facts.fresh("part", Affine(), length)
            kind = "str" if entry.result == "part" else "list"
            return self.allocate(st, kind, length, Element("", False))
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
        # a huge constant caps nothing in practice: it does not count as a bound
        known = [x for x in known if not x.is_constant or x.const <= LARGE]
        if name == "min" and known:  # at most each of the known ones
            return Num(self.facts.fresh("min", None, known[0]))
        if all(isinstance(a, Element) and a.free for a in arguments):
            return Element("", False)
        return Unknown()

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
                self._keyed(func.attr, keyword.value, receiver, st)
        if isinstance(receiver, Parameter) and MARK in receiver.name and func.attr in KEEPS:
            return receiver if receiver.name in {TEXT, NUMBERS} else Parameter(receiver.name)
        if func.attr == "join" and len(arguments) == 1:
            return self._joined(arguments[0], st)
        if func.attr == "most_common":
            growth = self.length_growth(receiver, st)
            st.charge(growth or ONE, None if growth is None else growth * log_of(growth))
            st.assumed_low.add("worst-case-content:most_common")
            if growth is not None and not arguments:
                st.low = st.low + growth * log_of(growth)
            return self.allocate(st, "list", self.length(receiver, st), Element("", False))
        return self.method(func.attr, receiver, arguments, st)

    def per_item(self, function: n.expr, item: Value, st: State) -> tuple[Growth | None, Value]:
        raise NotImplementedError

    def _item_of(self, value: Value, st: State) -> Value:
        raise NotImplementedError

    def _keyed(self, name: str, key: n.expr, over: Value, st: State) -> None:
        """A key function is called once per item."""
        if isinstance(key, n.Constant):  # key=None
            return
        per, _ = self.per_item(key, self._item_of(over, st), st)
        growth = self.length_growth(over, st)
        if per is None or growth is None:
            st.lose(f"callee-cost:function given to {name}")
        else:
            st.charge(ONE, per * growth)

    def _mapped(self, name: str, function: n.expr, sources: list[Value], st: State) -> Value:
        """map and filter, charged as if all their items were asked for."""
        item = self._item_of(sources[0], st)
        per, result = self.per_item(function, item, st)
        growth = self.length_growth(sources[0], st)
        if per is None:
            st.lose(f"callee-cost:function given to {name}")
        elif per != ONE:
            st.charge(ONE, None if growth is None else per * growth)
        if name == "map" and len(sources) == 1:
            kept = item if isinstance(item, Element) and _converts(function) else result
            length = self.length(sources[0], st)
            return self.allocate(st, "map", length, kept, None if length is not None else growth)
        length = self.length(sources[0], st)
        if growth is not None:
            st.charge(ONE, growth)
        kept_length = None if length is None else self.facts.fresh("kept", Affine(), length)
        return self.allocate(st, "map", kept_length, Element("", False))

    def _joined(self, parts: Value, st: State) -> Value:
        """Linear in the text that comes out: pieces of constant length unless known longer."""
        growth, length = self.length_growth(parts, st), self.length(parts, st)
        item = self._item_of(parts, st)
        if growth is None or self.heavy(item):
            st.lose(f"line {self.line}: join of something of unknown size")
            return Unknown(heavy=True)
        if isinstance(item, Element):
            st.assumed_high.add("constant-length:items")
        st.charge(growth, growth)
        return self.allocate(st, "str", length, Element("", False))

    def _choices(
        self,
        name: str,
        arguments: list[Value],
        keywords: dict[str | None, Value],
        st: State,
    ) -> Value | None:
        """permutations, combinations and products: as many tuples as there are, each built."""
        kind = name.rpartition(".")[2]
        item = self.allocate(st, "tuple", None, Element("", False))
        growths = [self.length_growth(a, st) for a in arguments]
        if not arguments or growths[0] is None:
            return None
        if kind == "product" and "repeat" in keywords:
            base, times = self.length(arguments[0], st), self.number(keywords["repeat"], st)
            if base is None or not base.is_constant or times is None or len(times.terms) != 1:
                return None
            power = self._power(base, times)
            if not isinstance(power, Magnitude):
                return None
            st.charge(power.growth * self.size(times), power.growth * self.size(times))
            return self.allocate(st, "list", None, item, power.growth)
        if kind == "product":
            total = ONE
            for g in growths:
                if g is None:
                    return None
                total = total * g
            st.charge(ONE, total)
            return self.allocate(st, "list", None, item, total)
        if kind in {"combinations", "permutations", "combinations_with_replacement"}:
            many = self.number(arguments[1], st) if len(arguments) > 1 else None
            if many is not None and many.is_constant and 0 < many.const <= 8:
                total = ONE
                for _ in range(int(many.const)):
                    total = total * growths[0]
                st.charge(ONE, total)
                return self.allocate(st, "list", None, item, total)
            length = self.length(arguments[0], st)
            if kind == "permutations" and len(arguments) == 1 and length is not None:
                line = self.facts.without_noise(length).linear()
                if len(line.terms) == 1 and line.terms[0][1] == 1 and not length.const:
                    count = Growth(frozenset([monomial({line: Factor(factorial=1)})]))
                    st.charge(ONE, count * self.size(line))
                    st.low = st.low + count * self.size(line)
                    st.assumed_low.add("exhausted:permutations")
                    return self.allocate(st, "list", None, item, count)
        return None

    def method(self, name: str, receiver: Value, arguments: list[Value], st: State) -> Value:
        found = self.container(receiver, st)
        kind = found[1].kind if found is not None else "unknown"
        kind = {"map": "list"}.get(kind, kind)
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
        if name == "index" and len(arguments) == 1:
            self._late(receiver, arguments[0], st)
        return self.apply(name, entry, receiver, arguments, st)

    def keep(self, receiver: Value, value: Value, st: State) -> None:
        """Remember that a container holds containers."""
        found = self.container(receiver, st)
        if found is None:
            return
        if isinstance(value, Parameter) and MARK in value.name:
            same = found[1].element in {value, Element("", False)}
            kept = value if same else Unknown(heavy=True)
            st.heap[found[0]] = replace(found[1], element=kept)
        elif self.heavy(value):
            st.heap[found[0]] = replace(found[1], element=Unknown(heavy=True))

    def _late(self, receiver: Value, item: Value, st: State) -> None:
        """What is looked for may stand as far back as the caller likes: where all items differ."""
        found = self.container(receiver, st)
        if not (isinstance(item, Element) and item.free and item.path) or found is None:
            return
        inner = found[1].element
        if not (isinstance(inner, Element) and inner.free) or found[0] in st.touched:
            return
        if item.path == inner.path and item.index is not None:
            st.charge(self.size(item.index), ONE)
            st.assumed_low.add(f"worst-case-content:line {self.line}")

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


LARGE = 10_000
_EMPTY = {
    "list": "list",
    "tuple": "list",
    "set": "set",
    "frozenset": "set",
    "dict": "dict",
    "collections.deque": "deque",
}
Magnitudes = (Num, Magnitude, Product)


def _converts(function: n.expr) -> bool:
    """int and float of a word say what the word says."""
    return isinstance(function, n.Name) and function.id in {"int", "float"}


def _is_half(node: n.expr) -> bool:
    return isinstance(node, n.Constant) and node.value == 0.5


def _cost(cost: costs.Cost, k: Growth) -> Growth:
    if cost == "1":
        return ONE
    if cost == "log":
        return log_of(k)
    return k if cost == "k" else k * log_of(k)
