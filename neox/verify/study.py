"""One file: its bounds as rows, its findings, and whether it could be read at all.

The border at which nothing escapes: whatever a hostile text does to the analysis becomes one
finding of rule NX900.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from neox.errors import InputError
from neox.verify.files import Cache, content
from neox.verify.findings import RULES, Finding, silenced
from neox.verify.settings import Settings

MYPY = False
if MYPY:  # what is in the cache needs no compiler: start-up counts
    from neox.compiler.complexity.bound import Bound

Row = dict[str, Any]
_PROMISES = re.compile(r"neox|complexity|bound", re.IGNORECASE)  # what no contract can do without
MAX_BYTES = 4_000_000  # a source beyond this is data in disguise
_RANK = {"unknown": 0, "heuristic": 1, "assumed": 2, "proved": 3}


class Study:
    """`functions` are the rows of the JSON output; `failed` where the file is not Python."""

    def __init__(self, functions: list[Row], findings: list[Finding], failed: bool) -> None:
        self.functions, self.findings, self.failed = functions, findings, failed


def study(path: Path, settings: Settings, cache: Cache) -> Study:
    try:
        data = content(path)
    except InputError as error:
        return Study([], [Finding("NX900", str(path), 1, 1, str(error).partition(": ")[2])], True)
    if len(data) > MAX_BYTES:
        return Study([], [Finding("NX900", str(path), 1, 1, "too large to be analysed")], True)
    options = f"{path} {settings.count_input}"
    key = cache.key(data, options)
    known = cache.get(key)
    if known is None:
        try:
            known = _examine(path, data, settings)
        except Exception as error:  # the border: one bad file is a diagnostic, not the end
            message = f"the analysis failed: {type(error).__name__}: {error}"
            finding = Finding("NX900", str(path), 1, 1, message[:300])
            return Study([], [finding], True)
        cache.put(key, known)
    findings = [Finding.of(f) for f in known["findings"]]
    return Study(known["functions"], findings, known["failed"])


def _examine(path: Path, data: bytes, settings: Settings) -> dict[str, Any]:
    from neox.compiler.complexity.analysis import analyze
    from neox.compiler.program import parse
    from neox.verify.habits import habits

    program = parse(data)
    lines = program.text.splitlines()
    findings = [
        Finding("NX900", str(path), d.line, d.column + 1, d.message) for d in program.diagnostics
    ]
    failed = bool(findings)
    promised: dict[int, str] = {}
    if _PROMISES.search(program.text):
        from neox.compiler.complexity.contract import contracts  # few files have any

        promised = contracts(program)
    rows: list[Row] = []
    for bound in analyze(program, count_input=settings.count_input):
        row = row_of(path, bound)
        rows.append(row)
        if bound.line in promised:
            try:
                findings += judge(path, bound, promised[bound.line], row)
            except ValueError as error:  # a ContractError: the text is not a contract
                findings.append(Finding("NX900", str(path), bound.line, 1, f"contract: {error}"))
                failed = True
        findings += _depth(path, bound)
    findings += habits(program, str(path))
    kept = [f for f in findings if not silenced(f, lines)]
    kept.sort(key=lambda f: (f.line, f.column, f.code))
    return {"functions": rows, "findings": [f.to_json() for f in kept], "failed": failed}


def row_of(path: Path, bound: Bound) -> Row:
    row: Row = {
        "path": str(path),
        "function": bound.function,
        "line": bound.line,
        "parameters": dict(bound.parameters),
        "lower": bound.lower.expression,
        "upper": bound.upper.expression,
        "theta": bound.theta,
        "status": bound.status,
        "notes": [*bound.notes, *(f"assumed: {a}" for a in bound.assumptions)],
        "evidence": {"lower": bound.lower.evidence, "upper": bound.upper.evidence},
        "trace": list(bound.trace),
    }
    if bound.label is not None:
        row["class"] = bound.label
    return row


def shown(row: Row) -> str:
    """A bound in one line."""
    if row["theta"] is not None:
        text = f"Theta({row['theta']})"
    else:
        text = f"Omega({row['lower'] or '?'}), O({row['upper'] or '?'})"
    sizes = ", ".join(f"{name}={size}" for name, size in row["parameters"].items() if name != size)
    return text + f"  {sizes}" * bool(sizes)


def judge(path: Path, bound: Bound, contract: str, row: Row) -> list[Finding]:
    """Contract kept, broken, loose or open; the verdict goes into the row as well."""
    from neox.compiler.complexity.contract import Contract, satisfies

    kept = satisfies(bound, contract)
    row["contract"], row["kept"] = contract, kept
    where = str(path), bound.line, 1
    if kept is False:
        text = f"{bound.function} has {shown(row)}, which exceeds its contract {contract}"
        return [Finding("NX001", *where, text)]
    if kept is None:
        text = f"{bound.function}: contract {contract} cannot be verified from {shown(row)}"
        return [Finding("NX003", *where, text)]
    if bound.theta is not None and Contract.parse(contract).kind == "O":
        tight = satisfies(bound, "Theta" + contract.strip()[1:])
        if tight is False:
            text = f"{bound.function} has {shown(row)}; its contract {contract} is looser"
            return [Finding("NX002", *where, text)]
    return []


def _depth(path: Path, bound: Bound) -> list[Finding]:
    if any(line.startswith("depth: linear") for line in bound.trace):
        text = f"{bound.function}: {RULES['NX004']} ({sizes(bound)})"
        return [Finding("NX004", str(path), bound.line, 1, text)]
    return []


def sizes(bound: Bound) -> str:
    return ", ".join(f"{name}={size}" for name, size in bound.parameters) or "no size"


__all__ = ["MAX_BYTES", "Row", "Study", "judge", "row_of", "shown", "study"]
