"""No more decisions than needed: McCabe's number of the reference over that of the attempt.

The number is the first Betti number of the closed control-flow graph. It says nothing about being
right, so `Rewards` pays it only where the tests pass. Dead branches lower it; nothing raises it
above 1. A task without a reference, or a text that does not parse, gives 0.
"""

from __future__ import annotations

from collections.abc import Sequence

from neox.compiler import Program, parse
from neox.rewards.score import Attempt, Score, scored


def structure(attempts: Sequence[Attempt]) -> list[Score]:
    return [scored("structure", _ratio(a)) for a in attempts]


def _ratio(attempt: Attempt) -> float:
    reference = attempt.task.reference
    if reference is None or attempt.program.diagnostics:
        return 0.0
    wanted = _decisions(parse(attempt.task.program(reference)))
    return min(1.0, wanted / _decisions(attempt.program))


def _decisions(program: Program) -> float:
    from neox.topology import features  # gudhi and networkx load only where structure is asked for

    return float(features(program)["mccabe/total"])
