"""What the reference solutions of a plus benchmark return, computed in the sandbox and kept.

The outputs of a task are cut into batches small enough for one answer of the sandbox. They are kept
in the user's cache folder under the sha256 of the data file.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from neox.errors import InputError
from neox.evaluate.benchmarks.plus_inputs import wrapper
from neox.sandbox import Evaluate, Limits, Sandbox
from neox.sandbox.codec import decode, encode

VERSION = 1  # of the file's form
LIMITS = Limits(cpu_s=60.0, wall_s=300.0, memory_mb=4096)
MOST_INPUTS = 400


class Reference(Protocol):
    """What is needed of a task."""

    @property
    def id(self) -> str: ...
    @property
    def entry(self) -> str: ...
    @property
    def solution(self) -> str: ...
    @property
    def inputs(self) -> Sequence[list[Any]]: ...


@dataclass(frozen=True, slots=True)
class Batch:
    """Inputs `start` to `stop` with their outputs and the CPU seconds of all together.

    digest: the one output is a digest, since it is too large. An output beyond the limits is
    missing: its input is never answered rightly.
    """

    start: int
    stop: int
    cpu_s: float
    outputs: tuple[Any, ...]
    digest: bool = False

    def part(self, start: int, stop: int) -> Batch:
        """Some of the inputs; the seconds stay, as an upper bound."""
        some = self.outputs[start - self.start : stop - self.start]
        return Batch(start, stop, self.cpu_s, some)


@dataclass(frozen=True, slots=True)
class Expected:
    batches: tuple[Batch, ...]


def expected_outputs(data: Path, tasks: Sequence[Reference], box: Sandbox) -> dict[str, Expected]:
    """Outputs by task id, from the cache where they are there."""
    file = _cache() / f"{hashlib.sha256(data.read_bytes()).hexdigest()[:32]}.{VERSION}.json.gz"
    kept = _load(file)
    missing = [task for task in tasks if task.id not in kept]
    for task in missing:
        kept[task.id] = _compute(task, 0, len(task.inputs), box)
    if missing:
        _save(file, kept)
    return {task.id: Expected(tuple(_batch(row) for row in kept[task.id])) for task in tasks}


Row = tuple[int, int, float, str, bool]
MISSING = {"no output": "beyond the limits"}


def _compute(
    task: Reference, start: int, stop: int, box: Sandbox, digest: bool = False
) -> list[Row]:
    if stop - start > MOST_INPUTS:
        middle = start + MOST_INPUTS
        return [*_compute(task, start, middle, box), *_compute(task, middle, stop, box)]
    extra = wrapper(task.entry, digest)
    code = (
        f"{task.solution}{extra}\n\ndef neox_all(inputs):\n"
        f"    return [{'neox_call' if extra else task.entry}(*i) for i in inputs]\n"
    )
    outcome = box.run(Evaluate(code, "neox_all", [list(task.inputs[start:stop])], LIMITS))
    if outcome.verdict == "pass":
        return [(start, stop, outcome.cpu_s, outcome.claim.decode(), digest)]
    if stop - start > 1:
        middle = (start + stop) // 2
        return [*_compute(task, start, middle, box), *_compute(task, middle, stop, box)]
    if not digest and (outcome.verdict == "output_limit" or "CodecError" in outcome.detail):
        return _compute(task, start, stop, box, digest=True)
    if outcome.verdict in ("output_limit", "memory", "timeout"):
        return [(start, stop, outcome.cpu_s, encode([MISSING]).decode(), False)]
    raise InputError(
        f"the solution of {task.id} fails on input {start}: {outcome.verdict}: {outcome.detail}",
        remedy="is this the data file as it was published?",
    )


def _batch(row: Row) -> Batch:
    start, stop, seconds, claim, digest = row
    return Batch(start, stop, seconds, tuple(decode(claim.encode())), digest)


def _cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "neox" / "expected"


def _load(file: Path) -> dict[str, list[Row]]:
    try:
        with gzip.open(file, "rt") as stream:
            found: Mapping[str, list[Row]] = json.load(stream)
    except (OSError, EOFError, ValueError):
        return {}  # absent, or cut short by a crash: computed again
    return dict(found)


def _save(file: Path, kept: Mapping[str, list[Row]]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_suffix(f".{os.getpid()}.part")
    with gzip.open(part, "wt", compresslevel=3) as stream:
        json.dump(kept, stream)
    part.replace(file)
