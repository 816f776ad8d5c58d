"""`neox compile`: the tokens, the tree or the canonical text of a file, and what is wrong with it.

Results go to stdout, diagnostics to stderr (or into the JSON). Never runs what it reads.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from neox.compiler import emit, parse, validate
from neox.compiler.outline import outline, tree_json
from neox.compiler.program import LATEST, OLDEST, Diagnostic, Program, Version, spans
from neox.errors import InputError

_SHOWN = ("source", "tokens", "tree", "diagnostics")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="a Python file; - reads standard input")
    parser.add_argument(
        "--show", choices=_SHOWN, default="source", help="what to print (default: canonical source)"
    )
    parser.add_argument(
        "--python",
        metavar="3.N",
        default=f"3.{LATEST[1]}",
        help=f"the version whose grammar and rules apply, 3.{OLDEST[1]} to 3.{LATEST[1]}",
    )
    parser.add_argument("--format", choices=("text", "json"), default="text")


def run(args: argparse.Namespace) -> int:
    """0 for a program that Python would compile, 2 for one that it would not."""
    version = _version(args.python)
    program = parse(_read(args.file), version)
    problems = program.diagnostics or validate(program)
    if args.format == "json":
        print(_json(args.file, program, args.show, problems))
    else:
        for line in _text(program, args.show):
            # a lone surrogate has no encoding
            print(line.encode("utf-8", "backslashreplace").decode("utf-8"), end="")
        for one in problems:
            where = f"{args.file}:{one.line}:{one.column + 1}"
            out = sys.stdout if args.show == "diagnostics" else sys.stderr
            print(f"{where}: {one.message}", file=out)
    return 2 if problems else 0


def _version(text: str) -> Version:
    major, _, minor = text.partition(".")
    if major == "3" and minor.isascii() and minor.isdigit():
        version = (3, int(minor))
        if OLDEST <= version <= LATEST:
            return version
    raise InputError(
        f"--python {text} is no version this parser knows",
        remedy=f"3.{OLDEST[1]} to 3.{LATEST[1]}",
    )


def _read(name: str) -> bytes:
    if name == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(name).read_bytes()
    except OSError as error:
        raise InputError(
            f"{name} cannot be read: {error.strerror}", name, remedy="name a Python file"
        ) from None


def _text(program: Program, show: str) -> list[str]:
    if show == "source":
        return [emit(program)]
    if show == "tree":
        return [line + "\n" for line in outline(program)]
    if show == "tokens":
        found = _tokens(program)
        return [f"{t['line']}:{t['column']}\t{t['kind']}\t{t['text']!r}\n" for t in found]
    return []


def _tokens(program: Program) -> list[dict[str, Any]]:
    rows = []
    for kind, start, end in spans(program.text, program.version):
        line, column = program.locate(start)
        text = program.text[start:end]
        rows.append({"kind": kind, "text": text, "line": line, "column": column})
    return rows


def _json(name: str, program: Program, show: str, problems: tuple[Diagnostic, ...]) -> str:
    rows = [
        {"line": d.line, "column": d.column, "message": d.message, "start": d.start, "end": d.end}
        for d in problems
    ]
    head = {"path": name, "python": f"3.{program.version[1]}", "diagnostics": rows}
    text = json.dumps(head)
    if show == "tree":
        body = tree_json(program)  # a deep tree is too deep for json
    elif show == "tokens":
        body = json.dumps(_tokens(program))
    else:
        body = json.dumps(emit(program))
    return text if show == "diagnostics" else f'{text[:-1]}, "{show}": {body}}}'
