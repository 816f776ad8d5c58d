"""K-FAC's preconditioner: a damped Kronecker inverse applied to a gradient, one or a stack.

    G <- Q_S [(Q_S^T G Q_A) / (l_S l_A^T + damping)] Q_A^T

with the eigenvectors Q and eigenvalues l of both factors; without damping it is S^-1 G A^-1. Four
matrix products: batched `@` is cuBLAS's, and nothing here is worth a kernel of its own until a
measurement on a GPU says so. `reference` builds the whole Kronecker matrix.

Shapes: [..., m, n] gradients, m outputs, n inputs.
"""

from __future__ import annotations

import torch
from torch import Tensor


def precondition(
    grad: Tensor, l_s: Tensor, q_s: Tensor, l_a: Tensor, q_a: Tensor, damping: float
) -> Tensor:
    """grad [..., m, n]; l_s [..., m], q_s [..., m, m]; l_a [..., n], q_a [..., n, n]."""
    # rounding leaves eigenvalues of a covariance a little below zero
    scale = l_s.clamp_min(0)[..., :, None] * l_a.clamp_min(0)[..., None, :] + damping
    return q_s @ ((q_s.mT @ grad @ q_a) / scale) @ q_a.mT


def reference(grad: Tensor, s: Tensor, a: Tensor, damping: float) -> Tensor:
    """The same for one gradient [m, n] from the factors themselves, in float64."""
    whole = torch.kron(s.double(), a.double())
    whole = whole + damping * torch.eye(len(whole), dtype=torch.float64)
    out: Tensor = torch.linalg.solve(whole, grad.double().flatten()).view_as(grad)
    return out
