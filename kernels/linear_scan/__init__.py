"""One recurrence under every linear sequence mixer: a decaying sum of outer products, read by q.

With d = log_decay <= 0 and i = log_input (None means 0):

    S_t = exp(d_t) S_{t-1} + exp(i_t) k_t v_t^T          y_t = q_t^T S_t

Mamba-2, the mLSTM, RetNet and gated linear attention differ only in where d, i, q, k and v come
from. With `normalize` a column of ones is appended to v; its column of S is the mLSTM's normaliser
and y_t = (q_t^T S_t)[:P] / max(|(q_t^T S_t)[P]|, 1). The state is then carried as (S exp(-m), m),
with m as large as the largest exponent, so that no gate overflows; y does not depend on m.

Backends: `reference` is the loop above in float64; `chunk` is plain torch, parallel inside chunks;
`triton` is the same on a GPU; `step` is one token without gradient; `mamba` is mamba-ssm's kernel
where that is installed, to compare with. Knows nothing about mixers.

Shapes: B sequences, L tokens, H heads, G groups of heads that share q and k (G divides H), N width
of q and k, P width of v.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from neox.kernels.linear_scan import chunked, mamba, step, triton_scan
from neox.kernels.linear_scan.reference import reference
from neox.kernels.linear_scan.shapes import Inputs, State, check

Backend = Literal["auto", "reference", "chunk", "triton", "step", "mamba"]

__all__ = ["Backend", "State", "linear_scan", "reference"]


def linear_scan(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    log_decay: Tensor,
    log_input: Tensor | None = None,
    state: State | None = None,
    *,
    normalize: bool = False,
    seq_idx: Tensor | None = None,
    chunk: int = 32,
    backend: Backend = "auto",
) -> tuple[Tensor, State]:
    """q, k [B, L, G, N]; v [B, L, H, P]; log_decay, log_input [B, L, H] -> y [B, L, H, P], state.

    The state is (S [B, H, N, P], m [B, H]), with P + 1 columns where `normalize`; given back to the
    next call it continues the sequence. Decays and the state are float32 whatever v is (float64 for
    float64); y has v's type. `seq_idx` [B, L] (integers) starts again from nothing where its value
    changes; a given state belongs to the first value. A token of log_input -inf and log_decay 0
    leaves the state as it was: padding. Raises ValueError for shapes that do not fit and for a
    backend that this machine does not have.
    """
    inputs = Inputs(q, k, v, log_decay, log_input, state, normalize, seq_idx)
    check(inputs)
    if backend == "auto":
        backend = _choose(inputs)
    if backend == "reference":
        return reference(q, k, v, log_decay, log_input, state, normalize=normalize, seq_idx=seq_idx)
    if backend == "step":
        return step.scan_step(inputs)
    if backend == "triton":
        return triton_scan.scan(inputs, chunk)
    if backend == "chunk":
        return chunked.scan(inputs, chunk)
    if backend == "mamba":
        return mamba.scan(inputs, chunk)
    raise ValueError(f"no backend {backend!r}: auto, reference, chunk, triton, step, mamba")


def _choose(x: Inputs) -> Backend:
    grad = torch.is_grad_enabled() and any(t.requires_grad for t in x.tensors())
    if x.v.shape[1] == 1 and x.seq_idx is None and not grad:
        return "step"
    return "triton" if triton_scan.fits(x) else "chunk"
