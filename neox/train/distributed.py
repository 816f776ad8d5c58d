"""Averages over ranks. One process needs no set-up: every function then returns its argument."""

from __future__ import annotations

import torch
from torch import distributed as dist


def redmean(value: float, device: torch.device | str = "cpu") -> float:
    """The mean of a scalar over all ranks (NEOX 5.1)."""
    if not (dist.is_available() and dist.is_initialized()):
        return value
    total = torch.tensor(value, dtype=torch.float64, device=device)
    dist.all_reduce(total)
    return float(total) / dist.get_world_size()
