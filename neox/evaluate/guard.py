"""The contamination guard of an evaluation: which training tasks, what they share, and in words."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from neox import config as configuration
from neox.config import RunConfig
from neox.datasets.readers import read
from neox.datasets.task import Task
from neox.evaluate.benchmarks.base import Problem
from neox.evaluate.contamination import Subject, overlap, subject

Progress = Callable[[int, int], None]
SHOWN = 5


def training_tasks(model: Path) -> RunConfig | None:
    """The configuration that says what a run was trained on, or None for other models."""
    own = model / "config.yaml"
    return configuration.read(own) if own.is_file() else None


def report(
    trained_on: RunConfig | str,
    problems: Sequence[Problem],
    workers: int,
    progress: Progress,
    kept: Path | None,
) -> dict[str, Any]:
    """The overlap as JSON values; `kept` is a file to read it from, or to write it to."""
    if kept is not None and kept.is_file():
        found: dict[str, Any] = json.loads(kept.read_text())
        return found
    name, tasks = _training(trained_on)
    subjects = [subject(task) for task in tasks]
    shared = overlap(subjects, [_problem(p) for p in problems], workers, progress)
    found = {"trained_on": name, "problems": len(problems)} | shared.to_json()
    if kept is not None:
        kept.write_text(json.dumps(found, indent=1) + "\n")
    return found


def _training(trained_on: RunConfig | str) -> tuple[str, Sequence[Task]]:
    from neox.train.data import load

    if isinstance(trained_on, str):
        if not trained_on.startswith("forge"):
            return Path(trained_on).name, read(trained_on)
        trained_on = configuration.resolve("tiny", [f"tasks.source={trained_on}"])
    return trained_on.tasks.source, load(trained_on, lambda text: None).train


def _problem(problem: Problem) -> Subject:
    key = problem.key
    statement = " ".join(text for name, text in problem.fields.items() if name != "shots")
    if isinstance(key, Task):
        return subject(key)
    code = getattr(key, "solution", "")
    return Subject(problem.id, statement, code, getattr(key, "entry", None))


def told(found: dict[str, Any]) -> list[str]:
    """One line, and one more for each overlap that is shown.

    >>> told({"trained_on": "forge", "training_tasks": 9, "problems": 3, "statements": {"A/1": "b"},
    ...       "solutions": {}, "behaviours": {}, "behaviours_compared": 2})[1:]
    ['A/1: statement of b']
    """
    kinds = {"statement": "statements", "solution": "solutions", "behaviour": "behaviours"}
    counts = ", ".join(f"{len(found[plural])} {plural}" for plural in kinds.values())
    lines = [
        f"shared with {found['training_tasks']:,} training tasks ({found['trained_on']}): {counts}"
        f" ({found['behaviours_compared']}/{found['problems']} behaviours comparable)"
    ]
    hits = [
        f"{id}: {kind} of {other}"
        for kind, plural in kinds.items()
        for id, other in found[plural].items()
    ]
    more = [f"and {len(hits) - SHOWN} more"] if len(hits) > SHOWN else []
    return lines + hits[:SHOWN] + more
