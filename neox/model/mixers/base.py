"""What a sequence mixer is, and the part that all recurrent ones share.

A mixer sees a whole batch under a `Context` (training, scoring, prefill) and one token per live row
(decoding). A recurrent mixer says only how to scan and how to step; this file carries its state
from a prompt to its continuations and into the sampler's rows. Knows nothing about tokens.

Shapes: B packed rows, T their length; N sequences of L tokens; R live rows; d width.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from neox.model.cache import Cache, RowMap, StateCache
from neox.model.layout import Tree

State = tuple[Tensor, ...]  # whatever a mixer carries; the first dimension of each is the sequence


@dataclass(frozen=True, slots=True)
class Context:
    """Where the tokens of a batch stand: rotary cos and sin [B, T, 1, D/2] (or of one position),
    who sees whom (mask [B, 1, T, T]), and the same as a tree of sequences, where a mixer needs it.
    """

    cos: Tensor
    sin: Tensor
    mask: Tensor | None = None
    tree: Tree | None = None


class Mixer(Protocol):
    def __call__(self, x: Tensor, context: Context) -> tuple[Tensor, Any]:
        """x [B, T, d] -> y [B, T, d], and what `cache` needs of a prompt."""
        ...

    def cache(self, memory: Any, rows: RowMap, padding: Tensor, max_new: int) -> Cache:
        """What decoding needs, for every live row."""
        ...

    def decode(self, x: Tensor, context: Context, cache: Cache) -> Tensor:
        """One token per live row: x [R, d] -> [R, d]."""
        ...


class Recurrent(nn.Module):
    """A mixer with a state. Subclasses give `scan` and, where normal is wrong, `initialise`.

    `delta` [N, L, 1] (or [R, 1]) is the hypernetwork's factor on step sizes; None is 1.
    """

    def scan(
        self, x: Tensor, state: State | None, pad: Tensor | None, delta: Tensor | None = None
    ) -> tuple[Tensor, State]:
        """x [N, L, d] after `state` -> y [N, L, d] and the state after it.

        pad [N, L] is True for padding before the first token (only ever with state None): it must
        leave no trace, as if it were not there.
        """
        raise NotImplementedError

    def step(self, x: Tensor, state: State, delta: Tensor | None = None) -> tuple[Tensor, State]:
        """One token: x [R, d] -> [R, d]; by default a scan of length 1."""
        y, state = self.scan(x[:, None], state, None, None if delta is None else delta[:, None])
        return y[:, 0], state

    def initialise(self) -> None:
        """Parameters whose start is not a normal draw."""

    def forward(
        self, x: Tensor, context: Context, delta: Tensor | None = None
    ) -> tuple[Tensor, State]:
        """The trunk of every row once, then all branches from its state."""
        tree = context.tree
        assert tree is not None, "a recurrent mixer needs the tree of sequences"
        flat, width = x.flatten(0, 1), x.shape[-1]
        factor = None if delta is None else delta.flatten(0, 1)
        y, state = self.scan(
            flat[tree.trunk], None, tree.trunk_pad, None if factor is None else factor[tree.trunk]
        )
        out = torch.zeros_like(flat)
        out = out.index_copy(0, tree.trunk[~tree.trunk_pad], y[~tree.trunk_pad])
        if len(tree.branch):
            begun = tuple(s[tree.owner] for s in state)
            part = None if factor is None else factor[tree.branch]
            y, _ = self.scan(flat[tree.branch], begun, None, part)
            real = ~tree.branch_pad
            out = out.index_copy(0, tree.branch[real], y[real])
        return out.view(*x.shape[:-1], width), state

    def cache(self, memory: State, rows: RowMap, padding: Tensor, max_new: int) -> Cache:
        return StateCache(rows, memory)

    def decode(
        self, x: Tensor, context: Context, cache: Cache, delta: Tensor | None = None
    ) -> Tensor:
        assert isinstance(cache, StateCache)
        y, cache.state = self.step(x, cache.state, delta)
        return y
