"""What ranks must agree on: sums, maxima, gathered values. Here for one, which agrees with itself.

`distributed.Ranks` is the same among several. Loads no torch.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from neox.errors import InputError

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Alone:
    """Number `rank` of `world` processes."""

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
        return [value]

    def join(self, values: list[T]) -> list[T]:
        """The lists of all ranks as one."""
        return [x for part in self.gather(values) for x in part]

    def sum(self, value: float) -> float:
        return float(sum(self.gather(value)))

    def max(self, value: int) -> int:
        return int(max(self.gather(value)))

    def any(self, value: bool) -> bool:
        return any(self.gather(value))

    def sums(self, values: Mapping[str, float]) -> dict[str, float]:
        """Each name's sum; a rank may lack some names."""
        total: dict[str, float] = {}
        for part in self.gather(dict(values)):
            for name, value in part.items():
                total[name] = total.get(name, 0.0) + value
        return total

    def agree(self, decide: Callable[[], T]) -> T:
        """What the first rank decides; its InputError is every rank's."""
        found: T | InputError | None = None
        if self.first:
            try:
                found = decide()
            except InputError as error:
                found = error
        decided: Any = self.gather(found)[0]
        if isinstance(decided, InputError):
            raise decided
        result: T = decided
        return result

    def sum_gradients(self, module: Any) -> None:
        """For a module that every rank holds whole."""

    def sum_tensor(self, value: Any) -> None:
        """In place."""

    def wait(self) -> None:
        """Until every rank is here."""


def launched() -> bool:
    """Whether a launcher has started this process as one of several."""
    return int(os.environ.get("WORLD_SIZE", "1")) > 1
