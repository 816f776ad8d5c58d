"""Nothing raises and nothing takes long, however deep, long or wild the text."""

from __future__ import annotations

import sys
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neox.compiler import emit, nodes, parse, progress, walk

MANY = 10_000
DEEP = {
    "brackets": "(" * MANY + ")" * MANY,
    "open brackets": "[" * MANY,
    "braces": "{" * 5000,
    "signs": "-" * MANY + "1",
    "nots": "not " * MANY + "1",
    "sum": "1" + "+1" * MANY,
    "powers": "1" + "**-1" * 5000,
    "attributes": "a" + ".b" * MANY,
    "calls": "a" + "()" * MANY,
    "lambdas": "lambda: " * 5000 + "1",
    "lambdas in defaults": "lambda a=" * 3000 + "1" + ": 1" * 3000,
    "conditionals": "1 if a else " * 5000 + "1",
    "elifs": "if a: pass\n" + "elif b: pass\n" * 5000,
    "blocks": "".join(" " * i + "if a:\n" for i in range(500)) + " " * 500 + "pass",
    "f-strings": 'f"{' * 200 + "1" + '}"' * 200,
    "open f-strings": 'f"{\n' * 2000,
    "open f-strings on one line": "f'{" * 60_000,
    "format specs": 'f"' + "{a:" * 300 + "}" * 300 + '"',
    "patterns": "match a:\n case " + "[" * 300 + "]" * 300 + ": pass",
    "open strings": '"\n' * 5000,
    "open calls": "x = foo(\n" * 3000,
    "open calls between statements": "x = foo(a\ny = 1\n" * 1000,
    "bad dedents": "if a:\n    b\n  c\n" * 1000,
    "triple quotes": "\"\"\"\n'''\n" * 5000 + "x",
    "decorators": "@a\n" * 5000,
    "tries": "try:\n pass\n" * 2000,
    "with": "with (" * 150,
    "match": "match (" * 150,
    "nulls": "\0" * 5000,
    "backslashes": "\\\n" * 5000,
    "digits": "9" * 100_000,
    "hexadecimal": "0x" + "f" * 100_000,
    "surrogates": "\ud800 = '\udfff'",
}


@pytest.mark.slow
@pytest.mark.parametrize("name", DEEP)
def test_deep_and_long_texts(name: str) -> None:
    text = DEEP[name]
    began = time.process_time()
    program = parse(text)
    assert time.process_time() - began < 5, "not linear"
    assert program.source() == text
    assert sum(1 for _ in walk(program.tree)) >= 1
    assert isinstance(emit(program), str)
    assert 0.0 <= progress(text) <= 1.0


def test_what_cpython_accepts_is_accepted_up_to_its_limits() -> None:
    assert parse("(" * 200 + ")" * 200).diagnostics == ()
    assert [d.message for d in parse("(" * 201 + ")" * 201).diagnostics] == [
        "too many nested parentheses"
    ]
    blocks = "".join(" " * i + "if a:\n" for i in range(99)) + " " * 99 + "pass"
    assert parse(blocks).diagnostics == ()
    everything = "(a if b or c and not d < e | f ^ g & h << i + j * -k ** " * 150
    assert parse(everything + "1" + " else z)" * 150).diagnostics == ()


def test_a_caller_near_its_own_limit() -> None:
    def down(frames: int) -> int:
        return down(frames - 1) if frames else len(parse("x = " + "[" * 90 + "]" * 90).diagnostics)

    limit = sys.getrecursionlimit()
    depth = len(__import__("inspect").stack())
    assert down(limit - depth - 60) == 0
    assert sys.getrecursionlimit() == limit


WORDS = (
    "if else elif for in while def class return yield lambda match case try except finally with "
    "as not and or is async await import from pass del x y 1 2.5 'a' \"b\" f'{ f\"{x}\" }' ''' ( ) "
    "[ ] { } , : ; . = == := -> + - * ** / @ | & ~ < ! \\ # ..."
)
LAYOUT = ("\n", "\n    ", "\n  ", "\n\t", " ", "\r\n", "\0", "é", "\\\n")
FRAGMENTS = st.sampled_from([*WORDS.split(), *LAYOUT])


@settings(max_examples=300, deadline=None)
@given(st.lists(FRAGMENTS, max_size=40))
def test_token_soup(parts: list[str]) -> None:
    text = " ".join(parts)
    program = parse(text)
    valid = not program.diagnostics
    broken = any(isinstance(x, (nodes.ErrorStmt, nodes.ErrorExpr)) for x in walk(program.tree))
    assert not (valid and broken)
    assert all(0 <= x.start <= x.end <= len(text) for x in walk(program.tree))
    assert (progress(text) == 1.0) == valid
    if valid:
        assert parse(emit(program)).diagnostics == ()
    else:
        emit(program)


@settings(max_examples=100, deadline=None)
@given(st.text(alphabet="ab'\"{}()[]:!=\\ \n\t#fr1.é\ud800\0", max_size=80))
def test_any_characters(text: str) -> None:
    assert parse(text).source() == text
