"""Embeddings that are learned: points of a Poincare ball whose distances follow given ones.

For one shared space of many objects (kinds of nodes, tasks), where there is no tree to lay out.
For a tree, `sarkar` is exact and a thousand times cheaper. Riemannian Adam of geoopt, float64.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
# geoopt keeps points 1e-5 away from the edge of the ball: 12.2 from the centre
FARTHEST = 12.0


def embed(
    distances: Array, dimensions: int = 2, steps: int = 300, rate: float = 0.3, seed: int = 0
) -> Array:
    """Points [n, dimensions] of the unit ball with d(i, j) near distances [n, n].

    Minimises the mean of (d / distance - 1)^2 over pairs. ValueError where a distance is longer
    than the ball that geoopt keeps to can hold (24), since it would be clipped without a word.
    """
    import torch
    from geoopt import ManifoldParameter, PoincareBall
    from geoopt.optim import RiemannianAdam

    count = len(distances)
    largest = float(distances.max(initial=0))
    if largest > 2 * FARTHEST:
        raise ValueError(f"a distance of {largest} is beyond {2 * FARTHEST}: scale them down")
    generator = torch.Generator().manual_seed(seed)
    start = 0.1 * torch.randn(count, dimensions, generator=generator, dtype=torch.float64)
    points = ManifoldParameter(start, manifold=PoincareBall())
    optimizer = RiemannianAdam([points], lr=rate)
    first, second = np.triu_indices(count, 1)
    wanted = torch.tensor(distances[first, second])
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = rate * (1 - step / steps)
        optimizer.zero_grad()
        found = PoincareBall().dist(points[first], points[second])
        (found / wanted - 1).square().mean().backward()
        optimizer.step()
    return np.asarray(points.detach().numpy(), dtype=np.float64)


def distances_between(points: Array) -> Array:
    """Hyperbolic distances [n, n] in a ball of any dimension, 2 asinh(|x-y| / sqrt(s_x s_y))."""
    size = np.linalg.norm(points, axis=1)
    room = (1 - size) * (1 + size)
    apart = np.linalg.norm(points[:, None] - points[None, :], axis=-1)
    return np.asarray(2 * np.arcsinh(apart / np.sqrt(room[:, None] * room[None, :])))
