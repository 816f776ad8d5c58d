"""Levenshtein similarity of the completion to the reference, 0 to 1 (`measure` of NEOX 5.4).

Off by default: likeness is not correctness. A task without a reference gives 0.
"""

from __future__ import annotations

from collections.abc import Sequence

import Levenshtein

from neox.rewards.score import Attempt, Score, scored


def similarity(attempts: Sequence[Attempt]) -> list[Score]:
    return [scored("similarity", _ratio(a)) for a in attempts]


def _ratio(attempt: Attempt) -> float:
    reference = attempt.task.reference
    if reference is None:
        return 0.0
    longest = max(len(reference), len(attempt.completion), 1)
    return 1 - Levenshtein.distance(reference, attempt.completion) / longest
