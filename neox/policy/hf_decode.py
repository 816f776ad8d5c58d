"""A lean decoding step for models of Llama's shape (Llama, Mistral, Qwen2, Qwen3, ...).

The model's own modules and weights, without the machinery around them: a prompt's keys and values
are kept once for its group, a sample's in storage of its full length. Whether a model has the shape
is tried, not assumed: `fits` compares two decoded tokens with the model's own forward pass, and
whatever differs samples the ordinary way.

Shapes: P live prompts, G samples of each, R live rows, L prompt, S tokens so far, K key heads, J
queries per key head, D head width.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F
from transformers.cache_utils import DynamicCache

from neox.policy import hf_cache


class LeanDecoder:
    """The state of one batch of samples after the prefill has filled `cache`; `step` feeds a token
    to every live row."""

    def __init__(
        self, trunk: Any, cache: DynamicCache, seen: Tensor, samples: int, steps: int
    ) -> None:
        self._trunk, self._samples = trunk, samples
        total = len(seen) * samples
        self._prompts = [(layer.keys, layer.values) for layer in cache.layers]
        _, heads, _, width = cache.layers[0].keys.shape
        self._own = [
            tuple(k.new_empty(total, heads, steps, width) for _ in range(2))
            for k, _ in self._prompts
        ]
        dtype = cache.layers[0].keys.dtype
        self._bias = torch.zeros(seen.shape, dtype=dtype, device=seen.device)
        self._bias.masked_fill_(seen == 0, torch.finfo(dtype).min)
        self._position = seen.sum(dim=1).repeat_interleave(samples)
        self._slots = torch.arange(total, device=seen.device)
        self._live = torch.arange(len(seen), device=seen.device)
        self._map()
        longest = int(seen.sum(dim=1).max()) + steps
        every = torch.arange(longest, device=seen.device)[None]
        cos, sin = trunk.rotary_emb(cache.layers[0].keys, every)
        self._cos, self._sin = cos[0], sin[0]

    def _map(self) -> None:
        """Where each row stands among the samples of the prompts that still have some."""
        prompt, inverse = torch.unique_consecutive(
            self._slots // self._samples, return_inverse=True
        )
        self._at = inverse * self._samples + self._slots % self._samples
        self._full = len(self._slots) == len(prompt) * self._samples
        self._count, self._live = len(prompt), prompt

    def keep(self, rows: Tensor) -> None:
        """Only the rows at these ascending indices go on."""
        before = self._live
        self._slots, self._position = self._slots[rows], self._position[rows]
        self._map()
        self._own = [(k[rows], v[rows]) for k, v in self._own]
        if len(before) != self._count:
            kept = torch.searchsorted(before, self._live)
            self._prompts = [(k[kept], v[kept]) for k, v in self._prompts]
            self._bias = self._bias[kept]

    def step(self, token: Tensor, t: int) -> Tensor:
        """Hidden states [R, d] after token number `t` [R] of every row."""
        x = self._trunk.embed_tokens(token)
        cos, sin = (table[self._position + t][:, None] for table in (self._cos, self._sin))
        for number, layer in enumerate(self._trunk.layers):
            attention, mlp = layer.self_attn, layer.mlp
            h = _norm(layer.input_layernorm, x)
            x = x + attention.o_proj(self._attend(attention, h, cos, sin, number, t))
            h = _norm(layer.post_attention_layernorm, x)
            x = x + mlp.down_proj(mlp.act_fn(mlp.gate_proj(h)) * mlp.up_proj(h))
        return _norm(self._trunk.norm, x)

    def _attend(
        self, attention: Any, h: Tensor, cos: Tensor, sin: Tensor, number: int, t: int
    ) -> Tensor:
        (prompt_k, prompt_v), (own_k, own_v) = self._prompts[number], self._own[number]
        rows, (heads, width) = len(h), (prompt_k.shape[1], prompt_k.shape[3])
        q = attention.q_proj(h).view(rows, -1, width)
        k = attention.k_proj(h).view(rows, heads, width)
        if hasattr(attention, "q_norm"):
            q, k = attention.q_norm(q), attention.k_norm(k)
        q = _turn(q, cos, sin).view(rows, heads, -1, width) * attention.scaling
        own_k[:, :, t] = _turn(k, cos, sin)
        own_v[:, :, t] = attention.v_proj(h).view(rows, heads, width)
        k, v = own_k[:, :, : t + 1], own_v[:, :, : t + 1]
        far = self._spread(q) @ prompt_k.transpose(-1, -2) + self._bias[:, None, None]
        score = torch.cat([self._gather(far), q @ k.transpose(-1, -2)], dim=-1)
        weight = score.softmax(dim=-1, dtype=torch.float32).to(q.dtype)
        length = prompt_k.shape[2]
        out = self._gather(self._spread(weight[..., :length]) @ prompt_v)
        both: Tensor = (out + weight[..., length:] @ v).reshape(rows, -1)
        return both

    def _spread(self, x: Tensor) -> Tensor:
        """Rows to prompts, [R, K, J, E] -> [P, K, G * J, E]."""
        _, heads, queries, width = x.shape
        if not self._full:
            whole = x.new_zeros(self._count * self._samples, heads, queries, width)
            x = whole.index_copy_(0, self._at, x)
        x = x.view(self._count, self._samples, heads, queries, width).transpose(1, 2)
        return x.reshape(self._count, heads, self._samples * queries, width)

    def _gather(self, x: Tensor) -> Tensor:
        """The inverse."""
        prompts, heads, _, width = x.shape
        x = x.view(prompts, heads, self._samples, -1, width).transpose(1, 2)
        x = x.reshape(prompts * self._samples, heads, -1, width)
        return x if self._full else x[self._at]


def _norm(module: Any, x: Tensor) -> Tensor:
    return F.rms_norm(x, x.shape[-1:], module.weight, module.variance_epsilon)


def _turn(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotary positions, halves against each other."""
    half = x.shape[-1] // 2
    return x * cos + torch.cat([-x[..., half:], x[..., :half]], dim=-1) * sin


@torch.no_grad()
def fits(trunk: Any, argument: str, vocabulary: int) -> bool:
    """Whether decoding here gives the trunk's own hidden states: on prompts of two lengths, with a
    row dropped on the way."""
    device = next(trunk.parameters()).device
    ids = (torch.arange(2 * 2 * 5).view(4, 5) * 7 + 3).to(device) % vocabulary
    seen = torch.tensor([[0, 1, 1], [1, 1, 1]], device=device)
    where = hf_cache.positions(seen)
    try:
        cache = DynamicCache(config=trunk.config)
        trunk(ids[::2, :3], **{argument: cache}, attention_mask=seen, position_ids=where)
        lean = LeanDecoder(trunk, cache, seen, 2, 2)
        lean.step(ids[:, 3], 0)
        kept = torch.tensor([0, 2, 3], device=device)
        lean.keep(kept)
        ours = lean.step(ids[kept, 4], 1)
    except (AttributeError, RuntimeError, TypeError, IndexError):
        return False  # another shape
    prompts = ids[::2, :3].repeat_interleave(2, dim=0)
    whole = torch.cat([prompts, ids[:, 3:]], dim=1)[kept]
    mask = torch.cat([seen.repeat_interleave(2, dim=0), torch.ones_like(ids[:, 3:])], dim=1)[kept]
    theirs = trunk(whole, attention_mask=mask, position_ids=hf_cache.positions(mask))
    expected = theirs.last_hidden_state[:, -1]
    tolerance = 1e-4 if expected.dtype == torch.float32 else 5e-2
    return torch.allclose(ours, expected, atol=tolerance, rtol=tolerance)
