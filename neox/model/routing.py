"""Routing as a policy: sampled expert choices, their probability, and the loss that trains them.

Adding Gumbel noise to the scores and taking the k largest draws an ordered set without repetition
whose law is Plackett and Luce's (Kool et al. 2019, arXiv 1903.06059). `Routes` records the choices
of a rollout so that the update replays exactly them: otherwise a token may be scored by experts
that did not produce it. Knows nothing about layers.

Shapes: N tokens, E experts, k choices.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor


def gumbel_top_k(scores: Tensor, k: int, generator: torch.Generator | None = None) -> Tensor:
    """scores [N, E] (logits) -> k different experts in the order drawn [N, k]."""
    noise = torch.empty_like(scores).exponential_(generator=generator)
    return (scores - noise.log()).topk(k, dim=-1).indices


def plackett_luce(scores: Tensor, chosen: Tensor) -> Tensor:
    """log-probability [N] of the ordered choices: each from those that the earlier ones left.

    sum_j [z_j - log sum of exp z over all experts but the first j - 1]
    """
    rest = scores
    total = scores.new_zeros(len(scores))
    for j in range(chosen.shape[1]):
        pick = chosen[:, j : j + 1]
        total = total + rest.log_softmax(-1).gather(-1, pick)[:, 0]
        rest = rest.scatter(-1, pick, float("-inf"))
    return total


def entropy(scores: Tensor) -> Tensor:
    """Of the first choice, in nats [N]."""
    logp = scores.log_softmax(-1)
    return -(logp.exp() * logp).sum(-1)


def router_loss(
    logprob: Tensor,
    old: Tensor,
    advantage: Tensor,
    entropies: Tensor,
    *,
    clip: float = 0.2,
    entropy_weight: float | Tensor = 0.0,
) -> Tensor:
    """NeuroFlux 2.2 and 3.2: the clipped ratio per token and layer, minus weighted entropy.

    All [N]. The ratio is that of one layer's choices; a product over layers would explode.
    """
    ratio = (logprob - old).exp()
    clipped = ratio.clamp(1 - clip, 1 + clip)
    gain = torch.minimum(ratio * advantage, clipped * advantage)
    weight = entropy_weight.detach() if isinstance(entropy_weight, Tensor) else entropy_weight
    return -(gain + weight * entropies).mean()


@dataclass
class Routes:
    """What one layer's router chose, call by call: chosen [N, k], log-probabilities [N]."""

    chosen: list[Tensor] = field(default_factory=list)
    logprob: list[Tensor] = field(default_factory=list)
    entropy: list[Tensor] = field(default_factory=list)

    def add(self, scores: Tensor, chosen: Tensor) -> None:
        self.chosen.append(chosen)
        self.logprob.append(plackett_luce(scores, chosen))
        self.entropy.append(entropy(scores))
