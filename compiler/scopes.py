"""Whose name is it: the symbol tables of a program, and the rules of `global` and `nonlocal`.

The tables are CPython's (Python/symtable.c): one scope for the module and for every class,
function, lambda and comprehension; annotations, type parameters, bounds and aliases have scopes of
their own in the versions that give them one. The tree is walked with a stack, so that its depth
does not matter. Knows nothing of where a statement may stand (placement.py).
"""

from __future__ import annotations

from neox.compiler import nodes as n
from neox.compiler.walk import children

# What a scope knows of a name; the bits are or-ed together.
GLOBAL, LOCAL, PARAMETER, NONLOCAL, USED, IMPORTED, ANNOTATED, ITERATED, TYPE_PARAMETER = (
    1 << bit for bit in range(9)
)
BOUND = LOCAL | PARAMETER | IMPORTED | TYPE_PARAMETER

# How a part of an expression is visited.
_PLAIN, _ITERABLE, _TARGET = 0, 1, 2

_COMPREHENSIONS = {
    "ListComp": "list comprehension",
    "SetComp": "set comprehension",
    "DictComp": "dict comprehension",
    "GeneratorExp": "generator expression",
}
_REBINDS = "assignment expression cannot rebind comprehension iteration variable"
_INNER = "comprehension inner loop cannot rebind assignment expression target"

Wrong = tuple[str, int, int]  # a message and the characters it is about


class Scope:
    """One scope. `kind` is module, class, def, async, lambda, or the name of what surrounds the
    names: a comprehension (its CPython name), "an annotation", "a type alias", ...
    """

    __slots__ = (
        "coroutine",
        "directives",
        "generator",
        "in_iterable",
        "kind",
        "parent",
        "private",
        "symbols",
    )

    def __init__(self, kind: str, parent: Scope | None, private: str) -> None:
        self.kind = kind
        self.parent = parent
        self.private = private  # the class whose private names are mangled here
        self.symbols: dict[str, int] = {}
        self.directives: dict[str, n.Node] = {}  # where a name was declared global or nonlocal
        self.generator = False
        self.coroutine = kind == "async"
        self.in_iterable: bool = parent is not None and parent.in_iterable

    @property
    def is_comprehension(self) -> bool:
        return self.kind.endswith(("comprehension", "generator expression"))

    @property
    def is_function(self) -> bool:
        """Are its names seen by the scopes inside?"""
        return self.kind not in ("module", "class")

    @property
    def is_typing(self) -> bool:
        """An annotation, a bound, a type alias, or the parameters of a generic."""
        return self.kind.startswith(("a ", "an ", "the "))

    def mangle(self, name: str) -> str:
        """Private names of a class carry its name."""
        private = self.private.lstrip("_")
        if not private or not name.startswith("__") or name.endswith("__") or "." in name:
            return name
        return f"_{private}{name}"

    def get(self, name: str) -> int:
        return self.symbols.get(self.mangle(name), 0)


class Scopes:
    """The scopes of a program: `of` maps the nodes that open one; `wrong` is what breaks a rule."""

    def __init__(self, tree: n.Module, minor: int, future_annotations: bool) -> None:
        self.minor = minor
        self.own_annotations = minor >= 14 or (future_annotations and minor >= 10)
        self.wrong: list[Wrong] = []
        self.of: dict[n.Node, Scope] = {}
        self.all: list[Scope] = []
        self.waiting: list[tuple[n.Node, Scope, int]] = []
        self._read(tree)
        self._analyze()

    # Building the tables --------------------------------------------------------------------------

    def _read(self, tree: n.Module) -> None:
        module = self._open(tree, "module", None)
        self._later(module, *reversed(tree.body))
        while self.waiting:
            node, scope, mode = self.waiting.pop()
            before = len(self.waiting)
            method = _METHODS.get(type(node).__name__)
            if method is not None:
                method(self, node, scope, mode)
            elif not isinstance(node, (n.ErrorStmt, n.ErrorExpr)):
                self._later(scope, *children(node), mode=mode)
            # what a node wants visited was added in order, and is taken from the end
            self.waiting[before:] = self.waiting[before:][::-1]
        if self.minor >= 11:
            for scope in reversed(self.all):
                outer = scope.parent
                lazy = scope.kind == "generator expression"
                if outer and scope.coroutine and scope.is_comprehension and not lazy:
                    outer.coroutine = True

    def _open(self, node: n.Node, kind: str, parent: Scope | None, private: str = "") -> Scope:
        """The scope of the code of a node."""
        scope = self.of[node] = Scope(kind, parent, private or (parent.private if parent else ""))
        self.all.append(scope)
        return scope

    def _around(self, kind: str, parent: Scope, private: str = "") -> Scope:
        """A scope for annotations and the like, which no node stands for."""
        scope = Scope(kind, parent, private or parent.private)
        self.all.append(scope)
        return scope

    def _later(self, scope: Scope, *nodes: n.Node | None, mode: int = _PLAIN) -> None:
        self.waiting += [(one, scope, mode) for one in nodes if one is not None]

    def _fail(self, message: str, node: n.Node) -> None:
        self.wrong.append((message, node.start, node.end))

    def _define(self, scope: Scope, name: str, flag: int, node: n.Node, mode: int = _PLAIN) -> None:
        mangled = scope.mangle(name)
        known = scope.symbols.get(mangled, 0)
        if flag & known & PARAMETER:
            self._fail(f"duplicate argument '{name}' in function definition", node)
        if flag & known & TYPE_PARAMETER:
            self._fail(f"duplicate type parameter '{name}'", node)
        known |= flag
        if mode == _TARGET:
            if known & (GLOBAL | NONLOCAL):
                self._fail(f"{_INNER} '{name}'", node)
            known |= ITERATED
        scope.symbols[mangled] = known

    def _annotation(self, scope: Scope, *nodes: n.expr | None) -> None:
        for node in nodes:
            if node is not None and self.own_annotations:
                self._later(self._around("an annotation", scope), node)
            else:
                self._later(scope, node)

    def _forbid(self, what: str, node: n.expr, scope: Scope) -> None:
        """Yield, await and `:=` have no place in annotations and the like."""
        if scope.is_typing:
            if self.minor < 12:
                self._fail(f"'{what}' can not be used within {scope.kind}", node)
            else:
                self._fail(f"{what} cannot be used within {scope.kind}", node)

    # Statements -----------------------------------------------------------------------------------

    def _function(self, node: n.Node, scope: Scope, mode: int) -> None:
        assert isinstance(node, (n.FunctionDef, n.AsyncFunctionDef))
        self._define(scope, node.name, LOCAL, node)
        self._later(scope, *node.args.defaults, *node.args.kw_defaults, *node.decorator_list)
        outer = self._type_parameters(node, node.type_params, scope)
        self._annotation(outer, *annotations_of(node))
        kind = "async" if isinstance(node, n.AsyncFunctionDef) else "def"
        inner = self._open(node, kind, outer)
        self._parameters(node.args, inner)
        self._later(inner, *node.body)

    def _parameters(self, node: n.arguments, scope: Scope) -> None:
        for one in [*node.posonlyargs, *node.args, *node.kwonlyargs, node.vararg, node.kwarg]:
            if one is not None:
                self._define(scope, one.arg, PARAMETER, one)

    def _type_parameters(
        self, owner: n.Node, parameters: list[n.type_param], scope: Scope
    ) -> Scope:
        if not parameters:
            return scope
        private = owner.name if isinstance(owner, n.ClassDef) else ""
        found = self._around("the definition of a generic", scope, private)
        late = ""  # the first parameter with a default
        for one in parameters:
            assert isinstance(one, (n.TypeVar, n.TypeVarTuple, n.ParamSpec))
            self._define(found, one.name, TYPE_PARAMETER | LOCAL, one)
            if one.name == "__classdict__" and self.minor >= 14:
                self._fail("reserved name '__classdict__' cannot be used for type parameter", one)
            if isinstance(one, n.TypeVar) and one.bound is not None:
                word = "constraint" if isinstance(one.bound, n.Tuple) else "bound"
                word = "bound" if self.minor < 13 else word
                self._later(self._around(f"a TypeVar {word}", found), one.bound)
            if one.default_value is not None:
                kind = f"a {type(one).__name__} default"
                self._later(self._around(kind, found), one.default_value)
                late = late or one.name
            elif late:
                message = f"non-default type parameter '{one.name}' follows default type parameter"
                self._fail(message, one)
        return found

    def _class(self, node: n.Node, scope: Scope, mode: int) -> None:
        assert isinstance(node, n.ClassDef)
        self._define(scope, node.name, LOCAL, node)
        self._later(scope, *node.decorator_list)
        outer = self._type_parameters(node, node.type_params, scope)
        self._later(outer, *node.bases, *node.keywords)
        inner = self._open(node, "class", outer, node.name)
        self._later(inner, *node.body)

    def _type_alias(self, node: n.Node, scope: Scope, mode: int) -> None:
        assert isinstance(node, n.TypeAlias)
        self._later(scope, node.name)
        outer = self._type_parameters(node, node.type_params, scope)
        self._later(self._around("a type alias", outer), node.value)

    def _annotated(self, node: n.Node, scope: Scope, mode: int) -> None:
        assert isinstance(node, n.AnnAssign)
        if isinstance(node.target, n.Name):
            name = node.target.id
            known = scope.get(name)
            if known & (GLOBAL | NONLOCAL) and scope.kind != "module" and node.simple:
                word = "global" if known & GLOBAL else "nonlocal"
                self._fail(f"annotated name '{name}' can't be {word}", node)
            elif node.simple:
                self._define(scope, name, ANNOTATED | LOCAL, node)
            elif node.value is not None:
                self._define(scope, name, LOCAL, node)
        else:
            self._later(scope, node.target)
        self._annotation(scope, node.annotation)
        self._later(scope, node.value)

    def _directive(self, node: n.Node, scope: Scope, mode: int) -> None:
        assert isinstance(node, (n.Global, n.Nonlocal))
        word, flag = ("global", GLOBAL) if isinstance(node, n.Global) else ("nonlocal", NONLOCAL)
        for name in node.names:
            known = scope.get(name)
            if known & PARAMETER:
                self._fail(f"name '{name}' is parameter and {word}", node)
            elif known & USED:
                self._fail(f"name '{name}' is used prior to {word} declaration", node)
            elif known & ANNOTATED:
                self._fail(f"annotated name '{name}' can't be {word}", node)
            elif known & LOCAL:
                self._fail(f"name '{name}' is assigned to before {word} declaration", node)
            self._define(scope, name, flag, node)
            scope.directives[scope.mangle(name)] = node

    def _import(self, node: n.Node, scope: Scope, mode: int) -> None:
        assert isinstance(node, n.alias)
        if node.name != "*":
            name = node.asname if node.asname is not None else node.name.split(".")[0]
            self._define(scope, name, IMPORTED, node)
        elif scope.kind != "module":
            self._fail("import * only allowed at module level", node)

    def _named(self, node: n.Node, scope: Scope, mode: int) -> None:
        """A handler or pattern with a name."""
        self._later(scope, *children(node))
        name = node.rest if isinstance(node, n.MatchMapping) else getattr(node, "name", None)
        if name is not None:
            self._define(scope, name, LOCAL, node)

    # Expressions ----------------------------------------------------------------------------------

    def _name(self, node: n.Node, scope: Scope, mode: int) -> None:
        assert isinstance(node, n.Name)
        self._define(scope, node.id, USED if node.ctx == "Load" else LOCAL, node, mode)

    def _lambda(self, node: n.Node, scope: Scope, mode: int) -> None:
        assert isinstance(node, n.Lambda)
        self._later(scope, *node.args.defaults, *node.args.kw_defaults, mode=mode)
        inner = self._open(node, "lambda", scope)
        inner.in_iterable = inner.in_iterable or mode == _ITERABLE
        self._parameters(node.args, inner)
        self._later(inner, node.body)

    def _walrus(self, node: n.Node, scope: Scope, mode: int) -> None:
        assert isinstance(node, n.NamedExpr)
        assert isinstance(node.target, n.Name)
        self._forbid("named expression", node, scope)
        if mode == _ITERABLE or scope.in_iterable:
            message = "assignment expression cannot be used in a comprehension iterable expression"
            self._fail(message, node)
        elif scope.is_comprehension:
            self._walrus_in_comprehension(node.target, scope)
        self._later(scope, node.value, node.target, mode=mode)

    def _walrus_in_comprehension(self, target: n.Name, scope: Scope) -> None:
        """The name belongs to the first scope around that is no comprehension."""
        name = target.id
        outer: Scope | None = scope
        while outer is not None:
            if outer.is_comprehension:
                # up to 3.12 CPython forgot that private names are mangled
                known = outer.get(name) if self.minor >= 13 else outer.symbols.get(name, 0)
                if known & ITERATED and (known & LOCAL or self.minor < 12):
                    self._fail(f"{_REBINDS} '{name}'", target)
                    return
            elif outer.kind == "class" or (outer.is_typing and outer.kind != "an annotation"):
                place = "a class body" if outer.kind == "class" else outer.kind
                article = "cannot be used in" if not outer.kind.startswith("the ") else (
                    "cannot be used within"
                )  # fmt: skip
                message = f"assignment expression within a comprehension {article} {place}"
                self._fail(message, target)
                return
            elif outer.kind == "module":
                self._define(scope, name, GLOBAL, target)
                scope.directives[scope.mangle(name)] = target
                self._define(outer, name, GLOBAL, target)
                return
            elif outer.kind != "an annotation":
                self._define(scope, name, GLOBAL if outer.get(name) & GLOBAL else NONLOCAL, target)
                scope.directives[scope.mangle(name)] = target
                self._define(outer, name, LOCAL, target)
                return
            outer = outer.parent

    def _comprehension(self, node: n.Node, scope: Scope, mode: int) -> None:
        assert isinstance(node, (n.ListComp, n.SetComp, n.GeneratorExp, n.DictComp))
        first = node.generators[0]
        self._later(scope, first.iter, mode=_ITERABLE)
        inner = self._open(node, _COMPREHENSIONS[type(node).__name__], scope)
        inner.in_iterable = inner.in_iterable or mode == _ITERABLE
        for one in node.generators:
            inner.coroutine = inner.coroutine or bool(one.is_async)
            self._later(inner, one.target, mode=_TARGET)
            if one is not first:
                self._later(inner, one.iter, mode=_ITERABLE)
            self._later(inner, *one.ifs)
        if isinstance(node, n.DictComp):
            self._later(inner, node.value, node.key)
        else:
            self._later(inner, node.elt)

    def _yield(self, node: n.Node, scope: Scope, mode: int) -> None:
        assert isinstance(node, (n.Yield, n.YieldFrom))
        self._forbid("yield expression", node, scope)
        scope.generator = True
        if scope.is_comprehension:
            self._fail(f"'yield' inside {scope.kind}", node)
        self._later(scope, node.value, mode=mode)

    def _await(self, node: n.Node, scope: Scope, mode: int) -> None:
        assert isinstance(node, n.Await)
        self._forbid("await expression", node, scope)
        scope.coroutine = True
        self._later(scope, node.value, mode=mode)

    # Reading the tables ---------------------------------------------------------------------------

    def _analyze(self) -> None:
        for scope in self.all:
            for name, node in scope.directives.items():
                known = scope.symbols[name]
                if known & GLOBAL:
                    if known & NONLOCAL:
                        self._fail(f"name '{name}' is nonlocal and global", node)
                elif scope.kind == "module":
                    self._fail("nonlocal declaration not allowed at module level", node)
                else:
                    self._find(name, scope, node)

    def _find(self, name: str, scope: Scope, node: n.Node) -> None:
        """A nonlocal name must belong to a function around, and to no type parameter."""
        outer = scope.parent
        while outer is not None:
            if outer.kind == "class" and name == "__class__":
                return
            known = outer.symbols.get(name, 0) if outer.is_function else 0
            if known & GLOBAL:
                break
            if known & BOUND and not known & NONLOCAL:
                if known & TYPE_PARAMETER:
                    message = f"nonlocal binding not allowed for type parameter '{name}'"
                    self._fail(message, node)
                return
            outer = outer.parent
        self._fail(f"no binding for nonlocal '{name}' found", node)


_METHODS = {
    "FunctionDef": Scopes._function,
    "AsyncFunctionDef": Scopes._function,
    "ClassDef": Scopes._class,
    "TypeAlias": Scopes._type_alias,
    "AnnAssign": Scopes._annotated,
    "Global": Scopes._directive,
    "Nonlocal": Scopes._directive,
    "alias": Scopes._import,
    "ExceptHandler": Scopes._named,
    "MatchAs": Scopes._named,
    "MatchStar": Scopes._named,
    "MatchMapping": Scopes._named,
    "Name": Scopes._name,
    "Lambda": Scopes._lambda,
    "NamedExpr": Scopes._walrus,
    "ListComp": Scopes._comprehension,
    "SetComp": Scopes._comprehension,
    "DictComp": Scopes._comprehension,
    "GeneratorExp": Scopes._comprehension,
    "Yield": Scopes._yield,
    "YieldFrom": Scopes._yield,
    "Await": Scopes._await,
}


def annotations_of(node: n.FunctionDef | n.AsyncFunctionDef) -> list[n.expr]:
    """The annotations of a function, in the order in which CPython reads them."""
    args = node.args
    every = [*args.posonlyargs, *args.args, args.vararg, *args.kwonlyargs, args.kwarg]
    found = [one.annotation for one in every if one is not None and one.annotation is not None]
    return found if node.returns is None else [*found, node.returns]
