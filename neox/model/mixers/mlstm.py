"""The mLSTM of xLSTM (Beck et al. 2024, arXiv 2405.04517) with the gates of xLSTM-7B (2503.13427).

A matrix memory with an exponential input gate, a sigmoid forget gate and a normaliser. Gates are
soft-capped, the input gate starts nearly closed and the output is normalised per head: the recipe
that keeps gradients quiet.

Shapes as in `ssd`; every head has its own q and k of width S.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from neox.kernels.linear_scan import linear_scan
from neox.model.config import ModelConfig
from neox.model.mixers.base import Recurrent, State
from neox.model.mixers.conv import ShortConv
from neox.model.norm import rms_norm

CAP = 15.0  # gates saturate softly here, as in xLSTM-7B


class MatrixLSTM(Recurrent):
    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.inner, self.size, self.heads = config.inner, config.state_size, config.state_heads
        self.inputs = nn.Linear(config.d_model, 2 * self.inner, bias=False)
        self.conv = ShortConv(self.inner, config.conv_taps)
        self.queries = nn.Linear(self.inner, 2 * self.heads * self.size, bias=False)
        self.gates = nn.Linear(self.inner, 2 * self.heads)
        self.out = nn.Linear(self.inner, config.d_model, bias=False)

    def initialise(self) -> None:
        with torch.no_grad():
            self.gates.weight.mul_(0.1)
            self.gates.bias[: self.heads] = -2.0  # input
            self.gates.bias[self.heads :] = torch.linspace(3.0, 6.0, self.heads)  # forget

    def scan(
        self, x: Tensor, state: State | None, pad: Tensor | None, delta: Tensor | None = None
    ) -> tuple[Tensor, State]:
        if pad is not None:
            x = x.masked_fill(pad[..., None], 0.0)
        gate, value = self.inputs(x).chunk(2, dim=-1)
        mixed, tail = self.conv.scan(value, None if state is None else state[0])
        mixed = F.silu(mixed)
        q, k = self.queries(mixed).unflatten(-1, (2 * self.heads, self.size)).chunk(2, dim=-2)
        gates = CAP * torch.tanh(self.gates(mixed) / CAP)
        log_input, forget = gates.chunk(2, dim=-1)
        log_decay = F.logsigmoid(forget)
        if delta is not None:
            log_decay = log_decay * delta
        if pad is not None:
            log_decay = log_decay.masked_fill(pad[..., None], 0.0)
            log_input = log_input.masked_fill(pad[..., None], float("-inf"))
        v = value.unflatten(-1, (self.heads, -1))
        carried = None if state is None else (state[1], state[2])
        y, carried = linear_scan(
            q, k * self.size**-0.5, v, log_decay, log_input, carried, normalize=True
        )
        y = rms_norm(y).flatten(-2)
        return self.out(y * F.silu(gate)), (tail, *carried)
