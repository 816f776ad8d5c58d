"""What ranks must agree on: sums, maxima and gathered values.

One process needs no set-up: every function then returns its argument. Several are started by
`torchrun` or `accelerate launch`, which name rank and world in the environment.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import torch
from torch import distributed as dist


def redmean(value: float, device: torch.device | str = "cpu") -> float:
    """The mean of a scalar over all ranks (NEOX 5.1)."""
    if not (dist.is_available() and dist.is_initialized()):
        return value
    total = torch.tensor(value, dtype=torch.float64, device=device)
    dist.all_reduce(total)
    return float(total) / dist.get_world_size()


@dataclass(frozen=True, slots=True)
class Ranks:
    """This process among `world` of them."""

    rank: int = 0
    world: int = 1

    @property
    def first(self) -> bool:
        return self.rank == 0

    def part(self, count: int) -> range:
        """The numbers below `count` that are this rank's: a stretch, as even as can be."""
        return range(self.rank * count // self.world, (self.rank + 1) * count // self.world)

    def gather(self, value: Any) -> list[Any]:
        """Every rank's value, in order of the ranks."""
        if self.world == 1:
            return [value]
        found: list[Any] = [None] * self.world
        dist.all_gather_object(found, value)
        return found

    def join(self, values: list[Any]) -> list[Any]:
        """The lists of all ranks as one."""
        return values if self.world == 1 else [x for part in self.gather(values) for x in part]

    def sum(self, value: float) -> float:
        return value if self.world == 1 else float(sum(self.gather(value)))

    def max(self, value: int) -> int:
        return value if self.world == 1 else int(max(self.gather(value)))

    def any(self, value: bool) -> bool:
        return value if self.world == 1 else any(self.gather(value))

    def sums(self, values: Mapping[str, float]) -> dict[str, float]:
        """Each name's sum; a rank may lack some names."""
        if self.world == 1:
            return dict(values)
        total: dict[str, float] = {}
        for part in self.gather(dict(values)):
            for name, value in part.items():
                total[name] = total.get(name, 0.0) + value
        return total

    def sum_gradients(self, module: torch.nn.Module) -> None:
        """For a module that every rank holds whole."""
        if self.world > 1:
            for p in module.parameters():
                if p.grad is None:
                    p.grad = torch.zeros_like(p)
                dist.all_reduce(p.grad)

    def wait(self) -> None:
        if self.world > 1:
            dist.barrier()


def launched() -> bool:
    """Whether a launcher has started this process as one of several."""
    return int(os.environ.get("WORLD_SIZE", "1")) > 1


def join_ranks(timeout_s: float) -> Ranks:
    """Meet the other ranks; alone where there are none."""
    if not launched():
        return Ranks()
    cuda = torch.cuda.is_available()
    if cuda:
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
    # objects travel by gloo, gradients by nccl where there are GPUs
    backend = "cpu:gloo,cuda:nccl" if cuda else "gloo"
    dist.init_process_group(backend, timeout=timedelta(seconds=timeout_s))
    return Ranks(dist.get_rank(), dist.get_world_size())
