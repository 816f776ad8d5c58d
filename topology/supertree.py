"""Comparing programs in one common tree: the prefix trie of all their root paths.

A step of a path is a child's place among its siblings and what stands there: the class of the node
with its operators and the type of its constant, never a name. Equal paths share a vertex, so that
distances between programs mean something, which they do not between layouts made apart. Each
program is its nodes, with equal mass.

The energy distance 2 E d(X,Y) - E d(X,X') - E d(Y,Y') under the tree metric has the closed form
2 sum over edges (F_X - F_Y)^2, F being the share of the mass below the edge: linear, exact, and a
squared Euclidean distance, hence never negative and zero only for equal mass.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from neox.compiler import nodes as n
from neox.compiler.nodes import Node
from neox.topology.poincare import Points, energy, sarkar
from neox.topology.survey import Survey, survey

Array = NDArray[np.float64]


class Supertree:
    """parents [vertices], -1 for the root; shares [programs, vertices], sparse: the share of a
    program's nodes that lie at or below a vertex; members: the vertices of each program's nodes.

    >>> from neox.compiler import parse
    >>> tree = Supertree([parse(s).tree for s in ("x = 1\\n", "y = 2\\n", "x = f(1)\\n")])
    >>> tree.similarities().round(2).tolist()
    [[1.0, 1.0, 0.84], [1.0, 1.0, 0.84], [0.84, 0.84, 1.0]]
    """

    def __init__(self, trees: Sequence[Node]) -> None:
        self._known: dict[tuple[int, int, str], int] = {}
        parents: list[int] = []
        self.members: list[NDArray[np.int64]] = []
        rows = []
        for tree in trees:
            known = survey(tree)
            path = self._paths(known, parents)
            self.members.append(np.array(path, np.int64))
            rows.append(_below(known) / len(path))
        self.parents = np.array(parents, np.int64)
        bounds = np.concatenate([[0], np.cumsum([len(m) for m in self.members])])
        flat = np.concatenate([*self.members, np.zeros(0, np.int64)])
        values = np.concatenate([*rows, np.zeros(0)])
        shape = len(self.members), len(parents)
        self.shares = sparse.csr_array((values, flat, bounds), shape=shape)

    def _paths(self, known: Survey, parents: list[int]) -> list[int]:
        """The vertex of every node of a program; new ones are added."""
        path: list[int] = []
        seen = [0] * len(known.parents)
        for number, parent in enumerate(known.parents):
            above, place = -1, 0
            if parent >= 0:
                above, place = path[parent], seen[parent]
                seen[parent] += 1
            key = above, place, label(known.nodes[number])
            vertex = self._known.setdefault(key, len(self._known))
            if vertex == len(parents):
                parents.append(above)
            path.append(vertex)
        return path

    def energies(self) -> Array:
        """Energy distances [programs, programs] under the tree metric, edges of length 1."""
        gram = self._gram()
        square = np.diag(gram)
        found: Array = np.maximum(2 * (square[:, None] + square[None, :] - 2 * gram), 0.0)
        np.fill_diagonal(found, 0.0)
        return found

    def similarities(self) -> Array:
        """1 for equal structure, 0 for nothing in common: 1 - energy / its largest value, that of
        programs without a common path.
        """
        gram = self._gram()
        square = np.diag(gram)
        whole = square[:, None] + square[None, :]
        return np.asarray(np.divide(2 * gram, whole, out=np.ones_like(gram), where=whole > 0))

    def layout(self, tau: float | None = None) -> Points:
        """Sarkar's layout of the trie, one for all its programs."""
        return sarkar(self.parents, tau)

    def hyperbolic_energy(self, i: int, j: int, tau: float | None = None) -> float:
        """The energy distance of two programs in the hyperbolic metric; quadratic in their size."""
        points = self.layout(tau)
        return energy(points[self.members[i]], points[self.members[j]])

    def _gram(self) -> Array:
        edges: Any = self.shares[:, 1:]  # the root is below no edge
        return np.asarray((edges @ edges.T).toarray(), dtype=np.float64)


def label(node: Node) -> str:
    """The class of a node, with operators and the type of a constant."""
    name = type(node).__name__
    if isinstance(node, n.BinOp | n.UnaryOp | n.BoolOp | n.AugAssign):
        return f"{name} {node.op}"
    if isinstance(node, n.Compare):
        return f"{name} {' '.join(node.ops)}"
    if isinstance(node, n.Constant):
        return f"{name} {type(node.value).__name__}"
    return name


def _below(known: Survey) -> Array:
    """Nodes at or below each node."""
    count = np.ones(len(known.parents))
    for number in range(len(known.parents) - 1, 0, -1):
        count[known.parents[number]] += count[number]
    return count
