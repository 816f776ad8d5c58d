"""CRUXEval-O (Gu et al. 2024, arXiv 2401.03065): what does this function return on this input?

A reply is an expression, right when its value equals the known output's. It is evaluated in the
sandbox without the function beside it, so that it cannot call it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from neox.datasets.readers import rows
from neox.errors import InputError
from neox.evaluate.benchmarks.base import Judged, Problem, Replies
from neox.evaluate.prompts import CRUXEVAL, Preset
from neox.sandbox import Evaluate, Limits, Sandbox
from neox.sandbox.codec import decode, parse
from neox.sandbox.compare import matches


class CruxEval:
    name: ClassVar[str] = "cruxeval"
    shipped: ClassVar[str | None] = None
    wanted: ClassVar[str] = "cruxeval.jsonl of facebookresearch/cruxeval (MIT)"
    files: ClassVar[tuple[str, ...]] = ("cruxeval.jsonl",)
    presets: ClassVar[Mapping[str, Preset]] = CRUXEVAL
    seconds: ClassVar[float] = 3.0
    scores: ClassVar[tuple[str, ...]] = ("",)

    def read(self, path: Path) -> Sequence[Problem]:
        return [
            Problem(
                f"cruxeval/{row['id']}",
                {"code": row["code"], "input": row["input"]},
                row["output"],
                row["output"],
            )
            for _, row in rows(path, ("id", "code", "input", "output"))
        ]

    def judge(self, replies: Replies, box: Sandbox, timeout: float) -> Iterator[Judged]:
        limits = Limits(cpu_s=timeout, wall_s=3 * timeout)
        problems = {r.problem.id: r.problem for r in replies}
        known = {id: box.submit(_value(p.key, limits)) for id, p in problems.items()}
        values = box.map([_value(r.judged, limits) for r in replies])
        for reply, outcome in zip(replies, values, strict=True):
            problem = reply.problem
            right = known[problem.id].result()
            if right.verdict != "pass":
                raise InputError(f"the output of {problem.id} is no plain value: {problem.key}")
            verdict, detail = outcome.verdict, outcome.detail
            if verdict == "pass" and not matches(parse(outcome.claim), decode(right.claim), "eq"):
                verdict, detail = "fail", f"not {problem.key}"
            yield Judged(problem.id, reply.text, verdict, detail, {"": verdict == "pass"})

    def expected_failures(self) -> Mapping[str, str]:
        return {}


def _value(expression: str, limits: Limits) -> Evaluate:
    code = f"def neox_value():\n    return (\n{expression}\n    )\n"
    return Evaluate(code, "neox_value", [], limits)
