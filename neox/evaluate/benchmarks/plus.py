"""HumanEval+ and MBPP+ (Liu et al. 2023, arXiv 2305.01210) by evalplus' rules.

A completion is called on every base and extra input and compared with what the data's own solution
returns there; `plus` counts it only when base and extra inputs all pass. A call may take
max(4 s, 4 times the reference's), a completion 60 s. Results are compared outside the process that
computes them, with evalplus' tolerance for floats and its accepted second readings.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

from neox.datasets.readers import rows
from neox.evaluate.benchmarks.base import Judged, Problem, Replies, Reply
from neox.evaluate.benchmarks.code import OUTPUT_KB
from neox.evaluate.benchmarks.expected import Batch, Expected, expected_outputs
from neox.evaluate.benchmarks.plus_inputs import (
    accepted,
    mbpp_arguments,
    polynomial,
    wrapper,
)
from neox.evaluate.prompts import HUMANEVAL, MBPP, Preset
from neox.sandbox import Approx, Call, Compare, Evaluate, Limits, Outcome, Sandbox
from neox.sandbox.codec import decode

LEAST_SECONDS, FACTOR, MOST_SECONDS = 4.0, 4.0, 60.0
MEMORY_MB = 4096
IN_FLIGHT = 16  # completions judged at once: more than there will be workers
SLACK = 10.0  # wall seconds beyond the CPU limit: a busy machine must not decide
_FIELDS = (
    *("task_id", "prompt", "entry_point", "canonical_solution"),
    *("base_input", "plus_input", "atol"),
)
ROOT = "find_zero"  # any root of a polynomial is right


@dataclass(frozen=True, slots=True)
class PlusTask:
    """Inputs of one problem, the base ones first; `solution` is self-contained."""

    id: str
    entry: str
    prompt: str
    solution: str
    inputs: tuple[list[Any], ...]
    base: int
    atol: float


class HumanEvalPlus:
    name: ClassVar[str] = "humaneval+"
    shipped: ClassVar[str | None] = None
    wanted: ClassVar[str] = "HumanEvalPlus.jsonl.gz of evalplus/humanevalplus_release (Apache-2.0)"
    files: ClassVar[tuple[str, ...]] = ("HumanEvalPlus.jsonl.gz", "HumanEvalPlus.jsonl")
    presets: ClassVar[Mapping[str, Preset]] = HUMANEVAL
    seconds: ClassVar[float] = LEAST_SECONDS
    scores: ClassVar[tuple[str, ...]] = ("plus", "base")

    def read(self, path: Path) -> Sequence[Problem]:
        self._path = path
        made = []
        for _, row in rows(path, _FIELDS):
            inputs = [self._arguments(row["task_id"], given) for given in _inputs(row)]
            task = PlusTask(
                row["task_id"],
                row["entry_point"],
                row["prompt"],
                row["prompt"] + row["canonical_solution"],
                tuple(inputs),
                len(row["base_input"]),
                float(row["atol"]),
            )
            made.append(self._problem(task, row))
        return made

    def _arguments(self, id: str, given: Sequence[Any]) -> list[Any]:
        return list(given)

    def _problem(self, task: PlusTask, row: Mapping[str, Any]) -> Problem:
        fields = {"prompt": task.prompt}
        return Problem(task.id, fields, row["canonical_solution"], task, task.prompt)

    def expected_failures(self) -> Mapping[str, str]:
        return {}

    def judge(self, replies: Replies, box: Sandbox, timeout: float) -> Iterator[Judged]:
        """`timeout` is for one call; the other limits are scaled with it."""
        scale = timeout / LEAST_SECONDS
        wanted = {r.problem.id: r.problem.key for r in replies}
        expected = expected_outputs(self._path, list(wanted.values()), box)

        def seen(reply: Reply) -> _Seen:
            task = reply.problem.key
            return _judge(task, reply.judged, expected[task.id], box, scale)

        pool = ThreadPoolExecutor(IN_FLIGHT)  # its threads only wait for the sandbox
        try:
            for reply, one in zip(replies, pool.map(seen, replies), strict=True):
                task = reply.problem.key
                passed = {
                    "plus": one.right == len(task.inputs),
                    "base": one.right >= task.base,
                }
                yield Judged(task.id, reply.text, one.verdict, one.detail, passed)
        finally:
            pool.shutdown(cancel_futures=True)


class MbppPlus(HumanEvalPlus):
    name: ClassVar[str] = "mbpp+"
    wanted: ClassVar[str] = "MbppPlus.jsonl.gz of evalplus/mbppplus_release (Apache-2.0)"
    files: ClassVar[tuple[str, ...]] = ("MbppPlus.jsonl.gz", "MbppPlus.jsonl")
    presets: ClassVar[Mapping[str, Preset]] = {
        name: preset for name, preset in MBPP.items() if name == "evalplus-base"
    }

    def _arguments(self, id: str, given: Sequence[Any]) -> list[Any]:
        return mbpp_arguments(int(id.rpartition("/")[2]), given)

    def _problem(self, task: PlusTask, row: Mapping[str, Any]) -> Problem:
        task = replace(task, solution=row["canonical_solution"])
        return Problem(task.id, {"prompt": task.prompt}, row["canonical_solution"], task)

    def expected_failures(self) -> Mapping[str, str]:
        return {"Mbpp/255": "one extra input has a result of 1.1 GB; evalplus' limits stop it too"}


def _inputs(row: Mapping[str, Any]) -> list[Any]:
    return [*row["base_input"], *(row["plus_input"] or ())]


@dataclass(frozen=True, slots=True)
class _Seen:
    """How many leading inputs were answered rightly, and what ended that."""

    right: int
    verdict: str
    detail: str


def _judge(task: PlusTask, text: str, known: Expected, box: Sandbox, scale: float) -> _Seen:
    """All batches in order, up to the first input that is not answered rightly.

    A batch that runs out of time goes on from the input it was at, alone: so the limit holds for
    each call, as evalplus', while a right solution costs one process for a batch. Whoever answers
    the first batch rightly is given all others at once, so that no worker waits.
    """
    right, spent = 0, 0.0
    batches = list(known.batches)
    ahead: dict[tuple[int, int], Future[Outcome]] = {}
    while batches:
        batch = batches.pop(0)
        span = batch.start, batch.stop
        future = ahead.pop(span, None) or box.submit(_job(task, text, batch, scale))
        outcome = future.result()
        spent += outcome.cpu_s
        passed = _passed(task, batch, outcome)
        right += passed
        count = batch.stop - batch.start
        if passed < count:
            stuck = outcome.verdict == "timeout" and count > 1
            if not stuck or spent > MOST_SECONDS * scale:
                verdict = "fail" if outcome.verdict == "pass" else outcome.verdict
                for waiting in ahead.values():
                    waiting.cancel()
                return _Seen(right, verdict, outcome.detail)
            at = batch.start + passed
            batches[:0] = [batch.part(at, at + 1), batch.part(at + 1, batch.stop)]
            batches = [b for b in batches if b.start < b.stop]
        elif batch.start == 0:
            ahead = {(b.start, b.stop): box.submit(_job(task, text, b, scale)) for b in batches}
    return _Seen(right, "pass", "")


def _passed(task: PlusTask, batch: Batch, outcome: Outcome) -> int:
    """How many leading inputs of the batch are right."""
    if task.entry == ROOT:
        if outcome.verdict != "pass":
            return 0
        found = decode(outcome.claim)
        return _leading(_is_root(task, batch, i, x) for i, x in enumerate(found))
    return _leading(test.verdict == "pass" for test in outcome.tests)


def _leading(flags: Iterator[bool]) -> int:
    count = 0
    for flag in flags:
        if not flag:
            break
        count += 1
    return count


def _is_root(task: PlusTask, batch: Batch, index: int, x: Any) -> bool:
    if type(x) not in (int, float) or index >= batch.stop - batch.start:
        return False
    try:
        value = polynomial(task.inputs[batch.start + index][0], x)
    except (OverflowError, ValueError):
        return False
    return abs(value) <= task.atol


def _job(task: PlusTask, text: str, batch: Batch, scale: float) -> Call | Evaluate:
    seconds = scale * max(LEAST_SECONDS, FACTOR * batch.cpu_s)
    limits = Limits(cpu_s=seconds, wall_s=seconds + SLACK, memory_mb=MEMORY_MB, output_kb=OUTPUT_KB)
    inputs = list(task.inputs[batch.start : batch.stop])
    if task.entry == ROOT:
        code = f"{text}\n\ndef neox_all(inputs):\n    return [{ROOT}(*i) for i in inputs]\n"
        return Evaluate(code, "neox_all", [inputs], limits=limits)
    extra = wrapper(task.entry, batch.digest)
    expected: list[Any] = []
    modes: list[Compare] = []
    for arguments, answer in zip(inputs, batch.outputs, strict=True):
        answers = None if batch.digest else accepted(task.entry, arguments, answer)
        expected.append(answer if answers is None else answers)
        modes.append("any_of" if answers is not None else _tolerance(task, answer))
    name = "neox_call" if extra else task.entry
    return Call(text + extra, name, inputs, expected, modes, limits)


def _tolerance(task: PlusTask, answer: Any) -> Compare:
    """Equality, or evalplus' closeness where the task has a tolerance or the answer is floats."""
    floats = isinstance(answer, float) or (
        isinstance(answer, list | tuple)
        and len(answer) > 0
        and all(isinstance(item, float) for item in answer)
    )
    atol = task.atol or (1e-6 if floats else 0.0)
    return Approx(rtol=1e-7, atol=atol) if atol else "eq"
