"""Trees in the Poincare disk by Sarkar's construction, and distances there.

Every tree edge gets hyperbolic length tau exactly (Sarkar 2011; De Sa et al. 2018, arXiv
1804.03329). float64 throughout: a point at distance r from the origin is 1 - 2 exp(-r) away from
it, so tau * depth is kept below 28. Nothing is ever projected or clipped into the disk.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.complex128]
Ints = NDArray[np.int64]
LARGEST_RADIUS = 28.0


def sarkar(parents: Sequence[int] | Ints, tau: float | None = None) -> Points:
    """Coordinates [n] in the unit disk of a tree in preorder, or of several: a root's parent is -1.

    tau is the length of an edge; by default 1, or less where a tree is deeper than 28. ValueError
    where tau times the depth exceeds the radius that float64 can tell apart.
    """
    up = np.asarray(parents, dtype=np.int64)
    depth = depths(up)
    roots = up < 0
    tree = np.cumsum(roots) - 1
    deepest = np.zeros(int(roots.sum()), np.int64)
    np.maximum.at(deepest, tree, depth)
    longest = LARGEST_RADIUS / np.maximum(deepest, 1)
    if tau is None:
        lengths = np.minimum(1.0, longest)
    elif len(longest) and tau > longest.min():
        raise ValueError(f"tau {tau} times depth {deepest.max()} exceeds {LARGEST_RADIUS}")
    else:
        lengths = np.full(len(longest), tau)
    step = np.tanh(lengths / 2)[tree] if len(up) else np.zeros(0)
    turns, count = _turns(up)
    place = np.zeros(len(up), dtype=np.complex128)
    order = np.argsort(depth, kind="stable")
    starts = np.searchsorted(depth[order], np.arange(1, int(depth.max(initial=0)) + 2))
    for low, high in pairwise(starts.tolist()):
        level = order[low:high]
        parent = up[level]
        z = place[parent]
        above = up[parent]
        inner = above >= 0
        # seen from z, its own parent lies at the angle `first`; a root has none, and turns from 0
        toward = place[np.where(inner, above, 0)] - z
        first = np.where(inner, np.angle(toward / (1 - z.conj() * (toward + z))), 0.0)
        share = turns[level] + inner
        turn = first + 2 * math.pi * share / (count[parent] + inner)
        moved = step[level] * np.exp(1j * turn)
        place[level] = (moved + z) / (1 + z.conj() * moved)
    return place


def depths(parents: Ints) -> Ints:
    """Edges between each node and its root, for nodes in preorder."""
    depth = (parents >= 0).astype(np.int64)
    at = parents.copy()
    while (alive := at >= 0).any():  # pointer doubling: log2(depth) rounds
        depth[alive] += depth[at[alive]]
        at[alive] = at[at[alive]]
    return depth


def _turns(parents: Ints) -> tuple[Ints, Ints]:
    """Which child of its parent each node is, from 0, and how many children each has."""
    count = np.bincount(parents[parents >= 0], minlength=len(parents))
    order = np.argsort(parents, kind="stable")
    first = np.cumsum(count) - count
    turns = np.zeros(len(parents), np.int64)
    roots = int((parents < 0).sum())
    below = order[roots:]
    turns[below] = np.arange(len(below)) - first[parents[below]]
    return turns, count


def scale_for(degree: int, epsilon: float) -> float:
    """The edge length at which Sarkar's layout of a tree with at most `degree` neighbours per node
    distorts distances by no more than 1 + epsilon (De Sa et al. 2018, section 3).
    """
    return (1 + epsilon) / epsilon * 2 * math.log(max(degree, 2) / (math.pi / 2))


def distance(x: Points, y: Points) -> NDArray[np.float64]:
    """Hyperbolic distance, elementwise: arcosh(1 + 2 |x-y|^2 / ((1-|x|^2)(1-|y|^2))).

    Written as 2 asinh(|x-y| / sqrt(...)), which is stable near 0. ValueError outside the disk.
    """
    room_x, room_y = _room(x), _room(y)
    if np.any(room_x <= 0) or np.any(room_y <= 0):
        raise ValueError("a point on or outside the unit circle has no distance")
    return np.asarray(2 * np.arcsinh(np.abs(x - y) / np.sqrt(room_x * room_y)))


def _room(x: Points) -> NDArray[np.float64]:
    """1 - |x|^2 without cancelling: (1 - |x|)(1 + |x|)."""
    size = np.abs(x)
    return np.asarray((1 - size) * (1 + size))


def radii(points: Points) -> NDArray[np.float64]:
    """Distance of each point from the origin."""
    return distance(points, np.zeros_like(points))


def energy(x: Points, y: Points) -> float:
    """Energy distance of two clouds of points in one layout: 2 E d(X,Y) - E d(X,X') - E d(Y,Y').

    Zero exactly for equal clouds and never negative, hyperbolic distance being of negative type
    (Szekely and Rizzo 2013). Points of trees that were laid out apart must not be compared.
    """

    def mean(a: Points, b: Points) -> Any:
        return distance(a[:, None], b[None, :]).mean()

    return float(2 * mean(x, y) - mean(x, x) - mean(y, y))
