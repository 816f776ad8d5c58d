"""The oracle: how a tree of ours differs from the one of CPython's `ast`, field by field.

For tests and measurements; the product never reads `ast` trees. Locations inside f-strings are
compared from Python 3.12 on, because older interpreters do not know them.
"""

from __future__ import annotations

import ast
import sys
import warnings
from collections.abc import Iterator

from neox.compiler import nodes
from neox.compiler.program import Program, parse

RUNNING = (sys.version_info[0], sys.version_info[1])
_OLD_FSTRINGS = sys.version_info < (3, 12)
_NEWER_FIELDS = {"type_params", "default_value"}  # empty where the interpreter is older
_PLACED = (ast.stmt, ast.expr, ast.arg, ast.alias, ast.keyword, ast.excepthandler, ast.pattern)
_PLAIN = (ast.operator, ast.unaryop, ast.cmpop, ast.boolop, ast.expr_context)

Waiting = list[tuple[object, object, str, bool]]


def differences(source: str | bytes, tree: ast.AST | None = None) -> Iterator[str]:
    """What differs between our tree and CPython's (or `tree`), first things first."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = ast.parse(source) if tree is None else tree
    program = parse(source, RUNNING)
    if program.diagnostics:
        yield f"diagnostic {program.diagnostics[0]}"
    waiting: Waiting = [(program.tree, theirs, "", True)]
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
        elif isinstance(other, _PLAIN):
            if ours != type(other).__name__:
                yield f"{path}: {ours!r} is {type(other).__name__}"
        elif type(ours) is not type(other) or repr(ours) != repr(other):
            yield f"{path}: {ours!r} is {other!r}"


def _node(
    program: Program, ours: nodes.Node, other: object, path: str, placed: bool, waiting: Waiting
) -> Iterator[str]:
    name = type(ours).__name__
    if name != type(other).__name__:
        yield f"{path}: {name} is {type(other).__name__}"
        return
    path = f"{path}.{name}"
    if placed and isinstance(other, _PLACED):
        there = (other.lineno, other.col_offset, other.end_lineno, other.end_col_offset)
        if program.location(ours) != there:
            yield f"{path}: at {program.location(ours)}, CPython {there}"
    placed = placed and not (_OLD_FSTRINGS and name == "JoinedStr")
    for field in ours._fields:
        if field in _NEWER_FIELDS and not hasattr(other, field):
            if getattr(ours, field):
                yield f"{path}.{field}: {getattr(ours, field)!r} is newer than the interpreter"
            continue
        waiting.append((getattr(ours, field), getattr(other, field), f"{path}.{field}", placed))


def mismatch(one: object, other: object) -> str:
    """Where two of our trees first differ, locations and the `u` of strings aside; empty if
    nowhere.
    """
    waiting = [(one, other, "")]
    while waiting:
        a, b, path = waiting.pop()
        if isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
            waiting += [(x, y, path) for x, y in zip(a, b, strict=True)]
        elif isinstance(a, nodes.Node) and type(a) is type(b):
            path += "." + type(a).__name__
            fields = ("value",) if isinstance(a, nodes.Constant) else a._fields
            waiting += [(getattr(a, f), getattr(b, f), f"{path}.{f}") for f in fields]
        elif a is not b and repr(a) != repr(b):
            return f"{path}: {a!r} is {b!r}"
    return ""
