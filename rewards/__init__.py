"""Sample to score: one file per part, combined by weights.

`reward(attempts) -> list[Score]` is the one signature. A failed reward is not a zero: see score.py.
"""

from neox.rewards.combine import Rewards
from neox.rewards.complexity import complexity
from neox.rewards.diversity import Diversity
from neox.rewards.score import Attempt, Failed, Score, Scored
from neox.rewards.shaping import shaping
from neox.rewards.similarity import similarity
from neox.rewards.structure import structure
from neox.rewards.syntax import syntax
from neox.rewards.tests import Tests, tests

__all__ = [
    "Attempt",
    "Diversity",
    "Failed",
    "Rewards",
    "Score",
    "Scored",
    "Tests",
    "complexity",
    "shaping",
    "similarity",
    "structure",
    "syntax",
    "tests",
]
