"""Symbolic execution of statements: every path through a body, with its cost and its decisions.

Paths that end up in the same state are merged, so that plain branches do not multiply. What is not
understood makes the cost from above unknown, or stops the analysis of the function (`GaveUp`).
"""

from __future__ import annotations

from neox.compiler import nodes as n
from neox.compiler.complexity.affine import Affine
from neox.compiler.complexity.calls import Calls
from neox.compiler.complexity.growth import ONE, Growth
from neox.compiler.complexity.hoist import hoist
from neox.compiler.complexity.inputs import MARK, NUMBERS, TEXT
from neox.compiler.complexity.record import replace
from neox.compiler.complexity.select import lower_of
from neox.compiler.complexity.unit import Function, place
from neox.compiler.complexity.values import (
    YIELDED,
    Condition,
    Element,
    GaveUp,
    Instance,
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
from neox.compiler.walk import walk

MAX_PATHS = 48
FEW_PATHS = 24  # beyond, paths are blended: less is known of each, but all are kept


class Statements(Calls):
    inlined: tuple[Function, ...] = ()
    _cyclic: bool | None = None

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
            if len(states) + len(done) > FEW_PATHS:
                states, done = self.squash(states), self.squash(done)
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
            if isinstance(node, (n.Return, n.Assign, n.AugAssign, n.Expr)) and self.cyclic:
                return self._with_calls_first(node, st)
            return self._statement(node, st)
        finally:
            self.line = outer

    def _with_calls_first(
        self, node: n.Return | n.Assign | n.AugAssign | n.Expr, st: State
    ) -> list[State]:
        """Calls of functions on the same cycle are executed in place, before the statement."""
        whole = node.value
        if isinstance(whole, n.Call) and self._on_cycle(whole) and not isinstance(node, n.Assign):
            return self._statement(node, st)
        value, taken = hoist(whole, self._on_cycle, f"call#{self.line}.")
        if not taken:
            return self._statement(node, st)
        states = [st]
        for name, call in taken:
            following: list[State] = []
            for s in states:
                for after in self._inline(call, s) or [s]:
                    if after.status in {"normal", "return"}:
                        after.env[name] = after.result if after.status == "return" else Unknown()
                        after.status, after.result = "normal", Unknown()
                    following.append(after)
            states = following
            if len(states) > MAX_PATHS:
                raise GaveUp("too many paths")
        rest: n.stmt
        if isinstance(node, n.Assign):
            rest = n.Assign(node.targets, value or node.value, node.start, node.end)
        elif isinstance(node, n.AugAssign):
            rest = n.AugAssign(node.target, node.op, value or node.value, node.start, node.end)
        elif isinstance(node, n.Return):
            rest = n.Return(value, node.start, node.end)
        else:
            rest = n.Expr(value or node.value, node.start, node.end)
        done: list[State] = []
        for s in states:
            done += self._statement(rest, s) if s.status == "normal" else [s]
        return done

    def _on_cycle(self, call: n.Call) -> bool:
        if not isinstance(call.func, n.Name):
            return False
        target = self.unit.find(call.func.id, self.scope)
        return (
            target is not None and target is not self.root and self.unit.reaches(target, self.root)
        )

    @property
    def cyclic(self) -> bool:
        """Is the function on a cycle of calls longer than one?"""
        if self._cyclic is None:
            names = {x for x in self.root.callees if x != self.root.node.name}
            targets = [self.unit.find(x, self.root) for x in names]
            self._cyclic = any(
                t is not None and t is not self.root and self.unit.reaches(t, self.root)
                for t in targets
            )
        return self._cyclic

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
        if isinstance(node, (n.Pass, n.Import, n.ImportFrom, n.Global, n.Nonlocal)):
            return [st]
        if isinstance(node, n.ClassDef):
            st.env.pop(node.name, None)
            return [st]
        if isinstance(node, n.Try):
            return self._try(node, st)
        if isinstance(node, n.Match):
            return self._match(node, st)
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
            value = self._number_read(node, value)
            for target in node.targets:
                self.assign(target, value, st)
        elif isinstance(node, n.AnnAssign) and node.value is not None:
            self.assign(node.target, value, st)
        return [st]

    def assign(self, target: n.expr, value: Value, st: State) -> None:
        if isinstance(value, Parameter) and value.name in {TEXT, NUMBERS}:
            value = self._keep(target, value)
        if isinstance(target, n.Name):
            st.env[target.id] = value
        elif isinstance(target, (n.Tuple, n.List)):
            if isinstance(value, Parameter) and value.name == NUMBERS:
                for part in target.elts:
                    number = isinstance(part, n.Name)
                    name = Num(Affine.atom(f"{place(part)}{MARK}"))
                    self.assign(part, name if number else Element("", True), st)
                return
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
            st.touched.add(f"attribute:{target.attr}")
            key = place(target)
            if key and key.partition(".")[0] == self.scope.receiver:
                st.env[key] = value
                return
            base = self.value(target.value, st)
            if isinstance(base, Instance):
                st.env[f"{base.key}.{target.attr}"] = value

    def _number_read(self, node: n.Assign, value: Value) -> Value:
        """`n = int(input())`, `n = int(data[0])`: a number of the input, named n."""
        call = node.value
        if not (isinstance(call, n.Call) and isinstance(call.func, n.Name)):
            return value
        if isinstance(value, Num) and value.value == Affine.atom(f"number{MARK}"):
            name = place(node.targets[0])
            return Num(Affine.atom(f"{name}{MARK}")) if name else value
        from_input = isinstance(value, Element) and MARK in value.path
        target = place(node.targets[0])
        if from_input and call.func.id in {"int", "float"} and target:
            return Num(Affine.atom(f"{target}{MARK}"))
        return value

    def _keep(self, target: n.expr, value: Parameter) -> Value:
        """Input is named after the variable that keeps it."""
        if place(target):
            return Parameter(f"{place(target)}{MARK}")
        return value

    def _store(self, target: n.Subscript, value: Value, st: State) -> None:
        base = self.value(target.value, st)
        index = self.value(target.slice, st) if not isinstance(target.slice, n.Slice) else None
        found = self.container(base, st)
        if index is None:
            st.lose("assignment to a slice")
            self.forget_length(base, st)
        elif found is not None and found[1].kind == "dict":
            st.assumed_high.add("hash-O1")
            self.resize(base, None, st, True)
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
        key = place(node.target)
        if key and (
            isinstance(node.target, n.Name) or key.partition(".")[0] == self.scope.receiver
        ):
            old = self.name(key, st)
            found = self.container(old, st)
            in_place = found is not None and found[1].kind in {"list", "deque"}
            if in_place and node.op == "Add":
                self.method("extend", old, [value], st)
            elif isinstance(old, Parameter) and self.is_container(old.name):
                st.lose(f"augmented assignment to the container {old.name}")
            else:
                st.env[key] = self.binary(node.op, old, value, st)
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
                front = self.value(target.slice, st) if not _sliced(target) else Unknown()
                at = self.number(front, st)
                first = at is not None and at.is_constant and at.const >= 0
                st.charge(growth if first and growth is not None else ONE, growth)
                if _sliced(target):
                    self.forget_length(base, st)
                else:
                    self.resize(base, -1, st)
        return [st]

    def _try(self, node: n.Try, st: State) -> list[State]:
        """A handler may start after any part of the body, knowing nothing of what that did."""
        before = st.copy()
        states = self.block(node.body, [st])
        entry = before
        stored, resized = self.changes(list(node.body))
        for name in stored & set(entry.env):
            entry.env[name] = Unknown(heavy=True)
        for name in resized:
            self.forget_length(self.name(name, entry), entry)
        for s in states:
            entry.high = None if entry.high is None or s.high is None else entry.high + s.high
            entry.notes |= s.notes
            entry.assumed_high |= s.assumed_high
            entry.calls += [replace(c, maybe=True) for c in s.calls if c not in entry.calls]
            entry.heap.update({k: v for k, v in s.heap.items() if k not in entry.heap})
        entry.conditions.append(Condition("opaque", self.line))
        normal = [s for s in states if s.status == "normal"]
        result = [s for s in states if s.status not in {"normal", "raise"}]
        result += self.block(node.orelse, normal)
        for handler in node.handlers:
            if not isinstance(handler, n.ExceptHandler):
                continue
            inside = entry.copy()
            if handler.name is not None:
                inside.env[handler.name] = Unknown()
            result += self.block(handler.body, [inside])
        if node.finalbody:
            kept = [s for s in result if s.status != "normal"]
            result = kept + self.block(node.finalbody, [s for s in result if s.status == "normal"])
        return merge(result)

    def changes(self, body: list[n.stmt]) -> tuple[set[str], set[str]]:
        raise NotImplementedError

    def _match(self, node: n.Match, st: State) -> list[State]:
        self.value(node.subject, st)
        result: list[State] = []
        whole = False
        for case in node.cases:
            inside = st.copy()
            for part in walk(case.pattern):
                name = getattr(part, "name", None)
                if isinstance(name, str):
                    inside.env[name] = Unknown(heavy=True)
            whole = whole or (
                isinstance(case.pattern, n.MatchAs)
                and case.pattern.pattern is None
                and case.guard is None
            )
            inside.conditions.append(Condition("opaque", self.line))
            if case.guard is not None:
                self.value(case.guard, inside)
            result += self.block(case.body, [inside])
        if not whole:
            st.conditions.append(Condition("opaque", self.line))
            result.append(st)
        return merge(result)

    def execute(self, body: list[n.stmt], st: State) -> list[State]:
        return self.block(body, [st])

    def produce(self, node: n.Yield | n.YieldFrom, st: State) -> Value:
        """A generator's items are a list that it builds; all of them are paid for."""
        value = self.value(node.value, st)
        whole = isinstance(node, n.YieldFrom)
        self.method("extend" if whole else "append", Reference(YIELDED), [value], st)
        return Unknown()

    def squash(self, states: list[State]) -> list[State]:
        """One state per way of ending, at least as costly as all of them."""
        kept: list[State] = []
        for st in states:
            twin = next((k for k in kept if k.status == st.status), None)
            if twin is None or twin.calls or st.calls:
                kept.append(st)
            else:
                kept[kept.index(twin)] = self._blend(twin, st)
        return kept

    def _blend(self, a: State, b: State) -> State:
        joined = _join(a, b)
        joined.env = {k: self._either(v, b.env[k], a, b) for k, v in a.env.items() if k in b.env}
        for key in a.env.keys() ^ b.env.keys():
            joined.env[key] = Unknown(heavy=True)
        joined.result = self._either(a.result, b.result, a, b)
        for key in a.heap.keys() & b.heap.keys():
            x, y = a.heap[key], b.heap[key]
            if x == y:
                continue
            length = self._between(x.length, y.length)
            element = x.element if x.element == y.element else Unknown(heavy=True)
            joined.heap[key] = replace(x, length=length, growth=None, element=element, built=False)
        return joined

    def _either(self, x: Value, y: Value, a: State, b: State) -> Value:
        if x == y:
            return x
        number = self._between(self.number(x, a), self.number(y, b))
        if number is not None:
            return Num(number)
        light = (Element, Num, Magnitude, Product, Remainder)
        if isinstance(x, light) and isinstance(y, light):
            return Element("", False)
        return Unknown(heavy=any(not isinstance(v, light) for v in (x, y)))

    def _between(self, x: Affine | None, y: Affine | None) -> Affine | None:
        if x is None or y is None:
            return None
        if x == y:
            return x
        gap = y - x
        if not gap.is_constant:
            return None
        low, high = (x, y) if gap.const > 0 else (y, x)
        return self.facts.fresh("either", low, high)

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


def _sliced(target: n.Subscript) -> bool:
    return isinstance(target.slice, n.Slice)


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
        rounds=a.rounds if a.rounds == b.rounds else Affine(),
    )
