"""RMSNorm without a learned scale: the linear layer behind it has one already."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def rms_norm(x: Tensor, eps: float | None = None) -> Tensor:
    """x / rms(x) over the last dimension, same shape (Zhang and Sennrich, arXiv 1910.07467)."""
    return F.rms_norm(x, (x.shape[-1],), eps=torch.finfo(x.dtype).eps if eps is None else eps)
