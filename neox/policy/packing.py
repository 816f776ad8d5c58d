"""Groups as packed sequences: the prompt once, then every continuation side by side.

A continuation attends to the prompt and to itself, never to its siblings, and its positions follow
the prompt's; so the scores equal those of separate sequences, at the cost of reading the prompt
once. Knows nothing about the model.

Shapes: B groups, T packed length, M scored tokens, N samples, S longest continuation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from neox.policy.base import Group


@dataclass(frozen=True, slots=True)
class Packed:
    """tokens and position [B, T]; mask [B, 1, T, T]; for each scored token: where it is predicted
    (`source` [M], an index into the flattened B * T), what it is (`target` [M]) and where it stands
    in the samples (`cell` [M], an index into the flattened N * S)."""

    tokens: Tensor
    position: Tensor
    mask: Tensor
    source: Tensor
    target: Tensor
    cell: Tensor
    samples: int
    longest: int


def pack(groups: Sequence[Group], pad: int) -> Packed:
    """Pack groups; an empty continuation has no scored token."""
    lengths = [len(g.prompt) + sum(max(len(c) - 1, 0) for c in g.completions) for g in groups]
    width = max(lengths)
    longest = max((len(c) for g in groups for c in g.completions), default=0)
    tokens = torch.full((len(groups), width), pad)
    position = torch.zeros(len(groups), width, dtype=torch.long)
    segment = torch.full((len(groups), width), -1)  # 0 the prompt, s + 1 sample s, -1 padding
    source: list[int] = []
    target: list[int] = []
    cell: list[int] = []
    n = 0
    for b, group in enumerate(groups):
        end = len(group.prompt)
        row: list[int] = list(group.prompt)
        where: list[int] = list(range(end))
        part: list[int] = [0] * end
        for s, ids in enumerate(group.completions):
            if ids:
                start = b * width + len(row)
                source += [b * width + end - 1, *range(start, start + len(ids) - 1)]
                target += ids
                cell += range(n * longest, n * longest + len(ids))
                row += ids[:-1]
                where += range(end, end + len(ids) - 1)
                part += [s + 1] * (len(ids) - 1)
            n += 1
        tokens[b, : len(row)] = torch.tensor(row)
        position[b, : len(row)] = torch.tensor(where)
        segment[b, : len(row)] = torch.tensor(part)
    same = segment[:, :, None] == segment[:, None, :]
    prompt = (segment == 0)[:, None, :] & (segment >= 0)[:, :, None]
    mask = (same | prompt) & torch.ones(width, width, dtype=torch.bool).tril()
    return Packed(
        tokens,
        position,
        mask[:, None],
        torch.tensor(source, dtype=torch.long),
        torch.tensor(target, dtype=torch.long),
        torch.tensor(cell, dtype=torch.long),
        n,
        longest,
    )
