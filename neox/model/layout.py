"""Who follows whom in a batch: for every row a trunk, and branches that go on from its end.

Attention needs only the mask; a recurrence needs the order. A packed group is a prompt (the trunk)
and its completions (the branches); a batch of plain or left-padded sequences has trunks alone.

Shapes: B rows of T tokens; E longest trunk; M branches, S the longest.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Tree:
    """Indices into the flattened B * T tokens. trunk [B, E], padded at the left where `trunk_pad`;
    branch [M, S], padded at the right where `branch_pad`; owner [M] is the branch's row."""

    trunk: Tensor
    trunk_pad: Tensor
    branch: Tensor
    branch_pad: Tensor
    owner: Tensor

    @staticmethod
    def of_padded(padding: Tensor) -> Tree:
        """Left-padded sequences: padding [B, T] is True where there is no token."""
        index = torch.arange(padding.numel(), device=padding.device).view(padding.shape)
        none = index.new_zeros(0, 1)
        return Tree(index, padding, none, none.bool(), none[:, 0])

    @staticmethod
    def of_mask(mask: Tensor) -> Tree:
        """From mask [B, 1, T, T], where a token sees exactly its own past and itself.

        The token before t is the last one that t sees. ValueError for a mask that is no trunk with
        branches, such as a sliding window over several lengths or branches of branches.
        """
        length = mask.shape[-1]
        below = torch.ones(length, length, dtype=torch.bool, device=mask.device).tril(-1)
        place = torch.arange(1, length + 1, device=mask.device)
        before = ((mask[:, 0] & below) * place).amax(-1) - 1  # -1: t sees nothing but itself
        trunks: list[list[int]] = []
        branches: list[list[int]] = []
        owner: list[int] = []
        for b, row in enumerate(before.tolist()):
            trunk, found = _split(row)
            offset = b * length
            trunks.append([offset + t for t in trunk])
            branches += [[offset + t for t in branch] for branch in found]
            owner += [b] * len(found)
        trunk_index, trunk_pad = _pad(trunks, left=True)
        branch_index, branch_pad = _pad(branches, left=False)
        device = mask.device
        return Tree(
            trunk_index.to(device),
            trunk_pad.to(device),
            branch_index.to(device),
            branch_pad.to(device),
            torch.tensor(owner, dtype=torch.long, device=device),
        )


def _split(before: list[int]) -> tuple[list[int], list[list[int]]]:
    """The trunk and the branches of one row, given the token before each."""
    end = next((t for t in range(1, len(before)) if before[t] < 0), len(before))  # padding behind
    forks = {before[t] for t in range(1, end) if before[t] != t - 1}
    if len(forks) > 1:
        raise ValueError("the mask is no trunk with branches: they leave it at different tokens")
    if not forks:
        return list(range(end)), []
    fork = forks.pop()
    branches: list[list[int]] = []
    for t in range(fork + 1, end):
        if before[t] == fork:
            branches.append([])
        branches[-1].append(t)
    return list(range(fork + 1)), branches


def _pad(rows: list[list[int]], *, left: bool) -> tuple[Tensor, Tensor]:
    """Rows of different length as one table of indices and where it is padding."""
    width = max(map(len, rows), default=1)
    index = torch.zeros(len(rows), width, dtype=torch.long)
    pad = torch.ones(len(rows), width, dtype=torch.bool)
    for i, row in enumerate(rows):
        where = slice(width - len(row), width) if left else slice(0, len(row))
        index[i, where] = torch.tensor(row, dtype=torch.long)
        pad[i, where] = False
    return index, pad
