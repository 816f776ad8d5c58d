"""The weighted sum of the parts, each also reported by itself.

Parts that say nothing about being right (structure, complexity, diversity) are paid only where the
tests pass. A part that raises makes its attempts `Failed`: a broken reward is never a zero.
"""

from __future__ import annotations

import traceback
from collections.abc import Collection, Mapping, Sequence

from neox.rewards.complexity import complexity
from neox.rewards.diversity import Diversity
from neox.rewards.score import Attempt, Failed, Reward, Score, Scored, scored
from neox.rewards.similarity import similarity
from neox.rewards.structure import structure
from neox.rewards.syntax import syntax
from neox.rewards.tests import Tests

STATIC: dict[str, Reward] = {
    "syntax": syntax,
    "structure": structure,
    "complexity": complexity,
    "similarity": similarity,
}
ONLY_WHEN_RIGHT = ("structure", "complexity", "diversity")


class Rewards:
    """All parts of non-zero weight, and those in `log`; `extra` adds parts by name."""

    def __init__(
        self,
        weights: Mapping[str, float],
        tests: Tests,
        log: Collection[str] = (),
        extra: Mapping[str, Reward] | None = None,
    ) -> None:
        known: dict[str, Reward] = {"tests": tests, "diversity": Diversity(tests), **STATIC}
        known |= extra or {}
        wanted = {name for name, weight in weights.items() if weight} | set(log) | {"tests"}
        self._extra = frozenset(extra or ())
        unknown = wanted - set(known)
        if unknown:
            raise ValueError(f"no reward part {sorted(unknown)}; known: {sorted(known)}")
        self.tests = tests
        self._weights = weights
        self._parts = {name: reward for name, reward in known.items() if name in wanted}

    def begin(self, attempt: Attempt) -> None:
        """Start what takes time."""
        if attempt.task.tests:
            self.tests.begin(attempt)

    def __call__(self, attempts: Sequence[Attempt]) -> list[Score]:
        columns = {name: _call(name, reward, attempts) for name, reward in self._parts.items()}
        return [
            self._sum({name: column[i] for name, column in columns.items()})
            for i in range(len(attempts))
        ]

    def _sum(self, parts: Mapping[str, Score]) -> Score:
        values: dict[str, float] = {}
        absent: Failed | None = None
        for name, part in parts.items():
            if isinstance(part, Failed):
                absent = Failed(part.kind, f"{name}: {part.detail}")
                if part.kind == "unscorable" and self._extra and name in self._extra | {"tests"}:
                    continue  # it does not apply to this task; others may
                return absent
            values[name] = part.value
            values |= {f"{name}/{key}": v for key, v in part.parts.items() if key != name}
        if absent is not None and not any(self._weights.get(name) for name in values):
            return absent
        right = values.get("tests", 1.0) >= 1.0
        total = sum(
            self._weights.get(name, 0.0) * value
            for name, value in values.items()
            if right or name not in ONLY_WHEN_RIGHT
        )
        return Scored(total, values)


def _call(name: str, reward: Reward, attempts: Sequence[Attempt]) -> list[Score]:
    try:
        result = list(reward(attempts))
    except Exception:  # the border: whatever a reward raises is its own failure, logged whole
        return [Failed("error", traceback.format_exc())] * len(attempts)
    if len(result) != len(attempts):
        detail = f"returned {len(result)} scores for {len(attempts)} attempts"
        return [Failed("error", detail)] * len(attempts)
    return [_checked(name, s) if isinstance(s, Scored) else s for s in result]


def _checked(name: str, score: Scored) -> Score:
    """As it is, with its finer parts, or `Failed` where the number is not finite."""
    whole = scored(name, score.value)
    return Scored(score.value, {**score.parts}) if isinstance(whole, Scored) else whole
