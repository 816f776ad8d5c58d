"""Keys and values of a transformers model during sampling.

A prompt is read once for its whole group: after the prefill every layer's rows are repeated.
Storage is allocated once at full length, so a step writes one token instead of copying everything,
and rows that have finished are dropped. Works for models whose layers all keep plain keys and
values; others go through transformers' own `generate`.
"""

from __future__ import annotations

import inspect
from typing import Any

import torch
from torch import Tensor
from transformers.cache_utils import DynamicCache, DynamicLayer


def plain(config: Any) -> bool:
    """Whether every layer's state is keys and values alone (no window, no recurrence)."""
    layers = DynamicCache(config=config).layers
    return all(type(layer) is DynamicLayer for layer in layers)


def argument(model: Any) -> str:
    """The name of the forward pass's cache argument; transformers 5.24 renamed it."""
    names = inspect.signature(inspect.unwrap(type(model).forward)).parameters
    return "cache" if "cache" in names else "past_key_values"


class RoomyLayer(DynamicLayer):  # type: ignore[misc]
    """One layer, in storage for `room` more tokens than the prompt's."""

    def __init__(self, keys: Tensor, values: Tensor, repeats: int, room: int) -> None:
        super().__init__()
        self.lazy_initialization(keys, values)
        self._size, total = keys.shape[2], keys.shape[2] + room
        self._k = self._grown(keys.repeat_interleave(repeats, dim=0), total)
        self._v = self._grown(values.repeat_interleave(repeats, dim=0), total)
        self._show()

    @staticmethod
    def _grown(x: Tensor, total: int) -> Tensor:
        room = x.new_empty(*x.shape[:2], total, x.shape[3])
        room[:, :, : x.shape[2]] = x
        return room

    def _show(self) -> None:
        self.keys, self.values = self._k[:, :, : self._size], self._v[:, :, : self._size]

    def update(
        self, key_states: Tensor, value_states: Tensor, *args: Any, **kwargs: Any
    ) -> tuple[Tensor, Tensor]:
        end = self._size + key_states.shape[2]
        self._k[:, :, self._size : end] = key_states
        self._v[:, :, self._size : end] = value_states
        self._size = end
        self._show()
        return self.keys, self.values

    def batch_select_indices(self, indices: Tensor) -> None:
        self._k, self._v = self._k[indices], self._v[indices]
        self._show()


def grouped(cache: DynamicCache, repeats: int, room: int) -> DynamicCache:
    """The prompts' cache for `repeats` samples of each, with room for their tokens."""
    cache.layers = [RoomyLayer(x.keys, x.values, repeats, room) for x in cache.layers]
    return cache


def select(cache: DynamicCache, rows: Tensor) -> None:
    """Keep these rows, in this order; differentiable."""
    for layer in cache.layers:
        layer.batch_select_indices(rows)


def left_pad(prompts: list[tuple[int, ...]], pad: int) -> tuple[Tensor, Tensor]:
    """Tokens and attention mask [P, L]."""
    width = max(map(len, prompts))
    tokens = torch.tensor([(pad,) * (width - len(p)) + p for p in prompts])
    mask = torch.tensor([[int(i >= width - len(p)) for i in range(width)] for p in prompts])
    return tokens, mask


def positions(mask: Tensor) -> Tensor:
    """Of each token among those that are not padding, [P, L]."""
    return (mask.cumsum(dim=1) - 1).clamp_min(0)
