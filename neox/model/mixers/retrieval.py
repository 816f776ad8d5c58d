"""A memory of whole chunks: a token reads what earlier chunks stored, never its own.

Keys are positive features, so reading is a weighted mean of stored values with a floor of one in
the denominator (a nearly empty memory answers nearly nothing). What the current chunk stores waits
until the chunk ends: reading stays causal, and all chunks are read at once.

Shapes: N sequences, L tokens, d width, S features, J chunks.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

CHUNK = 32

ArchiveState = tuple[Tensor, Tensor, Tensor]  # stored and waiting [N, S, d + 1], tokens so far [N]


class Archive(nn.Module):
    def __init__(self, width: int, features: int) -> None:
        super().__init__()
        self.features = features
        self.inputs = nn.Linear(width, 2 * features + width, bias=False)
        self.out = nn.Linear(width, width, bias=False)

    def forward(
        self, x: Tensor, state: ArchiveState | None, pad: Tensor | None
    ) -> tuple[Tensor, ArchiveState]:
        """x [N, L, d] -> what is found [N, L, d], and the memory after it; padding at the left."""
        batch, length, width = x.shape
        q, k, v = self.inputs(x).split([self.features, self.features, width], dim=-1)
        q, k = F.elu(q) + 1, F.elu(k) + 1
        v = torch.cat([v, torch.ones_like(v[..., :1])], dim=-1)
        if state is None:
            empty = v.new_zeros(batch, self.features, width + 1)
            state = (empty, empty, torch.zeros(batch, dtype=torch.long, device=x.device))
        if length == 1 and pad is None:
            return self._one(q, k, v, state)
        stored, waiting, count = state
        padding = torch.zeros_like(count) if pad is None else pad.sum(1)
        # every row is shifted so that chunk borders stand in columns: token t at place t + shift
        shift = count % CHUNK + (-padding) % CHUNK
        chunks = -(-(length + 2 * CHUNK) // CHUNK)
        place = torch.arange(length, device=x.device) + shift[:, None]  # [N, L]
        if pad is not None:
            k = k.masked_fill(pad[..., None], 0.0)

        def grid(t: Tensor) -> Tensor:
            whole = t.new_zeros(batch, chunks * CHUNK, t.shape[-1])
            index = place[..., None].expand_as(t)
            out: Tensor = whole.scatter(1, index, t).unflatten(1, (chunks, CHUNK))
            return out

        sums = grid(k).mT @ grid(v)  # [N, J, S, d + 1]
        first = torch.zeros(batch, chunks, 1, 1, dtype=x.dtype, device=x.device)
        first[:, 0] = 1.0
        sums = sums + first * waiting[:, None]  # the begun chunk is the first column
        # shifted, not cumsum - sums: the rounding of a later chunk must not reach an earlier one
        upto = stored[:, None] + torch.cat([torch.zeros_like(sums[:, :1]), sums.cumsum(1)], dim=1)
        before = upto[:, :-1]
        read = (grid(q) @ before).flatten(1, 2)
        read = read.gather(1, place[..., None].expand(-1, -1, width + 1))
        found = self.out(read[..., :-1] / (read[..., -1:] + 1.0))
        total = count + length - padding
        # the chunk that the next token will stand in
        column = (length + shift) // CHUNK
        pick = column.view(-1, 1, 1, 1).expand(-1, 1, *sums.shape[2:])
        rest = torch.cat([sums, torch.zeros_like(sums[:, :1])], dim=1)
        return found, (upto.gather(1, pick)[:, 0], rest.gather(1, pick)[:, 0], total)

    def _one(
        self, q: Tensor, k: Tensor, v: Tensor, state: ArchiveState
    ) -> tuple[Tensor, ArchiveState]:
        """A sequence of one token, without the grid of chunks."""
        stored, waiting, count = state
        read = q @ stored
        waiting = waiting + k.mT @ v
        ends = ((count + 1) % CHUNK == 0)[:, None, None]
        stored = torch.where(ends, stored + waiting, stored)
        found = self.out(read[..., :-1] / (read[..., -1:] + 1.0))
        return found, (stored, waiting.masked_fill(ends, 0.0), count + 1)
