"""Findings: what the linter has to say about a line, by rule; and the comments that silence it."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

RULES: dict[str, str] = {
    "NX001": "running time exceeds its contract",
    "NX002": "the contract is looser than what is proved",
    "NX003": "the contract cannot be verified",
    "NX004": "recursion as deep as the input is large",
    "NX101": "membership test in a list inside a loop",
    "NX102": "list operation at the front inside a loop",
    "NX103": "slice copied at every level of a recursion",
    "NX201": "running time got worse than at the base revision",
    "NX301": "operation counts contradict the bound",
    "NX900": "the file cannot be read as Python",
}
DEFAULT = frozenset({"NX001", "NX201", "NX301", "NX900"})
_NOQA = re.compile(r"#\s*noqa(?::\s*(?P<codes>[A-Z0-9, ]+))?\s*(?:#|$)", re.IGNORECASE)


class Finding(NamedTuple):
    """`line` and `column` count from 1."""

    code: str
    path: str
    line: int
    column: int
    message: str

    def to_json(self) -> dict[str, Any]:
        return self._asdict()

    @staticmethod
    def of(row: dict[str, Any]) -> Finding:
        return Finding(row["code"], row["path"], row["line"], row["column"], row["message"])


def silenced(finding: Finding, lines: list[str]) -> bool:
    """`# noqa` on the line silences every rule there, `# noqa: NX101` the named ones."""
    if finding.code == "NX900" or not 0 < finding.line <= len(lines):
        return False
    match = _NOQA.search(lines[finding.line - 1])
    if match is None:
        return False
    codes = match.group("codes")
    return codes is None or finding.code in re.split(r"[,\s]+", codes.strip().upper())
