"""Printing: text, concise, JSON and GitHub's annotations. Order is the order of the files."""

from __future__ import annotations

from collections.abc import Iterable

from neox import __version__
from neox.verify.findings import Finding
from neox.verify.study import Row, shown

SCHEMA = 1  # of the JSON output


def text(rows: Iterable[Row], findings: Iterable[Finding], *, explain: bool) -> list[str]:
    lines = []
    for row in rows:
        mark = ""
        if "contract" in row:
            word = {True: "kept", False: "BROKEN", None: "not proved"}[row["kept"]]
            mark = f"  contract {row['contract']}: {word}"
        head = f"{row['path']}:{row['line']}: {row['function']}"
        lines.append(f"{head}  {shown(row)}  [{row['status']}]{mark}")
        if explain:
            lines += [f"    {line}" for line in [*row["trace"], *row["notes"]]]
        checked = row.get("checked")
        if checked:
            lines.append(f"    checked: {checked['verdict']}")
    return lines + concise(findings)


def concise(findings: Iterable[Finding]) -> list[str]:
    return [f"{f.path}:{f.line}:{f.column}: {f.code} {f.message}" for f in findings]


def as_json(rows: list[Row], findings: list[Finding]) -> str:
    import json

    return json.dumps(
        {
            "schema": SCHEMA,
            "version": __version__,
            "functions": rows,
            "findings": [f.to_json() for f in findings],
        }
    )


def github(findings: Iterable[Finding]) -> list[str]:
    """Workflow commands: GitHub shows each at its line."""
    return [
        f"::error file={_property(f.path)},line={f.line},col={f.column},title={f.code}::"
        f"{_escaped(f.message)}"
        for f in findings
    ]


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _escaped(text).replace(":", "%3A").replace(",", "%2C")
