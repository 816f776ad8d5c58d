"""What layers remember during generation.

Attention keeps keys and values: the prompt's once per prompt, the completion's once per live row. A
group of G samples shares its prompt, so the prompt is prefilled and stored once. Storage for the
completions is allocated once at its full length (static); when rows have finished, `keep` compacts
it. Recurrent mixers keep a state per row. Knows nothing about probabilities or tokens.

Shapes: P prompts, G samples per prompt, R live rows, L prompt length, S tokens so far, K key heads,
J queries per key head, D head width.
"""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor


class RowMap:
    """Which of the P x G slots are live, and moving tensors between rows and slots.

    One map serves all layers. `slots` [R] lists the live slots in ascending order; slot = prompt *
    G + sample.
    """

    def __init__(self, prompts: int, samples: int) -> None:
        self.samples = samples
        self.slots = torch.arange(prompts * samples)
        self._reindex()

    def _reindex(self) -> None:
        prompt_of_row = self.slots // self.samples
        live, self.prompt_of_row = torch.unique_consecutive(prompt_of_row, return_inverse=True)
        self.prompts = len(live)
        # a slot inside the block of its prompt, counted over the live prompts only
        self.position = self.prompt_of_row * self.samples + self.slots % self.samples
        self.full = len(self.slots) == self.prompts * self.samples
        self._live_prompts = live

    def keep(self, rows: Tensor) -> Tensor:
        """Keep the rows at the ascending indices `rows`; returns the indices of the prompts still
        needed.
        """
        before = self._live_prompts
        self.slots = self.slots[rows]
        self._reindex()
        return torch.searchsorted(before, self._live_prompts)


class Cache(Protocol):
    def keep(self, rows: Tensor, prompts: Tensor) -> None:
        """Drop all other rows and prompts (after `RowMap.keep` gave `prompts`)."""
        ...


class StateCache:
    """One recurrent layer's state, the same size however long the text: [R, ...] each."""

    def __init__(self, rows: RowMap, prompt_state: tuple[Tensor, ...]) -> None:
        self.state = tuple(s[rows.prompt_of_row] for s in prompt_state)

    def keep(self, rows: Tensor, prompts: Tensor) -> None:
        self.state = tuple(s[rows] for s in self.state)


class LayerCache:
    """One layer's keys and values. `prompt_k`, `prompt_v` [P, K, L, D]; own keys and values [R, K,
    S, D].
    """

    def __init__(
        self, rows: RowMap, prompt_k: Tensor, prompt_v: Tensor, padding: Tensor, max_new: int
    ) -> None:
        self.rows = rows
        # laid out as the products read them: a strided prompt would be copied for every token
        self._prompt_kt = prompt_k.mT.contiguous()  # [P, K, D, L]
        self.prompt_v = prompt_v.contiguous()
        # padding [P, L] is True where the left-padded prompt has no token
        self._bias = torch.zeros(padding.shape).masked_fill_(padding, float("-inf"))
        self.prompt_bias = self._bias[rows.prompt_of_row, None, None]
        _, heads, _, dim = prompt_k.shape
        self._k = prompt_k.new_zeros(len(rows.slots), heads, max_new, dim)
        self._v = torch.zeros_like(self._k)
        self.length = 0

    @property
    def prompt_k(self) -> Tensor:
        return self._prompt_kt.mT

    def append(self, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        """Store one more key and value per row [R, K, D]; returns all of them so far."""
        self._k[:, :, self.length] = k
        self._v[:, :, self.length] = v
        self.length += 1
        return self._k[:, :, : self.length], self._v[:, :, : self.length]

    def spread(self, x: Tensor) -> Tensor:
        """Rows to prompts: [R, K, J, E] -> [P, K, G * J, E], zeros where a sample has finished."""
        rows = self.rows
        if rows.samples == 1:  # rows are prompts
            return x
        _, heads, queries, width = x.shape
        if not rows.full:
            x = x.new_zeros(rows.prompts * rows.samples, *x.shape[1:]).index_copy_(
                0, rows.position, x
            )
        x = x.view(rows.prompts, rows.samples, heads, queries, width).transpose(1, 2)
        return x.reshape(rows.prompts, heads, rows.samples * queries, width)

    def gather(self, x: Tensor) -> Tensor:
        """The inverse of `spread`: [P, K, G * J, E] -> [R, K, J, E]."""
        if self.rows.samples == 1:
            return x
        prompts, heads, _, width = x.shape
        x = x.view(prompts, heads, self.rows.samples, -1, width).transpose(1, 2)
        x = x.reshape(prompts * self.rows.samples, heads, -1, width)
        return x if self.rows.full else x[self.rows.position]

    def keep(self, rows: Tensor, prompts: Tensor) -> None:
        """Drop all other rows and prompts (after `RowMap.keep` gave `prompts`)."""
        size = self.length
        for name in ("_k", "_v"):
            old = getattr(self, name)
            new = old.new_zeros(len(rows), *old.shape[1:])
            new[:, :, :size] = old[rows, :, :size]
            setattr(self, name, new)
        if len(prompts) != len(self.prompt_k):
            self._prompt_kt, self.prompt_v = self._prompt_kt[prompts], self.prompt_v[prompts]
            self._bias = self._bias[prompts]
        self.prompt_bias = self._bias[self.rows.prompt_of_row, None, None]
