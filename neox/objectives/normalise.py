"""From losses per token to one number, so that splitting a step changes nothing.

Every divisor counts the whole step: all micro-batches, all ranks. A part of a step then gives its
share of the sum, and the shares add up to the loss whatever the parts were.

Shapes: N samples, T tokens.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from neox.objectives.recipes import Kind


@dataclass(frozen=True, slots=True)
class Totals:
    """Of the whole step: tokens, samples, and the longest completion that was allowed."""

    tokens: float
    samples: float
    longest: float


def share(per_token: Tensor, mask: Tensor, kind: Kind, totals: Totals) -> Tensor:
    """What these samples [N, T] contribute to the step's loss.

    token: the mean over all tokens (DAPO). sequence: the mean over samples of the mean over each
    one's tokens (GRPO as published, GSPO). sequence_sum: the mean over samples of the sum over
    tokens, a completion being one action (RLOO). constant: that sum over the longest allowed length
    (Dr. GRPO), which no sample's own length changes.
    """
    if kind == "token":
        return (per_token * mask).sum() / totals.tokens
    if kind == "sequence":
        length = mask.sum(dim=1).clamp_min(1)
        return ((per_token * mask).sum(dim=1) / length).sum() / totals.samples
    divisor = totals.samples * (totals.longest if kind == "constant" else 1.0)
    return (per_token * mask).sum() / divisor
