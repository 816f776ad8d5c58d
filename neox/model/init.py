"""Initial weights: normal with variance 1 / fan-in; matrices that write into the residual stream
start at zero.
"""

from __future__ import annotations

import torch
from torch import nn


@torch.no_grad()
def initialise(model: nn.Module) -> None:
    """Fill every parameter in place, drawing from torch's global generator."""
    for name, p in model.named_parameters():
        if name.endswith(("attention.out.weight", "moe.down")):
            p.zero_()  # every block starts as the identity (Fixup, arXiv 1901.09321)
        elif name.endswith("embedding.weight"):
            p.normal_(std=0.02)  # small: through the tied head a token would predict itself
        elif name.endswith("moe.up"):
            p.normal_(std=p.shape[1] ** -0.5)  # [E, d, F]: fan-in is d
        else:
            p.normal_(std=p.shape[-1] ** -0.5)
