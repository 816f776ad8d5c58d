"""HumanEval (Chen et al. 2021, arXiv 2107.03374) and MBPP (Austin et al. 2021, arXiv 2108.07732).

Also the judge of any task with tests: the program of a reply runs in the sandbox.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from neox.datasets.jobs import program_job
from neox.datasets.readers import read
from neox.datasets.task import AssertTest, Task
from neox.evaluate.benchmarks.base import Judged, Problem, Replies
from neox.evaluate.prompts import HUMANEVAL, MBPP, Preset
from neox.sandbox import Limits, Sandbox

OUTPUT_KB = 1 << 16  # the harnesses swallow what a completion prints


def judge_tasks(replies: Replies, box: Sandbox, timeout: float) -> Iterator[Judged]:
    """Verdicts in order; `timeout` CPU seconds for all tests of a completion together."""
    limits = Limits(cpu_s=timeout, wall_s=3 * timeout, output_kb=OUTPUT_KB)
    jobs = [program_job(r.problem.key, r.judged, limits) for r in replies]
    for reply, outcome in zip(replies, box.map(jobs), strict=True):
        verdict = outcome.verdict
        passed = {"": verdict == "pass"}
        yield Judged(reply.problem.id, reply.text, verdict, outcome.detail, passed)


class HumanEval:
    name: ClassVar[str] = "humaneval"
    shipped: ClassVar[str | None] = "humaneval/HumanEval.jsonl.gz"
    wanted: ClassVar[str] = "HumanEval.jsonl.gz of openai/human-eval"
    files: ClassVar[tuple[str, ...]] = ("HumanEval.jsonl.gz", "HumanEval.jsonl")
    presets: ClassVar[Mapping[str, Preset]] = HUMANEVAL
    seconds: ClassVar[float] = 3.0
    scores: ClassVar[tuple[str, ...]] = ("",)

    def read(self, path: Path) -> Sequence[Problem]:
        return [
            Problem(t.task_id, {"prompt": t.prompt}, t.reference, t, t.starter_code)
            for t in read(path)
        ]

    def judge(self, replies: Replies, box: Sandbox, timeout: float) -> Iterator[Judged]:
        return judge_tasks(replies, box, timeout)

    def expected_failures(self) -> Mapping[str, str]:
        return {}


class Mbpp(HumanEval):
    name: ClassVar[str] = "mbpp"
    shipped: ClassVar[str | None] = None
    wanted: ClassVar[str] = "mbpp.jsonl of google-research/google-research (CC BY 4.0)"
    files: ClassVar[tuple[str, ...]] = ("mbpp.jsonl",)
    presets: ClassVar[Mapping[str, Preset]] = MBPP
    seconds: ClassVar[float] = 10.0  # one reference takes three

    def read(self, path: Path) -> Sequence[Problem]:
        tasks = read(path)
        shots = "".join(_shot(task) for task in tasks if task.task_id in _SHOTS)
        return [
            Problem(task.task_id, _fields(task) | {"shots": shots}, task.reference, task)
            for task in tasks
        ]


_SHOTS = ("Mbpp/2", "Mbpp/3", "Mbpp/4")


def _fields(task: Task) -> dict[str, str]:
    tests = [test.code for test in task.tests if isinstance(test, AssertTest)]
    text = task.prompt.removeprefix('"""\n').removesuffix(f'\n{tests[0]}\n"""\n')
    return {
        "prompt": task.prompt,
        "text": text,
        "first_test": tests[0],
        "tests": "\n".join(tests),
    }


def _shot(task: Task) -> str:
    asked = MBPP["lm-eval"].prompt(_fields(task) | {"shots": ""})
    return f"{asked}{task.reference}\n[DONE]\n\n"
