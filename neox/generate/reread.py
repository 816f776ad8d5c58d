"""Slots for any causal model: the tokens are kept, and every text is read again at each step.

The plain reference of what a runner does, and what models run on whose layers keep more than keys
and values (recurrent mixers), or that come from transformers. Cost grows with the square of a
text's length.

Shapes: R rows, T tokens per row, k siblings, d width, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from neox.generate.vocabulary import stops
from neox.policy.base import Policy, Tokens
from neox.policy.native import NativePolicy

if TYPE_CHECKING:
    from neox.policy.hf import HFPolicy


class RereadRunner:
    """States come from `_states`, which subclasses give."""

    def __init__(self, policy: Policy, slots: int, max_length: int) -> None:
        self.policy, self.slots, self.max_length = policy, slots, max_length
        policy.module.eval()
        self._texts: list[list[int]] = [[] for _ in range(slots)]
        self._peeked: list[tuple[int, Sequence[int]]] = []

    def _states(self, tokens_RT: Tensor) -> Tensor:
        """Last hidden states [R, T, d] of texts that are padded at the end."""
        raise NotImplementedError

    @property
    def tokenizer(self) -> Tokens:
        return self.policy.tokenizer

    @property
    def stops(self) -> frozenset[int]:
        return frozenset(stops(self.tokenizer))

    @property
    def lengths(self) -> list[int]:
        return [len(text) for text in self._texts]

    @torch.inference_mode()
    def feed(self, slots: Sequence[int], tokens: Sequence[Sequence[int]]) -> Tensor:
        before = [len(self._texts[slot]) for slot in slots]
        for slot, new in zip(slots, tokens, strict=True):
            if len(self._texts[slot]) + len(new) > self.max_length:
                raise ValueError(f"a text exceeds the model's {self.max_length} positions")
            self._texts[slot] += new
        states = self._states(_padded([self._texts[slot] for slot in slots]))
        width = max(map(len, tokens))
        found = states.new_zeros(len(tokens), width, states.shape[-1])
        for row, (start, new) in enumerate(zip(before, tokens, strict=True)):
            found[row, : len(new)] = states[row, start : start + len(new)]
        return found

    @torch.inference_mode()
    def peek(self, slots: Sequence[int], siblings: Sequence[Sequence[int]]) -> Tensor:
        self._peeked = list(zip(slots, siblings, strict=True))
        texts = [[*self._texts[slot], token] for slot, row in self._peeked for token in row]
        states = self._states(_padded(texts))
        last = torch.tensor([len(text) - 1 for text in texts], device=states.device)
        chosen = states[torch.arange(len(texts), device=states.device), last]
        return chosen.view(len(siblings), len(siblings[0]), -1)

    def commit(self, choices: Sequence[int]) -> None:
        for (slot, row), choice in zip(self._peeked, choices, strict=True):
            self._texts[slot].append(row[choice])

    def rewind(self, slot: int, length: int) -> None:
        del self._texts[slot][length:]

    def copy(self, sources: Sequence[int], targets: Sequence[int]) -> None:
        found = [list(self._texts[source]) for source in sources]
        for target, text in zip(targets, found, strict=True):
            self._texts[target] = text

    @torch.inference_mode()
    def logits(self, hidden: Tensor) -> Tensor:
        return self.policy.token_logits(hidden)


class NativeReread(RereadRunner):
    def __init__(self, policy: NativePolicy, slots: int) -> None:
        super().__init__(policy, slots, policy.model.max_length)
        self._model = policy.model

    def _states(self, tokens_RT: Tensor) -> Tensor:
        rows, size = tokens_RT.shape
        mask = torch.ones(size, size, dtype=torch.bool).tril()[None, None]
        position = torch.arange(size).expand(rows, -1)
        states: Tensor = self._model(tokens_RT, position, mask)
        return states


class HFReread(RereadRunner):
    """A transformers model."""

    def __init__(self, policy: HFPolicy, slots: int) -> None:
        super().__init__(policy, slots, policy.max_length or 1 << 15)
        self._hf = policy

    def _states(self, tokens_RT: Tensor) -> Tensor:
        # padding stands behind every text, where a causal model cannot see it
        states: Tensor = self._hf.scorer.trunk(tokens_RT.to(self._hf.device))
        return states


def _padded(texts: Sequence[Sequence[int]]) -> Tensor:
    width = max(map(len, texts))
    return torch.tensor([[*text, *[0] * (width - len(text))] for text in texts])
