"""One layer: norm, mixer, norm, mixture of experts, each added to the residual stream."""

from __future__ import annotations

from typing import Any, cast

from torch import Tensor, nn

from neox.model.cache import Cache
from neox.model.config import ModelConfig
from neox.model.hypernet import HyperNetwork
from neox.model.mixers import build
from neox.model.mixers.base import Context, Mixer, Recurrent
from neox.model.moe import MixtureOfExperts
from neox.model.norm import rms_norm


class Block(nn.Module):
    """The mixer's parameters stand under its kind (`ssd.out.weight`), so that a training phase can
    freeze all of one kind by name."""

    def __init__(self, config: ModelConfig, layer: int = 0) -> None:
        super().__init__()
        self.kind, self.eps = config.mixer(layer), config.norm_eps
        self.add_module(self.kind, build(self.kind, config))
        self.moe = MixtureOfExperts(config)
        self.hyper = HyperNetwork(config) if config.hyper else None

    @property
    def mixer(self) -> Mixer:
        return cast(Mixer, getattr(self, self.kind))

    def _factors(self, x: Tensor) -> dict[str, Tensor]:
        return self.hyper(x) if self.hyper is not None else {}

    def _mix(self, y: Tensor, step: Tensor | None, method: Any, *args: Any) -> Any:
        if step is not None and isinstance(self.mixer, Recurrent):
            return method(y, *args, delta=step)
        return method(y, *args)

    def forward(self, x: Tensor, context: Context) -> tuple[Tensor, Any]:
        """x [B, T, d] -> x [B, T, d] and what the mixer's cache needs."""
        normed = rms_norm(x, self.eps)
        factors = self._factors(normed)
        y, memory = self._mix(normed, factors.get("step"), self.mixer, context)
        x = x + y
        temperature = factors.get("temperature")
        flat = None if temperature is None else temperature.flatten(0, 1)
        return x + self.moe(rms_norm(x, self.eps).flatten(0, 1), flat).view_as(x), memory

    def decode(self, x: Tensor, context: Context, cache: Cache) -> Tensor:
        """One token per row: x [R, d] -> [R, d]."""
        normed = rms_norm(x, self.eps)
        factors = self._factors(normed)
        x = x + self._mix(normed, factors.get("step"), self.mixer.decode, context, cache)
        x = x + self.moe(rms_norm(x, self.eps), factors.get("temperature"))
        return x

    def extend(self, x: Tensor, state: Any) -> tuple[Tensor, Any]:
        """The next stretch of a text: x [N, L, d] after the mixer's state (None at first)."""
        assert isinstance(self.mixer, Recurrent), f"{self.kind} keeps no state of constant size"
        normed = rms_norm(x, self.eps)
        factors = self._factors(normed)
        y, state = self.mixer.scan(normed, state, None, factors.get("step"))
        x = x + y
        temperature = factors.get("temperature")
        flat = None if temperature is None else temperature.flatten(0, 1)
        return x + self.moe(rms_norm(x, self.eps).flatten(0, 1), flat).view_as(x), state
