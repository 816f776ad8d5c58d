"""CISPO: REINFORCE weighted by a capped ratio without gradient (MiniMax-M1, arXiv 2506.13585).

-sg(min(r, cap)) A log p: no token loses its gradient, however far it moved.
"""

from __future__ import annotations

from torch import Tensor

from neox.objectives.limits import Limits


def cispo(
    logp: Tensor, old_logp: Tensor, advantage: Tensor, mask: Tensor, limits: Limits
) -> tuple[Tensor, Tensor]:
    ratio = (logp.detach() - old_logp).exp()
    return -ratio.clamp_max(limits.cap) * advantage * logp, ratio > limits.cap
