"""GSM8K (Cobbe et al. 2021, arXiv 2110.14168): the last number of a worked answer.

Always three scores, since extraction moves results more than training does. `strict` is the
official pattern, first match, compared as text; `flexible` is lm-eval's, the last number anywhere;
`last` is NEOX's own, the last `####`, for models that recite the examples first.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from neox.datasets.readers import rows
from neox.evaluate.benchmarks.base import Judged, Problem, Replies
from neox.evaluate.prompts import GSM8K, Preset
from neox.sandbox import Sandbox

_STRICT = re.compile(r"#### (\-?[0-9\.\,]+)")
_FLEXIBLE = re.compile(r"(-?[$0-9.,]{2,})|(-?[0-9]+)")
_SHOTS = 5
INVALID = "[invalid]"


def strict(text: str) -> str:
    """The number after the first `#### `, without commas; INVALID where there is none.

    >>> strict("7 * 6 = 42\\n#### 1,042")
    '1042'
    """
    found = _STRICT.search(text)
    return found[1].strip().replace(",", "") if found else INVALID


def last(text: str) -> str:
    """The number after the last `#### `."""
    found = _STRICT.findall(text)
    return str(found[-1]).strip().replace(",", "") if found else INVALID


def flexible(text: str) -> str:
    """The last thing that looks like a number, as lm-eval's flexible-extract normalises it.

    >>> flexible("so she pays $1,042.")
    '1042'
    """
    found = _FLEXIBLE.findall(text)
    number = next((part for part in found[-1] if part), INVALID) if found else INVALID
    return _normal(number)


def _normal(text: str) -> str:
    """lm-eval compares after dropping commas, dollars, all up to `#### `, and one final stop."""
    text = text.replace(",", "").replace("$", "").rpartition("#### ")[2]
    return text.removesuffix(".").strip().lower()


class Gsm8k:
    name: ClassVar[str] = "gsm8k"
    shipped: ClassVar[str | None] = "gsm8k/test.jsonl.gz"
    wanted: ClassVar[str] = "test.jsonl of openai/grade-school-math"
    files: ClassVar[tuple[str, ...]] = ("test.jsonl.gz", "test.jsonl")
    presets: ClassVar[Mapping[str, Preset]] = GSM8K
    seconds: ClassVar[float] = 3.0
    scores: ClassVar[tuple[str, ...]] = ("strict", "flexible", "last")

    def read(self, path: Path) -> Sequence[Problem]:
        shots = "".join(
            f"Question: {question}\nAnswer: {answer}\n\n" for question, answer in _examples(path)
        )
        return [
            Problem(
                f"gsm8k/{number}",
                {"question": row["question"], "shots": shots},
                row["answer"],
                strict(row["answer"]),
            )
            for number, row in rows(path, ("question", "answer"))
        ]

    def judge(self, replies: Replies, box: Sandbox, timeout: float) -> Iterator[Judged]:
        for reply in replies:
            problem, text = reply.problem, reply.judged
            found = {"strict": strict(text), "flexible": flexible(text), "last": last(text)}
            passed = {name: answer == problem.key for name, answer in found.items()}
            right = passed["strict"]
            detail = "" if right else f"{found['strict']}, not {problem.key}"
            more = {"extracted": found}
            yield Judged(problem.id, reply.text, "pass" if right else "fail", detail, passed, more)

    def expected_failures(self) -> Mapping[str, str]:
        return {}


def _examples(path: Path) -> list[tuple[str, str]]:
    """The first training examples: of train.jsonl beside the file, or those that are shipped."""
    beside = path.with_name("train.jsonl")
    file = beside if beside.is_file() else path.with_name("shots.jsonl")
    if not file.is_file():
        return []
    found = [(row["question"], row["answer"]) for _, row in rows(file, ("question", "answer"))]
    return found[:_SHOTS]
