"""Simplicial complexes of dimension two as arrays: boundary operators and Betti numbers, exactly.

Every simplex has a birth, the layer of a filtration it belongs to, so that one complex serves all
its layers. Homology is over GF(2); nothing here counts eigenvalues. Several programs may be one
complex (their disjoint union), with one set of Betti numbers for each. Knows nothing of programs.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import connected_components

Ints = NDArray[np.int64]
BITS = 3  # births are below 8


@dataclass(frozen=True, slots=True, eq=False)
class Complex:
    """Vertices 0..n-1, edges [m, 2] with u < v and triangles [k, 3] with u < v < w, in
    lexicographic order and without repeats, and the births [m] and [k] of these; vertices are
    there from the start.

    >>> Complex.of(3, [(0, 1), (1, 2), (0, 2)]).betti()
    (1, 1, 0)
    >>> Complex.of(3, [], [(0, 1, 2)]).betti()
    (1, 0, 0)
    """

    vertices: int
    edges: Ints
    triangles: Ints
    edge_births: Ints
    triangle_births: Ints

    @classmethod
    def of(
        cls,
        vertices: int,
        edges: Iterable[Sequence[int]] | Ints,
        triangles: Iterable[Sequence[int]] | Ints = (),
        edge_births: Ints | int = 0,
        triangle_births: Ints | int = 0,
    ) -> Complex:
        """Sorts, drops repeats (the earliest birth stays) and degenerate simplices, and adds the
        edges of the triangles.
        """
        lines, faces = _rows(edges, 2), _rows(triangles, 3)
        face_births = np.broadcast_to(np.asarray(triangle_births, np.int64), len(faces))
        line_births = np.broadcast_to(np.asarray(edge_births, np.int64), len(lines))
        u, v, w = np.sort(faces, axis=1).T
        proper = (u < v) & (v < w)
        if not proper.all():
            u, v, w, face_births = u[proper], v[proper], w[proper], face_births[proper]
        keys, triangle_births = _earliest((u * vertices + v) * vertices + w, face_births)
        uv, w = np.divmod(keys, vertices) if vertices else (keys, keys)
        u, v = np.divmod(uv, vertices) if vertices else (uv, uv)
        low, high = lines.min(axis=1), lines.max(axis=1)
        proper = low < high
        if not proper.all():
            low, high, line_births = low[proper], high[proper], line_births[proper]
        keys, edge_births = _earliest(
            np.concatenate(
                [low * vertices + high, u * vertices + v, u * vertices + w, v * vertices + w]
            ),
            np.concatenate([line_births, triangle_births, triangle_births, triangle_births]),
        )
        low, high = np.divmod(keys, vertices) if vertices else (keys, keys)
        return cls(
            vertices,
            np.stack([low, high], axis=1),
            np.stack([u, v, w], axis=1),
            edge_births,
            triangle_births,
        )

    def until(self, birth: int) -> Complex:
        """The subcomplex of what is born by then."""
        lines, faces = self.edge_births <= birth, self.triangle_births <= birth
        return Complex(
            self.vertices,
            self.edges[lines],
            self.triangles[faces],
            self.edge_births[lines],
            self.triangle_births[faces],
        )

    def boundary(self, k: int, kind: type = np.int64) -> sparse.csc_array:
        """B1 [vertices, edges]: -1 at the first vertex of an edge, 1 at the second. B2 [edges,
        triangles]: (v,w) - (u,w) + (u,v) for the triangle (u,v,w). Numbers of this kind.
        """
        entries: tuple[int, ...] = (-1, 1) if k == 1 else (1, -1, 1)
        if k == 1:
            rows, shape = self.edges, (self.vertices, len(self.edges))
        elif k == 2:
            rows, shape = self.sides(), (len(self.edges), len(self.triangles))
        else:
            raise ValueError(f"a complex of dimension 2 has boundary operators 1 and 2, not {k}")
        data: Any = np.tile(np.array(entries, kind), len(rows))
        starts = np.arange(0, rows.size + 1, len(entries))
        return sparse.csc_array((data, rows.ravel(), starts), shape=shape)

    def sides(self) -> Ints:
        """The numbers [k, 3] of each triangle's edges (u,v), (u,w), (v,w)."""
        keys = self.edges[:, 0] * self.vertices + self.edges[:, 1]
        u, v, w = (self.triangles * [self.vertices, self.vertices, 1]).T
        wanted = np.stack([u + self.triangles[:, 1], u + w, v + w], axis=1)
        return np.searchsorted(keys, wanted)

    def betti(self) -> tuple[int, int, int]:
        """b0, b1, b2 over GF(2)."""
        b0, b1, b2 = self.betti_by(np.zeros(self.vertices, np.int64), 1)[:, 0].tolist()
        return b0, b1, b2

    def betti_by(self, part: Ints, parts: int) -> Ints:
        """Betti numbers [3, parts] of a disjoint union; part [vertices] says whose a vertex is."""
        b0 = components_by(self.vertices, self.edges, part, parts)
        vertices = np.bincount(part, minlength=parts)
        lines = np.bincount(part[self.edges[:, 0]], minlength=parts)
        owner = part[self.triangles[:, 0]]
        ranks = rank_by(self.sides(), owner, parts)
        faces = np.bincount(owner, minlength=parts)
        return np.stack([b0, lines - (vertices - b0) - ranks, faces - ranks])

    def euler(self) -> int:
        return self.vertices - len(self.edges) + len(self.triangles)


def _rows(simplices: Iterable[Sequence[int]] | Ints, width: int) -> Ints:
    if not isinstance(simplices, np.ndarray):
        simplices = np.array([list(s) for s in simplices], dtype=np.int64)
    return simplices.reshape(-1, width).astype(np.int64, copy=False)


def _earliest(keys: Ints, births: Ints) -> tuple[Ints, Ints]:
    """The distinct keys, ascending, each with its least birth."""
    joined = np.sort(keys << BITS | births)
    keys = joined >> BITS
    first = np.ones(len(keys), dtype=bool)
    np.not_equal(keys[1:], keys[:-1], out=first[1:])
    return keys[first], joined[first] & ((1 << BITS) - 1)


def components_by(vertices: int, edges: Ints, part: Ints, parts: int) -> Ints:
    """Connected components [parts] of a graph whose parts are not connected with each other."""
    if not vertices:
        return np.zeros(parts, np.int64)
    ones = np.ones(len(edges), np.int8)
    graph: Any = sparse.coo_array((ones, (edges[:, 0], edges[:, 1])), shape=(vertices, vertices))
    count, label = connected_components(graph.tocsr(), directed=False)
    home = np.zeros(count, np.int64)
    home[label] = part
    return np.bincount(home, minlength=parts)


def rank_by(sides: Ints, part: Ints, parts: int) -> Ints:
    """Ranks [parts] over GF(2) of a matrix with three ones in each column, at the rows `sides`.

    A column that alone has some row adds one to the rank and can go. Fans are built so that nearly
    all of them go this way; what is left is reduced.
    """
    ranks = np.zeros(parts, np.int64)
    left = np.arange(len(sides))
    while len(left):
        counts = np.bincount(sides[left].ravel())
        free = (counts[sides[left]] == 1).any(axis=1)
        gone = int(free.sum())
        if gone:
            ranks += np.bincount(part[left[free]], minlength=parts)
            left = left[~free]
        if gone * 16 < len(left) or not gone:  # few go in a round: one by one is linear
            break
    for home, columns in _by_part(sides[left], part[left]):
        gone, rest = _peeled(columns.tolist())
        ranks[home] += gone + rank_gf2(_compressed(columns[rest]))
    return ranks


def _peeled(columns: list[list[int]]) -> tuple[int, list[int]]:
    """How many columns go one after another, each with a row of its own by then, and the numbers of
    those left; linear, where strips of triangles come off from their ends.
    """
    count: dict[int, int] = {}
    joined: dict[int, int] = {}  # the numbers of a row's columns, xor-ed: of one, its number
    for number, column in enumerate(columns):
        for row in column:
            count[row] = count.get(row, 0) + 1
            joined[row] = joined.get(row, 0) ^ number
    free = [row for row, times in count.items() if times == 1]
    gone = bytearray(len(columns))
    while free:
        row = free.pop()
        if count[row] != 1:
            continue
        number = joined[row]
        gone[number] = 1
        for side in columns[number]:
            count[side] -= 1
            joined[side] ^= number
            if count[side] == 1:
                free.append(side)
    return sum(gone), [number for number, away in enumerate(gone) if not away]


def _by_part(sides: Ints, part: Ints) -> Iterable[tuple[int, Ints]]:
    order = np.argsort(part, kind="stable")
    homes, starts = np.unique(part[order], return_index=True)
    return (
        zip(homes.tolist(), np.split(sides[order], starts[1:]), strict=True) if len(order) else ()
    )


def _compressed(columns: Ints) -> list[int]:
    """The columns as bit sets, rows renumbered in order of appearance."""
    _, rows = np.unique(columns, return_inverse=True)
    return [1 << a | 1 << b | 1 << c for a, b, c in rows.reshape(-1, 3).tolist()]


def rank_gf2(columns: Sequence[int]) -> int:
    """Rank of a matrix over GF(2) whose columns are the bits of integers.

    >>> rank_gf2([0b011, 0b110, 0b101])
    2
    """
    pivots: dict[int, int] = {}
    for column in columns:
        while column:
            high = column.bit_length()
            other = pivots.get(high)
            if other is None:
                pivots[high] = column
                break
            column ^= other
    return len(pivots)
