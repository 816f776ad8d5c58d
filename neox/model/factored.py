"""Linear layers with fewer numbers: a product of two thin matrices, or a Tucker decomposition.

Tucker (NEOX 1.1) folds the [m, n] weight into a tensor [m1, m2, n1, n2] and writes it as a small
core multiplied by one factor matrix along each side; low rank is the plain form to compare with at
equal numbers. `compress` replaces a model's linear layers, starting from their weights.

Shapes: m outputs, n inputs, m = m1 m2 and n = n1 n2; r ranks.
"""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

Kind = Literal["low-rank", "tucker"]


class LowRankLinear(nn.Module):
    """y = U (V x) + b with U [m, r] and V [r, n], by the truncated SVD of a weight."""

    def __init__(self, weight: Tensor, bias: Tensor | None, rank: int) -> None:
        super().__init__()
        u, s, vh = torch.linalg.svd(weight.detach(), full_matrices=False)
        root = s[:rank].sqrt()
        self.up = nn.Parameter(u[:, :rank] * root)
        self.down = nn.Parameter(vh[:rank] * root[:, None])
        self.bias = None if bias is None else nn.Parameter(bias.detach().clone())

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(F.linear(x, self.down), self.up, self.bias)

    def weight(self) -> Tensor:
        """The [m, n] matrix it stands for."""
        return self.up @ self.down

    @staticmethod
    def rank_for(shape: tuple[int, int], numbers: float) -> int:
        """The largest rank within so many numbers, at least 1."""
        m, n = shape
        return max(1, min(int(numbers / (m + n)), m, n))


class TuckerLinear(nn.Module):
    """y = W x + b with W = core x1 U1 x2 U2 x3 U3 x4 U4, by the higher-order SVD of a weight.

    core [r1, r2, r3, r4], factors [m1, r1], [m2, r2], [n1, r3], [n2, r4]. The input is contracted
    factor by factor, so the weight is never formed.
    """

    def __init__(
        self, weight: Tensor, bias: Tensor | None, ranks: tuple[int, int, int, int]
    ) -> None:
        super().__init__()
        m, n = weight.shape
        self.sides = (*split(m), *split(n))
        tensor = weight.detach().reshape(self.sides)
        factors = []
        for side, rank in enumerate(ranks):
            unfolded = tensor.movedim(side, 0).flatten(1)
            u, _, _ = torch.linalg.svd(unfolded, full_matrices=False)
            factors.append(u[:, :rank])
        core = torch.einsum("abcd,ai,bj,ck,dl->ijkl", tensor, *factors)
        self.core = nn.Parameter(core)
        self.factors = nn.ParameterList(nn.Parameter(f.clone()) for f in factors)
        self.bias = None if bias is None else nn.Parameter(bias.detach().clone())

    def forward(self, x: Tensor) -> Tensor:
        u1, u2, u3, u4 = self.factors
        inner = x.unflatten(-1, self.sides[2:])
        inner = torch.einsum("...cd,ck,dl->...kl", inner, u3, u4).flatten(-2)
        inner = F.linear(inner, self.core.flatten(2).flatten(0, 1))
        inner = inner.unflatten(-1, self.core.shape[:2])
        y = torch.einsum("...ij,ai,bj->...ab", inner, u1, u2).flatten(-2)
        return y if self.bias is None else y + self.bias

    def weight(self) -> Tensor:
        """The [m, n] matrix it stands for."""
        whole = torch.einsum("ijkl,ai,bj,ck,dl->abcd", self.core, *self.factors)
        return whole.flatten(2).flatten(0, 1)

    @staticmethod
    def ranks_for(shape: tuple[int, int], numbers: float) -> tuple[int, int, int, int]:
        """Ranks in proportion to the sides, as large as the numbers allow, at least 1."""
        sides = (*split(shape[0]), *split(shape[1]))
        best = (1, 1, 1, 1)
        for percent in range(1, 101):
            r1, r2, r3, r4 = (max(1, round(s * percent / 100)) for s in sides)
            ranks = (r1, r2, r3, r4)
            used = math.prod(ranks) + sum(s * r for s, r in zip(sides, ranks, strict=True))
            if used <= numbers:
                best = ranks
        return best


def split(n: int) -> tuple[int, int]:
    """The most even pair of factors of n, the smaller first."""
    small = next(k for k in range(math.isqrt(n), 0, -1) if n % k == 0)
    return small, n // small


def compress(
    model: nn.Module, kind: Kind, share: float, skip: tuple[str, ...] = ("router", "gates")
) -> int:
    """Replace linear layers by factored ones with `share` of their numbers, in place.

    Layers that start at zero cannot be decomposed and stay; so do those whose name contains a word
    of `skip`. Returns how many were replaced.
    """
    found = [
        (parent, child, layer)
        for name, parent in model.named_modules()
        for child, layer in parent.named_children()
        if isinstance(layer, nn.Linear)
        and not any(word in f"{name}.{child}" for word in skip)
        and layer.weight.any()
    ]
    for parent, child, layer in found:
        shape = (layer.weight.shape[0], layer.weight.shape[1])
        numbers = share * layer.weight.numel()
        new: nn.Module
        if kind == "low-rank":
            new = LowRankLinear(layer.weight, layer.bias, LowRankLinear.rank_for(shape, numbers))
        else:
            new = TuckerLinear(layer.weight, layer.bias, TuckerLinear.ranks_for(shape, numbers))
        setattr(parent, child, new)
    return len(found)
