"""Statements, calls and classes of a sketch; and the sketch of a whole program."""

from __future__ import annotations

from neox.compiler import nodes as n
from neox.compiler.complexity.record import dataclass
from neox.compiler.complexity.sketch.expressions import TooMuch
from neox.compiler.complexity.sketch.loops import Loops, _is_read
from neox.compiler.complexity.sketch.rank import EXP, ONE, N, Rank
from neox.compiler.complexity.sketch.recursion import (
    Frame,
    classify,
    limit,
    marks,
    remembers,
    solve,
)
from neox.compiler.complexity.sketch.values import Scope, Val, container, joined, number
from neox.compiler.complexity.unit import dotted, own_nodes
from neox.compiler.walk import walk


@dataclass(frozen=True, slots=True)
class Sketch:
    """`rank` is the guess; `doubts` say what it rests on that was not understood."""

    rank: Rank
    doubts: tuple[str, ...]


def sketch(tree: n.Module) -> Sketch:
    """A guess at the whole program's running time in the largest size or value of its input."""
    imports: dict[str, str] = {}
    for node in walk(tree):
        if isinstance(node, n.Import):
            for a in node.names:
                imports[a.asname or a.name] = a.name
        elif isinstance(node, n.ImportFrom):
            for a in node.names:
                imports[a.asname or a.name] = f"{node.module}.{a.name}"
    walker = Statements(imports)
    try:
        walker.block(tree.body)
    except (TooMuch, RecursionError):
        return Sketch(max(walker.total(), N), ("too large to be sketched",))
    return Sketch(walker.total(), tuple(sorted(walker.doubts)))


class Statements(Loops):
    def __init__(self, imports: dict[str, str]) -> None:
        super().__init__(imports)
        self.frames: list[Frame] = []
        self.costs: dict[tuple[object, ...], tuple[Rank, Val]] = {}

    def total(self) -> Rank:
        return max([self.bill, *(s.total for s in self.spread)])

    def block(self, body: list[n.stmt]) -> None:
        for at, s in enumerate(body):
            if isinstance(s, n.If) and not s.orelse and _ends(s.body):
                self._if(s, body[at + 1 :])
                return
            self.statement(s)

    def statement(self, s: n.stmt) -> None:
        method = getattr(self, f"_do_{type(s).__name__.lower()}", None)
        if method is not None:
            method(s)

    def _do_if(self, s: n.If) -> None:
        self._if(s, s.orelse)

    def _if(self, s: n.If, orelse: list[n.stmt]) -> None:
        """Both ways are run; recursive calls count along the worse one."""
        if _is_main(s.test):
            self.block(s.body)
            self.block(orelse)
            return
        self.value(s.test)
        counts = [f.calls for f in self.frames]
        self.block(s.body)
        after = [f.calls for f in self.frames]
        for f, c in zip(self.frames, counts, strict=True):
            f.calls = c
        self.block(orelse)
        for f, c in zip(self.frames, after, strict=False):
            f.calls = max(f.calls, c)

    def _do_for(self, s: n.For) -> None:
        self.loop_for(s)

    def _do_while(self, s: n.While) -> None:
        self.loop_while(s)

    def _do_expr(self, s: n.Expr) -> None:
        self.value(s.value)

    def _do_return(self, s: n.Return) -> None:
        value = self.value(s.value)
        if self.frames:
            self.frames[-1].result = joined(self.frames[-1].result, value)

    def _do_assign(self, s: n.Assign) -> None:
        if isinstance(s.value, n.Attribute) and dotted(s.value).endswith("readline"):
            value = Val("reader")
        else:
            value = self.value(s.value)
        if self.reads_are_small and any(_is_read(x) for x in own_nodes([s.value])):
            value = _small(value)
        for t in s.targets:
            if isinstance(t, n.Name) and self.trips and self.trips[-1].power:
                value = self._carried(t.id, s.value, value)
            self.assign(t, value)

    def _carried(self, name: str, node: n.expr, value: Val) -> Val:
        """A container rebuilt from itself in each round of a loop grows with the rounds."""
        old = self.scope.get(name)
        if old is None or value.kind not in {"list", "str", "tuple", "set"} or value is old:
            return value
        if isinstance(node, n.BinOp) and node.op in {"Add", "BitOr"}:
            sides = [_mentions(node.left, name), _mentions(node.right, name)]
            if all(sides):
                value.len = EXP
            elif any(sides):
                self.born[id(value)] = self.born.get(id(old), 0)
                self._grow(n.Name(name, "Load", 0, 0), value)
        elif isinstance(node, n.Name) and value.len == ONE and value.kind == "list":
            value.len = self.trips[-1]
        return value

    def _do_annassign(self, s: n.AnnAssign) -> None:
        if s.value is not None:
            self.assign(s.target, self.value(s.value))

    def _do_augassign(self, s: n.AugAssign) -> None:
        old, new = self.value(s.target), self.value(s.value)
        if old.kind in {"list", "deque"} and s.op == "Add":
            self.charge(new.len)
            self._grow(s.target, old)
            old.len = max(old.len, new.len)
            old.elem = old.elem or new.elem
            return
        if old.kind in {"str", "tuple"} or new.kind in {"str", "tuple"}:
            self.charge(new.len)  # CPython extends a string in place
            grown = container(old.kind or new.kind, max(old.len, new.len), old.elem)
            self.born[id(grown)] = self.born.get(id(old), 0)
            self._grow(s.target, grown)
            self.assign(s.target, grown)
            return
        if isinstance(s.target, n.Name):
            if s.op in {"Add", "Sub"}:
                grown = number(max(old.mag, new.mag))
                grown.geometric = old.geometric
                if new.mag == ONE and self.trips and "value" not in new.attrs:
                    grown = number(max(old.mag, *self.trips))
                elif self.trips and s.op == "Add":
                    grown = number(max(old.mag, new.mag, *[t for t in self.trips if not t.exp]))
                self.scope.put(s.target.id, grown)
            elif s.op in {"FloorDiv", "RShift", "Mod", "Div"}:
                shrunk = number(old.mag)
                shrunk.geometric = old.geometric
                self.scope.put(s.target.id, shrunk)
            else:
                grown = number(max(old.mag, new.mag))
                grown.geometric = old.geometric
                self.scope.put(s.target.id, grown)

    def assign(self, target: n.expr, value: Val) -> None:
        if isinstance(target, n.Name):
            value.attrs.pop("value", None) if self.trips else None
            self.scope.put(target.id, value)
        elif isinstance(target, (n.Tuple, n.List)):
            for at, part in enumerate(target.elts):
                if isinstance(part, n.Starred):
                    self.assign(part.value, container("list", value.len, value.elem))
                elif value.items is not None and at < len(value.items):
                    self.assign(part, value.items[at])
                else:
                    self.assign(part, value.item())
        elif isinstance(target, n.Subscript):
            box = self.value(target.value)
            self.value(target.slice)
            if box.kind == "dict":
                self._grow(target.value, box)
            if value.len != ONE and (box.elem is None or box.elem.len <= value.len):
                box.elem = value
        elif isinstance(target, n.Attribute):
            self.value(target.value).attrs[target.attr] = value

    def _do_global(self, s: n.Global) -> None:
        self.scope.shared |= set(s.names)

    def _do_nonlocal(self, s: n.Nonlocal) -> None:
        self.scope.shared |= set(s.names)

    def _do_with(self, s: n.With) -> None:
        for item in s.items:
            value = self.value(item.context_expr)
            if item.optional_vars is not None:
                self.assign(item.optional_vars, value)
        self.block(s.body)

    def _do_try(self, s: n.Try) -> None:
        self.block(s.body)
        for h in s.handlers:
            self.block(getattr(h, "body", []))
        self.block(s.orelse)
        self.block(s.finalbody)

    def _do_match(self, s: n.Match) -> None:
        self.value(s.subject)
        for case in s.cases:
            self.block(case.body)

    def _do_delete(self, s: n.Delete) -> None:
        for t in s.targets:
            if isinstance(t, n.Subscript):
                box = self.value(t.value)
                if box.kind not in {"dict", "set"}:
                    self.charge(box.len)

    def _do_assert(self, s: n.Assert) -> None:
        self.value(s.test)

    def _do_functiondef(self, s: n.FunctionDef) -> None:
        self.scope.put(s.name, Val("function", code=s, scope=self.scope))

    def _do_classdef(self, s: n.ClassDef) -> None:
        self.scope.put(s.name, Val("class", code=s, scope=self.scope))

    # calls of the program's own functions

    def call_user(self, target: Val, args: list[Val], node: n.Call) -> Val:
        code = target.code
        if isinstance(code, n.ClassDef):
            made = Val("object", code=code, scope=target.scope)
            for part in code.body:
                if isinstance(part, n.FunctionDef) and part.name == "__init__":
                    self.call_user(
                        Val("function", code=part, scope=target.scope), [made, *args], node
                    )
            return made
        if isinstance(code, n.Lambda):
            return self._call_lambda(code, target, args)
        if not isinstance(code, n.FunctionDef) or len(self.frames) > 12:
            return Val()
        for frame in self.frames:
            if frame.node is code:
                return self._recursive(frame, node, args)
        a = code.args
        names = [p.arg for p in (*a.posonlyargs, *a.args, *a.kwonlyargs)]
        bound = dict(zip(names, args, strict=False))
        for k in node.keywords:
            if k.arg in names:
                bound[k.arg] = self.value(k.value)
        defaults = dict(zip(reversed(names), reversed(a.defaults), strict=False))
        for name in names:
            if name not in bound:
                bound[name] = self.value(defaults.get(name))
        return self._run(code, target, bound)

    def _call_lambda(self, code: n.Lambda, target: Val, args: list[Val]) -> Val:
        names = [p.arg for p in code.args.args]
        scope, self.scope = self.scope, Scope(dict(zip(names, args, strict=False)), target.scope)
        value = self.value(code.body)
        self.scope = scope
        return value

    def _recursive(self, frame: Frame, node: n.Call, args: list[Val]) -> Val:
        around = self.trips[frame.base :]
        frame.calls += 1
        if around:
            frame.repeated = True
            frame.looped = frame.looped or any(t != ONE for t in around)
        names = list(frame.params)
        texts = list(node.args)
        if len(args) == len(texts) + 1:  # a method's own object
            names = names[1:]
        for name, arg in zip(names, texts, strict=False):
            kind = classify(arg, name, frame)
            frame.kinds.add(kind)
            if kind != "same":
                frame.varied.add(name)
        return frame.result or Val()

    def _run(self, code: n.FunctionDef, target: Val, bound: dict[str, Val]) -> Val:
        frame = Frame(code, bound, base=len(self.trips))
        outer = (self.scope, self.bill, self.spread)
        recursive = _calls_itself(code)
        if recursive:
            self._widen(code, frame, target)
        for _ in range(2 if recursive else 1):
            frame.calls, frame.kinds = 0, set()
            self.frames.append(frame)
            self.scope = Scope(dict(frame.params), target.scope)
            self.bill, self.spread = ONE, []
            self.block(code.body)
            self.frames.pop()
        cost = self.total()
        universe = None
        marked = marks(code) if recursive and frame.kinds else None
        if marked is not None:
            universe = self._marked(marked)
        self.scope, self.bill, self.spread = outer
        if recursive and frame.kinds:
            span = self._span(frame)
            self.charge(solve(frame, cost, span, universe))
        else:
            self.charge(cost)
        return frame.result or Val()

    def _marked(self, marked: list[n.expr]) -> Rank:
        from neox.compiler.complexity.sketch.moves import Moves

        return self._universe(Moves(marked=marked))

    def _widen(self, code: n.FunctionDef, frame: Frame, target: Val) -> None:
        """A parameter that changes ranges over all that it is compared with."""
        inner = Scope(dict(frame.params), target.scope)
        scope, self.scope = self.scope, inner
        bill = self.bill
        for name, value in list(frame.params.items()):
            if value.len != ONE or value.kind in {"object", "list", "str", "function"}:
                continue
            sizes = [value.mag, *(self.value(e).mag for e in limit(name, code))]
            frame.params[name] = Val(
                value.kind, max(sizes), elem=value.elem, path=value.path, items=value.items
            )
        self.scope, self.bill = scope, bill

    def _span(self, frame: Frame) -> Rank:
        spans = [
            max(frame.params[x].mag, frame.params[x].len)
            for x in sorted(frame.varied)
            if x in frame.params
        ]
        if remembers(frame.node):
            result = ONE
            for s in spans:
                result = result * s
            return result if result != ONE else N
        known = max(spans, default=N)
        return known if known != ONE else N


def _ends(body: list[n.stmt]) -> bool:
    return bool(body) and isinstance(body[-1], (n.Return, n.Continue, n.Break, n.Raise))


def _is_main(test: n.expr) -> bool:
    return (
        isinstance(test, n.Compare) and isinstance(test.left, n.Name) and test.left.id == "__name__"
    )


def _calls_itself(code: n.FunctionDef) -> bool:
    return any(
        isinstance(x, n.Call) and dotted(x.func).rpartition(".")[2] == code.name
        for x in own_nodes(code.body)
    )


def _mentions(node: n.expr, name: str) -> bool:
    return any(isinstance(x, n.Name) and x.id == name for x in walk(node))


def _small(value: Val) -> Val:
    if value.items is not None:
        return container(value.kind, ONE, None, [_small(v) for v in value.items])
    elem = None if value.elem is None else Val(value.elem.kind, ONE, ONE, value.elem.elem)
    return Val(value.kind, ONE, ONE, elem)
