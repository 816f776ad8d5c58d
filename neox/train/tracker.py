"""Running mean and deviation of a stream of batches, with Adam's bias correction (NEOX 5.1)."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

from torch import Tensor


@dataclass(slots=True)
class Tracker:
    """Exponential moments; `update` a batch, then read `mean` and `std`."""

    decay: float = 0.95
    first: float = 0.0
    second: float = 0.0
    count: int = 0

    def update(self, values: Tensor) -> None:
        """Any shape; an empty batch changes nothing."""
        if values.numel() == 0:
            return
        values = values.double()
        self.count += 1
        self.first += (1 - self.decay) * (float(values.mean()) - self.first)
        self.second += (1 - self.decay) * (float(values.square().mean()) - self.second)

    @property
    def _correction(self) -> float:
        return 1.0 - float(self.decay**self.count) if self.count else 1.0

    @property
    def mean(self) -> float:
        return self.first / self._correction

    @property
    def std(self) -> float:
        return math.sqrt(max(self.second / self._correction - self.mean**2, 0.0))

    def state(self) -> dict[str, float]:
        return asdict(self)
