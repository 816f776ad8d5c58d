"""Calls taken out of an expression: `return s + g(n - 1)` as `t = g(n - 1); return s + t`.

For calls that must be executed in place as statements (mutual recursion). Only calls that are
evaluated in any case and before everything that depends on them are taken out. Purely syntactic.
"""

from __future__ import annotations

from collections.abc import Callable

from neox.compiler import nodes as n

_LAZY = (n.Lambda, n.ListComp, n.SetComp, n.DictComp, n.GeneratorExp, n.IfExp, n.BoolOp)


def hoist(
    node: n.expr | None, wanted: Callable[[n.Call], bool], prefix: str
) -> tuple[n.expr | None, list[tuple[str, n.Call]]]:
    """The expression with its wanted calls replaced by names, and those calls in order."""
    taken: list[tuple[str, n.Call]] = []
    if node is None or isinstance(node, _LAZY):
        return node, taken

    def visit(here: n.expr) -> n.expr:
        if isinstance(here, _LAZY):
            return here
        if isinstance(here, n.Call) and wanted(here):
            name = f"{prefix}{len(taken)}"
            taken.append((name, here))
            return n.Name(name, "Load", here.start, here.end)
        if isinstance(here, n.BinOp):
            left, right = visit(here.left), visit(here.right)
            return n.BinOp(left, here.op, right, here.start, here.end)
        if isinstance(here, n.UnaryOp):
            return n.UnaryOp(here.op, visit(here.operand), here.start, here.end)
        if isinstance(here, n.Tuple):
            return n.Tuple([visit(e) for e in here.elts], here.ctx, here.start, here.end)
        if isinstance(here, n.Call):
            args = [visit(a) for a in here.args]
            return n.Call(here.func, args, here.keywords, here.start, here.end)
        return here

    return visit(node), taken
