"""Imports from `__future__`: which features there are, and that they come first.

CPython reads these before anything else (Python/future.c), because they change the grammar of what
follows.
"""

from __future__ import annotations

from neox.compiler import nodes as n
from neox.compiler.scopes import Wrong

FEATURES = frozenset(
    "nested_scopes generators division absolute_import with_statement print_function "
    "unicode_literals barry_as_FLUFL generator_stop annotations".split()
)
LATE = "from __future__ imports must occur at the beginning of the file"


def is_future(node: n.ImportFrom, minor: int) -> bool:
    """Is it an import from `__future__`? Dots before it count from 3.13 on."""
    return node.module == "__future__" and not (node.level and minor >= 13)


def futures(tree: n.Module, minor: int) -> tuple[set[str], set[n.Node], list[Wrong]]:
    """The features asked for, the statements that do so in time, and what is wrong with them."""
    asked: set[str] = set()
    statements: set[n.Node] = set()
    wrong: list[Wrong] = []
    for i, one in enumerate(tree.body):
        if isinstance(one, n.ImportFrom) and is_future(one, minor):
            statements.add(one)
            for alias in one.names:
                if alias.name in FEATURES:
                    asked.add(alias.name)
                elif alias.name == "braces":
                    wrong.append(("not a chance", one.start, one.end))
                else:
                    message = f"future feature {alias.name} is not defined"
                    wrong.append((message, one.start, one.end))
        elif i or not _is_string(one):
            break  # only a docstring may come before
    return asked, statements, wrong


def _is_string(node: n.stmt) -> bool:
    value = node.value if isinstance(node, n.Expr) else None
    return isinstance(value, n.Constant) and isinstance(value.value, str)
