"""Losses as pure functions on tensors: no state, no logging.

Shapes: N samples, T tokens. Every per-token loss is averaged by `token_mean` over the tokens of the
whole step, so that splitting a step into micro-batches changes nothing.
"""

from __future__ import annotations

import torch
from torch import Tensor


def policy_clip(
    logp: Tensor, old_logp: Tensor, advantage: Tensor, clip_low: float, clip_high: float
) -> tuple[Tensor, Tensor]:
    """PPO's clipped objective per token (arXiv 1707.06347); clip_high > clip_low is DAPO's form.

    All tensors have one shape. Returns the loss and whether the clip was active, in that shape.
    """
    ratio = (logp - old_logp).exp()
    plain = ratio * advantage
    clipped = ratio.clamp(1 - clip_low, 1 + clip_high) * advantage
    return -torch.minimum(plain, clipped), (clipped < plain).detach()


def token_mean(per_token: Tensor, mask: Tensor, tokens: float) -> Tensor:
    """Sum over the mask divided by the number of tokens of the whole step (DAPO's aggregation)."""
    return (per_token * mask).sum() / tokens


def linear_schedule(step: int, share: float, warmup: int, decay: float) -> float:
    """Factor on the learning rate: up over `warmup` steps, down over the last `decay` share.

    `share` of the stage is done, 0 to 1.
    """
    rise = min(1.0, (step + 1) / (warmup + 1))
    fall = min(1.0, (1 - share) / decay) if decay else 1.0
    return rise * fall
