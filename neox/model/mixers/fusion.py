"""State space, matrix memory cells and retrieval in one recurrence: NeuroFlux 2.1, made sound.

The document's h_t = exp(D W_A x~) h + D W_B x~ x + sum_k alpha_k c_k, x~ = x + retrieve(h), taken
literally, may grow without bound and cannot be trained in parallel. Here, per head:

    x~_t  = x_t + W_R retrieve(x_t)        from what chunks before t's chunk have stored
    C_k,t = exp(-1/tau_k) C_k,t-1 + k_t v_t^T          K matrix memories, tau_k = 4^(k+1)
    S_t   = exp(D_t A_t) S_t-1 + B_t (D_t v_t + sum_k alpha_k q_t^T C_k,t-1)^T
    y_t   = C_t^T S_t

with A_t = -softplus(W_A x~_t) < 0 and D_t = softplus(.) > 0, so every decay is at most 1; the cells
are linear and read one token late, so both sums are scans; retrieval crosses chunk borders only, so
it is a matrix product per chunk and causal.

Shapes as in `ssd`; K cells; chunks of CHUNK tokens, counted from the beginning of the text.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from neox.kernels.linear_scan import linear_scan
from neox.model.config import ModelConfig
from neox.model.mixers.base import Recurrent, State
from neox.model.mixers.conv import ShortConv
from neox.model.mixers.retrieval import Archive, ArchiveState
from neox.model.norm import rms_norm


class Fusion(Recurrent):
    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.inner, self.size, self.heads = config.inner, config.state_size, config.state_heads
        self.cells = config.memory_cells
        self.archive = Archive(config.d_model, config.state_size)
        self.inputs = nn.Linear(
            config.d_model, 2 * self.inner + 4 * self.size + 2 * self.heads, bias=False
        )
        self.conv = ShortConv(self.inner + 4 * self.size, config.conv_taps)
        self.step_bias = nn.Parameter(torch.empty(self.heads))
        self.rate_bias = nn.Parameter(torch.empty(self.heads))
        self.mix = nn.Parameter(torch.empty(self.cells, self.heads))  # alpha
        self.skip = nn.Parameter(torch.empty(self.heads))
        self.out = nn.Linear(self.inner, config.d_model, bias=False)

    def initialise(self) -> None:
        with torch.no_grad():
            step = torch.empty_like(self.step_bias)
            step.uniform_(math.log(1e-3), math.log(1e-1)).exp_()
            self.step_bias.copy_(step + torch.log(-torch.expm1(-step)))
            rate = torch.empty_like(self.rate_bias).uniform_(1.0, 16.0)
            self.rate_bias.copy_(rate + torch.log(-torch.expm1(-rate)))
            self.mix.fill_(0.1 / self.cells)
            self.skip.fill_(1.0)

    def decays(self) -> Tensor:
        """log of each cell's decay [K]: memories of 4, 16, 64, ... tokens."""
        scales = 4.0 ** torch.arange(1, self.cells + 1, device=self.mix.device)
        return -1.0 / scales

    def scan(
        self, x: Tensor, state: State | None, pad: Tensor | None, delta: Tensor | None = None
    ) -> tuple[Tensor, State]:
        if pad is not None:
            x = x.masked_fill(pad[..., None], 0.0)
        stored: ArchiveState | None = None if state is None else state[6:]  # type: ignore[assignment]
        found, stored = self.archive(x, stored, pad)
        x = x + found
        gate, mixed, dt, rate = self.inputs(x).split(
            [self.inner, self.inner + 4 * self.size, self.heads, self.heads], dim=-1
        )
        mixed, tail = self.conv.scan(mixed, None if state is None else state[0])
        v, b, c, key, query = F.silu(mixed).split([self.inner, *[self.size] * 4], dim=-1)
        dt = F.softplus(dt + self.step_bias)
        if delta is not None:
            dt = dt * delta
        log_decay = -dt * F.softplus(rate + self.rate_bias)
        closed = None
        if pad is not None:
            closed = torch.zeros_like(dt).masked_fill(pad[..., None], float("-inf"))
            log_decay = log_decay.masked_fill(pad[..., None], 0.0)
        recall, cell = self._recall(query, key, v, closed, state)
        v = v.unflatten(-1, (self.heads, -1))
        carried = None if state is None else (state[1], state[2])
        y, carried = linear_scan(
            c.unsqueeze(2), b.unsqueeze(2), v * dt[..., None] + recall, log_decay, closed, carried
        )
        y = (y + v * self.skip[:, None]).flatten(-2)
        return self.out(rms_norm(y * F.silu(gate))), (tail, *carried, *cell, *stored)

    def _recall(
        self, query: Tensor, key: Tensor, v: Tensor, closed: Tensor | None, state: State | None
    ) -> tuple[Tensor, State]:
        """sum_k alpha_k q_t^T C_k,t-1 as [N, L, H, P]; the state is C, its zeros and the last
        key and value."""
        batch, length, _ = key.shape
        key = key * self.size**-0.5
        late = torch.cat([key, v], dim=-1)
        if closed is not None:  # what stood on padding must not enter one token late
            late = late.masked_fill((closed[..., :1] != 0), 0.0)
        first = late.new_zeros(batch, 1, late.shape[2]) if state is None else state[5]
        shifted = torch.cat([first, late], dim=1)
        key, value = shifted[:, :-1].split([self.size, self.inner], dim=-1)
        heads = value.unflatten(-1, (self.heads, -1)).repeat(1, 1, self.cells, 1)  # K blocks of H
        decay = self.decays().repeat_interleave(self.heads).expand(batch, length, -1)
        carried = None if state is None else (state[3], state[4])
        y, carried = linear_scan(query.unsqueeze(2), key.unsqueeze(2), heads, decay, None, carried)
        y = y.unflatten(2, (self.cells, self.heads)) * self.mix[..., None]
        return y.sum(2), (*carried, shifted[:, -1:])
