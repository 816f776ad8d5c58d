"""A hypernetwork: three bounded scalars per token, read from the hidden state (NeuroFlux 3.1).

Step factor D in (0, 2), entropy coefficient L in (0, 1), gate temperature T in (1/2, 2). All start
at their neutral value (1, about 0.02, 1), so that switching it on changes nothing at first. Which
of them act is configuration; the others are constants. Means are kept for the log.

The entropy coefficient must not be trained on the loss that it scales (it would only learn to be
zero); callers detach it.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from neox.model.config import ModelConfig

QUIET = -4.0  # sigmoid(-4) = 0.018: the entropy coefficient at first


class HyperNetwork(nn.Module):
    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.active = config.hyper
        self.net = nn.Linear(config.d_model, 3)
        self.means: dict[str, Tensor] = {}

    def initialise(self) -> None:
        with torch.no_grad():
            self.net.weight.zero_()
            self.net.bias.copy_(torch.tensor([0.0, QUIET, 0.0]))

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """x [..., d] -> those of step, entropy, temperature that act, each [..., 1]."""
        step, entropy, temperature = self.net(x).unsqueeze(-2).unbind(-1)
        every: dict[str, Tensor] = {
            "step": 2 * torch.sigmoid(step),
            "entropy": torch.sigmoid(entropy),
            "temperature": torch.exp2(torch.tanh(temperature)),
        }
        found = {str(name): every[name] for name in self.active}
        self.means = {name: value.detach().mean() for name, value in found.items()}
        return found
