"""K-FAC: the natural gradient with a Kronecker-factored Fisher matrix (Martens and Grosse 2015).

For a linear layer with inputs a and output gradients s, F is about A (x) S with A = E[a a^T] and
S = E[s s^T], so the natural gradient of its weight is S^-1 G A^-1. With the eigenvectors of both
factors the damped inverse is exact, (S (x) A + damping)^-1, at the price of two products more
(Ba et al. 2017, "eigenvalue damping"). Factors are running means, decomposed every `refresh` steps:
that is where the time is. The step is scaled so that its KL divergence under the model's own Fisher
matrix, lr^2 sum_g(natural . gradient), stays within `kl` (the trust region of ACKTR, Wu et al.
2017, arXiv 1708.05144). Parameters outside linear layers take a plain Adam step.

Statistics are those of the gradients of the loss as given (the empirical Fisher matrix) unless the
caller backpropagates a loss on sampled targets under `sampling()`, which gives the true one. The
loss must be a mean over rows; the factor S is of per-row gradients, so it is scaled back by their
number.

Shapes: T rows (tokens), n inputs, m outputs of a layer.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from neox.kernels.kfac_precondition import precondition
from neox.optim.muon import adam_move


@dataclass
class Factors:
    """Of one layer: running A [n, n] and S [m, m] with their eigenvalues and eigenvectors."""

    inputs: Tensor | None = None
    outputs: Tensor | None = None
    weight: float = 0.0  # of all observations in the running means so far
    eig_a: tuple[Tensor, Tensor] = field(default_factory=lambda: (torch.empty(0),) * 2)
    eig_s: tuple[Tensor, Tensor] = field(default_factory=lambda: (torch.empty(0),) * 2)

    def observe(self, a: Tensor, s: Tensor, decay: float) -> None:
        """One batch of inputs [T, n] and per-row output gradients [T, m]."""
        first, second = a.mT @ a / len(a), s.mT @ s / len(s)
        if self.inputs is None or self.outputs is None:
            self.inputs, self.outputs = torch.zeros_like(first), torch.zeros_like(second)
        self.inputs.lerp_(first, 1 - decay)
        self.outputs.lerp_(second, 1 - decay)
        self.weight = self.weight * decay + (1 - decay)

    def decompose(self) -> None:
        assert self.inputs is not None
        assert self.outputs is not None
        self.eig_a = tuple(torch.linalg.eigh(self.inputs / self.weight))
        self.eig_s = tuple(torch.linalg.eigh(self.outputs / self.weight))


class KFAC(torch.optim.Optimizer):
    def __init__(
        self,
        model: nn.Module,
        lr: float,
        *,
        damping: float = 1e-3,
        kl: float | None = 1e-3,
        decay: float = 0.95,
        refresh: int = 10,
        every: int = 1,
        adam_lr: float | None = None,
        skip: tuple[str, ...] = (),
    ) -> None:
        """refresh: steps between decompositions; every: steps between observations; skip: names of
        linear layers to leave to Adam (the head of a large vocabulary)."""
        layers = {
            name: m
            for name, m in model.named_modules()
            if isinstance(m, nn.Linear)
            and m.weight.requires_grad
            and not any(s in name for s in skip)
        }
        covered = [p for m in layers.values() for p in m.parameters()]
        ids = {id(p) for p in covered}
        rest = [p for p in model.parameters() if p.requires_grad and id(p) not in ids]
        groups = [{"params": covered, "lr": lr, "kronecker": True}]
        groups.append({"params": rest, "lr": adam_lr or lr, "kronecker": False})
        super().__init__([g for g in groups if g["params"]], {})
        self.layers = layers
        self.factors = {name: Factors() for name in layers}
        self.damping, self.kl, self.decay = damping, kl, decay
        self.refresh, self.every = refresh, every
        self.steps = 0
        self.last_scale = 1.0  # of the last step, by the trust region
        self._observing = True
        self._inputs: dict[str, Tensor] = {}
        for name, layer in layers.items():
            layer.register_forward_hook(self._keep_inputs(name))

    def _keep_inputs(self, name: str) -> Callable[..., None]:
        def hook(layer: nn.Module, args: tuple[Tensor, ...], output: Tensor) -> None:
            due = self._observing and self.steps % self.every == 0
            if not (due and output.requires_grad):
                return
            a = args[0].detach().flatten(0, -2)
            if isinstance(layer, nn.Linear) and layer.bias is not None:
                a = torch.cat([a, torch.ones_like(a[:, :1])], dim=1)

            def observe(grad: Tensor) -> None:
                s = grad.detach().flatten(0, -2)
                self.factors[name].observe(a, s * len(s), self.decay)

            output.register_hook(observe)

        return hook

    @contextmanager
    def sampling(self) -> Iterator[None]:
        """Only what is backpropagated in here counts as statistics, for good."""
        self._observing = True
        try:
            yield
        finally:
            self._observing = False

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        if self.steps % self.refresh == 0:
            for f in self.factors.values():
                if f.weight:
                    f.decompose()
        self.steps += 1
        for group in self.param_groups:
            if group["kronecker"]:
                self._natural_step(group["lr"])
            else:
                for p in group["params"]:
                    if p.grad is not None:
                        p.add_(adam_move(self.state[p], p.grad), alpha=-group["lr"])
        return loss

    def _natural_step(self, lr: float) -> None:
        moves: list[tuple[nn.Linear, Tensor]] = []
        predicted = 0.0
        for name, layer in self.layers.items():
            grad = layer.weight.grad
            if grad is None or not self.factors[name].weight:
                continue
            if layer.bias is not None and layer.bias.grad is not None:
                grad = torch.cat([grad, layer.bias.grad[:, None]], dim=1)
            factors = self.factors[name]
            move = precondition(grad, *factors.eig_s, *factors.eig_a, self.damping)
            predicted += float((move * grad).sum())
            moves.append((layer, move))
        self.last_scale = 1.0
        if self.kl is not None and predicted > 0:
            # KL is about lr^2 / 2 times the sum; ACKTR bounds it by `kl`
            self.last_scale = min(1.0, (2 * self.kl / (lr * lr * predicted)) ** 0.5)
        for layer, move in moves:
            width = layer.weight.shape[1]
            layer.weight.add_(move[:, :width], alpha=-lr * self.last_scale)
            if move.shape[1] > width:
                layer.bias.add_(move[:, width], alpha=-lr * self.last_scale)

    def state_dict(self) -> dict[str, Any]:
        """Moments, factors and their decompositions."""
        factors = {n: vars(f) for n, f in self.factors.items()}
        return {**super().state_dict(), "factors": factors, "steps": self.steps}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        rest = dict(state_dict)
        self.steps = rest.pop("steps")
        for name, saved in rest.pop("factors").items():
            self.factors[name] = Factors(**copy.deepcopy(saved))
        super().load_state_dict(rest)
