"""Draw the next token from logits: temperature, top-k, top-p. Knows nothing about models or text.

Shapes: R rows, V vocabulary.
"""

from __future__ import annotations

import torch
from torch import Tensor

from neox.policy.base import Sampling


def restrict(logits_RV: Tensor, top_k: int, top_p: float) -> Tensor:
    """Logits with every token outside the top k and the top-p nucleus at minus infinity.

    The nucleus is the smallest set of most likely tokens whose mass reaches top_p (Holtzman et al.
    2019, arXiv 1904.09751); the most likely token always stays.
    """
    if 0 < top_k < logits_RV.shape[-1]:
        floor = logits_RV.topk(top_k, dim=-1).values[:, -1:]
        logits_RV = logits_RV.masked_fill(logits_RV < floor, float("-inf"))
    if top_p < 1.0:
        ranked, order = logits_RV.sort(dim=-1, descending=True)
        mass = ranked.softmax(dim=-1)
        outside = mass.cumsum(dim=-1) - mass >= top_p
        drop = torch.zeros_like(outside).scatter(-1, order, outside)
        logits_RV = logits_RV.masked_fill(drop, float("-inf"))
    return logits_RV


def draw(
    logits_RV: Tensor,
    sampling: Sampling,
    generator: torch.Generator | None,
    uniform_R1: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """Token ids [R] and their log-probabilities [R] under softmax(logits / temperature).

    Greedy (temperature 0) reports the log-probability at temperature 1. The inverse of the
    cumulative distribution needs one uniform number per row instead of one per token; they come
    from `generator` unless they are given.
    """
    if sampling.temperature == 0:
        logprobs = logits_RV.log_softmax(dim=-1)
        best, ids = logprobs.max(dim=-1)
        return ids, best
    scaled = logits_RV / sampling.temperature
    logprobs = scaled.log_softmax(dim=-1)
    narrowed = sampling.top_k > 0 or sampling.top_p < 1
    law = (
        restrict(scaled, sampling.top_k, sampling.top_p).softmax(-1) if narrowed else logprobs.exp()
    )
    cumulative = law.cumsum(dim=-1)
    if uniform_R1 is None:
        uniform_R1 = torch.rand(len(law), 1, generator=generator, device=law.device)
    u = uniform_R1.to(law.device) * cumulative[:, -1:]
    ids = torch.searchsorted(cumulative, u, right=True).clamp_max(law.shape[-1] - 1)
    return ids[:, 0], logprobs.gather(-1, ids)[:, 0]
