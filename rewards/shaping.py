"""Potential-based shaping over the prefixes of a completion (Ng, Harada and Russell 1999).

F_t = gamma * Phi(s_{t+1}) - Phi(s_t), with Phi = 0 at the end. Discounted, the terms of a whole
completion add up to -Phi(s_0), which the prompt fixes: no completion can earn anything by them, and
the best policy stays the best. For the same reason they do nothing where a sequence has one
advantage; they act on advantages per token and on repair in several turns.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from neox.compiler import parse, progress
from neox.datasets.task import Task

Potential = Callable[[Task, str], float]


def shaping(potentials: Sequence[float], gamma: float = 1.0) -> list[float]:
    """The terms [T] of T steps from the potentials [T] of the states before each of them.

    >>> shaping([0.5, 0.75, 1.0])
    [0.25, 0.25, -1.0]
    """
    after = [*potentials[1:], 0.0]
    return [
        gamma * late - early
        for early, late in zip(potentials, after[: len(potentials)], strict=True)
    ]


def over_prefixes(
    task: Task, completion: str, ends: Sequence[int], potential: Potential
) -> list[float]:
    """The potentials of the states before each token, given where each token ends."""
    starts = [0, *ends[:-1]] if ends else []
    return [potential(task, completion[:start]) for start in starts]


def viable(task: Task, prefix: str) -> float:
    """How far the program parses so far, 0 to 1; needs no reference."""
    return progress(task.program(prefix))


def resemblance(task: Task, prefix: str) -> float:
    """What share of the reference's productions the prefix has; 0 without a reference. The tree of
    an unfinished text is the tolerant parser's.
    """
    from neox.rewards.canonical import productions

    if task.reference is None:
        return 0.0
    wanted = productions(parse(task.program(task.reference)).tree)
    found = productions(parse(task.program(prefix)).tree)
    return (wanted & found).total() / wanted.total()
