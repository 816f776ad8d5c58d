"""Diversity among the passing attempts of one task: 1 - mean likeness to the others that pass.

Off by default. A failing attempt gets 0, and so does a lone passing one. Programs are compared in
canonical form, so that copies, other names, other layout, dead code and padding earn nothing. The
weight should stay at 0.1 or less: it is a tie-break among right programs, not a goal (2605.28022
finds the same for a bonus against near copies).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from neox.rewards.canonical import canonical, likeness, productions
from neox.rewards.score import Attempt, Failed, Score, scored


class Diversity:
    """The reward, bound to the reward that says who passes; its scores are asked for again, which
    costs nothing where they are kept, as `Tests` keeps them.
    """

    def __init__(self, tests: Callable[[Sequence[Attempt]], list[Score]]) -> None:
        self._tests = tests

    def __call__(self, attempts: Sequence[Attempt]) -> list[Score]:
        right = self._tests(attempts)
        passing: dict[str, list[int]] = {}
        for i, (attempt, score) in enumerate(zip(attempts, right, strict=True)):
            if not isinstance(score, Failed) and score.value >= 1.0:
                passing.setdefault(attempt.task.task_id, []).append(i)
        values = [0.0] * len(attempts)
        for group in passing.values():
            shapes = [shape(attempts[i]) for i in group]
            for at, i in enumerate(group):
                values[i] = 1 - _mean_likeness(at, shapes)
        return [
            score if isinstance(score, Failed) else scored("diversity", value)
            for score, value in zip(right, values, strict=True)
        ]


def shape(attempt: Attempt) -> Counter[str] | None:
    """The productions of the attempt's canonical program."""
    tree = canonical(attempt.code, attempt.task.entry_point)
    return None if tree is None else productions(tree)


def _mean_likeness(at: int, shapes: Sequence[Counter[str] | None]) -> float:
    own = shapes[at]
    others = [s for i, s in enumerate(shapes) if i != at]
    if own is None or not others:
        return 1.0
    return sum(1.0 if s is None else likeness(own, s) for s in others) / len(others)
