"""Grouped-query attention with rotary positions, in the three forms the model needs.

`forward` sees whole sequences under a mask (training, scoring, prefill). `decode` sees one new
token per row, with the prompt's keys stored once per group of samples and only the completion's
keys stored per row. Knows nothing about tokens or sampling.

Shapes: B sequences, T tokens, P prompts, G samples per prompt, R live rows, L prompt length, S
completion length, H query heads, K key heads, J = H / K, D head width.
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from neox.model.cache import Cache, LayerCache, RowMap
from neox.model.config import ModelConfig
from neox.model.mixers.base import Context


def rotary_table(length: int, dim: int, base: float) -> tuple[Tensor, Tensor]:
    """Cosines and sines [length, dim/2] of RoPE (Su et al. 2021, arXiv 2104.09864)."""
    rate = base ** (-torch.arange(0, dim, 2, dtype=torch.float32) / dim)
    angle = torch.arange(length, dtype=torch.float32)[:, None] * rate
    return angle.cos(), angle.sin()


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Turn the halves of the last dimension by the angles; cos and sin broadcast to [..., D/2]."""
    a, b = x.chunk(2, dim=-1)
    return torch.cat([a * cos - b * sin, a * sin + b * cos], dim=-1)


class Attention(nn.Module):
    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.heads, self.kv_heads, self.head_dim = config.heads, config.kv_heads, config.head_dim
        self.qkv = nn.Linear(
            config.d_model, (config.heads + 2 * config.kv_heads) * config.head_dim, bias=False
        )
        self.out = nn.Linear(config.heads * config.head_dim, config.d_model, bias=False)

    def _project(self, x: Tensor, cos: Tensor, sin: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """x [..., d] -> q [..., H, D], k and v [..., K, D], q and k rotated. cos, sin [..., 1,
        D/2].
        """
        qkv = self.qkv(x).unflatten(-1, (-1, self.head_dim))
        turned, v = qkv.split([self.heads + self.kv_heads, self.kv_heads], dim=-2)
        q, k = rotate(turned, cos, sin).split([self.heads, self.kv_heads], dim=-2)
        return q, k, v

    def forward(self, x: Tensor, context: Context) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """x [B, T, d] -> y [B, T, d], and k and v [B, K, T, D].

        Every query must see at least one key (itself), or its row would be NaN.
        """
        parts = self._project(x, context.cos, context.sin)
        q, k, v = (part.transpose(1, 2) for part in parts)
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=context.mask, enable_gqa=True)
        return self.out(y.transpose(1, 2).flatten(-2)), (k, v)

    def cache(
        self, memory: tuple[Tensor, Tensor], rows: RowMap, padding: Tensor, max_new: int
    ) -> Cache:
        return LayerCache(rows, *memory, padding, max_new)

    def decode(self, x: Tensor, context: Context, cache: Cache) -> Tensor:
        """One token per live row: x [R, d] -> y [R, d]; appends this token's key and value to the
        cache.

        The softmax runs over the prompt's keys, shared by the G rows of a prompt, and the row's own
        keys. Scores against the prompt are one matrix product per prompt instead of G matrix-vector
        products.
        """
        cache = cast(LayerCache, cache)  # or another with its methods: the slots of an engine
        q, k, v = self._project(x, context.cos, context.sin)  # [R, H, D], [R, K, D] twice
        rows, j = x.shape[0], self.heads // self.kv_heads
        own_k, own_v = cache.append(k, v)  # [R, K, S, D] each
        q = q.view(rows, self.kv_heads, j, self.head_dim) * self.head_dim**-0.5
        to_prompt = cache.gather(cache.spread(q) @ cache.prompt_k.transpose(-1, -2))  # [R, K, J, L]
        to_prompt = to_prompt + cache.prompt_bias
        to_own = q @ own_k.transpose(-1, -2)  # [R, K, J, S]
        weights = torch.cat([to_prompt, to_own], dim=-1).softmax(dim=-1)
        length = to_prompt.shape[-1]
        on_prompt, on_own = weights[..., :length], weights[..., length:]
        y = cache.gather(cache.spread(on_prompt) @ cache.prompt_v) + on_own @ own_v
        return F.linear(y.reshape(rows, -1), self.out.weight)
