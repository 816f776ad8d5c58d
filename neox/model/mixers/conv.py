"""A short causal convolution per channel, with the last inputs as its state.

Shapes: N sequences, L tokens, W channels, K taps.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class ShortConv(nn.Module):
    """y_t = sum_j w_j x_{t-j} + b over K taps; `weight` [W, K] starts near the identity."""

    def __init__(self, width: int, taps: int) -> None:
        super().__init__()
        self.taps = taps
        self.weight = nn.Parameter(torch.empty(width, taps))
        self.bias = nn.Parameter(torch.empty(width))

    def initialise(self) -> None:
        with torch.no_grad():
            self.weight.normal_(std=self.taps**-0.5)
            self.weight[:, -1] += 1.0
            self.bias.zero_()

    def scan(self, x: Tensor, tail: Tensor | None) -> tuple[Tensor, Tensor]:
        """x [N, L, W] after `tail` [N, K - 1, W] (None: zeros) -> y [N, L, W] and the new tail."""
        length = x.shape[1]
        if tail is None:
            tail = x.new_zeros(len(x), self.taps - 1, x.shape[2])
        whole = torch.cat([tail, x], dim=1)
        y = torch.addcmul(self.bias, whole[:, :length], self.weight[:, 0])
        for j in range(1, self.taps):
            y = torch.addcmul(y, whole[:, j : j + length], self.weight[:, j])
        return y, whole[:, length:]
