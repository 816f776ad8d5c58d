"""C2: the Dowker complex of the relation (statement, local variable it touches).

A row per statement holds the local variables of its own expressions; the parameter list is one row
more. Variables are vertices and every row spans a simplex. b0 counts groups of variables that no
statement ties together, b1 cyclic couplings that no single statement mediates. Swapping the two
sides of the relation gives the same Betti numbers (Dowker 1952), so the cheaper side is used.

Local are the parameters and the names the function stores (walrus and `for` targets included);
handler names, import aliases and names declared global or nonlocal are not.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations, pairwise
from math import comb

from neox.compiler import children, nodes
from neox.compiler.nodes import Node
from neox.topology.complexes import rank_gf2
from neox.topology.controlflow import Function

Row = frozenset[int]
_INNER = (nodes.FunctionDef, nodes.AsyncFunctionDef, nodes.ClassDef, nodes.Lambda)
_COMPOUND = (nodes.stmt, nodes.excepthandler, nodes.match_case)


def relation(function: Function) -> list[Row]:
    """The rows without empty ones; variables are numbered in order of appearance."""
    rows = [[p.arg for p in _parameters(function)]]
    statements = list(_statements(function.body))
    outer: set[str] = set()
    for statement in statements:
        if isinstance(statement, nodes.Global | nodes.Nonlocal):
            outer |= set(statement.names)
        rows.append([name.id for name in _own_names(statement)])
    stored = {n.id for s in statements for n in _own_names(s) if n.ctx == "Store"} - outer
    local = stored | set(rows[0])
    number: dict[str, int] = {}
    kept = ([name for name in row if name in local] for row in rows)
    return [frozenset(number.setdefault(v, len(number)) for v in row) for row in kept if row]


def transpose(rows: Sequence[Row]) -> list[Row]:
    """The other side: for each variable the rows that touch it."""
    columns: dict[int, set[int]] = {}
    for i, row in enumerate(rows):
        for variable in row:
            columns.setdefault(variable, set()).add(i)
    return [frozenset(columns[v]) for v in sorted(columns)]


def dowker_betti(rows: Sequence[Row]) -> tuple[int, int, int]:
    """b0, b1, b2 of the complex spanned by the rows, on whichever side has fewer simplices.

    >>> dowker_betti([frozenset("xy"), frozenset("yz"), frozenset("xz")])
    (1, 1, 0)
    """
    other = transpose(rows)
    return betti(rows if cost(rows) <= cost(other) else other)


def betti(rows: Sequence[Row]) -> tuple[int, int, int]:
    """The same on the given side: ranks over GF(2) of the 3-skeleton's boundary operators."""
    simplices = [
        sorted({s for row in maximal(rows) for s in combinations(sorted(row), size)})
        for size in (1, 2, 3, 4)
    ]
    ranks = [0]
    for lower, upper in pairwise(simplices):
        index = {s: i for i, s in enumerate(lower)}
        ranks.append(
            rank_gf2([sum(1 << index[f] for f in combinations(s, len(s) - 1)) for s in upper])
        )
    b0, b1, b2 = (len(simplices[k]) - ranks[k] - ranks[k + 1] for k in range(3))
    return b0, b1, b2


def maximal(rows: Sequence[Row]) -> list[Row]:
    """Rows that lie in no other row; they span the same complex."""
    kept: list[Row] = []
    for row in sorted(set(rows), key=lambda r: (-len(r), sorted(r))):
        if not any(row <= other for other in kept):
            kept.append(row)
    return kept


def cost(rows: Sequence[Row]) -> int:
    """Simplices of the 3-skeleton, shared ones counted again."""
    return sum(comb(len(row), k) for row in maximal(rows) for k in (1, 2, 3, 4))


def _parameters(function: Function) -> list[nodes.arg]:
    a = function.args
    found = [*a.posonlyargs, *a.args, *a.kwonlyargs]
    return found + [p for p in (a.vararg, a.kwarg) if p is not None]


def _statements(body: Sequence[Node]) -> Iterator[Node]:
    """Statements of a body and of the blocks inside it, not of functions and classes inside it."""
    waiting = list(reversed(body))
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, _INNER):
            waiting += [c for c in reversed(children(node)) if isinstance(c, _COMPOUND)]


def _own_names(statement: Node) -> Iterator[nodes.Name]:
    """Names in the expressions of a statement itself; its blocks give rows of their own."""
    if isinstance(statement, _INNER):
        return
    waiting = [c for c in reversed(children(statement)) if not isinstance(c, _COMPOUND)]
    while waiting:
        node = waiting.pop()
        if isinstance(node, nodes.Name):
            yield node
        if not isinstance(node, _INNER):
            waiting += reversed(children(node))
