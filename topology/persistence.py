"""Views of a complex for gudhi, and persistence diagrams of three filtrations.

By layer: a simplex of C3 is born with its layer (syntax, binding, control, calls, scopes).
By depth: a vertex of C3 is born at its depth in the tree, a simplex with its deepest vertex.
By support: a simplex of C2 is born at minus the number of statements that touch all its variables,
so that couplings made by many statements come first. gudhi is imported only when one is asked for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neox.topology.complexes import Complex
from neox.topology.relation import Row

Diagram = NDArray[np.float64]  # rows (dimension, birth, death), death infinite for what stays
WIDEST = 24  # variables of one statement, beyond which the 3-skeleton is no longer listed


def simplex_tree(complex_: Complex, heights: NDArray[np.float64] | None = None) -> Any:
    """gudhi's SimplexTree of a complex; values are births, or the greatest of the vertices'
    heights where these are given.
    """
    import gudhi

    tree = gudhi.SimplexTree()
    births = (np.zeros(complex_.vertices), complex_.edge_births, complex_.triangle_births)
    every = (np.arange(complex_.vertices)[:, None], complex_.edges, complex_.triangles)
    for simplices, birth in zip(every, births, strict=True):
        if len(simplices):
            values = birth if heights is None else heights[simplices].max(axis=1)
            tree.insert_batch(simplices.T.astype(np.int32), values.astype(np.float64))
    return tree


def support_tree(rows: Sequence[Row]) -> Any:
    """gudhi's SimplexTree of the relation's 3-skeleton, by support. ValueError for a row of more
    than WIDEST variables.
    """
    import gudhi

    widest = max(map(len, rows), default=0)
    if widest > WIDEST:
        raise ValueError(f"a statement touches {widest} variables; the limit is {WIDEST}")
    support: Counter[tuple[int, ...]] = Counter()
    for row in rows:
        for size in range(1, 5):
            support.update(combinations(sorted(row), size))
    tree = gudhi.SimplexTree()
    for simplex, count in support.items():
        tree.insert(list(simplex), filtration=-float(count))
    return tree


def diagram(complex_: Complex, heights: NDArray[np.float64] | None = None) -> Diagram:
    """The persistence diagram of a complex, points of no length left out."""
    return diagram_of(simplex_tree(complex_, heights))


def diagram_of(tree: Any) -> Diagram:
    """The persistence diagram of a simplex tree over GF(2), in a fixed order."""
    # the default would drop the top dimension, and with it every cycle of a graph
    pairs = tree.persistence(homology_coeff_field=2, persistence_dim_max=True)
    rows = sorted((dimension, birth, death) for dimension, (birth, death) in pairs)
    return np.array(rows, dtype=np.float64).reshape(-1, 3)
