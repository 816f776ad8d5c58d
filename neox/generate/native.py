"""The project's own model with slots: storage allocated once, a length for each slot.

The model's one-token step is used for everything. Each fed token is a row of its own; the tokens of
one slot share that slot's keys, as the samples of a group share their prompt's, and a bias hides
the keys at and behind a token's position. So a prompt, a token, a checked draft and k alternatives
for one place are the same operation.

Shapes: R slots of a call, T tokens per slot, N = R * T rows, L keys, K key heads, J queries per key
head, D head width, d width.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import torch
from torch import Tensor

from neox.errors import InputError
from neox.policy.native import NativePolicy
from neox.policy.tokenizer import BytePairTokenizer


class Window:
    """What one call reads and writes: for every row its slot and position."""

    def __init__(self, slots: list[int], position_RT: Tensor, kept_RT: Tensor | None) -> None:
        self.rows, self.tokens = position_RT.shape
        device = position_RT.device
        self.slots = torch.tensor(slots, device=device)
        self.first = slots[0] if slots == list(range(slots[0], slots[0] + len(slots))) else None
        self.position = position_RT.flatten()
        self.length = max(1, int(position_RT.max()))  # an empty text still has a masked key
        hidden = torch.arange(self.length, device=device) >= self.position[:, None]
        self.bias = torch.zeros(hidden.shape, device=device).masked_fill_(hidden, float("-inf"))
        self.bias = self.bias[:, None, None]
        self.kept = None if kept_RT is None else kept_RT.flatten().nonzero()[:, 0]
        if self.kept is not None:
            self.to_slot = self.slots.repeat_interleave(self.tokens)[self.kept]
            self.to_position = self.position[self.kept]

    def of(self, storage: Tensor) -> Tensor:
        """The slots' rows [R, K, L, D]; a view where they stand side by side."""
        if self.first is not None:
            return storage[self.first : self.first + self.rows, :, : self.length]
        return storage[:, :, : self.length].index_select(0, self.slots)


class SlotLayer:
    """One layer's keys and values, as `Attention.decode` wants its cache."""

    def __init__(self, slots: int, heads: int, length: int, dim: int, like: Tensor) -> None:
        self.k = like.new_zeros(slots, heads, length, dim)
        self.v = torch.zeros_like(self.k)
        self.window: Window
        self.last: tuple[Tensor, Tensor]

    def append(self, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        """k, v [N, K, D]; a row sees itself as its only own key."""
        w = self.window
        if w.kept is None:
            self.last = k, v
        else:
            self.k[w.to_slot, :, w.to_position] = k[w.kept]
            self.v[w.to_slot, :, w.to_position] = v[w.kept]
        return k[:, :, None], v[:, :, None]

    @property
    def prompt_k(self) -> Tensor:
        return self.window.of(self.k)

    @property
    def prompt_v(self) -> Tensor:
        return self.window.of(self.v)

    @property
    def prompt_bias(self) -> Tensor:
        return self.window.bias

    def spread(self, x: Tensor) -> Tensor:
        """[N, K, J, E] -> [R, K, T * J, E]."""
        w = self.window
        _, heads, queries, width = x.shape
        x = x.view(w.rows, w.tokens, heads, queries, width).transpose(1, 2)
        return x.reshape(w.rows, heads, w.tokens * queries, width)

    def gather(self, x: Tensor) -> Tensor:
        """The inverse: [R, K, T * J, E] -> [N, K, J, E]."""
        w = self.window
        _, heads, _, width = x.shape
        x = x.view(w.rows, heads, w.tokens, -1, width).transpose(1, 2)
        return x.reshape(w.rows * w.tokens, heads, -1, width)


class NativeRunner:
    def __init__(self, policy: NativePolicy, slots: int) -> None:
        self.policy, self.model = policy, policy.model.eval()
        self.slots, self.max_length = slots, policy.model.max_length
        self.lengths = [0] * slots
        config, weight = policy.model.config, policy.model.embedding.weight
        if other := [m for m in config.mixers if m != "attention"]:
            raise InputError(
                f"decoding by slots rewinds texts, and a layer of {other[0]} has no past to go to",
                remedy="use plain sampling, or a model of attention layers",
            )
        self._layers = [
            SlotLayer(slots, config.kv_heads, self.max_length, config.head_dim, weight.data)
            for _ in range(config.layers)
        ]
        self._peeked: list[int] = []
        self._siblings = 0

    @property
    def tokenizer(self) -> BytePairTokenizer:
        return self.policy.tokenizer

    @property
    def stops(self) -> frozenset[int]:
        return frozenset([self.tokenizer.eos])

    @torch.inference_mode()
    def feed(self, slots: Sequence[int], tokens: Sequence[Sequence[int]]) -> Tensor:
        width = max(map(len, tokens))
        start = torch.tensor([self.lengths[s] for s in slots])
        size = torch.tensor([len(t) for t in tokens])
        if int((start + size).max()) > self.max_length:
            raise ValueError(f"a text exceeds the model's {self.max_length} positions")
        padded = torch.tensor([[*t, *[0] * (width - len(t))] for t in tokens])
        step = torch.arange(width)
        # padding stays inside the table of positions; nobody reads its states
        position = (start[:, None] + step).clamp_max(self.max_length - 1)
        kept = step < size[:, None]
        hidden = self._run(padded, Window(list(slots), *self._move(position, kept)))
        for slot, row in zip(slots, tokens, strict=True):
            self.lengths[slot] += len(row)
        return hidden

    @torch.inference_mode()
    def peek(self, slots: Sequence[int], siblings: Sequence[Sequence[int]]) -> Tensor:
        self._peeked, self._siblings = list(slots), len(siblings[0])
        start = torch.tensor([self.lengths[s] for s in slots])
        position = start[:, None].expand(-1, self._siblings)
        return self._run(
            torch.tensor(siblings), Window(self._peeked, self._move(position)[0], None)
        )

    def commit(self, choices: Sequence[int]) -> None:
        slots = torch.tensor(self._peeked)
        position = torch.tensor([self.lengths[s] for s in self._peeked])
        chosen = torch.arange(len(slots)) * self._siblings + torch.tensor(choices)
        for layer in self._layers:
            k, v = layer.last
            layer.k[slots, :, position] = k[chosen]
            layer.v[slots, :, position] = v[chosen]
        for slot in self._peeked:
            self.lengths[slot] += 1

    def rewind(self, slot: int, length: int) -> None:
        self.lengths[slot] = min(self.lengths[slot], length)

    def copy(self, sources: Sequence[int], targets: Sequence[int]) -> None:
        pairs = [(s, t) for s, t in zip(sources, targets, strict=True) if s != t]
        if not pairs:
            return
        source, target = torch.tensor(pairs).T
        lengths = [self.lengths[s] for s, _ in pairs]
        for layer in self._layers:
            for store in (layer.k, layer.v):
                store[target, :, : max(lengths)] = store[source, :, : max(lengths)]
        for (_, t), length in zip(pairs, lengths, strict=True):
            self.lengths[t] = length

    @torch.inference_mode()
    def logits(self, hidden: Tensor) -> Tensor:
        return self.model.logits(hidden)

    def _move(self, *tensors: Tensor) -> list[Tensor]:
        device = self.model.embedding.weight.device
        return [t.to(device) for t in tensors]

    def _run(self, tokens_RT: Tensor, window: Window) -> Tensor:
        for layer in self._layers:
            layer.window = window
        # the model's decode step reads only these layers' methods, and positions row by row
        decode = cast(Any, self.model.decode)
        (tokens,) = self._move(tokens_RT.flatten())
        hidden: Tensor = decode(tokens, window.position[:, None], self._layers)
        return hidden.view(window.rows, window.tokens, -1)
