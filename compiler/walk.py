"""Going over trees without recursion, so that depth does not matter."""

from __future__ import annotations

from collections.abc import Iterator

from neox.compiler.nodes import Node


def children(node: Node) -> list[Node]:
    """The nodes directly below, in the order of the fields."""
    found: list[Node] = []
    for name in node._fields:
        value = getattr(node, name)
        if isinstance(value, Node):
            found.append(value)
        elif isinstance(value, list):
            found += [v for v in value if isinstance(v, Node)]
    return found


def walk(node: Node) -> Iterator[Node]:
    """The node and all below it, parents before children, left to right."""
    waiting = [node]
    while waiting:
        one = waiting.pop()
        yield one
        waiting += reversed(children(one))
