"""Log-probability of given tokens and entropy of the law, without keeping the logits.

The head's product, log-softmax, gather and entropy run in chunks of tokens, each recomputed in the
backward pass, so the [M, V] logits never exist as a whole. `reference` is the plain form.

Shapes: M tokens, d width, V vocabulary.
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

# Logits up to this many elements (64 MB) are kept: recomputing them would cost more than they do.
KEEP_ELEMENTS = 1 << 24


def reference(
    hidden: Tensor, weight: Tensor, target: Tensor, temperature: float
) -> tuple[Tensor, Tensor]:
    """hidden [M, d], weight [V, d], target [M] -> log p(target) [M] and entropy in nats [M]."""
    logprobs = torch.nn.functional.linear(hidden, weight).div(temperature).log_softmax(dim=-1)
    entropy = -(logprobs.exp() * logprobs).sum(dim=-1)
    return logprobs.gather(-1, target[:, None])[:, 0], entropy


def linear_logprob(
    hidden: Tensor, weight: Tensor, target: Tensor, temperature: float = 1.0
) -> tuple[Tensor, Tensor]:
    """As `reference`, in chunks of tokens when the logits would be large."""
    rows = max(1, KEEP_ELEMENTS // weight.shape[0])
    if len(hidden) <= rows:
        return reference(hidden, weight, target, temperature)
    parts = [
        cast(
            tuple[Tensor, Tensor],
            checkpoint(reference, h, weight, t, temperature, use_reentrant=False),
        )
        for h, t in zip(hidden.split(rows), target.split(rows), strict=True)
    ]
    return torch.cat([p[0] for p in parts]), torch.cat([p[1] for p in parts])
