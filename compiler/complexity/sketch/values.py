"""What a sketch knows of a value: its magnitude, its length, what it holds."""

from __future__ import annotations

from collections.abc import Callable

from neox.compiler import nodes as n
from neox.compiler.complexity.record import dataclass, field
from neox.compiler.complexity.sketch.rank import ONE, Rank


@dataclass(slots=True, eq=False)
class Val:
    """Mutable, because containers grow: two names may share one value.

    `mag` is a number's size, `len` a container's; `kind` is "" where it does not matter. `each`
    sums `len` over the items of a container whose items are filled one by one (adjacency lists).
    """

    kind: str = ""
    mag: Rank = ONE
    len: Rank = ONE
    elem: Val | None = None
    attrs: dict[str, Val] = field(default_factory=dict)
    items: list[Val] | None = None
    code: n.Node | None = None  # of a function or class
    scope: Scope | None = None
    geometric: bool = False
    read: bool = False  # straight from the input
    run: Callable[[], Rank] | None = None  # cost of one item of a lazy iterable
    per: Rank = ONE  # what producing one item costs
    path: bool = False  # a part of a recursion's own structure (node.left)

    def item(self) -> Val:
        if self.elem is not None:
            return self.elem
        if self.items:
            return self.items[0]
        return Val(mag=self.mag, len=ONE, path=self.path)

    def constant(self) -> bool:
        return self.mag == ONE and self.len == ONE


@dataclass(slots=True, eq=False)
class Scope:
    names: dict[str, Val] = field(default_factory=dict)
    outer: Scope | None = None
    shared: set[str] = field(default_factory=set)  # global and nonlocal names

    def get(self, name: str) -> Val | None:
        scope: Scope | None = self
        while scope is not None:
            if name in scope.names:
                return scope.names[name]
            scope = scope.outer
        return None

    def put(self, name: str, value: Val) -> None:
        if name in self.shared:
            scope = self.outer
            while scope is not None:
                if name in scope.names or scope.outer is None:
                    scope.names[name] = value
                    return
                scope = scope.outer
        self.names[name] = value


def joined(a: Val | None, b: Val) -> Val:
    """At least as large as both."""
    if a is None or a is b:
        return b
    if a.kind == b.kind == "" and a.items is None and b.items is None:
        return Val(mag=max(a.mag, b.mag), len=max(a.len, b.len), elem=a.elem or b.elem,
                   geometric=a.geometric or b.geometric)  # fmt: skip
    big = a if (a.len, a.mag) > (b.len, b.mag) else b
    if big.elem is None and (a.elem or b.elem):
        big.elem = a.elem or b.elem
    return big


def number(mag: Rank) -> Val:
    return Val("num", mag)


def container(
    kind: str, length: Rank, elem: Val | None = None, items: list[Val] | None = None
) -> Val:
    return Val(kind, ONE, length, elem, items=items)
