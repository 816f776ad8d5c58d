"""Simplicial complexes of dimension two: boundary operators and Betti numbers, exactly.

`fans` builds C3, the layered fan complex: a parent with its children in order, and the occurrences
of one name in one scope, each spread as a fan of triangles. Its size is linear in the program's.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from neox.compiler import children, nodes
from neox.compiler.nodes import Node

Edge = tuple[int, int]
Triangle = tuple[int, int, int]
Scope = (nodes.FunctionDef, nodes.AsyncFunctionDef, nodes.ClassDef, nodes.Lambda)


@dataclass(frozen=True, slots=True)
class Complex:
    """Vertices 0..n-1, edges u < v and triangles u < v < w, each sorted and without repeats."""

    vertices: int
    edges: tuple[Edge, ...]
    triangles: tuple[Triangle, ...]

    @classmethod
    def of(
        cls, vertices: int, edges: Iterable[Edge], triangles: Iterable[Triangle] = ()
    ) -> Complex:
        """Sorts, drops repeats and degenerate simplices, and adds the edges of the triangles."""
        faces: set[Triangle] = set()
        for triangle in triangles:
            u, v, w = sorted(triangle)
            if u < v < w:
                faces.add((u, v, w))
        lines = {(min(e), max(e)) for e in edges if e[0] != e[1]}
        for u, v, w in faces:
            lines |= {(u, v), (u, w), (v, w)}
        return cls(vertices, tuple(sorted(lines)), tuple(sorted(faces)))

    def boundary1(self) -> NDArray[np.int8]:
        """B1 [vertices, edges]: -1 at the first vertex of an edge, 1 at the second."""
        b1 = np.zeros((self.vertices, len(self.edges)), dtype=np.int8)
        for i, (u, v) in enumerate(self.edges):
            b1[u, i], b1[v, i] = -1, 1
        return b1

    def boundary2(self) -> NDArray[np.int8]:
        """B2 [edges, triangles]: (v,w) - (u,w) + (u,v) for the triangle (u,v,w)."""
        index = {edge: i for i, edge in enumerate(self.edges)}
        b2 = np.zeros((len(self.edges), len(self.triangles)), dtype=np.int8)
        for i, (u, v, w) in enumerate(self.triangles):
            b2[index[v, w], i], b2[index[u, w], i], b2[index[u, v], i] = 1, -1, 1
        return b2

    def betti(self) -> tuple[int, int, int]:
        """b0, b1, b2 over GF(2), by union-find and column reduction on bit sets."""
        parent = list(range(self.vertices))

        def root(v: int) -> int:
            while parent[v] != v:
                parent[v] = parent[parent[v]]
                v = parent[v]
            return v

        for u, v in self.edges:
            parent[root(u)] = root(v)
        b0 = sum(parent[v] == v for v in range(self.vertices))
        rank = rank_gf2(self._columns())
        return b0, len(self.edges) - (self.vertices - b0) - rank, len(self.triangles) - rank

    def _columns(self) -> list[int]:
        index = {edge: i for i, edge in enumerate(self.edges)}
        return [
            1 << index[v, w] | 1 << index[u, w] | 1 << index[u, v] for u, v, w in self.triangles
        ]

    def euler(self) -> int:
        return self.vertices - len(self.edges) + len(self.triangles)


def rank_gf2(columns: Sequence[int]) -> int:
    """Rank of a matrix over GF(2) whose columns are the bits of integers."""
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


def fan(apex: int, rim: Sequence[int]) -> tuple[list[Edge], list[Triangle]]:
    """Spokes, the rim's path, and the triangles between them."""
    edges = [(apex, v) for v in rim] + list(pairwise(rim))
    return edges, [(apex, a, b) for a, b in pairwise(rim)]


def fans(tree: Node, binding: bool = True) -> tuple[Complex, list[Node]]:
    """C3 of a tree (layers syntax and, unless left out, binding), and the node of each vertex."""
    found: list[Node] = []
    edges: list[Edge] = []
    triangles: list[Triangle] = []
    occurrences: dict[tuple[int, str], list[int]] = {}
    waiting: list[tuple[Node, int, int]] = [(tree, -1, 0)]
    below: dict[int, list[int]] = {}
    while waiting:
        node, parent, scope = waiting.pop()
        number = len(found)
        found.append(node)
        if parent >= 0:
            below.setdefault(parent, []).append(number)
        name = _name(node)
        if name is not None:
            occurrences.setdefault((scope, name), []).append(number)
        inner = number if isinstance(node, Scope) else scope
        waiting += [(child, number, inner) for child in reversed(children(node))]
    groups = [(parent, rim) for parent, rim in below.items()]
    if binding:
        groups += [(group[0], group[1:]) for group in occurrences.values()]
    for apex, rim in groups:
        more_edges, more_triangles = fan(apex, rim)
        edges += more_edges
        triangles += more_triangles
    return Complex.of(len(found), edges, triangles), found


def _name(node: Node) -> str | None:
    if isinstance(node, nodes.Name):
        return node.id
    return node.arg if isinstance(node, nodes.arg) else None
