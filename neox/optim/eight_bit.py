"""AdamW whose moments are stored in 8 bits, from torchao where that is installed."""

from __future__ import annotations

import importlib

import torch
from torch import nn

from neox.errors import InputError


def adamw8bit(model: nn.Module, lr: float, **options: object) -> torch.optim.Optimizer:
    """torchao's AdamW8bit; InputError naming the package where it is missing."""
    try:
        module = importlib.import_module("torchao.optim")
    except ImportError:
        raise InputError(
            "adamw8bit needs torchao, which is not installed", remedy="pip install torchao"
        ) from None
    optimizer: torch.optim.Optimizer = module.AdamW8bit(model.parameters(), lr=lr, **options)
    return optimizer
