"""What the parser rejects, in CPython's words and on CPython's line."""

from __future__ import annotations

import ast
import json
import os
import sys
import warnings
from pathlib import Path

import pytest

from neox.compiler import parse

SHARED = Path(os.environ.get("NEOX_SHARED", Path(__file__).parents[3] / "shared"))
SNIPPETS = SHARED / "corpora" / "cpython_snippets.jsonl"

MESSAGES: dict[str, str | None] = {
    "f() = 1": "cannot assign to function call here. Maybe you meant '==' instead of '='?",
    "1 = x": "cannot assign to literal here. Maybe you meant '==' instead of '='?",
    "(a, 1) = x": "cannot assign to literal",
    "None = 1": "cannot assign to None",
    "a + 1 = 2": "cannot assign to expression here. Maybe you meant '==' instead of '='?",
    "a and b = 1": "cannot assign to expression",
    "(a, b) += 1": "'tuple' is an illegal expression for augmented assignment",
    "f() += 1": "'function call' is an illegal expression for augmented assignment",
    "(a, b): int": "only single target (not tuple) can be annotated",
    "f(): int": "illegal target for annotation",
    "x = yield = 1": "assignment to yield expression not possible",
    "(a.b := 1)": "cannot use assignment expressions with attribute",
    "for f() in x: pass": "cannot assign to function call",
    "del f()": "cannot delete function call",
    "with a as f(): pass": "cannot assign to function call",
    "f(a=1, b)": "positional argument follows keyword argument",
    "f(**a, b)": "positional argument follows keyword argument unpacking",
    "f(**a, *b)": "iterable argument unpacking follows keyword argument unpacking",
    "f(True=1)": "cannot assign to True",
    "f(a.b=1)": 'expression cannot contain assignment, perhaps you meant "=="?',
    "f(x for x in y, 1)": "Generator expression must be parenthesized",
    "def f(a=1, b): pass": "non-default argument follows default argument",
    "def f(*): pass": "named arguments must follow bare *",
    "def f(a, *, **k): pass": "named arguments must follow bare *",
    "def f(*a, *b): pass": "* argument may appear only once",
    "def f(/, a): pass": "at least one argument must precede /",
    "def f(**k, a): pass": "arguments cannot follow var-keyword argument",
    "def f(*a=1): pass": "var-positional argument cannot have default value",
    "if a\n    pass": "expected ':'",
    "def f()\n    pass": "expected ':'",
    "if a:\npass": "expected an indented block after 'if' statement on line 1",
    "def f():\n": "expected an indented block after function definition on line 1",
    "try:\n    a\nb": "expected 'except' or 'finally' block",
    "try:\n    a\nexcept A, B:\n    b": "multiple exception types must be parenthesized",
    "if x = 3: pass": "invalid syntax. Maybe you meant '==' or ':=' instead of '='?",
    "x = (1\ny = 2": "'(' was never closed",
    "f(a b)": "invalid syntax. Perhaps you forgot a comma?",
    "print a": "Missing parentheses in call to 'print'. Did you mean print(...)?",
    "a if b": "expected 'else' after 'if' expression",
    "(*a)": "cannot use starred expression here",
    "{1: *a}": "cannot use a starred expression in a dictionary value",
    "{**a for a in b}": "dict unpacking cannot be used in dict comprehension",
    "[*a for a in b]": "iterable unpacking cannot be used in comprehension",
    "from a import b,": "trailing comma not allowed without surrounding parentheses",
    "b'é'": "bytes can only contain ASCII literal characters",
    "'a' b'b'": "cannot mix bytes and nonbytes literals",
    "match x:\n    case 1 as _: pass": "cannot use '_' as a target",
    "match x:\n    case A(a=1, b): pass": "positional patterns follow keyword patterns",
    "  a": "unexpected indent",
    "if a:\n    b\n  c": "unindent does not match any outer indentation level",
    "a == not b": "invalid syntax",
    "f'{}'": "f-string: empty expression not allowed",
    "f'{a!x}'": None,
    "f'}'": "f-string: single '}' is not allowed",
    "'\\x1'": "(unicode error) 'unicodeescape' codec can't decode bytes in position 0-2: "
    "truncated \\xXX escape",
}


@pytest.mark.parametrize("text", MESSAGES)
def test_message(text: str) -> None:
    found = parse(text, (3, 11)).diagnostics
    assert found, "accepted"
    if MESSAGES[text] is not None:
        assert found[0].message == MESSAGES[text]
    if sys.version_info[:2] == (3, 11) and MESSAGES[text] is not None:
        with pytest.raises(SyntaxError) as theirs:
            ast.parse(text)
        assert theirs.value.msg == MESSAGES[text]


@pytest.mark.slow
def test_rejected_snippets_agree_in_line_and_mostly_in_words() -> None:
    """Of CPython's own tests: the line in 99 of 100, the exact message in 9 of 10."""
    if not SNIPPETS.exists():
        pytest.skip(f"{SNIPPETS} is not there: set NEOX_SHARED")
    total = lines = messages = 0
    for row in SNIPPETS.read_text(encoding="utf-8").splitlines():
        code = json.loads(row)["code"]
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                ast.parse(code)
        except SyntaxError as error:
            found = parse(code, (sys.version_info[0], sys.version_info[1])).diagnostics
            total += 1
            lines += bool(found) and found[0].line == error.lineno
            messages += bool(found) and found[0].message == error.msg
    assert total > 1000
    assert lines / total > 0.99
    assert messages / total > 0.9


@pytest.mark.parametrize(
    "text", ["\\\n ", "\\\n", " \\\n\t", "x\n\\\n ", "\\\r\n ", "\\\n \\\n", "x\\\n", "\\\n#"]
)
def test_a_joined_line_at_the_end_needs_another_one(text: str) -> None:
    try:
        ast.parse(text)
        expected = 0
    except SyntaxError:
        expected = 1
    assert len(parse(text, sys.version_info[:2]).diagnostics) == expected


@pytest.mark.parametrize(
    "text",
    ["# a\0b\nx = 1\n", "x = 1  # \0", "x = (1,  # \0\n2)", "'\0'", "r'\\\0'", "b'''\n\0'''",
     "f'\0'", "f'{x:\0}'", 'f"""{x  # \0\n}"""', "if x:\n  # \0\n  y", "# \0\0\r\nx"],
)  # fmt: skip
def test_no_nul_hides_in_a_comment_or_a_string(text: str) -> None:
    for source in (text, text.encode()):
        program = parse(source, (3, 12))
        (wrong,) = program.diagnostics
        assert wrong.message == "source code cannot contain null bytes"
        assert wrong.start == program.reached == text.index("\0")
        assert program.encoded() == text.encode()


def test_a_hidden_nul_comes_in_its_place_among_the_errors() -> None:
    found = parse("x = = 1\n# \0 and \0\ny = = 2\n").diagnostics
    assert [one.line for one in found] == [1, 2, 3]
    assert len(parse("\0 # \0").diagnostics) == 1
