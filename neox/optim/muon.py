"""Muon: the momentum of a matrix, made nearly orthogonal, as its step (Jordan et al. 2024).

torch's own Muon takes matrices only. This one takes a whole model: matrices and stacks of matrices
(experts) by Newton-Schulz, everything else and the embedding and head by AdamW.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

# Quintic whose five steps take any singular value in [0.01, 1] into about [0.7, 1.2] (Jordan).
QUINTIC = (3.4445, -4.7750, 2.0315)
# Coefficients that converge to exactly one, for tests and for who wants the polar factor itself.
CUBIC = (1.5, -0.5, 0.0)


def newton_schulz(
    matrix: Tensor, steps: int = 5, coefficients: tuple[float, float, float] = QUINTIC
) -> Tensor:
    """The nearest orthogonal matrix to [..., m, n], by X <- a X + b X X^T X + c (X X^T)^2 X.

    Rectangular matrices get orthonormal rows or columns, whichever are fewer.
    """
    a, b, c = coefficients
    tall = matrix.shape[-2] > matrix.shape[-1]
    x = matrix.mT if tall else matrix
    x = x / x.norm(dim=(-2, -1), keepdim=True).clamp_min(torch.finfo(x.dtype).tiny)
    for _ in range(steps):
        gram = x @ x.mT
        x = a * x + (b * gram + c * gram @ gram) @ x
    out: Tensor = x.mT if tall else x
    return out


def is_matrix(name: str, parameter: Tensor) -> bool:
    """Hidden matrices and stacks of them; not embeddings, heads, biases or filters' taps."""
    outer = ("embedding" in name) or name.startswith("head") or ("conv" in name)
    return parameter.dim() in (2, 3) and not outer and min(parameter.shape[-2:]) > 1


def adam_move(
    state: dict[str, Any], grad: Tensor, beta1: float = 0.9, beta2: float = 0.95
) -> Tensor:
    """Adam's direction for one parameter, whose moments are in `state`."""
    if not state:
        state["step"] = torch.zeros((), dtype=torch.float32)
        state["mean"], state["square"] = torch.zeros_like(grad), torch.zeros_like(grad)
    state["step"] += 1
    t = float(state["step"])
    state["mean"].lerp_(grad, 1 - beta1)
    state["square"].lerp_(grad.square(), 1 - beta2)
    scale = (state["square"] / (1 - beta2**t)).sqrt() + 1e-8
    out: Tensor = (state["mean"] / (1 - beta1**t)) / scale
    return out


class Muon(torch.optim.Optimizer):
    """lr is that of matrices, relative to AdamW's update size; `adam_lr` is for the rest.

    The step is scaled by 0.2 sqrt(max(m, n)), which gives it AdamW's root mean square (Liu et al.
    2025, arXiv 2502.16982), so one learning rate fits both parts.
    """

    def __init__(
        self,
        model: nn.Module,
        lr: float,
        *,
        momentum: float = 0.95,
        weight_decay: float = 0.0,
        adam_lr: float | None = None,
        steps: int = 5,
    ) -> None:
        named = [(n, p) for n, p in model.named_parameters() if p.requires_grad]
        matrices = [p for n, p in named if is_matrix(n, p)]
        rest = [p for n, p in named if not is_matrix(n, p)]
        groups: list[dict[str, Any]] = [
            {"params": matrices, "lr": lr, "matrix": True},
            {"params": rest, "lr": lr if adam_lr is None else adam_lr, "matrix": False},
        ]
        defaults = {"momentum": momentum, "weight_decay": weight_decay, "steps": steps}
        super().__init__([g for g in groups if g["params"]], defaults)

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is None:
                    continue
                p.mul_(1 - group["lr"] * group["weight_decay"])
                move = (
                    self._matrix(p, group) if group["matrix"] else adam_move(self.state[p], p.grad)
                )
                p.add_(move, alpha=-group["lr"])
        return loss

    def _matrix(self, p: Tensor, group: dict[str, Any]) -> Tensor:
        state = self.state[p]
        grad = p.grad
        assert grad is not None
        if not state:
            state["momentum"] = torch.zeros_like(p)
        state["momentum"].lerp_(grad, 1 - group["momentum"])
        ahead = grad.lerp(state["momentum"], group["momentum"])  # Nesterov
        out: Tensor = newton_schulz(ahead, group["steps"]) * (0.2 * max(p.shape[-2:]) ** 0.5)
        return out
