"""walk() and children(): every node once, parents first, left to right, however deep."""

from __future__ import annotations

import ast

from neox.compiler import children, nodes, parse, walk

TEXT = "def f(a, *, b: int = 1):\n    return {a: [b, *c], **d} if a < b else f'{a!r:{w}}'\n"


def test_children_are_in_the_order_of_fields() -> None:
    call = parse("f(a, *b, c=1)").tree.body[0]
    assert isinstance(call, nodes.Expr)
    assert [type(x).__name__ for x in children(call.value)] == [
        "Name", "Name", "Starred", "keyword",
    ]  # fmt: skip


def test_walk_finds_what_cpython_finds() -> None:
    skipped = (ast.expr_context, ast.operator, ast.cmpop, ast.unaryop, ast.boolop)
    theirs = sorted(
        type(x).__name__ for x in ast.walk(ast.parse(TEXT)) if not isinstance(x, skipped)
    )
    assert sorted(type(x).__name__ for x in walk(parse(TEXT).tree)) == theirs


def test_walk_is_preorder() -> None:
    found = list(walk(parse(TEXT).tree))
    place = {id(x): i for i, x in enumerate(found)}
    assert len(place) == len(found)
    for node in found:
        below = [place[id(child)] for child in children(node)]
        assert below == sorted(below)
        assert all(i > place[id(node)] for i in below)


def test_a_deep_tree() -> None:
    assert sum(1 for _ in walk(parse("a" + ".b" * 20_000).tree)) == 20_003
