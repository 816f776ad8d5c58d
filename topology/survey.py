"""One walk over a tree, written down as flat lists of ints: what every complex is made from.

Nodes are numbered in preorder. A scope is the inside of a function, class or lambda (number 0: what
lies outside all of them); comprehensions belong to the scope around them. Decorators, defaults,
annotations and bases belong to the scope around their definition. Knows nothing about graphs.
"""

from __future__ import annotations

from typing import Final

from neox.compiler import nodes as n
from neox.compiler.nodes import Node

# What the walk does with a node, besides numbering it.
PLAIN, NAME, ARG, BOOL, CHOICE, LOOP, FUNCTION, CLASS, LAMBDA, ARGUMENTS, CALL, BINARY, OUTSIDE = (
    range(13)
)
_ROLES: Final[dict[type, int]] = {
    n.Name: NAME,
    n.arg: ARG,
    n.BoolOp: BOOL,
    n.IfExp: CHOICE,
    n.comprehension: LOOP,
    n.FunctionDef: FUNCTION,
    n.AsyncFunctionDef: FUNCTION,
    n.ClassDef: CLASS,
    n.Lambda: LAMBDA,
    n.arguments: ARGUMENTS,
    n.Call: CALL,
    n.BinOp: BINARY,
    n.Global: OUTSIDE,
    n.Nonlocal: OUTSIDE,
}
# Fields that hold text, numbers or flags in every class that has them.
_NO_NODES: Final = frozenset(
    "id ctx attr op ops level module simple is_async asname conversion kwd_attrs rest kind".split()
)
_INNER: Final = frozenset(
    ("body", "args", "type_params")
)  # fields of a definition inside its scope


class Kind:
    """What is known of a class of nodes: its role, whether it owns expressions, its fields."""

    __slots__ = ("fields", "owns", "role")

    def __init__(self, kind: type[Node]) -> None:
        self.role = _ROLES.get(kind, PLAIN)
        self.owns = issubclass(kind, (n.stmt, n.excepthandler, n.match_case))
        leaf = kind in (n.Constant, n.Global, n.Nonlocal, n.Name, n.MatchSingleton, n.MatchStar)
        self.fields: tuple[str, ...] = (
            () if leaf else tuple(f for f in kind._fields if f not in _NO_NODES)
        )


_KINDS: Final[dict[type, Kind]] = {}


class Scope:
    """A scope: the number of its node (-1 outside all), the scope around it, and its names."""

    __slots__ = ("bound", "elsewhere", "is_class", "names", "node", "outer")

    def __init__(self, node: int, outer: int, is_class: bool) -> None:
        self.node = node
        self.outer = outer
        self.is_class = is_class
        self.bound: set[str] = set()  # parameters, and names that are stored
        self.elsewhere: dict[str, bool] = {}  # declared global (True) or nonlocal (False)
        self.names: dict[str, list[int]] = {}  # occurrences, in preorder


class Survey:
    """Lists by node number, and a few by kind.

    parents: -1 for the root. owners: the statement, handler or case whose own expressions the node
    is part of. scopes_of: the scope it stands in. choices: for an owner, the decisions in its own
    expressions (`and`, `or`, ternaries, comprehensions); 0 for all others.
    """

    __slots__ = (
        "calls",
        "choices",
        "depths",
        "divisions",
        "functions",
        "nodes",
        "numbers",
        "owners",
        "parents",
        "scopes",
        "scopes_of",
        "subtractions",
    )

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self.numbers: dict[Node, int] = {}  # of the owners only
        self.parents: list[int] = []
        self.depths: list[int] = []
        self.owners: list[int] = []
        self.scopes_of: list[int] = []
        self.choices: list[int] = []
        self.scopes: list[Scope] = [Scope(-1, -1, False)]
        self.functions: list[int] = []
        self.calls: list[int] = []
        self.divisions = 0
        self.subtractions = 0

    def groups(self) -> list[list[int]]:
        """The occurrences of each name in each scope, those of one only left out.

        A name that a scope uses and does not bind belongs to the nearest function around it that
        binds it, or to the module where that does; else (builtins, imports) it stays where it is.
        """
        merged: dict[tuple[int, str], list[int]] = {}
        for number, scope in enumerate(self.scopes):
            for name, found in scope.names.items():
                at = number
                if number and (name not in scope.bound or name in scope.elsewhere):
                    at = self._home(scope, name, number)
                before = merged.get((at, name))
                if before is None:
                    merged[at, name] = found
                else:
                    merged[at, name] = sorted(before + found)
        return [group for group in merged.values() if len(group) > 1]

    def _home(self, scope: Scope, name: str, number: int) -> int:
        if scope.elsewhere.get(name):
            return 0
        at = scope.outer
        while at > 0:
            outer = self.scopes[at]
            if not outer.is_class and name in outer.bound and name not in outer.elsewhere:
                return at
            at = outer.outer
        return 0 if name in self.scopes[0].bound else number


def survey(tree: Node) -> Survey:
    """The survey of a tree; linear in its size, and its depth does not matter."""
    out = Survey()
    found, parents, depths = out.nodes, out.parents, out.depths
    owners, scopes_of, choices, scopes = out.owners, out.scopes_of, out.choices, out.scopes
    numbers = out.numbers
    waiting: list[tuple[Node, int, int, int]] = [(tree, -1, 0, 0)]
    while waiting:
        node, parent, at, owner = waiting.pop()
        number = len(found)
        cls = type(node)
        kind = _KINDS.get(cls)
        if kind is None:
            kind = _KINDS[cls] = Kind(cls)
        found.append(node)
        parents.append(parent)
        depths.append(depths[parent] + 1 if parent >= 0 else 0)
        scopes_of.append(at)
        choices.append(0)
        if kind.owns:
            owner = number
            numbers[node] = number
        owners.append(owner)
        inner, outer = at, at  # the scopes of what is inside and of what only stands in it
        role = kind.role
        if role:
            if role == NAME:
                assert isinstance(node, n.Name)
                _use(scopes[at], node.id, number)
                if node.ctx != "Load":
                    scopes[at].bound.add(node.id)
                continue
            if role == ARG:
                assert isinstance(node, n.arg)
                _use(scopes[at], node.arg, number)
                scopes[at].bound.add(node.arg)
                inner = outer = max(scopes[at].outer, 0)
            elif role == BOOL:
                assert isinstance(node, n.BoolOp)
                choices[owner] += len(node.values) - 1
            elif role == CHOICE:
                choices[owner] += 1
            elif role == LOOP:
                assert isinstance(node, n.comprehension)
                choices[owner] += 1 + len(node.ifs)
            elif role == ARGUMENTS:
                outer = max(scopes[at].outer, 0)
            elif role == CALL:
                out.calls.append(number)
            elif role == BINARY:
                assert isinstance(node, n.BinOp)
                out.divisions += node.op == "Div"
                out.subtractions += node.op == "Sub"
            elif role == OUTSIDE:
                assert isinstance(node, n.Global | n.Nonlocal)
                for name in node.names:
                    scopes[at].elsewhere[name] = isinstance(node, n.Global)
            else:
                inner = len(scopes)
                scopes.append(Scope(number, at, role == CLASS))
                if role == FUNCTION:
                    out.functions.append(number)
        before = len(waiting)
        for name in kind.fields:
            value = getattr(node, name)
            where = inner
            if inner != outer and name not in _INNER and not name.endswith(("arg", "args")):
                where = outer
            if isinstance(value, Node):
                waiting.append((value, number, where, owner))
            elif isinstance(value, list):
                for part in value:
                    if isinstance(part, Node):
                        waiting.append((part, number, where, owner))
        if len(waiting) > before + 1:
            waiting[before:] = waiting[: before - 1 : -1] if before else waiting[::-1]
    return out


def _use(scope: Scope, name: str, number: int) -> None:
    found = scope.names.get(name)
    if found is None:
        scope.names[name] = [number]
    else:
        found.append(number)
