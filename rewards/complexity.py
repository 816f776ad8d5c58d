"""1 where the attempt's running time provably keeps the task's contract, else 0.

Unknown is never positive. Like structure it says nothing about being right, so `Rewards` pays it
only where the tests pass. A task without a contract gives 0.
"""

from __future__ import annotations

from collections.abc import Sequence

from neox.rewards.score import Attempt, Score, scored


def complexity(attempts: Sequence[Attempt]) -> list[Score]:
    return [scored("complexity", float(_keeps_contract(a))) for a in attempts]


def _keeps_contract(attempt: Attempt) -> bool:
    contract, entry = attempt.task.contract, attempt.task.entry_point
    if contract is None or entry is None or attempt.program.diagnostics:
        return False
    from neox.compiler.complexity import analyze, satisfies

    bounds = [b for b in analyze(attempt.program) if b.function == entry]
    return bool(bounds) and satisfies(bounds[-1], contract) is True
