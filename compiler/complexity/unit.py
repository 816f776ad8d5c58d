"""The functions of one file: names, nesting, who calls whom, what is imported.

Purely syntactic. A `Function` also says which of its variables are containers by the way they are
used, which containers it may resize, and whether its results are remembered (`functools.cache`).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence

from neox.compiler import nodes as n
from neox.compiler.complexity import inputs
from neox.compiler.complexity.costs import METHODS, SIZE_CHANGING
from neox.compiler.complexity.record import dataclass, field
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
    family: str = ""  # the class it is a method of, dotted
    generator: bool = False
    rebinds: set[str] = field(default_factory=set)  # outer variables and attributes it assigns
    local: set[str] = field(default_factory=set)

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
    methods: dict[tuple[str, str], Function] = field(default_factory=dict)
    classes: dict[str, n.ClassDef] = field(default_factory=dict)
    module: Function | None = None
    readers: frozenset[str] = frozenset()  # names bound to a reading method
    reads: bool = False  # does any statement read the input?
    count_input: bool = False
    rebound: set[str] = field(default_factory=set)  # variables that functions assign from inside
    imports: dict[str, str] = field(default_factory=dict)
    constants: dict[str, int] = field(default_factory=dict)
    breaks: list[int] = field(default_factory=list)

    def line(self, offset: int) -> int:
        """The line, from 1, of a character offset."""
        return bisect_left(self.breaks, offset) + 1

    def find(self, name: str, scope: Function) -> Function | None:
        if "." in name:
            head, _, method = name.partition(".")
            if head == scope.receiver and "." not in method:
                return self.methods.get((scope.family, method))
            return None
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
    unit.module = _module(tree)
    unit.readers = inputs.readers(tree)
    unit.reads = any(inputs.reads(node, unit.readers) for node in walk(tree))
    _propagate_resizing(unit)
    if unit.module is not None:  # `f = g` after `def f`: f is not what is written there
        for f in unit.functions:
            if f.parent is None and not f.family and f.name in unit.module.local:
                f.odd = "bound again at module level"
    for f in unit.functions:
        unit.rebound |= {x for x in f.rebinds if "." not in x}
    return unit


def _module(tree: n.Module) -> Function:
    """The statements of a file as the body of a function without parameters."""
    nothing = n.arguments([], [], None, [], [], None, [], tree.start, tree.start)
    body = [x for x in tree.body if not isinstance(x, n.ClassDef)]
    node = n.FunctionDef("<module>", nothing, body, [], None, [], tree.start, tree.end)
    function = Function(node, "<module>", None)
    _describe(function)
    return function


def _own(body: Sequence[n.Node]) -> Iterator[n.Node]:
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
            unit.classes[node.name] = node
            _collect(node.body, parent, f"{prefix}{node.name}.", unit, in_class=True)
        elif isinstance(node, (n.FunctionDef, n.AsyncFunctionDef)):
            function = Function(node, prefix + node.name, parent)
            static = any(_dotted(d) == "staticmethod" for d in node.decorator_list)
            if in_class:
                function.family = prefix.rstrip(".")
                if not static:
                    function.receiver = next(iter(function.parameters), None)
                key = (function.family, node.name)
                if key in unit.methods:
                    function.odd = "defined more than once"
                unit.methods[key] = function
            elif parent is not None:
                function.family, function.receiver = parent.family, None
            _describe(function)
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
    function.local |= set(function.parameters)
    for decorator in node.decorator_list:
        text = _dotted(decorator.func if isinstance(decorator, n.Call) else decorator)
        last = text.rpartition(".")[2]
        if last == "cache" or (last == "lru_cache" and _unbounded(decorator)):
            function.cached = True
        elif last not in {"staticmethod", "override", "classmethod", "property", "bound"}:
            function.odd = f"decorator {text or 'expression'}"
    for below in _own(node.body):
        _note(function, below)
    function.local -= function.rebinds


def place(node: n.Node) -> str:
    """A variable, or an attribute of one: the name under which its value is kept."""
    if isinstance(node, n.Name):
        return node.id
    if isinstance(node, n.Attribute) and isinstance(node.value, n.Name):
        return f"{node.value.id}.{node.attr}"
    return ""


def _note(f: Function, node: n.Node) -> None:
    if isinstance(node, (n.Yield, n.YieldFrom)):
        f.generator = True
    elif isinstance(node, (n.Nonlocal, n.Global)):
        f.rebinds |= set(node.names)
    elif isinstance(node, (n.ErrorStmt, n.ErrorExpr)):
        f.odd = "does not parse"
    elif isinstance(node, n.Name) and node.ctx != "Load":
        f.local.add(node.id)
    elif isinstance(node, n.Attribute) and node.ctx != "Load" and place(node):
        f.rebinds.add(place(node))
    elif isinstance(node, n.Subscript):
        if place(node.value):
            f.containers.add(place(node.value))
            if node.ctx == "Del" or (node.ctx == "Store" and isinstance(node.slice, n.Slice)):
                f.resized.add(place(node.value))
    elif isinstance(node, (n.For, n.comprehension)):
        if place(node.iter):
            f.containers.add(place(node.iter))
    elif isinstance(node, n.Compare):
        for op, right in zip(node.ops, node.comparators, strict=True):
            if op in {"In", "NotIn"} and place(right):
                f.containers.add(place(right))
    elif isinstance(node, n.Call):
        _note_call(f, node)


def _note_call(f: Function, node: n.Call) -> None:
    func = node.func
    if isinstance(func, n.Name):
        f.callees.add(func.id)
    elif isinstance(func, n.Attribute):
        if place(func):
            f.callees.add(place(func))
        if place(func.value):
            if func.attr in _CONTAINER_METHODS | SIZE_CHANGING:
                f.containers.add(place(func.value))
            if func.attr in SIZE_CHANGING:
                f.resized.add(place(func.value))
    last = _dotted(func).rpartition(".")[2]
    if last in _ITERATING:
        f.containers.update(place(a) for a in node.args if place(a) and last not in _BOTH)
    elif last in {"map", "filter"}:
        f.containers.update(place(a) for a in node.args[1:] if place(a))
    if last.startswith(("heappush", "heappop", "insort", "bisect", "heapify", "heapreplace")):
        f.containers.update(place(a) for a in node.args[:1] if place(a))
    if last.startswith(("heappush", "heappop", "insort")):
        f.resized.update(place(a) for a in node.args[:1] if place(a))


_BOTH = frozenset({"min", "max"})


def _propagate_resizing(unit: Unit) -> None:
    """A function resizes what it passes to a function that resizes its parameter."""
    changed = True
    everyone = [*unit.functions, *([unit.module] if unit.module else [])]
    while changed:
        changed = False
        for f in everyone:
            for node in _own(f.node.body):
                if not (isinstance(node, n.Call) and place(node.func)):
                    continue
                target = unit.find(place(node.func), f)
                if target is None or target is f:
                    continue
                owned = target.local | set(target.parameters)
                outer = {x for x in target.resized if x.partition(".")[0] not in owned}
                outer |= {x for x in target.resized if _about(x, target)}
                given = target.parameters[1:] if target.receiver else target.parameters
                passed = {
                    place(a)
                    for p, a in zip(given, node.args, strict=False)
                    if place(a) and p in target.resized
                }
                bound = {x for x in target.rebinds if x not in f.local}
                new = (outer | passed) - f.resized
                if new or not bound <= f.rebinds:
                    f.resized |= new
                    f.rebinds |= bound
                    changed = True


def _about(name: str, target: Function) -> bool:
    """An attribute of the method's own object."""
    return target.receiver is not None and name.startswith(f"{target.receiver}.")


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
