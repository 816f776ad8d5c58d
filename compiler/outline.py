"""A tree for people and for other programs: an indented outline, or JSON. Depth does not matter."""

from __future__ import annotations

import json
from collections.abc import Iterator

from neox.compiler import nodes as n
from neox.compiler.emitter import emit
from neox.compiler.program import Program


def _plain(node: n.Node, field: str) -> str:
    """The text of a field that holds no nodes; the value of a literal as Python writes it."""
    value = getattr(node, field)
    if isinstance(node, n.Constant) and field == "value":
        return emit(n.Constant(node.value, None, 0, 0))
    if isinstance(node, n.MatchSingleton):
        return repr(value)
    return value if isinstance(value, str) and field in ("op", "ctx") else repr(value)


def outline(program: Program) -> Iterator[str]:
    """One line for each node: field, kind, location as CPython counts, and plain fields."""
    waiting: list[tuple[int, str, n.Node | None]] = [(0, "", program.tree)]
    while waiting:
        depth, label, node = waiting.pop()
        if node is None:
            yield f"{'  ' * depth}{label}None"
            continue
        below: list[tuple[int, str, n.Node | None]] = []
        plain = ""
        for field in node._fields:
            value = getattr(node, field)
            if isinstance(value, n.Node):
                below.append((depth + 1, f"{field}: ", value))
            elif isinstance(value, list) and any(isinstance(v, n.Node) for v in value):
                below += [(depth + 1, f"{field}[{i}]: ", v) for i, v in enumerate(value)]
            elif value is not None and value != []:
                plain += f" {field}={_plain(node, field)}"
        line, column, end_line, end_column = program.location(node)
        where = f"{line}:{column}-{end_line}:{end_column}"
        yield f"{'  ' * depth}{label}{type(node).__name__} {where}{plain}"
        waiting += reversed(below)


def tree_json(program: Program) -> str:
    """The tree as a JSON object: `node` (the kind), `location` (lines from 1, columns in UTF-8
    bytes from 0) and CPython's fields; the value of a literal is the text Python writes for it.
    """
    out: list[str] = []
    waiting: list[str | n.Node] = [program.tree]
    while waiting:
        one = waiting.pop()
        if isinstance(one, str):
            out.append(one)
            continue
        where = json.dumps(program.location(one))
        parts: list[str | n.Node] = [f'{{"node": "{type(one).__name__}", "location": {where}']
        for field in one._fields:
            parts.append(f', "{field}": ')
            value = getattr(one, field)
            if isinstance(value, n.Node):
                parts.append(value)
            elif isinstance(value, list):
                parts.append("[")
                for i, item in enumerate(value):
                    parts.append(", " if i else "")
                    parts.append(item if isinstance(item, n.Node) else json.dumps(item))
                parts.append("]")
            elif isinstance(one, n.Constant) and field == "value":
                parts.append(json.dumps(_plain(one, field)))
            else:
                parts.append(json.dumps(value))
        parts.append("}")
        waiting += reversed(parts)
    return "".join(out)
