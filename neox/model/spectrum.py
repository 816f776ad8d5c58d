"""Whether weights start as they should: the law of their singular values, and of the Jacobian's.

Entries drawn independently with variance 1 / n give an [m, n] matrix whose eigenvalues of W W^T
follow Marchenko and Pastur's law, with edges (1 -+ sqrt(m / n))^2; an orthogonal start has all
singular values equal instead, and keeps gradients of deep stacks alive (dynamic isometry, Saxe et
al. 2013, arXiv 1312.6120). NEOX 2.1 asks for both at once, which no matrix has: the first is the
check of a Gaussian start, the second of an orthogonal one.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn


def marchenko_pastur_cdf(x: Tensor, ratio: float, grid: int = 20_001) -> Tensor:
    """P(eigenvalue <= x) for unit variance and ratio = m / n <= 1, by quadrature in float64.

    With rho(l) = sqrt((l+ - l)(l - l-)) / (2 pi ratio l). The substitution l = l- + (l+ - l-)
    sin^2(t) takes the square roots away.
    """
    low, high = (1 - math.sqrt(ratio)) ** 2, (1 + math.sqrt(ratio)) ** 2
    t = torch.linspace(0, math.pi / 2, grid, dtype=torch.float64)
    level = low + (high - low) * t.sin() ** 2
    density = ((high - low) * t.sin() * t.cos()) ** 2 / (math.pi * ratio * level.clamp_min(1e-300))
    steps = (density[1:] + density[:-1]) / 2 * (t[1] - t[0])
    cdf = torch.cat([torch.zeros(1, dtype=torch.float64), steps.cumsum(0)])
    place = torch.searchsorted(level, x.double().clamp(low, high)).clamp(0, grid - 1)
    return cdf[place]


@dataclass(frozen=True, slots=True)
class Spectrum:
    """Of one matrix scaled to mean square 1 / n. `distance` is the largest gap between its
    eigenvalues' distribution and Marchenko and Pastur's (Kolmogorov); `condition` the ratio of its
    largest and smallest singular value."""

    name: str
    rows: int
    columns: int
    distance: float
    condition: float

    def gaussian(self, tolerance: float = 3.0) -> bool:
        """Eigenvalues repel each other, so the gap of a true sample shrinks like 1 / m."""
        return self.distance < tolerance / min(self.rows, self.columns)

    def orthogonal(self) -> bool:
        return self.condition < 1 + 1e-3


def spectrum(name: str, weight: Tensor) -> Spectrum:
    """weight [m, n], read as [n, m] where m > n (the law needs m <= n)."""
    matrix = weight.detach().double()
    rows, columns = matrix.shape
    if rows > columns:
        matrix = matrix.mT
    m, n = matrix.shape
    matrix = matrix / (matrix.square().mean() * n).sqrt()
    values = torch.linalg.svdvals(matrix)
    eigen = values.square().sort().values
    cdf = marchenko_pastur_cdf(eigen, m / n)
    step = torch.arange(m + 1, dtype=torch.float64) / m
    distance = torch.maximum((step[1:] - cdf).abs(), (cdf - step[:-1]).abs()).max()
    condition = float(values[0] / values[-1]) if values[-1] > 0 else math.inf
    return Spectrum(name, rows, columns, float(distance), condition)


def spectra(model: nn.Module, smallest: int = 8) -> list[Spectrum]:
    """Of every matrix that does not start at zero, a stack of experts one by one."""
    found = []
    for name, p in model.named_parameters():
        if p.dim() < 2 or min(p.shape[-2:]) < smallest or not p.any():
            continue
        stack = p if p.dim() == 3 else p[None]
        label = [f"{name}[{i}]" if p.dim() == 3 else name for i in range(len(stack))]
        found += [spectrum(n, w) for n, w in zip(label, stack, strict=True)]
    return found


def jacobian_values(function: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """Singular values of the Jacobian of function [d] -> [e] at x, largest first.

    Near 1 for all: lengths of signals and gradients survive (dynamic isometry).
    """
    jacobian = torch.autograd.functional.jacobian(function, x)
    values: Tensor = torch.linalg.svdvals(jacobian)
    return values
