"""Sequence mixers by name. A new one is a file here and a line below."""

from __future__ import annotations

from torch import nn

from neox.model.config import ModelConfig
from neox.model.mixers.attention import Attention
from neox.model.mixers.fusion import Fusion
from neox.model.mixers.hyena import Hyena
from neox.model.mixers.mlstm import MatrixLSTM
from neox.model.mixers.ssd import StateSpace

MIXERS: dict[str, type[nn.Module]] = {
    "attention": Attention,
    "ssd": StateSpace,
    "mlstm": MatrixLSTM,
    "fusion": Fusion,
    "hyena": Hyena,
}


def build(kind: str, config: ModelConfig) -> nn.Module:
    """The mixer called `kind`; ValueError for an unknown one."""
    if kind not in MIXERS:
        raise ValueError(f"no mixer {kind!r}; known: {', '.join(MIXERS)}")
    return MIXERS[kind](config)
