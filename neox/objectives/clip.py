"""PPO's clipped objective, per token (Schulman et al., arXiv 1707.06347).

-min(r A, clip(r, 1 - low, 1 + high) A) with r = p / p_old. GRPO (arXiv 2402.03300) uses it as it
is; a larger `high` than `low` is DAPO's clip-higher (arXiv 2503.14476).
"""

from __future__ import annotations

import torch
from torch import Tensor

from neox.objectives.limits import Limits


def clip(
    logp: Tensor, old_logp: Tensor, advantage: Tensor, mask: Tensor, limits: Limits
) -> tuple[Tensor, Tensor]:
    ratio = (logp - old_logp).exp()
    plain = ratio * advantage
    clipped = ratio.clamp(1 - limits.low, 1 + limits.high) * advantage
    return -torch.minimum(plain, clipped), (clipped < plain).detach()
