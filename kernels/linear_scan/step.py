"""One token, no gradient: the decode step."""

from __future__ import annotations

import torch
from torch import Tensor

from neox.kernels.linear_scan.shapes import Inputs, State, divide, start, with_ones


def scan_step(x: Inputs) -> tuple[Tensor, State]:
    """`linear_scan` for L = 1."""
    if x.v.shape[1] != 1:
        raise ValueError(f"linear_scan: the step backend takes one token, not {x.v.shape[1]}")
    dtype = x.dtype()
    memory, m = start(x, dtype)
    batch, _, heads, _ = x.v.shape
    groups = x.q.shape[2]
    q, k = (t[:, 0].to(dtype).unsqueeze(2) for t in (x.q, x.k))  # [B, G, 1, N]
    v = (with_ones(x.v) if x.normalize else x.v)[:, 0].to(dtype)  # [B, H, P]
    log_decay = x.log_decay[:, 0].to(dtype)
    gain = None
    if x.normalize:
        i = torch.zeros_like(log_decay) if x.log_input is None else x.log_input[:, 0].to(dtype)
        before, m = m, torch.maximum(log_decay + m, i)
        log_decay, gain = log_decay + before - m, (i - m).exp()
    elif x.log_input is not None:
        gain = x.log_input[:, 0].to(dtype).exp()
    if gain is not None:
        v = v * gain[..., None]
    split = (batch, groups, heads // groups)
    memory = memory.unflatten(1, split[1:])  # [B, G, J, N, P]
    memory = torch.addcmul(
        k[..., None] * v.view(*split, 1, -1), log_decay.exp().view(*split, 1, 1), memory
    )
    raw = (q.unsqueeze(-2) @ memory).squeeze(-2).flatten(1, 2)  # [B, H, P]
    y = divide(raw, m) if x.normalize else raw
    return y[:, None].to(x.v.dtype), (memory.flatten(1, 2), m)
