"""Optimizers by name: AdamW, Muon, K-FAC and 8-bit AdamW. A new one is a file and a line here."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from neox.errors import InputError
from neox.optim.eight_bit import adamw8bit
from neox.optim.kfac import KFAC
from neox.optim.muon import Muon

__all__ = ["KFAC", "OPTIMIZERS", "Muon", "build"]

OPTIMIZERS: dict[str, Callable[..., torch.optim.Optimizer]] = {
    "adamw": lambda model, lr, **options: torch.optim.AdamW(
        model.parameters(), lr=lr, fused=True, **options
    ),
    "muon": lambda model, lr, **options: Muon(model, lr, **options),
    "kfac": lambda model, lr, **options: KFAC(model, lr, **options),
    "adamw8bit": lambda model, lr, **options: adamw8bit(model, lr, **options),
}


def build(name: str, model: nn.Module, lr: float, **options: object) -> torch.optim.Optimizer:
    """The optimizer called `name` over all trainable parameters of `model`."""
    if name not in OPTIMIZERS:
        raise InputError(f"no optimizer {name!r}", remedy="known: " + ", ".join(OPTIMIZERS))
    return OPTIMIZERS[name](model, lr, **options)
