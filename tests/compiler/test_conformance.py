"""Our tree is CPython's tree: every field, every location, on every text CPython accepts.

The oracle is `ast` of the running interpreter. Locations inside f-strings are compared only from
Python 3.12 on, because older interpreters do not know them.
"""

from __future__ import annotations

import ast
import json
import os
import sys
import sysconfig
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from neox.compiler import nodes, parse
from neox.compiler.program import Program

SHARED = Path(os.environ.get("NEOX_SHARED", Path(__file__).parents[3] / "shared"))
VERSION = (sys.version_info[0], sys.version_info[1])
OLD_FSTRINGS = sys.version_info < (3, 12)
NEWER_FIELDS = {"type_params", "default_value"}  # empty where the interpreter is older


def differences(source: str | bytes, tree: ast.AST | None = None) -> Iterator[str]:
    """What differs between our tree and CPython's, first things first."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = ast.parse(source) if tree is None else tree
    program = parse(source, VERSION)
    if program.diagnostics:
        yield f"diagnostic {program.diagnostics[0]}"
    waiting: list[tuple[object, object, str, bool]] = [(program.tree, theirs, "", True)]
    while waiting:
        ours, other, path, placed = waiting.pop()
        if isinstance(ours, list) and isinstance(other, list):
            if len(ours) != len(other):
                yield f"{path}: {len(ours)} items, CPython has {len(other)}"
                continue
            waiting += [
                (a, b, f"{path}[{i}]", placed)
                for i, (a, b) in enumerate(zip(ours, other, strict=True))
            ]
        elif isinstance(ours, nodes.Node):
            yield from _node(program, ours, other, path, placed, waiting)
        elif isinstance(
            other, (ast.operator, ast.unaryop, ast.cmpop, ast.boolop, ast.expr_context)
        ):
            if ours != type(other).__name__:
                yield f"{path}: {ours!r} is {type(other).__name__}"
        elif type(ours) is not type(other) or repr(ours) != repr(other):
            yield f"{path}: {ours!r} is {other!r}"


def _node(
    program: Program,
    ours: nodes.Node,
    other: object,
    path: str,
    placed: bool,
    waiting: list[tuple[object, object, str, bool]],
) -> Iterator[str]:
    name = type(ours).__name__
    if name != type(other).__name__:
        yield f"{path}: {name} is {type(other).__name__}"
        return
    path = f"{path}.{name}"
    if placed and isinstance(other, (ast.stmt, ast.expr, ast.arg, ast.alias, ast.keyword,
                                     ast.excepthandler, ast.pattern)):  # fmt: skip
        there = (other.lineno, other.col_offset, other.end_lineno, other.end_col_offset)
        if program.location(ours) != there:
            yield f"{path}: at {program.location(ours)}, CPython {there}"
    placed = placed and not (OLD_FSTRINGS and name == "JoinedStr")
    for field in ours._fields:
        if field in NEWER_FIELDS and not hasattr(other, field):
            if getattr(ours, field):
                yield f"{path}.{field}: {getattr(ours, field)!r} is newer than the interpreter"
            continue
        waiting.append((getattr(ours, field), getattr(other, field), f"{path}.{field}", placed))


def assert_same(source: str | bytes) -> None:
    found = next(differences(source), None)
    assert found is None, found


def _rows(*parts: str) -> list[dict[str, str]]:
    path = SHARED.joinpath("data", *parts)
    if not path.exists():
        pytest.skip(f"{path} is not there: set NEOX_SHARED")
    with path.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


@pytest.mark.slow
def test_humaneval() -> None:
    rows = _rows("humaneval", "HumanEval.jsonl")
    assert len(rows) == 164
    for row in rows:
        assert_same(row["prompt"] + row["canonical_solution"])
        assert_same(row["test"])


@pytest.mark.slow
def test_mbpp() -> None:
    rows = _rows("mbpp", "mbpp.jsonl")
    assert len(rows) > 900
    for row in rows:
        assert_same(row["code"])


def library(every: int) -> list[Path]:
    """Every so many files of the standard library, without its tests."""
    root = Path(sysconfig.get_paths()["stdlib"])
    found = [
        path
        for path in sorted(root.rglob("*.py"))
        if not {"test", "tests", "idle_test", "site-packages", "bad_syntax"}
        & set(path.relative_to(root).parts)
    ]
    return found[::every]


@pytest.mark.slow
def test_a_sample_of_the_standard_library() -> None:
    sample = library(12)
    assert len(sample) >= 50
    wrong = [(p.name, d) for p in sample if (d := next(differences(p.read_bytes()), None))]
    assert wrong == []


@pytest.mark.slow
def test_corpora() -> None:
    """Files of public test suites: what CPython accepts we read the same way."""
    verdicts = SHARED / "corpora" / f"verdicts_{VERSION[0]}.{VERSION[1]}.json"
    if not verdicts.exists():
        pytest.skip(f"{verdicts} is not there: set NEOX_SHARED")
    wrong = []
    for name, verdict in json.loads(verdicts.read_text()).items():
        if verdict[0] == "ok":
            found = next(differences((SHARED / "corpora" / name).read_bytes()), None)
            if found is not None:
                wrong.append((name, found))
    assert wrong == []
