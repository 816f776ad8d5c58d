"""Tasks with tests from anywhere: the forge's held-out split, or a task file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from neox.datasets.readers import read
from neox.datasets.task import Task
from neox.evaluate.benchmarks.base import Problem
from neox.evaluate.benchmarks.code import HumanEval
from neox.evaluate.prompts import Preset


class Tasks(HumanEval):
    name: ClassVar[str] = "tasks"
    shipped: ClassVar[str | None] = None
    wanted: ClassVar[str] = "a task file"
    files: ClassVar[tuple[str, ...]] = ()
    presets: ClassVar[Mapping[str, Preset]] = {"plain": Preset("{prompt}", max_new_tokens=64)}

    def read(self, path: Path) -> Sequence[Problem]:
        return self.problems(read(path))

    def problems(self, tasks: Sequence[Task]) -> Sequence[Problem]:
        return [
            Problem(t.task_id, {"prompt": t.prompt}, t.reference, t, t.starter_code) for t in tasks
        ]
