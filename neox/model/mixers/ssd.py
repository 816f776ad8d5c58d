"""Selective state space, in the form of Mamba-2 (SSD: Dao and Gu 2024, arXiv 2405.21060).

Per head a state S_t = exp(dt_t A) S_{t-1} + dt_t B_t x_t^T is read by C_t; A = -exp(a) is negative
and dt = softplus(.) positive, so no state can grow. B and C are shared by all heads.

Shapes: N sequences, L tokens, I = expand * d inner width, H heads of width P = I / H, S state size.
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
from neox.model.norm import rms_norm

STEPS = (1e-3, 1e-1)  # dt starts log-uniformly in this range, as in the paper


class StateSpace(Recurrent):
    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.inner, self.size = config.inner, config.state_size
        self.heads = config.state_heads
        self.inputs = nn.Linear(
            config.d_model, 2 * self.inner + 2 * self.size + self.heads, bias=False
        )
        self.conv = ShortConv(self.inner + 2 * self.size, config.conv_taps)
        self.step_bias = nn.Parameter(torch.empty(self.heads))
        self.log_rate = nn.Parameter(torch.empty(self.heads))  # a; A = -exp(a)
        self.skip = nn.Parameter(torch.empty(self.heads))
        self.out = nn.Linear(self.inner, config.d_model, bias=False)

    def initialise(self) -> None:
        with torch.no_grad():
            low, high = (math.log(s) for s in STEPS)
            step = torch.empty_like(self.step_bias).uniform_(low, high).exp()
            self.step_bias.copy_(step + torch.log(-torch.expm1(-step)))  # softplus inverse
            self.log_rate.uniform_(0.0, math.log(16.0))
            self.skip.fill_(1.0)

    def scan(
        self, x: Tensor, state: State | None, pad: Tensor | None, delta: Tensor | None = None
    ) -> tuple[Tensor, State]:
        if pad is not None:
            x = x.masked_fill(pad[..., None], 0.0)
        gate, mixed, dt = self.inputs(x).split(
            [self.inner, self.inner + 2 * self.size, self.heads], dim=-1
        )
        mixed, tail = self.conv.scan(mixed, None if state is None else state[0])
        v, k, q = F.silu(mixed).split([self.inner, self.size, self.size], dim=-1)
        v = v.unflatten(-1, (self.heads, -1))
        dt = F.softplus(dt + self.step_bias)  # [N, L, H]
        if delta is not None:
            dt = dt * delta
        log_decay, log_input = -dt * self.log_rate.exp(), None
        if pad is not None:
            log_decay = log_decay.masked_fill(pad[..., None], 0.0)
            log_input = torch.zeros_like(dt).masked_fill(pad[..., None], float("-inf"))
        carried = None if state is None else (state[1], state[2])
        y, carried = linear_scan(
            q.unsqueeze(2), k.unsqueeze(2), v * dt[..., None], log_decay, log_input, carried
        )
        y = (y + v * self.skip[:, None]).flatten(-2)
        return self.out(rms_norm(y * F.silu(gate))), (tail, *carried)
