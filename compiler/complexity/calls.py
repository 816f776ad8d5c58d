"""Calls on one path: functions of the file by their summaries, the rest as built-ins.

A call of the function under analysis becomes a `CallSite` for the recurrence; a call of another
function is charged its summary with the arguments' sizes put in.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from neox.compiler import nodes as n
from neox.compiler.complexity.affine import Affine
from neox.compiler.complexity.builtins import Builtins
from neox.compiler.complexity.growth import ONE, Factor, Growth, monomial
from neox.compiler.complexity.inputs import MARK, TEXT, reads
from neox.compiler.complexity.record import dataclass, replace
from neox.compiler.complexity.unit import Function, Unit, dotted, place
from neox.compiler.complexity.values import (
    CallSite,
    Element,
    GaveUp,
    Instance,
    Magnitude,
    Num,
    Parameter,
    Reference,
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
    result_range: tuple[Affine | None, Affine | None, bool] | None = None  # of a number returned
    trace: tuple[str, ...] = ()


class Calls(Builtins):
    """`summarize` gives the summary of a function that is not on a cycle with this one."""

    def __init__(
        self, unit: Unit, root: Function, summarize: Callable[[Function], Summary]
    ) -> None:
        super().__init__(unit, root)
        self.summarize = summarize
        self.nested: tuple[Function, ...] = ()  # methods that are being executed in place
        self.result: tuple[str, Affine | None] = ("unknown", None)  # hypothesis for recursion

    def call(self, node: n.Call, st: State) -> Value:
        if reads(node, self.unit.readers):
            return self._read(st)
        if isinstance(node.func, n.Name) and node.func.id == "print":
            for a in node.args:
                printed = self.value(a.value if isinstance(a, n.Starred) else a, st)
                self.builtin("print", node, [printed], {}, st)
            return Unknown()
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
            family = self.unit.classes.get(node.func.id)
            if family is not None:
                return self._construct(family.name, node, st)
        if isinstance(node.func, n.Attribute):
            method = self.unit.find(place(node.func), self.scope) if place(node.func) else None
            if method is not None:
                return self.call_function(method, node, st)
            base = node.func.value
            held = st.env.get(base.id) if isinstance(base, n.Name) else None
            if isinstance(held, Instance):
                target = self.unit.methods.get((held.family, node.func.attr))
                if target is not None:
                    return self._in_place(target, held, node, st)
            return self._attribute_call(node, node.func, st)
        arguments = [self.value(a, st) for a in node.args]
        keywords = {k.arg: self.value(k.value, st) for k in node.keywords}
        if isinstance(node.func, n.Name) and node.func.id not in st.env:
            module = self.unit.module
            if module is not None and node.func.id in module.local | self.unit.rebound:
                return self.unknown_call(node.func.id, arguments, st)  # bound to something else
            name = self.unit.imports.get(node.func.id, node.func.id)
            return self.builtin(name, node, arguments, keywords, st)
        self.value(node.func, st)
        return self.unknown_call(dotted(node.func) or "expression", arguments, st)

    def _read(self, st: State) -> Value:
        """What comes from the input; reading it is free unless asked for."""
        if self.unit.count_input:
            size = self.size(Affine.atom(f"len({TEXT})"))
            st.charge(size, size)
        return Parameter(TEXT)

    def bind(self, target: Function, node: n.Call, st: State) -> dict[str, Value] | None:
        """Arguments by parameter name; None where they do not fit."""
        if target.odd is not None:
            return None
        a = target.node.args
        positional = [p.arg for p in (*a.posonlyargs, *a.args)]
        bound: dict[str, Value] = {}
        if target.receiver is not None and positional[:1] == [target.receiver]:
            bound[target.receiver] = Unknown(heavy=True)
            positional = positional[1:]
        if len(node.args) > len(positional):
            return None
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
        if target is not self.root:
            self._lose_outer(target, bound, st)
        if target is self.root:
            self._lose_outer(target, bound, st)
            sizes = self.entry_sizes(bound, st)
            parts = tuple(
                (name, value.path.removeprefix(f"{name}."))
                for name, value in bound.items()
                if isinstance(value, Element)
                and value.path.startswith(f"{name}.")
                and value.path.count(".") == 1
                and not value.path.endswith(("[]", "+"))
                and f"attribute:{value.path.partition('.')[2]}" not in st.touched
            )
            st.calls.append(CallSite(sizes, euclid=self._euclid(bound, st), parts=parts))
            return self._recursive_result(bound, st)
        if self.unit.reaches(target, self.root):
            raise GaveUp(f"mutual recursion through {target.name} inside an expression")
        for name in bound:
            self._content_unknown(bound[name], st)
        return self.use_summary(target, self.summarize(target), bound, st)

    def _lose_outer(self, target: Function, bound: dict[str, Value], st: State) -> None:
        """What the callee resizes or assigns outside itself is not known any more."""
        owned = target.local | set(target.parameters)
        for name in target.resized:
            if name in bound:
                self.forget_length(bound[name], st)
            elif name not in owned:
                self.forget_length(self.name(name, st), st)
        for name in target.rebinds:
            if name in st.env or "." in name:
                st.env[name] = Unknown(heavy="." in name or self.is_container(name))

    def _construct(self, family: str, node: n.Call, st: State) -> Value:
        """A new object: `__init__` is executed in place, its attributes live in the caller."""
        self.facts.count += 1
        made = Instance(family, f"{family}#{self.facts.count}")
        target = self.unit.methods.get((family, "__init__"))
        if target is not None:
            self._in_place(target, made, node, st)
        elif self.unit.classes[family].bases or node.args or node.keywords:
            return self.unknown_call(family, [self.value(a, st) for a in node.args], st)
        return made

    def _in_place(self, target: Function, me: Instance, node: n.Call, st: State) -> Value:
        """A method of a known object, executed where it is called."""
        receiver = target.receiver
        bound = self.bind(target, node, st)
        deep = target in self.nested or len(self.nested) > 3
        if bound is None or deep or receiver is None or target.generator or target.cached:
            return self.unknown_call(target.name, [self.value(a, st) for a in node.args], st)
        kept, scope, nested = st.env, self.scope, self.nested
        inner: dict[str, Value] = dict(bound)
        for name, value in kept.items():
            if name.startswith(f"{me.key}."):
                inner[f"{receiver}.{name.removeprefix(me.key + '.')}"] = value
        self.scope, self.nested = target, (*nested, target)
        before = list(st.conditions)
        st.env = inner
        try:
            states = self.squash(self.execute(target.node.body, st))
        finally:
            self.scope, self.nested = scope, nested
        ended = [s for s in states if s.status in {"normal", "return"}]
        for s in ended:
            s.status = "normal"
        ended = self.squash(ended)
        if len(ended) != 1:
            raise GaveUp(f"a call of {target.name} that ends in several ways")
        [after] = ended
        result = after.result if after.result is not None else Unknown()
        for name, value in after.env.items():
            if name.startswith(f"{receiver}."):
                kept[f"{me.key}.{name.removeprefix(receiver + '.')}"] = value
        st.heap, st.low, st.high, st.calls = after.heap, after.low, after.high, after.calls
        st.notes, st.assumed_low, st.assumed_high = (
            after.notes,
            after.assumed_low,
            after.assumed_high,
        )
        st.touched, st.env, st.conditions = after.touched, kept, before
        st.result, st.status = Unknown(), "normal"
        return result

    def execute(self, body: list[n.stmt], st: State) -> list[State]:
        raise NotImplementedError

    def squash(self, states: list[State]) -> list[State]:
        raise NotImplementedError

    def per_item(self, function: n.expr, item: Value, st: State) -> tuple[Growth | None, Value]:
        """What one call of a function given by name costs at most, and gives."""
        scratch = st.copy()
        scratch.low, scratch.high = ONE, ONE
        if isinstance(function, n.Lambda):
            for parameter in function.args.args:
                scratch.env[parameter.arg] = item
            result = self.value(function.body, scratch)
        elif isinstance(function, n.Name) or dotted(function):
            scratch.env["item#"] = item
            call = n.Call(
                function, [n.Name("item#", "Load", 0, 0)], [], function.start, function.end
            )
            result = self.value(call, scratch)
        else:
            return None, Unknown()
        st.notes |= scratch.notes
        st.assumed_high |= scratch.assumed_high
        if isinstance(result, Reference):
            result = Unknown(heavy=True)
        return scratch.high, result

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
            number = self.number(value, st)
            if number is None and isinstance(value, Magnitude) and value.root_of is not None:
                number = self.facts.fresh("root")
                self.facts.roots[number.atoms[0]] = value.root_of
            if value == Parameter(name):  # passed on as it came, whatever it is
                number = Affine.atom(name)
            sizes.append((name, number))
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
            if MARK in atom:
                return Affine.atom(atom)
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
        if target.generator:
            st.assumed_low.add(f"exhausted:{target.name}")
        st.charge(low or ONE, high)
        if summary.result_range is not None:
            least, most, chosen = summary.result_range
            low_end = None if least is None else least.map_atoms(size_of)
            high_end = None if most is None else most.map_atoms(size_of)
            if least is not None and least == most and low_end is not None:
                return Num(low_end)
            if low_end is not None or high_end is not None:
                answer = self.facts.fresh("result", low_end, high_end)
                if chosen and low_end is not None and high_end is not None:
                    self.facts.choice.add(answer.atoms[0])
                return Num(answer)
        if summary.result_kind != "container":
            return Unknown()
        length = summary.result_length
        return self.allocate(
            st, "list", None if length is None else length.map_atoms(size_of), Element("", False)
        )


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
