"""Several processes, started by `torchrun` or `accelerate launch`, which name rank and world in the
environment.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import torch
from torch import distributed as dist

from neox.train.alone import Alone


def redmean(value: float, device: torch.device | str = "cpu") -> float:
    """The mean of a scalar over all ranks (NEOX 5.1)."""
    if not (dist.is_available() and dist.is_initialized()):
        return value
    total = torch.tensor(value, dtype=torch.float64, device=device)
    dist.all_reduce(total)
    return float(total) / dist.get_world_size()


@dataclass(frozen=True, slots=True)
class Ranks(Alone):
    """This process among several, which have met."""

    def gather(self, value: Any) -> list[Any]:
        found: list[Any] = [None] * self.world
        dist.all_gather_object(found, value)
        return found

    def sum_gradients(self, module: Any) -> None:
        for p in module.parameters():
            if p.grad is None:
                p.grad = torch.zeros_like(p)
            dist.all_reduce(p.grad)

    def sum_tensor(self, value: Any) -> None:
        dist.all_reduce(value)

    def wait(self) -> None:
        dist.barrier()


def join_ranks(timeout_s: float) -> Ranks:
    """Meet the other processes that the launcher has started."""
    cuda = torch.cuda.is_available()
    if cuda:
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
    # objects travel by gloo, gradients by nccl where there are GPUs
    backend = "cpu:gloo,cuda:nccl" if cuda else "gloo"
    dist.init_process_group(backend, timeout=timedelta(seconds=timeout_s))
    return Ranks(dist.get_rank(), dist.get_world_size())
