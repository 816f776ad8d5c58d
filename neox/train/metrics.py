"""metrics.jsonl and samples.jsonl: one JSON object per line, appended, and cut back on resume."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any


class Journal:
    """An append-only file of JSON lines, each with the step it belongs to."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def append(self, rows: Iterable[Mapping[str, Any]]) -> None:
        text = "".join(json.dumps({k: _plain(v) for k, v in row.items()}) + "\n" for row in rows)
        with self.path.open("a") as stream:
            stream.write(text)

    def rewind(self, step: int) -> None:
        """Drop rows after `step` and a half-written last line; atomic."""
        if not self.path.exists():
            return
        kept = [r for r in read(self.path) if r["step"] <= step]
        draft = self.path.with_suffix(".tmp")
        draft.write_text("".join(json.dumps(r) + "\n" for r in kept))
        os.replace(draft, self.path)


def read(path: Path) -> list[dict[str, Any]]:
    """The rows that are whole; a run that is being written or was killed may end in half a line."""
    rows = []
    for line in path.read_text().splitlines():
        try:
            rows.append(json.loads(line))
        except ValueError:
            break
    return rows


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 6) if math.isfinite(value) else None
    return value
