"""Advantages as pure functions on tensors.

Shapes: P prompts, G samples per prompt, N samples, T tokens.
"""

from __future__ import annotations

import torch
from torch import Tensor


def group_relative(reward_PG: Tensor, scored_PG: Tensor) -> Tensor:
    """Reward minus the mean of its group (Dr. GRPO, arXiv 2503.20783), [P, G].

    Samples that are not scored neither enter the mean nor get an advantage; a group with fewer than
    two scored samples gives none.
    """
    weight = scored_PG.to(reward_PG.dtype)
    count = weight.sum(dim=1, keepdim=True)
    reward_PG = torch.where(scored_PG, reward_PG, torch.zeros_like(reward_PG))
    mean = reward_PG.sum(dim=1, keepdim=True) / count.clamp_min(1)
    return (reward_PG - mean) * weight * (count >= 2)


def group_deviation(reward_PG: Tensor, scored_PG: Tensor) -> Tensor:
    """The unbiased deviation of each group's scored rewards, [P, 1]; 0 for fewer than two."""
    count = scored_PG.sum(dim=1, keepdim=True)
    square = group_relative(reward_PG, scored_PG).square().sum(dim=1, keepdim=True)
    return (square / (count - 1).clamp_min(1)).sqrt()


def leave_one_out(reward_PG: Tensor, scored_PG: Tensor) -> Tensor:
    """Mean reward of a sample's scored siblings (RLOO, arXiv 2402.14740), [P, G]; 0 without any.

    Independent of the sample itself given its prompt, so it may serve as a baseline unbiasedly.
    """
    weight = scored_PG.to(reward_PG.dtype)
    reward_PG = torch.where(scored_PG, reward_PG, torch.zeros_like(reward_PG))
    others = reward_PG.sum(dim=1, keepdim=True) - reward_PG
    return others / (weight.sum(dim=1, keepdim=True) - weight).clamp_min(1)


def gae(
    reward_N: Tensor, value_NT: Tensor, mask_NT: Tensor, gamma: float, lam: float
) -> tuple[Tensor, Tensor]:
    """Generalised advantage estimation (Schulman et al., arXiv 1506.02438) for a terminal reward.

    value_NT is V(state before token t); the reward comes with the last token of each sample and the
    state after it is worth nothing. Returns advantages and returns (advantage + value), both [N, T]
    and zero where the mask is. The mask must be a prefix of each row.
    """
    mask = mask_NT.to(value_NT.dtype)
    following = torch.cat([value_NT[:, 1:] * mask[:, 1:], value_NT.new_zeros(len(value_NT), 1)], 1)
    last = mask - torch.cat([mask[:, 1:], mask.new_zeros(len(mask), 1)], 1)
    delta = (last * reward_N[:, None] + gamma * following - value_NT) * mask
    advantage = torch.zeros_like(delta)
    running = delta.new_zeros(len(delta))
    for t in range(delta.shape[1] - 1, -1, -1):
        running = delta[:, t] + gamma * lam * running
        advantage[:, t] = running
    advantage = advantage * mask
    return advantage, (advantage + value_NT) * mask
