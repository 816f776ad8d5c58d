"""Which tasks a step trains on.

`proportional` draws every task equally often, `stratified` every level. `promote` starts at the
lowest level and opens the next when the pass rate over the last groups is high enough, replaying
earlier levels at a small share.
Drawing is a function of the seed and the step alone.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Sequence
from typing import Any

from neox.config import CurriculumConfig
from neox.datasets.task import Task
from neox.train.seeding import fold


class Curriculum:
    def __init__(self, tasks: Sequence[Task], config: CurriculumConfig, seed: int) -> None:
        self._config, self._seed = config, seed
        self._tasks = tasks
        self._by_level: dict[int, list[Task]] = {}
        for task in tasks:
            self._by_level.setdefault(task.level, []).append(task)
        self.levels = sorted(self._by_level)
        self.reached = 0 if config.kind == "promote" else len(self.levels) - 1
        self._passes: deque[float] = deque(maxlen=config.window)

    def draw(self, step: int, count: int) -> list[Task]:
        """`count` tasks for this step, each at most once as far as the supply goes.

        Level by level, a step takes the next stretch of a permutation that changes every epoch.
        """
        rng = random.Random(fold(self._seed, "levels", step))
        if self._config.kind == "proportional":
            return self._stretch(list(self._tasks), "all", step * count, count)
        wanted = [self._level(rng, i) for i in range(count)]
        chosen = []
        for level in sorted(set(wanted)):
            start = step * count
            if self._config.kind == "stratified":
                start //= len(self.levels)
            pool = self._by_level[level]
            chosen += self._stretch(pool, str(level), start, wanted.count(level))
        rng.shuffle(chosen)
        return chosen

    def _level(self, rng: random.Random, index: int) -> int:
        if self._config.kind == "stratified":
            return self.levels[index % len(self.levels)]
        if self.reached and rng.random() < self._config.replay:
            return self.levels[rng.randrange(self.reached)]
        return self.levels[self.reached]

    def _stretch(self, pool: Sequence[Task], name: str, start: int, count: int) -> list[Task]:
        """The next `count` of a permutation of the pool that changes every epoch."""
        result: list[Task] = []
        while len(result) < min(count, len(pool)):
            epoch, offset = divmod(start + len(result), len(pool))
            order = list(range(len(pool)))
            random.Random(fold(self._seed, "order", name, epoch)).shuffle(order)
            result += [pool[i] for i in order[offset : offset + count - len(result)]]
        return result

    def record(self, tasks: Sequence[Task], passed: Sequence[float]) -> bool:
        """Note each group's pass rate at the current level; True when that opens the next level."""
        if self._config.kind != "promote":
            return False
        level = self.levels[self.reached]
        self._passes.extend(p for t, p in zip(tasks, passed, strict=True) if t.level == level)
        full = len(self._passes) == self._passes.maxlen
        if (
            full
            and sum(self._passes) / len(self._passes) >= self._config.promote_at
            and self.reached + 1 < len(self.levels)
        ):
            self.reached += 1
            self._passes.clear()
            return True
        return False

    def state(self) -> dict[str, Any]:
        return {"reached": self.reached, "passes": list(self._passes)}

    def restore(self, state: dict[str, Any]) -> None:
        self.reached = state["reached"]
        self._passes = deque(state["passes"], maxlen=self._config.window)
