"""How far the program parses: 1 for a valid one, else the viable share of its text.

The text that the task supplies is not counted, or a long prompt would pay for nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

from neox.compiler import progress
from neox.rewards.score import Attempt, Score, scored


def syntax(attempts: Sequence[Attempt]) -> list[Score]:
    return [scored("syntax", _share(a)) for a in attempts]


def _share(attempt: Attempt) -> float:
    code, given = attempt.code, len(attempt.task.starter_code)
    reached = progress(code)
    if reached >= 1.0 or given >= len(code):
        return reached
    return max(0.0, (reached * len(code) - given) / (len(code) - given))
