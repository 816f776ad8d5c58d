"""One layer: norm, attention, norm, mixture of experts, each added to the residual stream."""

from __future__ import annotations

from torch import Tensor, nn

from neox.model.cache import LayerCache
from neox.model.config import ModelConfig
from neox.model.mixers.attention import Attention
from neox.model.moe import MixtureOfExperts
from neox.model.norm import rms_norm


class Block(nn.Module):
    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.attention = Attention(config)
        self.moe = MixtureOfExperts(config)

    def forward(
        self, x: Tensor, cos: Tensor, sin: Tensor, mask: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """x [B, T, d] -> x [B, T, d] and the keys and values [B, K, T, D]."""
        y, k, v = self.attention(rms_norm(x), cos, sin, mask)
        x = x + y
        return x + self.moe(rms_norm(x).flatten(0, 1)).view_as(x), k, v

    def decode(self, x: Tensor, cos: Tensor, sin: Tensor, cache: LayerCache) -> Tensor:
        """One token per row: x [R, d] -> [R, d]."""
        x = x + self.attention.decode(rms_norm(x), cos, sin, cache)
        x = x + self.moe(rms_norm(x))
        return x
