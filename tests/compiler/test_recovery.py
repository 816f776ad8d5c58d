"""Broken text: what comes back whole, what is marked, and how many diagnostics there are."""

from __future__ import annotations

import random
import sysconfig
from pathlib import Path

import pytest

from neox.compiler import emit, nodes, parse, walk
from neox.compiler.lexer import Lexer
from neox.compiler.tokens import DEDENT


def shape(text: str) -> str:
    """The names of the statements, bodies in brackets."""
    return " ".join(_shape(one) for one in parse(text).tree.body)


def _shape(node: nodes.Node) -> str:
    inner: list[nodes.Node] = []
    for field in ("body", "orelse", "finalbody", "children"):
        inner += getattr(node, field, [])
    name = type(node).__name__
    return f"{name}[{' '.join(map(_shape, inner))}]" if inner else name


@pytest.mark.parametrize(
    ("text", "expected", "lines"),
    [
        ("a = 1\nb = = 2\nc = 3\n", "Assign ErrorStmt Assign", [2]),
        ("x = foo(a\ny = 2\nz = 3\n", "ErrorStmt Assign Assign", [1]),
        ("x = foo(a,\n        b\ny = 2\n", "ErrorStmt Assign", [1]),
        ("x = [1, 2\ndef f():\n    return 1\n", "Assign FunctionDef[Return]", [1]),
        ("def f():\n    x = (1\n    return x\ny\n", "FunctionDef[Assign Return] Expr", [2]),
        ("if a\n    b\nelse:\n    c\n", "If[Expr Expr]", [1]),
        ("if a ==:\n    b\nelif c:\n    d\ne\n", "If[Expr If[Expr]] Expr", [1]),
        ("def f(a, b:\n    return 1\nx\n", "FunctionDef[ErrorStmt Return] Expr", [1]),
        ("class A(:\n    def g(self): pass\n", "ClassDef[FunctionDef[Pass]]", [1]),
        ("for in x:\n    a\nb\n", "For[Expr] Expr", [1]),
        ("a\n    b\n    c\nd\n", "Expr ErrorStmt[Expr Expr] Expr", [2]),
        ("if a:\n    b\n  c\nd\n", "If[Expr] ErrorStmt Expr Expr", [3]),
        ("x = 'abc\ny = 1\n", "ErrorStmt Assign", [1]),
        ('x = """abc\ndef f(): pass\n', "ErrorStmt FunctionDef[Pass]", [1]),
        ("try:\n    a\nb\n", "Try[Expr] Expr", [3]),
        ("a b\nc d\ne\n", "ErrorStmt[Expr] ErrorStmt[Expr] Expr", [1, 2]),
        ("f(1, 2))\nx\n", "ErrorStmt[Expr] Expr", [1]),
        ("match x:\n    case 1 2:\n        a\n    case 3:\n        b\nc\n", "Match Expr", [2]),
        ("@a\nx = 1\ny\n", "ErrorStmt Expr", [2]),
        ("def f():\n", "FunctionDef[ErrorStmt]", [2]),
        ("x = f'{a b}'\ny\n", "ErrorStmt Expr", [1]),
        ("x = f'{a\ny = f'{b}'\n", "ErrorStmt Assign", [1]),
    ],
)
def test_examples(text: str, expected: str, lines: list[int]) -> None:
    assert shape(text) == expected
    assert [d.line for d in parse(text).diagnostics] == lines


@pytest.mark.parametrize(
    ("text", "lost", "expected"),
    [
        ("x = [1, 2 3, = 4, 5]", ["="], "x = [1, 2, 3, =, 4, 5]"),
        ("x = {'a': 1, 'b': , 'c': 3}", [""], "x = {'a': 1, 'b': , 'c': 3}"),
        ("f(a, b=, c, **d", [""], "f(a, c, b=, **d)"),
        ("x = (a.) + b[1:", ["a.", "1:"], "x = a. + b[1:]"),
        ("x = [f(1, 2 +, 3), y", ["2 +"], "x = [f(1, 2 +, 3), y]"),
        ("x = {a, b", [], "x = {a, b}"),
        ("x = [a for b in c", [], "x = [a for b in c]"),
        ("x = (lambda: ) + [1, $]", ["lambda:", "$"], "x = lambda: + [1, $]"),
    ],
)
def test_an_error_in_a_bracket_costs_an_element(text: str, lost: list[str], expected: str) -> None:
    program = parse(text)
    errors = [one for one in walk(program.tree) if isinstance(one, nodes.ErrorExpr)]
    assert [text[e.start : e.end] for e in errors] == lost
    assert not any(isinstance(one, nodes.ErrorStmt) for one in walk(program.tree))
    assert len(program.diagnostics) == 1
    assert emit(program) == expected + "\n"


def test_broken_text_is_not_lost() -> None:
    text = "a = 1\nb = = 2\nc = foo(1\nd = 4\n"
    assert parse(text).source() == text
    assert emit(parse(text)) == text


def test_a_cut_leaves_every_finished_statement() -> None:
    text = (
        "import os\n\n\ndef f(a):\n    b = a + 1\n    return [b, (a,\n    'x')]\n\n\n"
        "class A:\n    x = 1\n"
    )
    whole = parse(text).tree.body
    for cut in range(len(text)):
        found = {(s.start, s.end) for s in parse(text[:cut]).tree.body}
        for one in whole[:-1]:
            if text.find("\n", one.end) < cut:
                assert (one.start, one.end) in found, text[:cut]


@pytest.mark.slow
def test_one_lost_token_costs_one_statement() -> None:
    """Standard library files with one random token deleted: 998 of 1000 other statements stay."""
    rng = random.Random(1)
    root = Path(sysconfig.get_paths()["stdlib"])
    files = [p for p in sorted(root.glob("*.py")) if 500 < p.stat().st_size < 20_000]
    kept = total = 0
    for path in rng.sample(files, 60):
        text = path.read_text(encoding="utf-8")
        tokens = Lexer(text, (3, 11)).run()
        i = rng.choice([i for i, kind in enumerate(tokens.kinds) if kind > DEDENT])
        start, end = tokens.starts[i], tokens.ends[i]
        broken = parse(text[:start] + text[end:], (3, 11))
        found = {
            (one.start, one.end, type(one))
            for one in broken.tree.body
            if not any(isinstance(x, (nodes.ErrorStmt, nodes.ErrorExpr)) for x in walk(one))
        }
        for one in parse(text, (3, 11)).tree.body:
            if one.start > end or one.end < start:
                shift = start - end if one.start > end else 0
                total += 1
                kept += (one.start + shift, one.end + shift, type(one)) in found
    assert total > 500
    assert kept / total >= 0.998


def test_a_broken_clause_below_a_rebuilt_header_is_kept_as_an_error() -> None:
    program = parse("        if \n         )\n        elif")
    assert [d.message for d in program.diagnostics][:1] == ["unexpected indent"]
    assert program.source() == "        if \n         )\n        elif"
