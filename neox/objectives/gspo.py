"""GSPO: the clip of PPO on the ratio of whole sequences (Zheng et al., arXiv 2507.18071).

s = exp(mean over tokens of (log p - log p_old)). In token form every token carries
s * p / sg(p), whose value is s and whose gradient is the token's share; use it with the mean over
each sequence's tokens.
"""

from __future__ import annotations

import torch
from torch import Tensor

from neox.objectives.limits import Limits


def gspo(
    logp: Tensor, old_logp: Tensor, advantage: Tensor, mask: Tensor, limits: Limits
) -> tuple[Tensor, Tensor]:
    length = mask.sum(dim=1, keepdim=True).clamp_min(1)
    mean = ((logp - old_logp) * mask).sum(dim=1, keepdim=True) / length
    ratio = (mean.detach() + logp - logp.detach()).exp()
    plain = ratio * advantage
    clipped = ratio.clamp(1 - limits.low, 1 + limits.high) * advantage
    return -torch.minimum(plain, clipped), (clipped < plain).detach()
