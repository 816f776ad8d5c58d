"""The grammar of the forge: typed operations, their slots, and the trees that are built from them.

An `Op` maps one type to another; its code has holes for a constant `{c}`, a base value `{B}`, an
expression `{E}` in `v` and a predicate `{P}` on `v`. A program is a chain of filled operations. The
three integer types differ only in their domain (`small` 0..63, `nat` 0.., `int` any), so every
operation is total on what it takes. Nothing here knows how programs are drawn, written down or run.
"""

import re
from dataclasses import dataclass, field
from functools import cache
from typing import Any

SMALL, NAT, INT, LIST, STR, WORDS, DICT, BOOL = (
    "small",
    "nat",
    "int",
    "list",
    "str",
    "words",
    "dict",
    "bool",
)
PYTHON_TYPE = {
    SMALL: "int",
    NAT: "int",
    INT: "int",
    LIST: "list[int]",
    STR: "str",
    WORDS: "list[str]",
    DICT: "dict[str, int]",
    BOOL: "bool",
}
VARIABLE = {
    SMALL: "n",
    NAT: "n",
    INT: "n",
    LIST: "a",
    STR: "s",
    WORDS: "w",
    DICT: "d",
    BOOL: "x",
}
ACCEPTED_BY = {kind: (kind,) for kind in PYTHON_TYPE} | {NAT: (NAT, INT), SMALL: (SMALL, NAT, INT)}
"""The input types that a value of each type fits."""


@dataclass(frozen=True, slots=True, eq=False)
class Unit:
    """An expression in `v` or a predicate on `v` that fills a slot.

    `wrong` is its one habit. For an expression `verbs` are told of `{}` ("double {}") and `nouns`
    of the numbers it is taken over ("the squares of {}"); a predicate has only `nouns`, which
    follow "numbers".
    """

    name: str
    code: str
    wrong: str
    nouns: tuple[str, str]
    verbs: tuple[str, str] = ("", "")
    consts: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Op:
    """An operation from `takes` to `gives`.

    `code` is statement lines and, last, the expression of the result; a line that starts with `~`
    stays only where a predicate is filled in. `words` are two wordings; one that starts
    as in `text.NAMES` names the result, any other is an order. `wrong` is the one habit, same form
    as `code`. `k` lets the parameter k stand for the constant. `cost` is the class of the code in
    the size of its input; `grows` marks results that may need the bounds check.
    """

    name: str
    takes: str
    gives: str
    code: str
    words: tuple[str, str]
    wrong: str
    consts: tuple[int | str, ...] = ()
    k: bool = False
    cost: str = "n"
    grows: bool = False
    slots: str = field(init=False)
    """The slots of the code: a subset of "EPB", in that order."""
    alone: bool = field(init=False)
    """Whether the code calls itself, so that it must be the whole function."""
    last: bool = field(init=False)
    """Whether nothing can follow, because the code returns early or the result is a bool."""
    second: bool = field(init=False)
    """Whether the code reads the second list `b`."""

    def __post_init__(self) -> None:
        put = object.__setattr__  # the class is frozen for everybody else
        alone = re.search(r"\bf\(", self.code) is not None
        put(self, "slots", "".join(slot for slot in "EPB" if "{" + slot + "}" in self.code))
        put(self, "alone", alone)
        put(self, "last", alone or "return " in self.code or self.gives == BOOL)
        put(self, "second", re.search(r"\bb\b", self.code) is not None)


Const = int | str | None


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """An operation with its holes filled; made by `node`, so that equal nodes are the same object.

    `says` holds the wordings of the operation, the expression and the predicate. A constant "k" of
    an operation with `k` stands for the parameter.
    """

    op: Op
    const: Const = None
    expression: Unit | None = None
    expression_const: Const = None
    predicate: Unit | None = None
    predicate_const: Const = None
    base: int | None = None
    says: tuple[int, int, int] = (0, 0, 0)
    parts: tuple[str, ...] = field(init=False)
    """The names of the composed nodes, each with a habit of its own: the operation first."""
    silent: "Node" = field(init=False)
    """The node in its first wordings: what is computed does not depend on how it is told."""
    reads: str | None = field(init=False)
    """The second parameter if the node reads it: "k", "b" or None."""

    def __post_init__(self) -> None:
        names = [self.op.name]
        if self.expression is not None:
            names.append(f"E:{self.expression.name}")
        if self.predicate is not None:
            names.append(f"P:{self.predicate.name}")
        if self.base is not None:
            names.append("B:base")
        takes_k = self.op.k and self.const == "k"
        told = self.says != (0, 0, 0)
        object.__setattr__(self, "silent", node(*self._filling()) if told else self)
        object.__setattr__(self, "parts", tuple(names))
        object.__setattr__(self, "reads", "k" if takes_k else "b" if self.op.second else None)

    def _filling(self) -> tuple[Any, ...]:
        return (
            self.op,
            self.const,
            self.expression,
            self.expression_const,
            self.predicate,
            self.predicate_const,
            self.base,
        )


node = cache(Node)


@dataclass(frozen=True, slots=True)
class Program:
    """A chain of nodes: each takes what the one before it gives."""

    nodes: tuple[Node, ...]

    @property
    def takes(self) -> str:
        return self.nodes[0].op.takes

    @property
    def gives(self) -> str:
        return self.nodes[-1].op.gives

    @property
    def extra(self) -> str | None:
        """The second parameter: "k", "b" or None. A drawn program never uses both."""
        return next((node.reads for node in self.nodes if node.reads is not None), None)

    @property
    def parts(self) -> tuple[str, ...]:
        """The names of all composed nodes, node by node."""
        return tuple(name for node in self.nodes for name in node.parts)


@dataclass(frozen=True, slots=True)
class Family:
    """A named set of operations. A task belongs to the family whose operation its drawing started
    from.
    """

    name: str
    ops: tuple[Op, ...]


FAMILIES: dict[str, Family] = {}


def register(family: Family) -> Family:
    """Make `family` known; the names of families and of operations are unique."""
    known = {op.name for other in FAMILIES.values() for op in other.ops}
    fresh = [op.name for op in family.ops]
    if family.name in FAMILIES or known.intersection(fresh) or len(set(fresh)) < len(fresh):
        raise ValueError(f"family {family.name!r} or one of its operations is already registered")
    FAMILIES[family.name] = family
    return family
