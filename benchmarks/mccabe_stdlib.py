"""The first Betti number of C1 against radon, on every function of the standard library.

    pip install radon; python benchmarks/mccabe_stdlib.py

radon counts a loop's `else` and a try's `else` as decisions and `except*` not at all; both are
corrected for. A file that radon or this Python cannot read is named and left out.
"""

from __future__ import annotations

import ast
import sys
import sysconfig
import warnings
from pathlib import Path

from radon.visitors import ComplexityVisitor

from neox.compiler import children, nodes, parse
from neox.topology.controlflow import Function, flow_graph, functions


def correction(function: Function) -> int:
    """Loop-else and try-else branches of a function, less handlers of `except*`."""
    total = 0
    waiting: list[nodes.Node] = list(function.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, nodes.FunctionDef | nodes.AsyncFunctionDef | nodes.ClassDef):
            continue
        if isinstance(node, nodes.For | nodes.AsyncFor | nodes.While | nodes.Try):
            total += bool(node.orelse)
        if isinstance(node, nodes.TryStar):
            total -= len(node.handlers)
        waiting += [c for c in children(node) if isinstance(c, STATEMENTS)]
    return total


STATEMENTS = (nodes.stmt, nodes.excepthandler, nodes.match_case)


def radon_numbers(tree: ast.AST) -> list[int]:
    """In the order of a walk over the functions: nested ones after those around them."""
    return [
        ComplexityVisitor.from_ast(node).functions[0].complexity
        for node in preorder(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]


def preorder(tree: ast.AST) -> list[ast.AST]:
    found, waiting = [], [tree]
    while waiting:
        node = waiting.pop()
        found.append(node)
        waiting += reversed(list(ast.iter_child_nodes(node)))
    return found


def main() -> None:
    warnings.simplefilter("ignore")
    library = Path(sysconfig.get_path("stdlib"))
    files = [p for p in sorted(library.rglob("*.py")) if "site-packages" not in p.parts]
    count = equal = raw = 0
    skipped = []
    for number, path in enumerate(files):
        if number % 50 == 0:
            print(f"{number} of {len(files)} files", file=sys.stderr, flush=True)
        data = path.read_bytes()
        program = parse(data)
        try:
            theirs = radon_numbers(ast.parse(data))
        except (SyntaxError, ValueError):
            skipped.append(path.name)
            continue
        ours = functions(program.tree)
        if len(ours) != len(theirs) or program.diagnostics:
            skipped.append(path.name)
            continue
        for function, expected in zip(ours, theirs, strict=True):
            betti = flow_graph(function).betti()[1]
            count += 1
            raw += betti == expected
            if betti + correction(function) == expected:
                equal += 1
            else:
                print(f"{path}:{function.name}: {betti} + {correction(function)} != {expected}")
    print(f"{len(files)} files, {len(skipped)} left out: {' '.join(skipped)}")
    print(f"{equal} of {count} functions equal; {raw} without the correction")


if __name__ == "__main__":
    main()
