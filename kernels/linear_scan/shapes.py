"""The arguments of a scan, checked once, and the few conversions all backends share."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

State = tuple[Tensor, Tensor]  # S [B, H, N, P] and m [B, H]


@dataclass(frozen=True, slots=True)
class Inputs:
    """As `linear_scan` takes them."""

    q: Tensor
    k: Tensor
    v: Tensor
    log_decay: Tensor
    log_input: Tensor | None
    state: State | None
    normalize: bool
    seq_idx: Tensor | None

    def tensors(self) -> list[Tensor]:
        found = [self.q, self.k, self.v, self.log_decay, self.log_input, *(self.state or ())]
        return [t for t in found if t is not None]

    def dtype(self) -> torch.dtype:
        """Of decays, sums and the state: never below float32."""
        return torch.promote_types(self.v.dtype, torch.float32)


def check(x: Inputs) -> None:
    """Raise ValueError naming the first argument whose shape does not fit."""
    if x.v.dim() != 4 or x.q.dim() != 4:
        raise ValueError("linear_scan: q and k are [B, L, G, N], v is [B, L, H, P]")
    batch, length, heads, _ = x.v.shape
    if length == 0:
        raise ValueError("linear_scan: a sequence of length 0")
    if x.q.shape != x.k.shape or x.q.shape[:2] != x.v.shape[:2] or heads % x.q.shape[2]:
        raise ValueError(
            f"linear_scan: q {list(x.q.shape)}, k {list(x.k.shape)} and v {list(x.v.shape)} do not "
            "fit: q and k are [B, L, G, N] and G divides H"
        )
    for name, gate in (("log_decay", x.log_decay), ("log_input", x.log_input)):
        if gate is not None and gate.shape != (batch, length, heads):
            raise ValueError(
                f"linear_scan: {name} is {list(gate.shape)}, not [B, L, H] = "
                f"{[batch, length, heads]}"
            )
    if x.seq_idx is not None and x.seq_idx.shape != (batch, length):
        raise ValueError(f"linear_scan: seq_idx is {list(x.seq_idx.shape)}, not [B, L]")
    if x.state is not None:
        width = x.v.shape[3] + x.normalize
        wanted = (batch, heads, x.q.shape[3], width)
        if x.state[0].shape != wanted or x.state[1].shape != wanted[:2]:
            raise ValueError(
                f"linear_scan: state is {list(x.state[0].shape)} and {list(x.state[1].shape)}, not "
                f"{list(wanted)} and {list(wanted[:2])}"
            )


def with_ones(v: Tensor) -> Tensor:
    """v [..., P] -> [..., P + 1]: the last column carries the normaliser."""
    return torch.cat([v, torch.ones_like(v[..., :1])], dim=-1)


def divide(raw: Tensor, m: Tensor) -> Tensor:
    """raw [..., P + 1] and m [...], both scaled by exp(-m) -> [..., P]."""
    floor = torch.maximum(raw[..., -1].abs(), (-m).exp())
    return raw[..., :-1] / floor[..., None]


def start(x: Inputs, dtype: torch.dtype) -> State:
    """The given state, or nothing seen yet."""
    if x.state is not None:
        return x.state[0].to(dtype), x.state[1].detach().to(dtype)
    batch, _, heads, width = x.v.shape
    shape = (batch, heads, x.q.shape[3], width + x.normalize)
    return x.v.new_zeros(shape, dtype=dtype), x.v.new_zeros(shape[:2], dtype=dtype)
