"""NEOX's rewards inside other trainers.

`trl("syntax")` is a reward function for TRL's GRPOTrainer; `compute_score` has the signature that
verl's reward managers call. The task's tests come from columns of the data set (TRL) or from the
ground truth (verl), in any dialect that `neox.datasets.readers` reads. A reward that fails is None
in TRL, which leaves it out, and an exception in verl, which has no such thing; never a zero.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from neox.datasets.readers import task_of
from neox.datasets.task import Task
from neox.rewards.complexity import complexity
from neox.rewards.score import Attempt, Failed, Reward, Score
from neox.rewards.similarity import similarity
from neox.rewards.structure import structure
from neox.rewards.syntax import syntax
from neox.rewards.tests import Tests
from neox.sandbox import Sandbox

_BLOCK = re.compile(r"```[^\n`]*\n(.*?)(?:\n```|\Z)", re.DOTALL)
STATIC: Mapping[str, Reward] = {
    "syntax": syntax,
    "structure": structure,
    "complexity": complexity,
    "similarity": similarity,
}


class RewardFailed(Exception):
    """The reward could not be computed; a zero would teach the wrong thing."""


Function = Callable[..., list[float | None]]


def trl(part: str = "tests", sandbox: Sandbox | None = None) -> Function:
    """A function for `GRPOTrainer(reward_funcs=...)`: tests, syntax, structure, complexity or
    similarity. Columns of the data set (`tests`, `entry_point`, `reference`, ...) are the task.
    """
    reward = _reward(part, sandbox)

    def function(prompts: Sequence[Any], completions: Sequence[Any], **columns: Any) -> list[Any]:
        attempts = []
        for i, (prompt, reply) in enumerate(zip(prompts, completions, strict=True)):
            row = {
                name: values[i]
                for name, values in columns.items()
                if isinstance(values, list) and len(values) == len(prompts)
            }
            attempts.append(_attempt(prompt, reply, row))
        return [None if isinstance(s, Failed) else s.value for s in reward(attempts)]

    function.__name__ = part  # TRL logs it under this name
    return function


def compute_score(
    data_source: str, solution_str: str, ground_truth: Any, extra_info: Any = None, **_: Any
) -> dict[str, float]:
    """verl's form for code: whether the solution passes the tests in `ground_truth`.

    That is a list of asserts, or an object with `tests` or `inputs` and `outputs`, also as JSON
    text. RewardFailed where there is no verdict.
    """
    truth = json.loads(ground_truth) if isinstance(ground_truth, str) else ground_truth
    row = dict(truth) if isinstance(truth, Mapping) else {"tests": list(truth)}
    attempt = _attempt((extra_info or {}).get("question", ""), solution_str, row)
    score = _reward("tests", None)([attempt])[0]
    if isinstance(score, Failed):
        raise RewardFailed(f"{data_source}: {score.kind}: {score.detail}")
    return {"score": score.value, "acc": score.value}


@lru_cache(1)
def _own_sandbox() -> Sandbox:
    return Sandbox().__enter__()


def _reward(part: str, sandbox: Sandbox | None) -> Callable[[Sequence[Attempt]], list[Score]]:
    if part == "tests":
        return Tests(sandbox or _own_sandbox())
    if part not in STATIC:
        raise ValueError(f"no reward {part!r}; known: tests, {', '.join(STATIC)}")
    return STATIC[part]


def _attempt(prompt: Any, reply: Any, row: Mapping[str, Any]) -> Attempt:
    """The attempt that a reply makes at the task of a row."""
    talk = isinstance(prompt, list)
    text = "".join(m["content"] for m in reply) if isinstance(reply, list) else str(reply)
    known = {name: value for name, value in row.items() if value is not None}
    known.setdefault("tests", [])
    task: Task = task_of({**known, "prompt": prompt or "-"})
    if talk or "```" in text:
        blocks = _BLOCK.findall(text)
        text = blocks[-1] if blocks else text
    return Attempt(task, text)
