"""How far a loss lets the policy move from the one that sampled."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True, slots=True)
class Limits:
    """The ratio stays in [1 - low, 1 + high]; `cap` is the largest weight of CISPO."""

    low: float = 0.2
    high: float = 0.2
    cap: float = 5.0


# (logp, old_logp, advantage, mask, limits), all [N, T] -> loss per token and where the limit bound
Loss = Callable[[Tensor, Tensor, Tensor, Tensor, Limits], tuple[Tensor, Tensor]]
