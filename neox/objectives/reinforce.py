"""REINFORCE: -A log p (Williams 1992). With a leave-one-out baseline it is RLOO (arXiv 2402.14740).

On policy only: it does not look at the policy that sampled.
"""

from __future__ import annotations

import torch
from torch import Tensor

from neox.objectives.limits import Limits


def reinforce(
    logp: Tensor, old_logp: Tensor, advantage: Tensor, mask: Tensor, limits: Limits
) -> tuple[Tensor, Tensor]:
    return -advantage * logp, torch.zeros_like(mask, dtype=torch.bool)
