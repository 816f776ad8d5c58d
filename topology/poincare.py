"""Trees in the Poincare disk by Sarkar's construction, and distances there.

Every tree edge gets hyperbolic length tau exactly (Sarkar 2011; De Sa et al. 2018, arXiv
1804.03329). float64 throughout: a point at distance r from the origin is 1 - 2 exp(-r) away from
it, so tau * depth is kept below 28. Nothing is ever projected or clipped into the disk.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.complex128]
LARGEST_RADIUS = 28.0


def sarkar(parents: Sequence[int], tau: float | None = None) -> Points:
    """Coordinates [n] in the unit disk of a tree in preorder; parents[0] is -1.

    tau is the length of an edge; by default 1, or less where the tree is deeper than 28.
    """
    depth = [0] * len(parents)
    below: list[list[int]] = [[] for _ in parents]
    for i, p in enumerate(parents):
        if p >= 0:
            depth[i] = depth[p] + 1
            below[p].append(i)
    deepest = max(depth, default=0)
    longest = LARGEST_RADIUS / max(deepest, 1)
    if tau is None:
        tau = min(1.0, longest)
    elif tau > longest:
        raise ValueError(f"tau {tau} times depth {deepest} exceeds {LARGEST_RADIUS}")
    radius = math.tanh(tau / 2)
    place = np.zeros(len(parents), dtype=np.complex128)
    for i, some in enumerate(below):
        z = complex(place[i])
        if parents[i] < 0:
            first, count = 0.0, len(some)
        else:
            up = complex(place[parents[i]])
            first, count = (
                math.atan2(*_imag_real((up - z) / (1 - z.conjugate() * up))),
                len(some) + 1,
            )
        for j, child in enumerate(some):
            turn = j if parents[i] < 0 else j + 1
            step = radius * np.exp(1j * (first + 2 * math.pi * turn / max(count, 1)))
            place[child] = (step + z) / (1 + z.conjugate() * step)
    return place


def _imag_real(z: complex) -> tuple[float, float]:
    return z.imag, z.real


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
