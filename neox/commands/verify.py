"""`neox verify`: bounds on running time, and contracts kept or broken. Never runs what it reads."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from neox.compiler import parse
from neox.compiler.complexity import Bound, ContractError, analyze, contracts, satisfies
from neox.errors import InputError

Row = dict[str, Any]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("paths", nargs="+", metavar="FILE|DIR", help="Python files, or folders")
    parser.add_argument("--explain", action="store_true", help="print how each bound was found")
    parser.add_argument(
        "--strict", action="store_true", help="an unknown bound fails, too (exit status 1)"
    )
    parser.add_argument("--format", choices=("text", "json"), default="text")


def run(args: argparse.Namespace) -> int:
    """0 if every contract is kept, 1 if one is broken (or, strictly, unproved), 2 for bad input."""
    status = 0
    functions: list[Row] = []
    for file in _files(args.paths):
        program = parse(file.read_bytes())
        for problem in program.diagnostics:
            where = f"{file}:{problem.line}:{problem.column + 1}"
            print(f"{where}: {problem.message}", file=sys.stderr)
            status = 2
        promised = contracts(program)
        for bound in analyze(program):
            row, broken = _judge(file, bound, promised.get(bound.line), args.strict)
            functions.append(row)
            status = max(status, broken) if status != 2 else 2
            if args.format == "text":
                _show(row, args.explain)
    if args.format == "json":
        print(json.dumps({"functions": functions}))
    return status


def _files(paths: list[str]) -> Iterator[Path]:
    for name in paths:
        path = Path(name)
        if path.is_dir():
            yield from sorted(p for p in path.rglob("*.py") if p.is_file())
        elif path.is_file():
            yield path
        else:
            raise InputError(
                f"{path} does not exist", path, remedy="name a Python file or a folder"
            )


def _judge(file: Path, bound: Bound, contract: str | None, strict: bool) -> tuple[Row, int]:
    """The row of one function, and 1 where its contract is broken (or, strictly, unproved)."""
    row: Row = {
        "path": str(file),
        "function": bound.function,
        "line": bound.line,
        "parameters": dict(bound.parameters),
        "lower": bound.lower.expression,
        "upper": bound.upper.expression,
        "theta": bound.theta,
        "status": bound.status,
        "notes": list(bound.notes),
    }
    broken = int(strict and bound.status == "unknown")
    if contract is not None:
        try:
            kept = satisfies(bound, contract)
        except ContractError as error:
            raise InputError(str(error), file, bound.line, "such as O(n log n), n=len(a)") from None
        row["contract"], row["kept"] = contract, kept
        broken = max(broken, int(kept is False or (strict and kept is None)))
    return row, broken


def _show(row: Row, explain: bool) -> None:
    if row["theta"] is not None:
        text = f"Theta({row['theta']})"
    else:
        text = f"Omega({row['lower'] or '?'}), O({row['upper'] or '?'})"
    sizes = ", ".join(f"{name}={size}" for name, size in row["parameters"].items() if name != size)
    text += f"  {sizes}" * bool(sizes)
    mark = ""
    if "contract" in row:
        word = {True: "kept", False: "BROKEN", None: "not proved"}[row["kept"]]
        mark = f"  contract {row['contract']}: {word}"
    head = f"{row['path']}:{row['line']}: {row['function']}"
    print(f"{head}  {text}  [{row['status']}]{mark}")
    if explain:
        for note in row["notes"]:
            print(f"    {note}")
