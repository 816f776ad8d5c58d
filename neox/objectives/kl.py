"""The divergence from a reference policy, per token, from samples of the present one.

k = ref/p - log(ref/p) - 1 is never negative and has the mean KL(p || ref) (Schulman 2020). It is
multiplied by r = p / p_old, so that its gradient is right too: the gradient of k alone is not that
of the divergence, because the samples move with p.
"""

from __future__ import annotations

from torch import Tensor


def divergence(logp: Tensor, reference: Tensor) -> Tensor:
    """[...] -> [...], in nats."""
    gap = reference - logp
    return gap.exp() - gap - 1


def penalty(logp: Tensor, old_logp: Tensor, reference: Tensor) -> Tensor:
    """The divergence as a term of the loss."""
    return (logp - old_logp).exp() * divergence(logp, reference)
