"""The recurrence as a loop over tokens in float64: the specification of every other backend."""

from __future__ import annotations

import torch
from torch import Tensor

from neox.kernels.linear_scan.shapes import Inputs, State, divide, start, with_ones


def reference(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    log_decay: Tensor,
    log_input: Tensor | None = None,
    state: State | None = None,
    *,
    normalize: bool = False,
    seq_idx: Tensor | None = None,
) -> tuple[Tensor, State]:
    """As `linear_scan`; differentiable; the state comes back in float64."""
    x = Inputs(q, k, v, log_decay, log_input, state, normalize, seq_idx)
    big = torch.float64
    memory, m = start(x, big)
    repeat = v.shape[2] // q.shape[2]
    # unbind, not indexing: the gradient of x[:, t] would be as large as x for every t
    qs = q.to(big).repeat_interleave(repeat, dim=2).unbind(1)
    ks = k.to(big).repeat_interleave(repeat, dim=2).unbind(1)
    vs = (with_ones(v) if normalize else v).to(big).unbind(1)
    ds = log_decay.to(big).unbind(1)
    inputs = torch.zeros_like(log_decay) if log_input is None else log_input
    out = []
    for t, (qt, kt, vt, d, i) in enumerate(
        zip(qs, ks, vs, ds, inputs.to(big).unbind(1), strict=True)
    ):
        if seq_idx is not None and t:
            same = (seq_idx[:, t] == seq_idx[:, t - 1]).to(big)
            memory, m = memory * same[:, None, None, None], m * same[:, None]
        before = m
        if normalize:
            m = torch.maximum(d + m, i).detach()
        decay, gain = (d + before - m).exp(), (i - m).exp()
        memory = decay[..., None, None] * memory + torch.einsum("bh,bhn,bhp->bhnp", gain, kt, vt)
        raw = torch.einsum("bhn,bhnp->bhp", qt, memory)
        out.append(divide(raw, m) if normalize else raw)
    return torch.stack(out, dim=1).to(v.dtype), (memory, m)
