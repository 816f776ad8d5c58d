"""Initial weights: variance 1 / fan-in, normal or orthogonal; matrices that write into the residual
stream start at zero.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn


@torch.no_grad()
def initialise(model: nn.Module, kind: str = "normal") -> None:
    """Fill every parameter in place, drawing from torch's global generator.

    Modules with an `initialise` of their own then set what must not be a draw around zero. Nothing
    is drawn on the meta device, where there is nothing to fill.
    """
    for name, p in model.named_parameters():
        if p.is_meta:
            continue
        if name.endswith((".out.weight", "moe.down")):
            p.zero_()  # every block starts as the identity (Fixup, arXiv 1901.09321)
        elif name.endswith("embedding.weight"):
            p.normal_(std=0.02)  # small: through the tied head a token would predict itself
        elif kind == "orthogonal" and p.dim() >= 2:
            for matrix in p.mT if name.endswith("moe.up") else [p]:  # [E, d, F] -> each [F, d]
                orthogonal(matrix)
        elif name.endswith("moe.up"):
            p.normal_(std=p.shape[1] ** -0.5)  # [E, d, F]: fan-in is d
        else:
            p.normal_(std=p.shape[-1] ** -0.5)
    for module in model.modules():
        own = getattr(module, "initialise", None)
        if callable(own) and not any(p.is_meta for p in module.parameters()):
            own()


def orthogonal(weight: Tensor) -> Tensor:
    """Fill [m, n] in place with U V^T of a normal draw's SVD, scaled to the same mean square 1 / n.

    All singular values are equal: max(1, sqrt(m / n)), so a square matrix keeps every length
    (dynamic isometry, Saxe et al. 2013, arXiv 1312.6120).
    """
    rows, columns = weight.shape
    u, _, vh = torch.linalg.svd(torch.randn(rows, columns, device=weight.device), False)
    return weight.copy_((u @ vh) * max(1.0, math.sqrt(rows / columns)))
