"""The rules beyond the grammar: what CPython's `compile` rejects in a text that parses.

Three passes in CPython's order, so that the first diagnostic is the one CPython gives: imports from
`__future__` (futures.py), the scopes of names (scopes.py), and what may stand where (placement.py).
"""

from __future__ import annotations

from neox.compiler.futures import futures
from neox.compiler.placement import Placement
from neox.compiler.program import Diagnostic, Program
from neox.compiler.scopes import Scopes


def validate(program: Program) -> tuple[Diagnostic, ...]:
    """What `compile` of the program's version of Python rejects; empty where it accepts.

    A text that does not parse has diagnostics of its own, and gets none here: half a program says
    nothing certain about what is around it.

    >>> from neox.compiler import parse
    >>> [d.message for d in validate(parse("def f(a, a): pass\\nreturn"))]
    ["duplicate argument 'a' in function definition", "'return' outside function"]
    """
    if program.diagnostics:
        return ()
    tree, minor = program.tree, program.version[1]
    asked, early, wrong = futures(tree, minor)
    scopes = Scopes(tree, minor, "annotations" in asked)
    lazy = minor >= 14 or "annotations" in asked
    placement = Placement(tree, minor, scopes.of, lazy, early)
    return tuple(program.diagnostic(*one) for one in [*wrong, *scopes.wrong, *placement.wrong])
