"""Where the random numbers of sampling come from: one per row and token.

`Stream` takes them in the order they are asked for, so they depend on which rows are still alive.
`PerSample` gives every sample its own, whatever the batch it is drawn in and whichever rank draws
it: several ranks then sample what one would have.

Shapes: R live rows.
"""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor


class Noise(Protocol):
    def uniform(self, slots: Tensor, t: int) -> Tensor:
        """A number in [0, 1) for token `t` of each sample in `slots` [R]: -> [R, 1]."""
        ...


class Stream:
    def __init__(self, generator: torch.Generator) -> None:
        self._generator = generator

    def uniform(self, slots: Tensor, t: int) -> Tensor:
        return torch.rand(len(slots), 1, generator=self._generator)


class PerSample:
    """Of `total` samples in all, those from `first` on are drawn here; `t` must rise by one."""

    def __init__(self, generator: torch.Generator, total: int, first: int = 0) -> None:
        self._generator, self._total, self._first = generator, total, first

    def uniform(self, slots: Tensor, t: int) -> Tensor:
        row = torch.rand(self._total, generator=self._generator)
        return row[self._first + slots.cpu(), None]


def noise(source: torch.Generator | Noise) -> Noise:
    return Stream(source) if isinstance(source, torch.Generator) else source
