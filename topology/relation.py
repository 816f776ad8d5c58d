"""C2: the Dowker complex of the relation (statement, local variable it touches).

A row per statement holds the local variables of its own expressions; the parameter list is one row
more. Variables are vertices and every row spans a simplex. b0 counts groups of variables that no
statement ties together, b1 cyclic couplings that no single statement mediates. Swapping the two
sides of the relation gives the same Betti numbers (Dowker 1952), so the cheaper side is used.

Local are the parameters and the names the function stores (walrus and `for` targets included);
handler names, import aliases and names declared global or nonlocal are not. What functions, classes
and lambdas inside do with a variable gives no row; their decorators and defaults do.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations, pairwise
from math import comb

from neox.topology.complexes import rank_gf2
from neox.topology.controlflow import Function
from neox.topology.survey import Scope, Survey, survey

Row = frozenset[int]


def relation(function: Function) -> list[Row]:
    """The rows without empty ones; variables are numbered in order of appearance."""
    known = survey(function)
    return rows_of(known, known.scopes[1])


def rows_of(known: Survey, scope: Scope) -> list[Row]:
    """The rows of the function with this scope."""
    rows: dict[int, set[int]] = {}
    count = 0
    for name, found in scope.names.items():
        if name in scope.bound and name not in scope.elsewhere:
            for occurrence in found:
                rows.setdefault(known.owners[occurrence], set()).add(count)
            count += 1
    return [frozenset(rows[owner]) for owner in sorted(rows)]


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
    core = collapsed(rows)
    if len(core) <= 1:  # nothing, or a simplex
        return len(core), 0, 0
    other = transpose(core)
    return betti(core if cost(core) <= cost(other) else other)


def collapsed(rows: Sequence[Row]) -> list[Row]:
    """A core of the same homotopy type: no row lies in another, no variable is in only such rows as
    another is in too (strong collapses, Barmak and Minian 2012, on both sides of the relation).

    >>> collapsed([frozenset("xy"), frozenset("yz"), frozenset("z")])
    [frozenset({'y'})]
    """
    across = {i: set(row) for i, row in enumerate(rows) if row}
    down: dict[int, set[int]] = {}
    for i, row in across.items():
        for variable in row:
            down.setdefault(variable, set()).add(i)
    sides = (across, down)
    waiting = [(0, i) for i in sorted(across, key=lambda i: len(across[i]))]
    waiting += [(1, v) for v in sorted(down, key=lambda v: len(down[v]))]
    at = 0
    while at < len(waiting):
        side, one = waiting[at]
        at += 1
        ours, theirs = sides[side], sides[1 - side]
        members = ours.get(one)
        if members is None or not _covered(one, members, ours, theirs):
            continue
        del ours[one]
        for member in members:  # what it covered is smaller now, and may be covered itself
            theirs[member].discard(one)
            waiting.append((1 - side, member))
    return [frozenset(across[i]) for i in sorted(across)]


def _covered(
    one: int, members: set[int], ours: dict[int, set[int]], theirs: dict[int, set[int]]
) -> bool:
    """Does another element have all these members? Whoever does is in the smallest of them."""
    smallest = min((theirs[m] for m in members), key=len)
    return any(other != one and members <= ours[other] for other in smallest)


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
