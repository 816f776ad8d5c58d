"""A compound statement whose header is broken, rebuilt around the block that was read.

What the header still says is kept (the kind of statement, the name of a function or class); the
rest of it becomes an ErrorExpr, or an ErrorStmt at the head of the body where nothing else fits.
"""

from __future__ import annotations

from neox.compiler import nodes as n
from neox.compiler import tokens as t


def rebuilt(
    kind: int,
    name: str,
    body: list[n.stmt],
    orelse: list[n.stmt],
    start: int,
    begin: int,
    head: int,
    end: int,
) -> n.stmt | None:
    """The statement that the keyword `kind` begins, or None for a clause that cannot stand alone.

    What its header says after the keyword and the name is the text from `begin` to `head`.
    """
    if kind == t.DEF or kind == t.CLASS:
        if not name:
            return None
        body = [n.ErrorStmt([], begin, head), *body]
        if kind == t.CLASS:
            return n.ClassDef(name, [], [], body, [], [], start, end)
        arguments = n.arguments([], [], None, [], [], None, [], begin, begin)
        return n.FunctionDef(name, arguments, body, [], None, [], start, end)
    wrong = n.ErrorExpr([], begin, head)
    if kind == t.IF:
        return n.If(wrong, body, orelse, start, end)
    if kind == t.WHILE:
        return n.While(wrong, body, orelse, start, end)
    if kind == t.FOR:
        target = n.ErrorExpr([], begin, begin)
        return n.For(target, wrong, body, orelse, start, end)
    if kind == t.WITH:
        return n.With([n.withitem(wrong, None, begin, head)], body, start, end)
    return None
