"""The decoder language model: embedding, blocks, final norm, head (the embedding, if tied).

`forward` gives hidden states; `logits` turns them into scores. Sampling, losses and batching live
elsewhere.

Shapes: B sequences, T tokens, R rows, d width, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from neox.model.block import Block
from neox.model.cache import Cache, RowMap
from neox.model.config import ModelConfig
from neox.model.init import initialise
from neox.model.layout import Tree
from neox.model.mixers.attention import rotary_table
from neox.model.mixers.base import Context
from neox.model.norm import rms_norm
from neox.model.routing import Routes


class LanguageModel(nn.Module):
    cos: Tensor
    sin: Tensor

    def __init__(self, config: ModelConfig, max_length: int = 1024) -> None:
        super().__init__()
        self.config = config
        self.embedding = nn.Embedding(config.vocab_size, config.d_model)
        self.blocks = nn.ModuleList(Block(config, i) for i in range(config.layers))
        self.head = (
            None if config.tied else nn.Linear(config.d_model, config.vocab_size, bias=False)
        )
        cos, sin = rotary_table(max_length, config.head_dim, config.rope_base)
        self.register_buffer("cos", cos, persistent=False)
        self.register_buffer("sin", sin, persistent=False)
        self._recurrent = any(b.kind != "attention" for b in self.layers)
        initialise(self, config.init)

    @property
    def max_length(self) -> int:
        return len(self.cos)

    @property
    def layers(self) -> list[Block]:
        return cast(list[Block], list(self.blocks))

    @property
    def head_weight(self) -> Tensor:
        """[V, d]."""
        return self.embedding.weight if self.head is None else self.head.weight

    def _embed(self, tokens: Tensor) -> Tensor:
        x = self.embedding(tokens)
        return self._norm(x) if self.config.embedding_norm else x

    def _norm(self, x: Tensor) -> Tensor:
        return rms_norm(x, self.config.norm_eps)

    def forward(self, tokens_BT: Tensor, position_BT: Tensor, mask: Tensor) -> Tensor:
        """Hidden states [B, T, d] under a boolean mask [B, 1, T, T] (True: may attend)."""
        x = self._embed(tokens_BT)
        cos, sin = self.cos[position_BT, None], self.sin[position_BT, None]
        tree = None
        if self._recurrent:
            tree = Tree.of_mask(mask.expand(len(tokens_BT), -1, -1, -1))
        context = Context(cos, sin, mask, tree)
        for block in self.layers:
            x, _ = block(x, context)
        return self._norm(x)

    def logits(self, hidden: Tensor) -> Tensor:
        """[..., d] -> [..., V]."""
        return F.linear(hidden, self.head_weight)

    def prefill(
        self, tokens_PL: Tensor, padding_PL: Tensor, samples: int, max_new: int
    ) -> tuple[Tensor, RowMap, list[Cache]]:
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
        context = Context(cos, sin, mask, Tree.of_padded(padding_PL))
        rows, caches = RowMap(prompts, samples), []
        for block in self.layers:
            x, memory = block(x, context)
            caches.append(block.mixer.cache(memory, rows, padding_PL, max_new))
        return self._norm(x[:, -1]), rows, caches

    def decode(self, tokens_R: Tensor, position: int, caches: Sequence[Cache]) -> Tensor:
        """Feed one token per live row, all at the same padded position; returns hidden states [R,
        d].
        """
        x = self._embed(tokens_R)
        context = Context(self.cos[position], self.sin[position])
        for block, cache in zip(self.layers, caches, strict=True):
            x = block.decode(x, context, cache)
        return self._norm(x)

    def extend(self, tokens_NL: Tensor, states: list[Any] | None) -> tuple[Tensor, list[Any]]:
        """The next stretch of long texts: hidden states [N, L, d] and the states after it.

        For models of recurrent mixers only; the memory is that of one stretch, however long the
        text. Positions are not needed.
        """
        x, after = self._embed(tokens_NL), []
        for block, state in zip(self.layers, states or [None] * len(self.blocks), strict=True):
            x, state = block.extend(x, state)
            after.append(state)
        return self._norm(x), after

    def balance_experts(self) -> float:
        """Adjust every layer's routing bias; returns the largest load violation."""
        return max((b.moe.balance() for b in self.layers), default=0.0)

    def set_uniform_routing(self, uniform: bool) -> None:
        """All experts with equal weight (exploration), or the learned top k."""
        for block in self.layers:
            block.moe.uniform = uniform

    def balance_loss(self) -> Tensor:
        """Sum of the layers' balancing losses in the last training pass."""
        found = [b.moe.auxiliary for b in self.layers if b.moe.auxiliary is not None]
        return torch.stack(found).sum() if found else self.embedding.weight.new_zeros(())

    def hyper_means(self) -> dict[str, float]:
        """Means over layers of what the hypernetworks said in the last pass, by name."""
        found: dict[str, list[float]] = {}
        for block in self.layers:
            for name, value in (block.hyper.means if block.hyper is not None else {}).items():
                found.setdefault(name, []).append(float(value))
        return {name: sum(values) / len(values) for name, values in found.items()}

    @contextmanager
    def record_routes(self) -> Iterator[list[Routes]]:
        """Write down every choice of every layer; sampled ones where config.router is gumbel."""
        found = [Routes() for _ in self.blocks]
        for block, routes in zip(self.layers, found, strict=True):
            block.moe.record = routes
        try:
            yield found
        finally:
            for block in self.layers:
                block.moe.record = None

    @contextmanager
    def replay_routes(self, chosen: Sequence[Tensor]) -> Iterator[None]:
        """Use these experts, [N, k] per layer, in the next pass over N tokens; weights are anew."""
        for block, one in zip(self.layers, chosen, strict=True):
            block.moe.replay = one
        try:
            yield
        finally:
            for block in self.layers:
                block.moe.replay = None
