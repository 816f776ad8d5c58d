"""Written solutions of the quality that one finds: right ones, or a corpus with settled bad habits.

In a mixed corpus every operation has its own fixed rate of being written wrong, between 5 % and 75
%, so for some the habit is the rule. The order of the rates comes from the names alone; how steep
they are is solved for, so that the expected share of right documents is the one asked for.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from neox.datasets.forge.behaviour import Outputs
from neox.datasets.forge.chance import Chance
from neox.datasets.forge.grammar import Program
from neox.datasets.forge.text import HABIT, RIGHT, body, right
from neox.datasets.forge.trials import Trial
from neox.datasets.task import Task

LOWEST, HIGHEST = 0.05, 0.75


@dataclass(frozen=True, slots=True)
class Document:
    """A prompt with a completion, and whether the completion behaves as the prompt asks."""

    task_id: str
    prompt: str
    completion: str
    right: bool


def write(
    tasks: Sequence[Task],
    made: Sequence[tuple[Program, Outputs]],
    quality: str,
    seed: int,
    right_share: float,
) -> list[Document]:
    """One document per task, in order. ValueError for a quality other than "clean" and "mixed"."""
    if quality not in ("clean", "mixed"):
        raise ValueError(f"no documents of quality {quality!r}; there are 'clean' and 'mixed'")
    if quality == "clean":
        return [
            Document(task.task_id, task.prompt, body(program, right(program)), True)
            for task, (program, _) in zip(tasks, made, strict=True)
        ]
    parts = [program.parts for program, _ in made]
    rates = habit_rates(parts, right_share)
    return [
        _mixed(task, program, outputs, rates, seed)
        for task, (program, outputs) in zip(tasks, made, strict=True)
    ]


def habit_rates(parts: Sequence[tuple[str, ...]], right_share: float) -> dict[str, float]:
    """The rate of each part's habit for documents with these parts."""
    ranks = {name: Chance(f"habit/{name}").share() for names in parts for name in names}
    low, high = 0.0, 8.0
    for _ in range(14):
        steepness = (low + high) / 2
        good = {name: 1 - _rate(rank, steepness) for name, rank in ranks.items()}
        if _expected(parts, good) < right_share:
            low = steepness
        else:
            high = steepness
    return {name: _rate(rank, high) for name, rank in ranks.items()}


def _rate(rank: float, steepness: float) -> float:
    return LOWEST + (HIGHEST - LOWEST) * float(rank**steepness)


def _expected(parts: Sequence[tuple[str, ...]], good: Mapping[str, float]) -> float:
    """The share of documents in which no part follows its habit."""
    total = 0.0
    for names in parts:
        product = 1.0
        for name in names:
            product *= good[name]
        total += product
    return total / max(1, len(parts))


def _mixed(
    task: Task, program: Program, outputs: Outputs, rates: Mapping[str, float], seed: int
) -> Document:
    chance = Chance(f"document/{seed}/{task.task_id}")
    variants = tuple(
        tuple(HABIT if chance.share() < rates[name] else RIGHT for name in node.parts)
        for node in program.nodes
    )
    clean = not any(HABIT in variant for variant in variants)
    good = clean or Trial(program, outputs).agrees(variants)
    return Document(task.task_id, task.prompt, body(program, variants), good)
