"""How a model of transformers is held: settings that need no library to be written down."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Lora:
    """An adapter of this rank on the named linear layers; alpha / rank is its scale."""

    rank: int
    alpha: float = 32.0
    targets: tuple[str, ...] = ("all-linear",)


@dataclass(frozen=True, slots=True)
class Settings:
    """How a model is held: dtype of its weights, attention, activation checkpointing, sampler."""

    dtype: Literal["float32", "bfloat16"] = "float32"
    attention: str = "sdpa"
    checkpointing: bool = False
    engine: Literal["native", "transformers"] = "native"
