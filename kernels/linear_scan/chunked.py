"""The scan in chunks of Q tokens: matrix products inside, a short loop of decays between.

With a the running sum of d inside a chunk and A its last value, and m the carried exponent (0
without `normalize`), three passes:

    1  all chunks at once   Z   = sum_s exp(A - a_s + i_s - m') k_s v_s^T
    2  one after another    S'  = exp(A + m - m') S + Z
    3  all chunks at once   y_t = sum_{s<=t} (q_t.k_s) exp(a_t - a_s + i_s - m_t) v_s
                                  + exp(a_t + m - m_t) q_t^T S

The gradient is written out. Each weight is the exponential of a sum of gates, so the gates'
gradients need no matrix: that of i_s is v_s . dv_s, and that of a_t is dy_t . y_t - v_t . dv_t
(Dao and Gu 2024, arXiv 2405.21060, use the same identity).

Shapes: B, L, H, G, N, P as in the package; C chunks of Q tokens; J = H / G.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from neox.kernels.linear_scan.shapes import Inputs, State, divide, start, with_ones

LOWEST = -1e30  # instead of -inf, where a chunk is padding only: its difference to itself is no NaN


@dataclass(frozen=True, slots=True)
class Exponents:
    """Logarithms of the weights, [B, C, G, J, Q] unless said otherwise; no gradient.

    Token s weighs exp(rise_t + from_s) in y_t where `visible` (None: wherever s <= t), and
    exp(kept_s) in the chunk's last state; the state before the chunk weighs exp(carried_t) in y_t
    and exp(alpha) [B, C, G, J] in the last. m belongs to the outputs, last [B, G, J] to the final
    state.
    """

    rise: Tensor
    from_s: Tensor
    visible: Tensor | None
    carried: Tensor
    kept: Tensor
    alpha: Tensor
    m: Tensor | None
    last: Tensor

    def within(self) -> Tensor:
        """Of token s in y_t [B, C, G, J, Q, Q]; -inf where it is not visible."""
        size = self.rise.shape[-1]
        whole = self.rise[..., :, None] + self.from_s[..., None, :]
        visible = self.visible
        if visible is None:
            visible = torch.ones(size, size, dtype=torch.bool, device=whole.device).tril()
        return whole.masked_fill(~visible, float("-inf"))


def scan(x: Inputs, chunk: int) -> tuple[Tensor, State]:
    """`linear_scan` in torch."""
    dtype = x.dtype()
    batch, length, heads, _ = x.v.shape
    groups = x.q.shape[2]
    memory, m = start(x, dtype)
    size = min(chunk, length)
    pad = -length % size

    def cut(t: Tensor, value: float = 0.0) -> Tensor:
        """[B, L, ...] -> [B, C, Q, ...], padded at the end."""
        if pad:
            t = F.pad(t, [0, 0] * (t.dim() - 2) + [0, pad], value=value)
        out: Tensor = t.unflatten(1, (-1, size))
        return out

    v = cut((with_ones(x.v) if x.normalize else x.v).to(dtype))
    log_input = x.log_input
    if log_input is None and pad:
        log_input = torch.zeros_like(x.log_decay)
    gates = [cut(x.log_decay.to(dtype)), None]
    if log_input is not None:
        gates[1] = cut(log_input.to(dtype), float("-inf"))
    seq = None if x.seq_idx is None else _cut_seq(x.seq_idx, pad, size)
    q, k = cut(x.q.to(dtype)), cut(x.k.to(dtype))
    y, scale, memory, m = ChunkedScan.apply(  # type: ignore[no-untyped-call]
        q, k, v, *gates, memory, m.view(batch, groups, -1), seq, x.normalize
    )
    y = divide(y, scale) if x.normalize else y
    y = y.flatten(1, 2)[:, :length]
    return y.to(x.v.dtype), (memory, m.view(batch, heads))


def _cut_seq(seq: Tensor, pad: int, size: int) -> Tensor:
    last = seq[:, -1:].expand(-1, pad)  # padding belongs to the last document and carries its state
    out: Tensor = torch.cat([seq, last], dim=1).unflatten(1, (-1, size))
    return out


def exponents(
    a: Tensor, log_input: Tensor | None, m: Tensor, seq: Tensor | None, normalize: bool
) -> Exponents:
    """a, log_input [B, C, G, J, Q]; m [B, G, J] carried in; seq [B, C, Q]."""
    total = a[..., -1:]
    from_s = -a if log_input is None else log_input - a
    kept, carried, rise, alpha = total + from_s, a, a, total[..., 0]
    visible, starts = None, None
    if seq is not None:
        causal = torch.ones(a.shape[-1], a.shape[-1], dtype=torch.bool, device=a.device).tril()
        visible = causal & (seq[..., :, None] == seq[..., None, :])[:, :, None, None]
        kept = kept.masked_fill((seq != seq[..., -1:])[:, :, None, None], float("-inf"))
        before = torch.cat([seq[:, :1, 0], seq[:, :-1, -1]], dim=1)[..., None]  # [B, C, 1]
        starts = (seq != before)[:, :, None, None]  # what the carried state does not reach
    out, last = None, torch.zeros_like(m)
    if normalize:
        ends = _ends(alpha, kept.amax(-1).clamp_min(LOWEST), m, starts)
        last = ends[:, -1]
        enter = torch.cat([m[:, None], ends[:, :-1]], dim=1)
        enter_t = enter[..., None].expand_as(a)
        if starts is not None:
            enter_t = enter_t.masked_fill(starts, 0.0)
        if visible is None:
            highest = from_s.cummax(-1).values
        else:
            highest = from_s[..., None, :].where(visible, from_s.new_tensor(LOWEST)).amax(-1)
        out = a + torch.maximum(enter_t, highest)
        carried, rise = a + enter_t - out, a - out
        kept, alpha = kept - ends[..., None], alpha + enter - ends
    if starts is not None:
        carried = carried.masked_fill(starts, float("-inf"))
        alpha = alpha.masked_fill(starts[..., -1], float("-inf"))
    return Exponents(rise, from_s, visible, carried, kept, alpha, out, last)


def _ends(alpha: Tensor, highest: Tensor, m: Tensor, starts: Tensor | None) -> Tensor:
    """m after every chunk [B, C, G, J]; a document that begins anew begins at m = 0."""
    found = []
    for c in range(alpha.shape[1]):
        if starts is not None:
            m = m.masked_fill(starts[:, c, ..., -1], 0.0)
        m = torch.maximum(alpha[:, c] + m, highest[:, c])
        found.append(m)
    return torch.stack(found, dim=1)


class ChunkedScan(torch.autograd.Function):
    """The three passes. q, k [B, C, Q, G, N], v [B, C, Q, H, P], gates [B, C, Q, H].

    Gives y [B, C, Q, H, P] before the division, m of the outputs [B, C, Q, H], S and m at the end.
    """

    @staticmethod
    def forward(
        ctx: Any,
        q: Tensor,
        k: Tensor,
        v: Tensor,
        log_decay: Tensor,
        log_input: Tensor | None,
        memory: Tensor,
        m: Tensor,
        seq: Tensor | None,
        normalize: bool,
    ) -> tuple[Tensor, Tensor | None, Tensor, Tensor]:
        groups = q.shape[3]
        a = _heads_first(log_decay, groups).cumsum(-1)
        i = None if log_input is None else _heads_first(log_input, groups)
        e = exponents(a, i, m, seq, normalize)
        q, k = q.transpose(2, 3), k.transpose(2, 3)  # [B, C, G, Q, N]
        v_rows, v_heads = _by_row(v, groups), _by_head(v, groups)
        states = _states(k, v_rows, e, memory.unflatten(1, (groups, -1)))
        within = e.within()
        weights = (q @ k.mT).unsqueeze(3) * within.exp()
        carried = _rows(e.carried.exp())
        y = (q @ states[:, :-1].flatten(-2)).view_as(v_rows) * carried
        y += (weights @ v_heads).transpose(3, 4)
        ctx.save_for_backward(q, k, v_rows, states, weights, y, within, e.carried, e.kept)
        ctx.alpha, ctx.has_input = e.alpha, log_input is not None
        scale = None if e.m is None else _tokens_first(e.m)
        final = states[:, -1].transpose(2, 3).flatten(1, 2)  # [B, H, N, P]
        ctx.mark_non_differentiable(e.last, *(() if scale is None else (scale,)))
        return _natural(y), scale, final, e.last

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        q, k, v_rows, states, weights, y, within, carried, kept = ctx.saved_tensors
        groups = q.shape[2]
        dy_rows, dy_heads = _by_row(grads[0], groups), _by_head(grads[0], groups)
        v_heads = v_rows.transpose(3, 4).contiguous()
        # pass 3
        scores_grad = ((dy_heads @ v_heads.mT) * within.exp()).sum(3)  # [B, C, G, Q, Q]
        read = (dy_rows * _rows(carried.exp())).flatten(-2)
        dq = scores_grad @ k + read @ states[:, :-1].flatten(-2).mT
        dk = scores_grad.mT @ q
        dv = (weights.mT @ dy_heads).transpose(3, 4)  # [B, C, G, Q, J, P]
        # pass 2, from the last chunk to the first
        alpha = ctx.alpha.exp()[:, :, :, None, :, None]
        flow = torch.empty_like(states)
        flow[:, -1] = grads[2].unflatten(1, (groups, -1)).transpose(2, 3)
        into = (q.mT @ read).view_as(states[:, :-1])
        for c in reversed(range(len(into[0]))):
            torch.addcmul(into[:, c], alpha[:, c], flow[:, c + 1], out=flow[:, c])
        # pass 1
        out = flow[:, 1:].flatten(-2)
        weight = _rows(kept.exp())
        stored = v_rows * weight
        dk += stored.flatten(-2) @ out.mT
        dstored = (k @ out).view_as(v_rows)
        dv = dv + dstored * weight
        # gates: see the identity above
        di = (v_rows * dv).sum(-1)  # [B, C, G, Q, J]
        da = (y * dy_rows).sum(-1) - di
        da[..., -1, :] += (stored * dstored).sum((-1, -3))
        da[..., -1, :] += (alpha * states[:, :-1] * flow[:, 1:]).sum((-1, -3))
        dd = da.flip(3).cumsum(3).flip(3)
        return (
            dq.transpose(2, 3),
            dk.transpose(2, 3),
            _natural(dv),
            dd.transpose(2, 3).flatten(-2),
            di.transpose(2, 3).flatten(-2) if ctx.has_input else None,
            flow[:, 0].transpose(2, 3).flatten(1, 2),
            None,
            None,
            None,
        )


def _states(k: Tensor, v_rows: Tensor, e: Exponents, memory: Tensor) -> Tensor:
    """Passes 1 and 2: S before every chunk and after the last [B, C + 1, G, N, J, P]."""
    stored = (v_rows * _rows(e.kept.exp())).flatten(-2)
    fresh = (k.mT @ stored).unflatten(-1, v_rows.shape[-2:])
    alpha = e.alpha.exp()[:, :, :, None, :, None]
    batch, chunks = fresh.shape[:2]
    states = fresh.new_empty(batch, chunks + 1, *fresh.shape[2:])
    states[:, 0] = memory.transpose(2, 3)
    for c in range(chunks):
        torch.addcmul(fresh[:, c], alpha[:, c], states[:, c], out=states[:, c + 1])
    out: Tensor = states
    return out


def _heads_first(gate: Tensor, groups: int) -> Tensor:
    """[B, C, Q, H] -> [B, C, G, J, Q]."""
    out: Tensor = gate.movedim(2, 3).unflatten(2, (groups, -1)).contiguous()
    return out


def _tokens_first(gate: Tensor) -> Tensor:
    """[B, C, G, J, Q] -> [B, C, Q, H]."""
    return gate.flatten(2, 3).movedim(2, 3)


def _rows(gate: Tensor) -> Tensor:
    """[B, C, G, J, Q] -> [B, C, G, Q, J, 1]."""
    return gate.mT.unsqueeze(-1)


def _by_row(v: Tensor, groups: int) -> Tensor:
    """[B, C, Q, H, P] -> [B, C, G, Q, J, P]."""
    out: Tensor = v.unflatten(3, (groups, -1)).transpose(2, 3)
    return out


def _by_head(v: Tensor, groups: int) -> Tensor:
    """[B, C, Q, H, P] -> [B, C, G, J, Q, P]."""
    out: Tensor = v.movedim(2, 3).unflatten(2, (groups, -1)).contiguous()
    return out


def _natural(v: Tensor) -> Tensor:
    """[B, C, G, Q, J, P] -> [B, C, Q, H, P]."""
    return v.transpose(2, 3).flatten(3, 4)
