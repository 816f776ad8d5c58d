"""The chunked scan on a GPU: the same three passes and the same gradient, fused in Triton.

Only chunk-start states are kept for the backward pass; weights inside chunks are recomputed. The
sums of gates are formed in torch (they are small) by `chunked.exponents`, so both backends share
one definition of the weights. `fits` says where the kernels can run; triton itself is imported by
the first call that needs it, and without it the torch backend serves.

Shapes as in `chunked`; one program works on one chunk of one head.
"""

from __future__ import annotations

import importlib.util
import os
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from neox.kernels.linear_scan.shapes import Inputs, State, divide, start, with_ones

WIDEST = 256  # of N and P: a program holds a whole tile of each
CHUNK = 64  # the smallest chunk that fills a tensor core's tile and still fits beside two states


def interpreted() -> bool:
    """Whether Triton runs kernels on CPU tensors (its debugging mode)."""
    return os.environ.get("TRITON_INTERPRET") == "1"


def installed() -> bool:
    return importlib.util.find_spec("triton") is not None


def fits(x: Inputs) -> bool:
    """Whether `auto` should take this backend."""
    wide = max(x.q.shape[3], x.v.shape[3] + x.normalize) > WIDEST
    small = x.v.dtype in (torch.float32, torch.bfloat16, torch.float16)
    return x.v.is_cuda and small and x.seq_idx is None and not wide and installed()


def scan(x: Inputs, chunk: int) -> tuple[Tensor, State]:
    """`linear_scan` in Triton; ValueError where it cannot run."""
    if not installed():
        raise ValueError("linear_scan: the triton backend needs the package triton (on Linux)")
    if not (x.v.is_cuda or interpreted()):
        raise ValueError("linear_scan: the triton backend needs a GPU or TRITON_INTERPRET=1")
    if x.seq_idx is not None:
        raise ValueError("linear_scan: the triton backend takes no seq_idx; use chunk")
    batch, length, heads, _ = x.v.shape
    groups = x.q.shape[2]
    size = chunk if interpreted() else CHUNK
    pad = -length % size

    def cut(t: Tensor, value: float = 0.0) -> Tensor:
        """[B, L, ...] -> contiguous [B, C, Q, ...]."""
        t = F.pad(t, [0, 0] * (t.dim() - 2) + [0, pad], value=value) if pad else t
        out: Tensor = t.unflatten(1, (-1, size)).contiguous()
        return out

    memory, m = start(x, torch.float32)
    v = cut(with_ones(x.v) if x.normalize else x.v)
    log_input = x.log_input if x.log_input is not None else torch.zeros_like(x.log_decay)
    y, scale, memory, m = TritonScan.apply(  # type: ignore[no-untyped-call]
        cut(x.q),
        cut(x.k),
        v,
        cut(x.log_decay.float()),
        cut(log_input.float(), float("-inf")),
        memory,
        m.view(batch, groups, -1),
        x.normalize,
    )
    y = divide(y, scale) if x.normalize else y
    return y.flatten(1, 2)[:, :length].to(x.v.dtype), (memory, m.view(batch, heads))


class TritonScan(torch.autograd.Function):
    """As `chunked.ChunkedScan`, in float32; q, k and v may be narrower."""

    @staticmethod
    def forward(
        ctx: Any,
        q: Tensor,
        k: Tensor,
        v: Tensor,
        log_decay: Tensor,
        log_input: Tensor,
        memory: Tensor,
        m: Tensor,
        normalize: bool,
    ) -> tuple[Tensor, Tensor | None, Tensor, Tensor]:
        from neox.kernels.linear_scan import triton_kernels as kernels
        from neox.kernels.linear_scan.chunked import _heads_first, _tokens_first, exponents

        groups = q.shape[3]
        a = _heads_first(log_decay, groups).cumsum(-1)
        e = exponents(a, _heads_first(log_input, groups), m, None, normalize)
        rise, from_s, carried, kept, alpha = (
            t.flatten(2, 3).contiguous() for t in (e.rise, e.from_s, e.carried, e.kept, e.alpha)
        )  # [B, C, H, Q] and [B, C, H]
        fresh = kernels.outer(k, v, kept)
        states = kernels.accumulate(fresh, alpha, memory, reverse=False)
        y = kernels.read(q, k, v, states, rise, from_s, carried)
        ctx.save_for_backward(q, k, v, states, y, rise, from_s, carried, kept, alpha)
        scale = None if e.m is None else _tokens_first(e.m)
        last = e.last.contiguous()
        ctx.mark_non_differentiable(last, *(() if scale is None else (scale,)))
        return y, scale, states[:, -1].clone(), last

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        from neox.kernels.linear_scan import triton_kernels as kernels

        q, k, v, states, y, rise, from_s, carried, kept, alpha = ctx.saved_tensors
        groups = q.shape[3]
        dy = grads[0].contiguous()
        into = kernels.outer(q, dy, carried)
        flow = kernels.accumulate(into, alpha, grads[2].contiguous(), reverse=True)
        dq, dk, dv, di, da, dlast = kernels.gradients(
            q, k, v, states, flow, y, dy, rise, from_s, carried, kept
        )
        da[..., -1] += dlast + (alpha.exp()[..., None, None] * states[:, :-1] * flow[:, 1:]).sum(
            (-1, -2)
        )
        dd = da.flip(-1).cumsum(-1).flip(-1).movedim(2, 3)

        def shared(g: Tensor) -> Tensor:
            """[B, C, Q, H, N] -> [B, C, Q, G, N]: heads of a group share q and k."""
            out: Tensor = g.unflatten(3, (groups, -1)).sum(4).to(q.dtype)
            return out

        di = di.movedim(2, 3).contiguous()
        return shared(dq), shared(dk), dv.to(v.dtype), dd, di, flow[:, 0].clone(), None, None
