"""The decoder language model: embedding, blocks, final norm, head tied to the embedding.

`forward` gives hidden states; `logits` turns them into scores. Sampling, losses and batching live
elsewhere.

Shapes: B sequences, T tokens, R rows, d width, V vocabulary.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from neox.model.block import Block
from neox.model.cache import LayerCache, RowMap
from neox.model.config import ModelConfig
from neox.model.init import initialise
from neox.model.mixers.attention import rotary_table
from neox.model.norm import rms_norm


class LanguageModel(nn.Module):
    cos: Tensor
    sin: Tensor

    def __init__(self, config: ModelConfig, max_length: int = 1024) -> None:
        super().__init__()
        self.config = config
        self.embedding = nn.Embedding(config.vocab_size, config.d_model)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.layers))
        cos, sin = rotary_table(max_length, config.head_dim, config.rope_base)
        self.register_buffer("cos", cos, persistent=False)
        self.register_buffer("sin", sin, persistent=False)
        initialise(self)

    @property
    def max_length(self) -> int:
        return len(self.cos)

    def _embed(self, tokens: Tensor) -> Tensor:
        return rms_norm(self.embedding(tokens))

    def forward(self, tokens_BT: Tensor, position_BT: Tensor, mask: Tensor) -> Tensor:
        """Hidden states [B, T, d] under a boolean mask [B, 1, T, T] (True: may attend)."""
        x = self._embed(tokens_BT)
        cos, sin = self.cos[position_BT, None], self.sin[position_BT, None]
        for block in self.blocks:
            x, _, _ = block(x, cos, sin, mask)
        return rms_norm(x)

    def logits(self, hidden: Tensor) -> Tensor:
        """[..., d] -> [..., V]."""
        return F.linear(hidden, self.embedding.weight)

    def prefill(
        self, tokens_PL: Tensor, padding_PL: Tensor, samples: int, max_new: int
    ) -> tuple[Tensor, RowMap, list[LayerCache]]:
        """Read left-padded prompts once; returns the last hidden state [P, d] and the caches for P
        x G rows.
        """
        prompts, length = tokens_PL.shape
        causal = torch.ones(length, length, dtype=torch.bool).tril()
        # a padding query sees itself, so that no row of the softmax is empty (NaN would spread
        # through values)
        mask = causal & ~padding_PL[:, None, None] | torch.eye(length, dtype=torch.bool)
        position = torch.arange(length).expand(prompts, -1)
        x = self._embed(tokens_PL)
        cos, sin = self.cos[position, None], self.sin[position, None]
        rows, caches = RowMap(prompts, samples), []
        for block in self.blocks:
            x, k, v = block(x, cos, sin, mask)
            caches.append(LayerCache(rows, k, v, padding_PL, max_new))
        return rms_norm(x[:, -1]), rows, caches

    def decode(self, tokens_R: Tensor, position: int, caches: list[LayerCache]) -> Tensor:
        """Feed one token per live row, all at the same padded position; returns hidden states [R,
        d].
        """
        x = self._embed(tokens_R)
        cos, sin = self.cos[position], self.sin[position]
        for block, cache in zip(self.blocks, caches, strict=True):
            assert isinstance(block, Block)
            x = block.decode(x, cos, sin, cache)
        return rms_norm(x)

    def balance_experts(self) -> float:
        """Adjust every layer's routing bias; returns the largest load violation."""
        violations = [b.moe.balance() for b in self.blocks if isinstance(b, Block)]
        return max(violations, default=0.0)

    def set_uniform_routing(self, uniform: bool) -> None:
        """All experts with equal weight (exploration), or the learned top k."""
        for block in self.blocks:
            assert isinstance(block, Block)
            block.moe.uniform = uniform
