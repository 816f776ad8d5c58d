"""The functions of one file: names, nesting, who calls whom, what is imported.

Purely syntactic. A `Function` also says which of its variables are containers by the way they are
used, which containers it may resize, and whether its results are remembered (`functools.cache`).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field

from neox.compiler import nodes as n
from neox.compiler.complexity.costs import METHODS, SIZE_CHANGING
from neox.compiler.walk import children, walk

FunctionNode = n.FunctionDef | n.AsyncFunctionDef
_CONTAINER_METHODS = frozenset(name for table in METHODS.values() for name in table)
_ITERATING = frozenset(
    "len sum sorted min max any all list set tuple enumerate reversed zip Counter dict".split()
)


@dataclass(slots=True)
class Function:
    node: FunctionNode
    name: str
    parent: Function | None
    inner: dict[str, Function] = field(default_factory=dict)
    callees: set[str] = field(default_factory=set)
    containers: set[str] = field(default_factory=set)
    resized: set[str] = field(default_factory=set)
    cached: bool = False
    odd: str | None = None
    receiver: str | None = None  # `self` or `cls`: an object of unknown class

    @property
    def parameters(self) -> list[str]:
        a = self.node.args
        return [p.arg for p in (*a.posonlyargs, *a.args, *a.kwonlyargs)]

    def find(self, name: str) -> Function | None:
        """The function a name means here, looking outwards."""
        scope: Function | None = self
        while scope is not None:
            if name in scope.inner:
                return scope.inner[name]
            scope = scope.parent
        return None


@dataclass(slots=True)
class Unit:
    functions: list[Function] = field(default_factory=list)
    top: dict[str, Function] = field(default_factory=dict)
    imports: dict[str, str] = field(default_factory=dict)
    constants: dict[str, int] = field(default_factory=dict)
    breaks: list[int] = field(default_factory=list)

    def line(self, offset: int) -> int:
        """The line, from 1, of a character offset."""
        return bisect_left(self.breaks, offset) + 1

    def find(self, name: str, scope: Function) -> Function | None:
        return scope.find(name) or self.top.get(name)

    def reaches(self, start: Function, goal: Function) -> bool:
        """Can a call of `start` lead to a call of `goal`?"""
        waiting, seen = [start], {id(start)}
        while waiting:
            here = waiting.pop()
            for name in here.callees:
                target = self.find(name, here)
                if target is goal:
                    return True
                if target is not None and id(target) not in seen:
                    seen.add(id(target))
                    waiting.append(target)
        return False


def read(tree: n.Module, text: str) -> Unit:
    unit = Unit(breaks=[i for i, character in enumerate(text) if character == "\n"])
    assigned: dict[str, int] = {}
    for node in walk(tree):
        if isinstance(node, n.Import):
            for a in node.names:
                unit.imports[a.asname or a.name] = a.name
        elif isinstance(node, n.ImportFrom):
            for a in node.names:
                unit.imports[a.asname or a.name] = f"{node.module}.{a.name}"
        elif isinstance(node, n.Name) and node.ctx != "Load":
            assigned[node.id] = assigned.get(node.id, 0) + 1
    for statement in tree.body:
        if isinstance(statement, n.Assign) and isinstance(statement.value, n.Constant):
            value, target = statement.value.value, statement.targets[0]
            single = isinstance(target, n.Name) and assigned.get(target.id) == 1
            if isinstance(target, n.Name) and single and type(value) is int:
                unit.constants[target.id] = value
    _collect(tree.body, None, "", unit)
    _propagate_resizing(unit)
    return unit


def _own(body: list[n.stmt]) -> Iterator[n.Node]:
    """All nodes of a body but those of nested functions, classes and lambdas."""
    waiting: list[n.Node] = list(reversed(body))
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, (n.FunctionDef, n.AsyncFunctionDef, n.ClassDef, n.Lambda)):
            waiting.extend(reversed(children(node)))


def _collect(
    body: list[n.stmt], parent: Function | None, prefix: str, unit: Unit, in_class: bool = False
) -> None:
    for node in _own(body):
        if isinstance(node, n.ClassDef):
            _collect(node.body, parent, f"{prefix}{node.name}.", unit, in_class=True)
        elif isinstance(node, (n.FunctionDef, n.AsyncFunctionDef)):
            function = Function(node, prefix + node.name, parent)
            _describe(function)
            static = any(_dotted(d) == "staticmethod" for d in node.decorator_list)
            if in_class and not static:
                function.receiver = next(iter(function.parameters), None)
            unit.functions.append(function)
            if "." not in function.name.removeprefix(parent.name + "." if parent else ""):
                scope = unit.top if parent is None else parent.inner
                if node.name in scope:  # the later definition wins at call time, but not surely
                    function.odd = scope[node.name].odd = "defined more than once"
                scope[node.name] = function
            _collect(node.body, function, f"{function.name}.", unit)


def _describe(function: Function) -> None:
    node = function.node
    if isinstance(node, n.AsyncFunctionDef):
        function.odd = "async function"
    elif node.args.vararg or node.args.kwarg:
        function.odd = "variable number of parameters"
    for decorator in node.decorator_list:
        text = _dotted(decorator.func if isinstance(decorator, n.Call) else decorator)
        last = text.rpartition(".")[2]
        if last == "cache" or (last == "lru_cache" and _unbounded(decorator)):
            function.cached = True
        elif last not in {"staticmethod", "override"}:
            function.odd = f"decorator {text or 'expression'}"
    for below in _own(node.body):
        _note(function, below)


def _note(f: Function, node: n.Node) -> None:
    if isinstance(node, (n.Yield, n.YieldFrom)):
        f.odd = "generator: the cost is paid by the consumer"
    elif isinstance(node, (n.Nonlocal, n.Global)):
        f.odd = "assigns outer variables"
    elif isinstance(node, (n.ErrorStmt, n.ErrorExpr)):
        f.odd = "does not parse"
    elif isinstance(node, n.Subscript):
        if isinstance(node.value, n.Name):
            f.containers.add(node.value.id)
            if node.ctx == "Del" or (node.ctx == "Store" and isinstance(node.slice, n.Slice)):
                f.resized.add(node.value.id)
    elif isinstance(node, (n.For, n.comprehension)):
        if isinstance(node.iter, n.Name):
            f.containers.add(node.iter.id)
    elif isinstance(node, n.Compare):
        for op, right in zip(node.ops, node.comparators, strict=True):
            if op in {"In", "NotIn"} and isinstance(right, n.Name):
                f.containers.add(right.id)
    elif isinstance(node, n.Call):
        _note_call(f, node)


def _note_call(f: Function, node: n.Call) -> None:
    func = node.func
    if isinstance(func, n.Name):
        f.callees.add(func.id)
    elif isinstance(func, n.Attribute) and isinstance(func.value, n.Name):
        if func.attr in _CONTAINER_METHODS | SIZE_CHANGING:
            f.containers.add(func.value.id)
        if func.attr in SIZE_CHANGING:
            f.resized.add(func.value.id)
    last = _dotted(func).rpartition(".")[2]
    if last in _ITERATING:
        f.containers.update(a.id for a in node.args if isinstance(a, n.Name) and last not in _BOTH)
    if last.startswith(("heappush", "heappop", "insort")):
        f.resized.update(a.id for a in node.args[:1] if isinstance(a, n.Name))


_BOTH = frozenset({"min", "max"})


def _propagate_resizing(unit: Unit) -> None:
    """A function resizes what it passes to a function that resizes its parameter."""
    changed = True
    while changed:
        changed = False
        for f in unit.functions:
            for node in _own(f.node.body):
                if not (isinstance(node, n.Call) and isinstance(node.func, n.Name)):
                    continue
                target = unit.find(node.func.id, f)
                if target is None:
                    continue
                outer = {x for x in target.resized if x not in target.parameters}
                passed = {
                    a.id
                    for p, a in zip(target.parameters, node.args, strict=False)
                    if isinstance(a, n.Name) and p in target.resized
                }
                new = (outer | passed) - f.resized
                if new:
                    f.resized |= new
                    changed = True


def _dotted(node: n.expr) -> str:
    if isinstance(node, n.Name):
        return node.id
    if isinstance(node, n.Attribute):
        head = _dotted(node.value)
        return f"{head}.{node.attr}" if head else ""
    return ""


dotted = _dotted
own_nodes = _own


def _unbounded(decorator: n.expr) -> bool:
    if not isinstance(decorator, n.Call):
        return False
    values = [*decorator.args[:1], *(k.value for k in decorator.keywords if k.arg == "maxsize")]
    return any(isinstance(v, n.Constant) and v.value is None for v in values)
