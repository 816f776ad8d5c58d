"""Triton kernels of the scan; `triton_scan` puts them together.

Tensors are contiguous: q, k [B, C, Q, G, N]; v, y [B, C, Q, H, P]; gates [B, C, H, Q]; states
[B, C + 1, H, N, P]. Tiles are padded to powers of two of at least 16, the smallest `tl.dot` takes.
"""

# mypy: disable-error-code="no-untyped-def,untyped-decorator,no-untyped-call,import-not-found"
from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor


def _tile(n: int) -> int:
    return max(16, int(triton.next_power_of_2(n)))


def _sizes(q: Tensor, v: Tensor) -> dict[str, int]:
    _, chunks, size, groups, width = q.shape
    heads, depth = v.shape[3:]
    return {
        "Q": size,
        "G": groups,
        "N": width,
        "H": heads,
        "P": depth,
        "C": chunks,
        "QB": _tile(size),
        "NB": _tile(width),
        "PB": _tile(depth),
    }


def _precise(q: Tensor) -> str:
    """tf32 keeps more digits than the 16-bit types; float32 stays exact."""
    return "ieee" if q.dtype == torch.float32 else "tf32"


@triton.jit
def _load_rows(base, row, stride, rows, width, R: tl.constexpr, W: tl.constexpr):
    """A [R, W] tile in float32, zero outside [rows, width]."""
    r, w = tl.arange(0, R)[:, None], tl.arange(0, W)[None, :]
    return tl.load(base + row + r * stride + w, (r < rows) & (w < width), 0.0).to(tl.float32)


@triton.jit
def _store_rows(base, row, stride, rows, width, tile, R: tl.constexpr, W: tl.constexpr):
    r, w = tl.arange(0, R)[:, None], tl.arange(0, W)[None, :]
    tl.store(base + row + r * stride + w, tile, (r < rows) & (w < width))


@triton.jit
def _outer(
    k, v, weight, out,
    Q: tl.constexpr, G: tl.constexpr, N: tl.constexpr, H: tl.constexpr, P: tl.constexpr,
    C: tl.constexpr, QB: tl.constexpr, NB: tl.constexpr, PB: tl.constexpr, F: tl.constexpr,
):  # fmt: skip
    bc, h = tl.program_id(0), tl.program_id(1)
    g = h // (H // G)
    t = tl.arange(0, QB)
    w = tl.exp(tl.load(weight + (bc * H + h) * Q + t, t < Q, float("-inf")))
    kt = _load_rows(k, (bc * Q * G + g) * N, G * N, Q, N, QB, NB)
    vt = _load_rows(v, (bc * Q * H + h) * P, H * P, Q, P, QB, PB)
    z = tl.dot(tl.trans(kt), vt * w[:, None], input_precision=F)
    _store_rows(out, (bc * H + h) * N * P, P, N, P, z, NB, PB)


def outer(k: Tensor, v: Tensor, weight: Tensor) -> Tensor:
    """sum_s exp(weight_s) k_s v_s^T of every chunk: [B, C, H, N, P]."""
    sizes = _sizes(k, v)
    batch, chunks = k.shape[:2]
    shape = (batch, chunks, sizes["H"], sizes["N"], sizes["P"])
    out = torch.empty(shape, dtype=torch.float32, device=v.device)
    _outer[(batch * chunks, sizes["H"])](k, v, weight, out, **sizes, F=_precise(k))
    return out


@triton.jit
def _accumulate(
    fresh, alpha, edge, out,
    C: tl.constexpr, H: tl.constexpr, NP: tl.constexpr, BLOCK: tl.constexpr, REVERSE: tl.constexpr,
):  # fmt: skip
    b, h = tl.program_id(0) // H, tl.program_id(0) % H
    x = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    mask = x < NP
    s = tl.load(edge + (b * H + h) * NP + x, mask, 0.0)
    first = C if REVERSE else 0
    tl.store(out + ((b * (C + 1) + first) * H + h) * NP + x, s, mask)
    for i in range(C):
        c = C - 1 - i if REVERSE else i
        at = (b * C + c) * H + h
        s = tl.exp(tl.load(alpha + at)) * s + tl.load(fresh + at * NP + x, mask, 0.0)
        to = c if REVERSE else c + 1
        tl.store(out + ((b * (C + 1) + to) * H + h) * NP + x, s, mask)


def accumulate(fresh: Tensor, alpha: Tensor, edge: Tensor, *, reverse: bool) -> Tensor:
    """S' = exp(alpha) S + fresh from `edge` on, in either direction: [B, C + 1, H, N, P]."""
    batch, chunks, heads, width, depth = fresh.shape
    out = fresh.new_empty(batch, chunks + 1, heads, width, depth)
    cells = width * depth
    grid = (batch * heads, triton.cdiv(cells, 1024))
    _accumulate[grid](
        fresh, alpha, edge.contiguous(), out, C=chunks, H=heads, NP=cells, BLOCK=1024,
        REVERSE=reverse,
    )  # fmt: skip
    return out


@triton.jit
def _read(
    q, k, v, states, rise, from_s, carried, y,
    Q: tl.constexpr, G: tl.constexpr, N: tl.constexpr, H: tl.constexpr, P: tl.constexpr,
    C: tl.constexpr, QB: tl.constexpr, NB: tl.constexpr, PB: tl.constexpr, F: tl.constexpr,
):  # fmt: skip
    bc, h = tl.program_id(0), tl.program_id(1)
    g = h // (H // G)
    t = tl.arange(0, QB)
    gate = (bc * H + h) * Q + t
    up = tl.load(rise + gate, t < Q, 0.0)
    frm = tl.load(from_s + gate, t < Q, float("-inf"))
    carry = tl.exp(tl.load(carried + gate, t < Q, float("-inf")))
    qt = _load_rows(q, (bc * Q * G + g) * N, G * N, Q, N, QB, NB)
    kt = _load_rows(k, (bc * Q * G + g) * N, G * N, Q, N, QB, NB)
    vt = _load_rows(v, (bc * Q * H + h) * P, H * P, Q, P, QB, PB)
    at = (bc // C * (C + 1) + bc % C) * H + h
    s = _load_rows(states, at * N * P, P, N, P, NB, PB)
    causal = t[:, None] >= t[None, :]
    e = tl.exp(tl.where(causal, up[:, None] + frm[None, :], float("-inf")))
    w = tl.dot(qt, tl.trans(kt), input_precision=F) * e
    out = tl.dot(w, vt, input_precision=F) + carry[:, None] * tl.dot(qt, s, input_precision=F)
    _store_rows(y, (bc * Q * H + h) * P, H * P, Q, P, out, QB, PB)


def read(
    q: Tensor, k: Tensor, v: Tensor, states: Tensor, rise: Tensor, from_s: Tensor, carried: Tensor
) -> Tensor:
    """Pass 3: y [B, C, Q, H, P] in float32."""
    sizes = _sizes(q, v)
    y = torch.empty(v.shape, dtype=torch.float32, device=v.device)
    grid = (q.shape[0] * q.shape[1], sizes["H"])
    _read[grid](q, k, v, states, rise, from_s, carried, y, **sizes, F=_precise(q))
    return y


@triton.jit
def _gradients(
    q, k, v, states, flow, y, dy, rise, from_s, carried, kept, dq, dk, dv, di, da, dlast,
    Q: tl.constexpr, G: tl.constexpr, N: tl.constexpr, H: tl.constexpr, P: tl.constexpr,
    C: tl.constexpr, QB: tl.constexpr, NB: tl.constexpr, PB: tl.constexpr, F: tl.constexpr,
):  # fmt: skip
    bc, h = tl.program_id(0), tl.program_id(1)
    g = h // (H // G)
    t = tl.arange(0, QB)
    gate = (bc * H + h) * Q + t
    up = tl.load(rise + gate, t < Q, 0.0)
    frm = tl.load(from_s + gate, t < Q, float("-inf"))
    carry = tl.exp(tl.load(carried + gate, t < Q, float("-inf")))
    keep = tl.exp(tl.load(kept + gate, t < Q, float("-inf")))
    qt = _load_rows(q, (bc * Q * G + g) * N, G * N, Q, N, QB, NB)
    kt = _load_rows(k, (bc * Q * G + g) * N, G * N, Q, N, QB, NB)
    row = (bc * Q * H + h) * P
    vt = _load_rows(v, row, H * P, Q, P, QB, PB)
    yt = _load_rows(y, row, H * P, Q, P, QB, PB)
    dyt = _load_rows(dy, row, H * P, Q, P, QB, PB)
    at = (bc // C * (C + 1) + bc % C) * H + h
    s = _load_rows(states, at * N * P, P, N, P, NB, PB)
    ds = _load_rows(flow, (at + H) * N * P, P, N, P, NB, PB)
    causal = t[:, None] >= t[None, :]
    e = tl.exp(tl.where(causal, up[:, None] + frm[None, :], float("-inf")))
    w = tl.dot(qt, tl.trans(kt), input_precision=F) * e
    dscore = tl.dot(dyt, tl.trans(vt), input_precision=F) * e
    read = dyt * carry[:, None]
    stored = vt * keep[:, None]
    dqt = tl.dot(dscore, kt, input_precision=F) + tl.dot(read, tl.trans(s), input_precision=F)
    dkt = tl.dot(tl.trans(dscore), qt, input_precision=F)
    dkt += tl.dot(stored, tl.trans(ds), input_precision=F)
    dstored = tl.dot(kt, ds, input_precision=F)
    dvt = tl.dot(tl.trans(w), dyt, input_precision=F) + dstored * keep[:, None]
    dit = tl.sum(vt * dvt, 1)
    dat = tl.sum(yt * dyt, 1) - dit
    row_n = (bc * Q * H + h) * N
    _store_rows(dq, row_n, H * N, Q, N, dqt, QB, NB)
    _store_rows(dk, row_n, H * N, Q, N, dkt, QB, NB)
    _store_rows(dv, row, H * P, Q, P, dvt, QB, PB)
    tl.store(di + gate, dit, t < Q)
    tl.store(da + gate, dat, t < Q)
    tl.store(dlast + bc * H + h, tl.sum(tl.sum(stored * dstored, 1), 0))


def gradients(
    q: Tensor, k: Tensor, v: Tensor, states: Tensor, flow: Tensor, y: Tensor, dy: Tensor,
    rise: Tensor, from_s: Tensor, carried: Tensor, kept: Tensor,
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]:  # fmt: skip
    """dq, dk [B, C, Q, H, N] per head, dv; of the gates di, da [B, C, H, Q], dlast [B, C, H]."""
    sizes = _sizes(q, v)
    dq = y.new_empty(*v.shape[:4], q.shape[4])
    dk, dv = torch.empty_like(dq), torch.empty_like(y)
    di, da, dlast = torch.empty_like(rise), torch.empty_like(rise), y.new_empty(rise.shape[:3])
    grid = (q.shape[0] * q.shape[1], sizes["H"])
    _gradients[grid](
        q, k, v, states, flow, y, dy, rise, from_s, carried, kept, dq, dk, dv, di, da, dlast,
        **sizes, F=_precise(q),
    )  # fmt: skip
    return dq, dk, dv, di, da, dlast
