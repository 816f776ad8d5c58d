"""Imitation: cross-entropy on the solutions of a corpus, on the completion only."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import torch

from neox.policy.base import Group, Ids, Policy
from neox.train.seeding import fold

# Batches are cut from stretches of this many, sorted by length, so that little is padding.
BATCHES_PER_SORT = 16


@dataclass(frozen=True, slots=True)
class Example:
    """A prompt and its completion as ids; the completion ends with the end-of-text token."""

    prompt: Ids
    completion: Ids

    @property
    def group(self) -> Group:
        return Group(self.prompt, (self.completion,))


def encode(policy: Policy, pairs: Sequence[tuple[str, str]]) -> list[Example]:
    prompts = policy.tokenizer.encode_batch([p for p, _ in pairs])
    completions = policy.tokenizer.encode_batch([c for _, c in pairs], begin=False)
    eos = (policy.tokenizer.eos,)
    return [Example(p, c + eos) for p, c in zip(prompts, completions, strict=True)]


class Batches:
    """The batch of any step, as a function of the seed and the step."""

    def __init__(self, examples: Sequence[Example], size: int, seed: int) -> None:
        self.examples, self._size, self._seed = examples, min(size, len(examples)), seed
        self.per_epoch = len(examples) // self._size
        self._epoch = lru_cache(2)(self._make_epoch)

    def _make_epoch(self, epoch: int) -> list[list[Example]]:
        rng = random.Random(fold(self._seed, "epoch", epoch))
        order = list(self.examples)
        rng.shuffle(order)
        stretch = self._size * BATCHES_PER_SORT
        batches = []
        for start in range(0, self.per_epoch * self._size, stretch):
            part = order[start : min(start + stretch, self.per_epoch * self._size)]
            part.sort(key=lambda e: len(e.prompt) + len(e.completion))
            batches += [part[i : i + self._size] for i in range(0, len(part), self._size)]
        rng.shuffle(batches)
        return batches

    def at(self, step: int) -> list[Example]:
        epoch, index = divmod(step, self.per_epoch)
        return self._epoch(epoch)[index]


def cross_entropy(policy: Policy, batch: Sequence[Example]) -> torch.Tensor:
    """Mean over the completions' tokens, in nats."""
    scores = policy.score([e.group for e in batch])
    return -scores.logprobs.sum() / scores.mask.sum()
