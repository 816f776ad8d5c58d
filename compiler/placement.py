"""What may stand where: `return` in a function, `break` in a loop, `await` in a coroutine, `*a` in
a list, `__debug__` nowhere.

These are the checks that CPython makes while it writes bytecode (Python/compile.c), in its words.
Every node is visited once, with the place it stands in; a stack takes the place of recursion.
"""

from __future__ import annotations

from collections.abc import Sequence

from neox.compiler import nodes as n
from neox.compiler.futures import LATE, is_future
from neox.compiler.pattern_rules import case_rules
from neox.compiler.scopes import Scope, Wrong, annotations_of
from neox.compiler.walk import children

# How many loops, with, try and handlers may nest in one function: CO_MAXBLOCKS of CPython.
_MAX_BLOCKS, _MAX_BLOCKS_313 = 20, 21
_NO_JUMP = "'break', 'continue' and 'return' cannot appear in an except* block"
_PLAIN, _ELEMENT, _TARGET_ELEMENT = 0, 1, 2  # may a node be starred?


class Place:
    """Where a node stands: in which scope, and in what since the last loop or function."""

    __slots__ = ("blocks", "group", "group_in_loop", "loop", "scope")

    def __init__(
        self,
        scope: Scope,
        loop: bool = False,
        group: bool = False,
        group_in_loop: bool = False,
        blocks: int = 0,
    ) -> None:
        self.scope = scope
        self.loop = loop
        self.group = group  # in an except* handler of this function
        self.group_in_loop = group_in_loop  # in one that is nearer than the loop
        self.blocks = blocks

    def in_loop(self) -> Place:
        return Place(self.scope, True, self.group, False, self.blocks + 1)

    def in_block(self, count: int = 1) -> Place:
        return Place(self.scope, self.loop, self.group, self.group_in_loop, self.blocks + count)

    def in_group(self) -> Place:
        return Place(self.scope, self.loop, True, True, self.blocks + 2)


class Placement:
    def __init__(
        self,
        tree: n.Module,
        minor: int,
        scopes: dict[n.Node, Scope],
        lazy_annotations: bool,
        early: set[n.Node],
    ) -> None:
        self.minor = minor
        self.scopes = scopes
        self.lazy_annotations = lazy_annotations
        self.early = early  # the imports from __future__ that come in time
        self.max_blocks = _MAX_BLOCKS_313 if minor >= 13 else _MAX_BLOCKS
        self.wrong: list[Wrong] = []
        self.waiting: list[tuple[n.Node, Place, int]] = []
        self._later(Place(scopes[tree]), tree.body[::-1])
        while self.waiting:
            node, place, starred = self.waiting.pop()
            before = len(self.waiting)
            method = _METHODS.get(type(node).__name__)
            if method is not None:
                method(self, node, place, starred)
            elif not isinstance(node, (n.ErrorStmt, n.ErrorExpr)):
                self._later(place, children(node))
            # what a node wants visited was added in order, and is taken from the end
            self.waiting[before:] = self.waiting[before:][::-1]

    def _later(self, place: Place, nodes: Sequence[n.Node | None], starred: int = _PLAIN) -> None:
        self.waiting += [(one, place, starred) for one in nodes if one is not None]

    def _fail(self, message: str, node: n.Node) -> None:
        self.wrong.append((message, node.start, node.end))

    def _bind(self, name: str | None, node: n.Node) -> None:
        if name == "__debug__":
            self._fail("cannot assign to __debug__", node)

    # Definitions ----------------------------------------------------------------------------------

    def _function(self, node: n.Node, place: Place, starred: int) -> None:
        assert isinstance(node, (n.FunctionDef, n.AsyncFunctionDef))
        self._bind(node.name, node)
        self._later(place, node.decorator_list)
        self._later(place, [*node.args.defaults, *node.args.kw_defaults])
        if not self.lazy_annotations:
            self._later(place, annotations_of(node), _ELEMENT if self.minor >= 11 else _PLAIN)
        self._parameters(node.args)
        scope = self.scopes[node]
        wrapped = self.minor >= 13 and (scope.coroutine or scope.generator)
        self._later(Place(scope, blocks=int(wrapped)), node.body)  # StopIteration is handled

    def _parameters(self, node: n.arguments) -> None:
        for one in [*node.posonlyargs, *node.args, node.vararg, *node.kwonlyargs, node.kwarg]:
            if one is not None:
                self._bind(one.arg, one)

    def _lambda(self, node: n.Node, place: Place, starred: int) -> None:
        assert isinstance(node, n.Lambda)
        self._parameters(node.args)
        self._later(place, [*node.args.defaults, *node.args.kw_defaults])
        self._later(Place(self.scopes[node]), [node.body])

    def _class(self, node: n.Node, place: Place, starred: int) -> None:
        assert isinstance(node, n.ClassDef)
        self._bind(node.name, node)
        self._later(place, node.decorator_list)
        self._later(place, node.bases, _ELEMENT)
        self._keywords(node.keywords, place)
        self._later(Place(self.scopes[node]), node.body)

    def _keywords(self, keywords: list[n.keyword], place: Place) -> None:
        seen: set[str] = set()
        for one in keywords:
            if one.arg is not None:
                self._bind(one.arg, one)
                if one.arg in seen:
                    self._fail(f"keyword argument repeated: {one.arg}", one)
                seen.add(one.arg)
            self._later(place, [one.value])

    def _comprehension(self, node: n.Node, place: Place, starred: int) -> None:
        assert isinstance(node, (n.ListComp, n.SetComp, n.GeneratorExp, n.DictComp))
        scope, outer = self.scopes[node], place.scope
        if scope.coroutine and not isinstance(node, n.GeneratorExp):
            if self.minor >= 11:
                fine = outer.kind == "async" or outer.is_comprehension
            else:
                fine = outer.coroutine
            if not fine:
                message = "asynchronous comprehension outside of an asynchronous function"
                self._fail(message, node)
        first = node.generators[0]
        self._later(place, [first.iter])
        inner = Place(scope)
        for one in node.generators:
            self._later(inner, [one.target, None if one is first else one.iter, *one.ifs])
        if isinstance(node, n.DictComp):
            self._later(inner, [node.key, node.value])
        else:
            self._later(inner, [node.elt])

    # Statements -----------------------------------------------------------------------------------

    def _return(self, node: n.Node, place: Place, starred: int) -> None:
        assert isinstance(node, n.Return)
        scope = place.scope
        if scope.kind not in ("def", "async"):
            self._fail("'return' outside function", node)
        elif node.value is not None and scope.kind == "async" and scope.generator:
            self._fail("'return' with value in async generator", node)
        elif place.group:
            self._fail(_NO_JUMP, node)
        self._later(place, [node.value])

    def _jump(self, node: n.Node, place: Place, starred: int) -> None:
        if place.group_in_loop:
            self._fail(_NO_JUMP, node)
        elif not place.loop:
            is_break = isinstance(node, n.Break)
            self._fail(
                "'break' outside loop" if is_break else "'continue' not properly in loop", node
            )

    def _nest(self, outer: Place, inner: Place, node: n.Node) -> None:
        if outer.blocks <= self.max_blocks < inner.blocks:
            self._fail("too many statically nested blocks", node)

    def _loop(self, node: n.Node, place: Place, starred: int) -> None:
        if isinstance(node, n.While):
            self._later(place, [node.test])
        else:
            assert isinstance(node, (n.For, n.AsyncFor))
            if isinstance(node, n.AsyncFor) and place.scope.kind != "async":
                self._fail("'async for' outside async function", node)
            self._later(place, [node.iter, node.target])
        inner = place.in_loop()
        self._nest(place, inner, node)
        self._later(inner, node.body)
        self._later(place, node.orelse)

    def _with(self, node: n.Node, place: Place, starred: int) -> None:
        assert isinstance(node, (n.With, n.AsyncWith))
        if isinstance(node, n.AsyncWith) and place.scope.kind != "async":
            self._fail("'async with' outside async function", node)
        self._later(place, node.items)
        inner = place.in_block(len(node.items))
        self._nest(place, inner, node)
        self._later(inner, node.body)

    def _try(self, node: n.Node, place: Place, starred: int) -> None:
        assert isinstance(node, (n.Try, n.TryStar))
        outer = place.in_block() if node.finalbody else place
        inner = outer.in_block() if node.handlers else outer
        self._nest(place, inner, node)
        self._later(inner, node.body)
        for i, handler in enumerate(node.handlers):
            assert isinstance(handler, n.ExceptHandler)
            if handler.type is None and i + 1 < len(node.handlers):
                self._fail("default 'except:' must be last", handler)
            self._bind(handler.name, handler)
            self._later(outer, [handler.type])
            if isinstance(node, n.TryStar):
                inner = outer.in_group()
            else:
                inner = outer.in_block(2 if self.minor >= 9 else 1)  # the error, and its name
            self._nest(outer, inner, handler)
            self._later(inner, handler.body)
        self._later(outer, node.orelse)
        self._later(place.in_block() if node.finalbody else place, node.finalbody)

    def _import_from(self, node: n.Node, place: Place, starred: int) -> None:
        assert isinstance(node, n.ImportFrom)
        if is_future(node, self.minor) and node not in self.early:
            self._fail(LATE, node)
        self._later(place, node.names)

    def _alias(self, node: n.Node, place: Place, starred: int) -> None:
        assert isinstance(node, n.alias)
        self._bind(node.asname or node.name.split(".")[0], node)

    def _annotated(self, node: n.Node, place: Place, starred: int) -> None:
        assert isinstance(node, n.AnnAssign)
        self._later(place, [node.target, node.value])
        if place.scope.kind in ("module", "class") and not self.lazy_annotations:
            self._later(place, [node.annotation])

    def _match(self, node: n.Node, place: Place, starred: int) -> None:
        assert isinstance(node, n.Match)
        self.wrong += case_rules(node)
        self._later(place, [node.subject])
        for case in node.cases:
            self._later(place, [case.guard, *case.body])

    def _type_alias(self, node: n.Node, place: Place, starred: int) -> None:
        assert isinstance(node, n.TypeAlias)
        self._later(place, [node.name])  # its value is read when it is asked for

    # Expressions ----------------------------------------------------------------------------------

    def _name(self, node: n.Node, place: Place, starred: int) -> None:
        assert isinstance(node, n.Name)
        if node.ctx == "Store":
            self._bind(node.id, node)
        elif node.ctx == "Del" and node.id == "__debug__" and self.minor >= 10:
            self._fail("cannot delete __debug__", node)

    def _attribute(self, node: n.Node, place: Place, starred: int) -> None:
        assert isinstance(node, n.Attribute)
        if node.ctx == "Store":
            self._bind(node.attr, node)
        self._later(place, [node.value])

    def _call(self, node: n.Node, place: Place, starred: int) -> None:
        assert isinstance(node, n.Call)
        self._later(place, [node.func])
        self._later(place, node.args, _ELEMENT)
        self._keywords(node.keywords, place)

    def _display(self, node: n.Node, place: Place, starred: int) -> None:
        assert isinstance(node, (n.Tuple, n.List, n.Set))
        store = not isinstance(node, n.Set) and node.ctx == "Store"
        if store:
            stars = [i for i, one in enumerate(node.elts) if isinstance(one, n.Starred)]
            if len(stars) > 1:
                word = "multiple" if self.minor >= 9 else "two"
                self._fail(f"{word} starred expressions in assignment", node)
            elif stars and stars[0] >= 256:
                self._fail("too many expressions in star-unpacking assignment", node)
        self._later(place, node.elts, _TARGET_ELEMENT if store else _ELEMENT)

    def _starred(self, node: n.Node, place: Place, starred: int) -> None:
        assert isinstance(node, n.Starred)
        if starred == _PLAIN:
            if node.ctx == "Store":
                self._fail("starred assignment target must be in a list or tuple", node)
            else:
                self._fail("can't use starred expression here", node)
        self._later(place, [node.value])

    def _await(self, node: n.Node, place: Place, starred: int) -> None:
        assert isinstance(node, n.Await)
        scope = place.scope
        if scope.kind in ("module", "class"):
            self._fail("'await' outside function", node)
        elif scope.kind in ("def", "lambda"):
            self._fail("'await' outside async function", node)
        self._later(place, [node.value])

    def _yield(self, node: n.Node, place: Place, starred: int) -> None:
        assert isinstance(node, (n.Yield, n.YieldFrom))
        if place.scope.kind in ("module", "class"):
            self._fail("'yield' outside function", node)
        elif place.scope.kind == "async" and isinstance(node, n.YieldFrom):
            self._fail("'yield from' inside async function", node)
        self._later(place, [node.value])


_METHODS = {
    "FunctionDef": Placement._function,
    "AsyncFunctionDef": Placement._function,
    "Lambda": Placement._lambda,
    "ClassDef": Placement._class,
    "ListComp": Placement._comprehension,
    "SetComp": Placement._comprehension,
    "DictComp": Placement._comprehension,
    "GeneratorExp": Placement._comprehension,
    "Return": Placement._return,
    "Break": Placement._jump,
    "Continue": Placement._jump,
    "For": Placement._loop,
    "AsyncFor": Placement._loop,
    "While": Placement._loop,
    "With": Placement._with,
    "AsyncWith": Placement._with,
    "Try": Placement._try,
    "TryStar": Placement._try,
    "ImportFrom": Placement._import_from,
    "alias": Placement._alias,
    "AnnAssign": Placement._annotated,
    "Match": Placement._match,
    "TypeAlias": Placement._type_alias,
    "Name": Placement._name,
    "Attribute": Placement._attribute,
    "Call": Placement._call,
    "Tuple": Placement._display,
    "List": Placement._display,
    "Set": Placement._display,
    "Starred": Placement._starred,
    "Await": Placement._await,
    "Yield": Placement._yield,
    "YieldFrom": Placement._yield,
}
