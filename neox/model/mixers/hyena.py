"""Long convolution with gates, after Hyena (Poli et al. 2023, arXiv 2302.10866), order 2.

The filter is a small network of the lag times a decaying window, so it has a value at every lag and
does not depend on the length of the text. Convolving a whole sequence takes FFTs; a step reads the
whole history, so unlike the scans this mixer's memory and step time grow with the text.

Shapes: N sequences, L tokens, T tokens of history, W channels.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from neox.model.config import ModelConfig
from neox.model.mixers.base import Recurrent, State
from neox.model.mixers.conv import ShortConv

BANDS = 8  # sines and cosines of the lag that the filter's network sees
HIDDEN = 32
LONGEST = 8192.0  # period of the slowest band, tokens


class Hyena(Recurrent):
    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        width = config.d_model
        self.inputs = nn.Linear(width, 3 * width, bias=False)
        self.conv = ShortConv(3 * width, config.conv_taps)
        self.features = nn.Linear(2 * BANDS + 1, HIDDEN)
        self.filter = nn.Linear(HIDDEN, width, bias=False)
        self.log_rate = nn.Parameter(torch.empty(width))  # of the window, per token
        self.skip = nn.Parameter(torch.empty(width))
        self.out = nn.Linear(width, width, bias=False)

    def initialise(self) -> None:
        with torch.no_grad():
            self.features.bias.zero_()
            # windows from a few tokens to about a thousand
            self.log_rate.copy_(torch.linspace(math.log(1e-3), math.log(0.3), len(self.log_rate)))
            self.skip.fill_(1.0)

    def taps(self, length: int) -> Tensor:
        """The filter at lags 0 to length - 1: [W, length]."""
        lag = torch.arange(length, device=self.skip.device, dtype=self.skip.dtype)[:, None]
        rate = 2 * math.pi / LONGEST ** torch.linspace(0, 1, BANDS, device=lag.device)
        angle = lag * rate
        seen = torch.cat([angle.sin(), angle.cos(), torch.log1p(lag) / math.log(LONGEST)], dim=-1)
        window = (-lag * self.log_rate.exp()).exp()  # [length, W]
        out: Tensor = (self.filter(torch.sin(self.features(seen))) * window).mT
        return out

    def scan(
        self, x: Tensor, state: State | None, pad: Tensor | None, delta: Tensor | None = None
    ) -> tuple[Tensor, State]:
        if pad is not None:
            x = x.masked_fill(pad[..., None], 0.0)
        length = x.shape[1]
        mixed, tail = self.conv.scan(self.inputs(x), None if state is None else state[0])
        q, k, v = mixed.chunk(3, dim=-1)
        z = k * v
        if pad is not None:
            z = z.masked_fill(pad[..., None], 0.0)  # the short convolution's bias
        history = z if state is None else torch.cat([state[1], z], dim=1)
        y = self._convolve(history, length) + self.skip * z
        return self.out(q * y), (tail, history)

    def _convolve(self, history: Tensor, length: int) -> Tensor:
        """The last `length` outputs of the convolution over history [N, T, W]."""
        total = history.shape[1]
        taps = self.taps(total)
        if length == 1:
            return torch.einsum("ntw,wt->nw", history, taps.flip(1))[:, None]
        size = 2 * total  # no wrap-around
        spectrum = torch.fft.rfft(history.mT, size) * torch.fft.rfft(taps, size)
        out: Tensor = torch.fft.irfft(spectrum, size)[..., total - length : total].mT
        return out
