"""The hyperbolic attention penalty of NEOX 3.2: attention falls off with distance in the tree.

A token attends from the innermost node of the syntax tree it is part of; `penalty` is what is added
to attention scores before the softmax. Nothing has shown that it helps: it is a term to try.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from neox.compiler import Program
from neox.topology.poincare import sarkar
from neox.topology.survey import survey


def penalty(points: Tensor, strength: Tensor | float, mask: Tensor | None = None) -> Tensor:
    """-strength * d_H(i, j) for points [..., T, d] of the unit ball: -> [..., T, T].

    mask [..., T] is false for tokens without a place: no penalty from or to them. Differentiable in
    points and strength, twice, as a gradient penalty needs it; distances are computed in float64
    and given back in the dtype of the points. ValueError for a point outside the ball.
    """
    x = points.double()
    room = 1 - x.square().sum(dim=-1)
    if bool((room <= 0).any()):
        raise ValueError("a point on or outside the unit sphere has no distance")
    apart = (x[..., :, None, :] - x[..., None, :, :]).square().sum(dim=-1)
    ratio = apart / (room[..., :, None] * room[..., None, :])
    near = ratio <= 0  # the square root has no slope at 0, and the distance is 0 there
    far = 2 * torch.asinh(torch.where(near, 1.0, ratio).sqrt())
    distance = torch.where(near, 0.0, far).to(points.dtype)
    if mask is not None:
        distance = distance * (mask[..., :, None] & mask[..., None, :])
    return -strength * distance


def places(program: Program, offsets: Sequence[int], tau: float | None = None) -> Tensor:
    """Coordinates [T, 2] in Sarkar's layout for characters of a program's text: those of the
    innermost node there. The centre for offsets outside every node; broken programs have a tree
    too.
    """
    known = survey(program.tree)
    points = sarkar(known.parents, tau)
    inner = np.zeros(len(program.text) + 1, np.int64)
    for number, node in enumerate(known.nodes):
        if number:
            inner[node.start : node.end] = number  # children come later than what they are in
    at = points[inner[np.asarray(offsets, np.int64)]]
    return torch.tensor(np.stack([at.real, at.imag], axis=1))
