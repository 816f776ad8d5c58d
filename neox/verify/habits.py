"""Rules about habits that cost: list membership, front operations and slices, where they repeat.

Purely syntactic: a name counts as a list only where the function itself binds it to one.
"""

from __future__ import annotations

from collections.abc import Iterator

from neox.compiler import nodes as n
from neox.compiler.complexity.unit import dotted, own_nodes
from neox.compiler.program import Program
from neox.compiler.walk import walk
from neox.verify.findings import RULES, Finding

_LISTS = (n.List, n.ListComp)
Defined = n.FunctionDef | n.AsyncFunctionDef


def habits(program: Program, path: str) -> list[Finding]:
    found: list[Finding] = []
    for node in walk(program.tree):
        if isinstance(node, (n.FunctionDef, n.AsyncFunctionDef)):
            found += _of(node, program, path)
    return found


def _of(function: Defined, program: Program, path: str) -> Iterator[Finding]:
    lists = _lists(function)
    seen: set[tuple[str, int]] = set()
    for code, node in [*_in_loops(function, lists), *_slices(function)]:
        line, column = program.locate(node.start)
        if (code, line) not in seen:
            seen.add((code, line))
            yield Finding(code, path, line, column + 1, RULES[code])


def _lists(function: Defined) -> set[str]:
    """Names that hold a list wherever the function binds them."""
    yes: set[str] = set()
    no: set[str] = set()
    for node in own_nodes(function.body):
        if not isinstance(node, n.Assign):
            continue
        for target in node.targets:
            if isinstance(target, n.Name):
                call = node.value
                made = isinstance(call, n.Call) and dotted(call.func) in {"list", "sorted"}
                (yes if made or isinstance(call, _LISTS) else no).add(target.id)
    return yes - no


def _in_loops(function: Defined, lists: set[str]) -> Iterator[tuple[str, n.Node]]:
    for loop in own_nodes(function.body):
        if not isinstance(loop, (n.For, n.While)):
            continue
        for node in own_nodes([*loop.body]):
            if isinstance(node, n.Compare):
                for op, right in zip(node.ops, node.comparators, strict=True):
                    if op in {"In", "NotIn"} and isinstance(right, n.Name) and right.id in lists:
                        yield "NX101", node
            elif isinstance(node, n.Call) and isinstance(node.func, n.Attribute):
                front = node.args and isinstance(node.args[0], n.Constant)
                zero = front and isinstance(node.args[0], n.Constant) and node.args[0].value == 0
                if zero and node.func.attr in {"pop", "insert"}:
                    yield "NX102", node


def _slices(function: Defined) -> Iterator[tuple[str, n.Node]]:
    for node in own_nodes(function.body):
        if isinstance(node, n.Call) and dotted(node.func) == function.name:
            for argument in node.args:
                if isinstance(argument, n.Subscript) and isinstance(argument.slice, n.Slice):
                    yield "NX103", argument
