"""A policy's parameters spread over ranks, and whole copies of them where one is needed.

`fully_shard` (FSDP2) is called directly: each block, then the whole; the optimizer is made after
that, so its moments are spread too. Sampling, evaluation and saving use a whole copy whose weights
exist only inside a `with` block. Knows nothing about losses.
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.distributed.device_mesh import DeviceMesh, init_device_mesh
from torch.distributed.fsdp import MixedPrecisionPolicy, fully_shard
from torch.distributed.tensor import DTensor, Shard, distribute_tensor

from neox.errors import InputError
from neox.policy.base import Policy
from neox.train.alone import Alone

SLACK = 1.1  # a rank may hold this many times its even share


class Sharded:
    """`policy` spread over the ranks; `whole()` lends a complete copy of it."""

    def __init__(self, policy: Policy, ranks: Alone, *, bf16: bool = False) -> None:
        self.policy, self.ranks = policy, ranks
        tokenizer = policy.tokenizer
        self._copy: Policy = copy.deepcopy(policy, {id(tokenizer): tokenizer})
        self._copy.module.requires_grad_(False)
        device = next(policy.module.parameters()).device.type
        self.mesh: DeviceMesh = init_device_mesh(device, (ranks.world,), mesh_dim_names=("dp",))
        precision = MixedPrecisionPolicy()
        if bf16:
            precision = MixedPrecisionPolicy(torch.bfloat16, torch.float32)
        # a block may return a view of its sum; nobody writes into it
        warnings.filterwarnings("ignore", "FSDP2-wrapped module .* returned a view", UserWarning)
        for module in (*policy.blocks(), policy.root()):
            fully_shard(module, mesh=self.mesh, mp_policy=precision, shard_placement_fn=self._along)
        self._check()
        self._release()

    def _along(self, p: nn.Parameter) -> Shard | None:
        """The dimension to cut: the first, or one that divides where the first does not (a layer
        with one expert)."""
        world = self.ranks.world
        fitting = [d for d, size in enumerate(p.shape) if size % world == 0]
        return Shard(fitting[0]) if fitting else None

    def _check(self) -> None:
        """Every parameter must be spread; each rank holds its share and no more."""
        parameters = dict(self.policy.module.named_parameters())
        plain = [name for name, p in parameters.items() if not isinstance(p, DTensor)]
        if plain:
            raise InputError(f"not sharded over the ranks: {', '.join(plain[:3])}")
        held = sum(local(p).numel() for p in parameters.values())
        even = sum(p.numel() for p in parameters.values()) / self.ranks.world
        worst = max(self.ranks.gather(held)) / even
        if worst > SLACK:
            raise InputError(
                f"a rank would hold {worst:.2f} times its even share of the parameters",
                remedy="use fewer ranks, or a model whose first dimensions divide by them",
            )

    def _check_moments(self, optimizer: torch.optim.Optimizer) -> None:
        """The moments must be spread as the parameters are."""
        for p, slots in optimizer.state.items():
            for name, value in slots.items():
                if value.numel() > 1 and local(value).numel() != local(p).numel():
                    raise InputError(f"the optimizer's {name} is not sharded over the ranks")

    @contextmanager
    def whole(self) -> Iterator[Policy]:
        """A complete copy on every rank; all ranks must enter and leave together."""
        mine = self._copy.module
        for p, part in zip(mine.parameters(), self.policy.module.parameters(), strict=True):
            p.data = full(part)
        for b, other in zip(mine.buffers(), self.policy.module.buffers(), strict=True):
            b.copy_(other)
        for now, before in zip(mine.modules(), self.policy.module.modules(), strict=False):
            if hasattr(now, "uniform"):
                now.uniform = before.uniform
        try:
            yield self._copy
        finally:
            self._release()

    def _release(self) -> None:
        for p in self._copy.module.parameters():
            p.data = p.data.new_empty(0)

    def save_optimizer(self, optimizer: torch.optim.Optimizer, file: Path) -> None:
        """As one file of whole tensors, so that any number of ranks can go on from it."""
        self._check_moments(optimizer)
        tensors: dict[str, Tensor] = {}
        for index, slots in optimizer.state_dict()["state"].items():
            for name, value in slots.items():
                tensors[f"{index}.{name}"] = full(torch.as_tensor(value)).contiguous()
        if self.ranks.first:
            save_file(tensors, file)

    def load_optimizer(self, optimizer: torch.optim.Optimizer, file: Path) -> None:
        parameters = [p for group in optimizer.param_groups for p in group["params"]]
        state: dict[int, dict[str, Any]] = {}
        for key, value in load_file(file).items():
            index, _, name = key.partition(".")
            p = parameters[int(index)]
            spread = value.dim() > 0 and isinstance(p, DTensor)
            if spread:
                value = distribute_tensor(value, self.mesh, p.placements)
            state.setdefault(int(index), {})[name] = value
        optimizer.load_state_dict({**optimizer.state_dict(), "state": state})


def local(x: Tensor) -> Tensor:
    """What this rank holds of a tensor."""
    return x.to_local() if isinstance(x, DTensor) else x


def full(x: Tensor) -> Tensor:
    """The whole tensor; where it is spread, all ranks must ask."""
    x = x.detach()
    return x.full_tensor() if isinstance(x, DTensor) else x


def sum_loads(module: nn.Module, ranks: Alone) -> None:
    """The experts' loads of all ranks, so that all balance alike."""
    for name, buffer in module.named_buffers():
        if name.endswith("load"):
            ranks.sum_tensor(buffer)
