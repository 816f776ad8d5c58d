"""Symbolic execution of statements: every path through a body, with its cost and its decisions.

Paths that end up in the same state are merged, so that plain branches do not multiply. What is not
understood makes the cost from above unknown, or stops the analysis of the function (`GaveUp`).
"""

from __future__ import annotations

from dataclasses import replace

from neox.compiler import nodes as n
from neox.compiler.complexity.calls import Calls
from neox.compiler.complexity.growth import ONE, Growth
from neox.compiler.complexity.select import lower_of
from neox.compiler.complexity.unit import Function
from neox.compiler.complexity.values import (
    Element,
    GaveUp,
    Parameter,
    Reference,
    Several,
    State,
    Unknown,
    Value,
)

MAX_PATHS = 48


class Statements(Calls):
    inlined: tuple[Function, ...] = ()

    def loop_for(self, node: n.For, st: State) -> list[State]:
        raise NotImplementedError

    def loop_while(self, node: n.While, st: State) -> list[State]:
        raise NotImplementedError

    def block(self, body: list[n.stmt], states: list[State]) -> list[State]:
        """All paths through a body; paths that left it early are passed on untouched."""
        done: list[State] = []
        for statement in body:
            going: list[State] = []
            for st in states:
                for new in self.statement(statement, st):
                    (going if new.status == "normal" else done).append(new)
            states = merge(going)
            if len(states) + len(done) > MAX_PATHS:
                raise GaveUp("too many paths")
            if not states:
                break
        return done + states

    def statement(self, node: n.stmt, st: State) -> list[State]:
        self.tick()
        outer = self.line
        self.line = self.unit.line(node.start)
        try:
            return self._statement(node, st)
        finally:
            self.line = outer

    def _statement(self, node: n.stmt, st: State) -> list[State]:
        if isinstance(node, n.If):
            return self._if(node.test, node.body, node.orelse, st)
        if isinstance(node, n.For):
            return self.loop_for(node, st)
        if isinstance(node, n.While):
            return self.loop_while(node, st)
        if isinstance(node, n.Return):
            return self._return(node, st)
        if isinstance(node, (n.Assign, n.AnnAssign, n.AugAssign, n.Expr)):
            return self._simple(node, st)
        if isinstance(node, n.Assert):
            yes, no = self.branch(node.test, st)
            for failed in no:
                failed.status = "raise"
            return yes + no
        if isinstance(node, (n.Break, n.Continue)):
            st.status = "break" if isinstance(node, n.Break) else "continue"
            return [st]
        if isinstance(node, n.Raise):
            self.value(node.exc, st)
            st.status = "raise"
            return [st]
        if isinstance(node, (n.Pass, n.Import, n.ImportFrom)):
            return [st]
        if isinstance(node, n.FunctionDef):
            st.env.pop(node.name, None)
            return [st]
        if isinstance(node, n.Delete):
            return self._delete(node, st)
        if isinstance(node, n.With):
            for item in node.items:
                self.value(item.context_expr, st)
            st.lose("with: what entering and leaving costs is unknown")
            return self.block(node.body, [st])
        raise GaveUp(f"{type(node).__name__} statements are not analysed")

    def _if(self, test: n.expr, body: list[n.stmt], orelse: list[n.stmt], st: State) -> list[State]:
        yes, no = self.branch(test, st)
        return self.block(body, merge(yes)) + self.block(orelse, merge(no))

    def _return(self, node: n.Return, st: State) -> list[State]:
        value = node.value
        if isinstance(value, n.IfExp):
            parts: list[n.stmt] = [
                n.Return(branch, node.start, node.end) for branch in (value.body, value.orelse)
            ]
            return self._if(value.test, parts[:1], parts[1:], st)
        if isinstance(value, n.BoolOp):
            return self._return_connective(node, value, st)
        inlined = self._inline(value, st)
        if inlined is not None:
            for state in inlined:
                if state.status == "normal":
                    state.status = "return"
            return inlined
        st.result = self.value(value, st) if value is not None else Unknown()
        st.status = "return"
        return [st]

    def _return_connective(self, node: n.Return, value: n.BoolOp, st: State) -> list[State]:
        """`return a or b` decides on a: only then is b evaluated."""
        head, rest = value.values[0], value.values[1:]
        tail = rest[0] if len(rest) == 1 else n.BoolOp(value.op, rest, value.start, value.end)
        more: list[n.stmt] = [n.Return(tail, node.start, node.end)]
        end: list[n.stmt] = [n.Return(None, node.start, node.end)]
        return self._if(head, end, more, st) if value.op == "Or" else self._if(head, more, end, st)

    def _simple(
        self, node: n.Assign | n.AnnAssign | n.AugAssign | n.Expr, st: State
    ) -> list[State]:
        if isinstance(node, n.Assign) and isinstance(node.value, n.IfExp):
            choice = node.value
            parts: list[n.stmt] = [
                n.Assign(node.targets, branch, node.start, node.end)
                for branch in (choice.body, choice.orelse)
            ]
            return self._if(choice.test, parts[:1], parts[1:], st)
        if isinstance(node, n.AugAssign):
            return [self._augmented(node, st)]
        if isinstance(node, n.Expr):
            inlined = self._inline(node.value, st)
            if inlined is not None:
                return self._resume(inlined, st)
        value = self.value(node.value, st)
        if isinstance(node, n.Assign):
            for target in node.targets:
                self.assign(target, value, st)
        elif isinstance(node, n.AnnAssign) and node.value is not None:
            self.assign(node.target, value, st)
        return [st]

    def assign(self, target: n.expr, value: Value, st: State) -> None:
        if isinstance(target, n.Name):
            st.env[target.id] = value
        elif isinstance(target, (n.Tuple, n.List)):
            items: tuple[Value, ...] = (Unknown(),) * len(target.elts)
            if isinstance(value, Several) and len(value.items) == len(target.elts):
                items = value.items
            elif isinstance(value, Element):
                items = (Element("", value.free),) * len(target.elts)
            for part, item in zip(target.elts, items, strict=True):
                self.assign(part.value if isinstance(part, n.Starred) else part, item, st)
        elif isinstance(target, n.Subscript):
            self._store(target, value, st)
        elif isinstance(target, n.Attribute):
            self.value(target.value, st)

    def _store(self, target: n.Subscript, value: Value, st: State) -> None:
        base = self.value(target.value, st)
        index = self.value(target.slice, st) if not isinstance(target.slice, n.Slice) else None
        found = self.container(base, st)
        if index is None:
            st.lose("assignment to a slice")
            self.forget_length(base, st)
        elif found is not None and found[1].kind == "dict":
            st.assumed_high.add("hash-O1")
            self.resize(base, None, st)
        if found is None:
            return
        key, element = found[0], found[1].element
        moved = isinstance(value, Element) and isinstance(element, Element)
        if self.heavy(value):
            st.heap[key] = replace(st.heap[key], element=Unknown(heavy=True))
        elif isinstance(element, Element) and not (moved and value.path == element.path):  # type: ignore[union-attr]
            st.heap[key] = replace(st.heap[key], element=replace(element, free=False))
        st.touched.add(key)

    def _augmented(self, node: n.AugAssign, st: State) -> State:
        value = self.value(node.value, st)
        if isinstance(node.target, n.Name):
            old = self.name(node.target.id, st)
            found = self.container(old, st)
            in_place = found is not None and found[1].kind in {"list", "deque"}
            if in_place and node.op == "Add":
                self.method("extend", old, [value], st)
            elif isinstance(old, Parameter) and self.is_container(old.name):
                st.lose(f"augmented assignment to the container {old.name}")
            else:
                st.env[node.target.id] = self.binary(node.op, old, value, st)
        else:
            if isinstance(value, (Reference, Several)):
                st.lose("augmented assignment of a container to a part")
            if isinstance(node.target, n.Subscript):
                self._store(node.target, Unknown(), st)
            else:
                self.value(node.target, st)
        return st

    def _delete(self, node: n.Delete, st: State) -> list[State]:
        for target in node.targets:
            if isinstance(target, n.Name):
                st.env[target.id] = Unknown()
            elif isinstance(target, n.Subscript):
                base = self.value(target.value, st)
                found = self.container(base, st)
                growth = self.length_growth(base, st)
                if found is not None and found[1].kind == "dict":
                    growth = ONE
                st.charge(ONE, growth)
                self.forget_length(base, st)
        return [st]

    # Mutual recursion: a function on the same cycle is executed in place

    def _inline(self, value: n.expr | None, st: State) -> list[State] | None:
        if not (isinstance(value, n.Call) and isinstance(value.func, n.Name)):
            return None
        target = self.unit.find(value.func.id, self.scope)
        if target is None or target is self.root or value.func.id in st.env:
            return None
        if not self.unit.reaches(target, self.root):
            return None
        if target in self.inlined or len(self.inlined) >= 4 or target.cached or target.inner:
            raise GaveUp(f"a cycle of calls through {target.name}")
        bound = self.bind(target, value, st)
        if bound is None:
            raise GaveUp(f"a call of {target.name} that does not fit its parameters")
        scope, env = self.scope, st.env
        self.scope, self.inlined = target, (*self.inlined, target)
        st.env = bound
        try:
            states = self.block(target.node.body, [st])
        finally:
            self.scope, self.inlined = scope, self.inlined[:-1]
        for state in states:
            state.env = dict(env)
        return states

    def _resume(self, states: list[State], st: State) -> list[State]:
        for state in states:
            if state.status == "return":
                state.status, state.result = "normal", Unknown()
        return states


def merge(states: list[State]) -> list[State]:
    """Join paths that agree on everything but cost and decisions."""
    kept: list[State] = []
    for st in states:
        twin = next((k for k in kept if _same(k, st)), None)
        if twin is None:
            kept.append(st)
        else:
            kept[kept.index(twin)] = _join(twin, st)
    return kept


def _same(a: State, b: State) -> bool:
    return (
        a.status == b.status
        and not a.calls
        and not b.calls
        and _plain(a.env) == _plain(b.env)
        and a.heap.keys() & _used(a) == b.heap.keys() & _used(b)
        and all(a.heap[k] == b.heap[k] for k in a.heap.keys() & _used(a))
    )


def _used(st: State) -> set[str]:
    keys = {v.key for v in st.env.values() if isinstance(v, Reference)}
    return keys | {k for k in st.heap if k.startswith("parameter:")}


def _plain(env: dict[str, Value]) -> dict[str, Value]:
    """Values without a size are interchangeable."""
    return {k: Unknown() if isinstance(v, Element) and not v.free else v for k, v in env.items()}


def _join(a: State, b: State) -> State:
    shared = 0
    while (
        shared < min(len(a.conditions), len(b.conditions))
        and a.conditions[shared] == b.conditions[shared]
    ):
        shared += 1
    chosen = lower_of([(a, a.conditions[shared:], a.low), (b, b.conditions[shared:], b.low)])
    high: Growth | None = None if a.high is None or b.high is None else a.high + b.high
    return replace(
        a,
        heap={**b.heap, **a.heap},
        low=chosen.low,
        high=high,
        conditions=a.conditions[:shared],
        notes=a.notes | b.notes,
        assumed_low=chosen.assumed,
        assumed_high=a.assumed_high | b.assumed_high,
        touched=a.touched | b.touched,
    )
