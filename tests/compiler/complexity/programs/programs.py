"""Reads the labelled programs beside this file; says which half each belongs to."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Labelled:
    name: str
    label: str
    code: str

    @property
    def aside(self) -> bool:
        """Set aside: never looked at while the analyser is tuned."""
        return hashlib.sha256(self.name.encode()).digest()[0] % 2 == 1


def load() -> list[Labelled]:
    found = []
    for file in sorted(FOLDER.glob("*.txt")):
        for block in file.read_text(encoding="utf-8").split("# program: ")[1:]:
            name, _, code = block.partition("\n")
            found.append(Labelled(name.strip(), file.stem.replace("_", " "), code.strip() + "\n"))
    return found
