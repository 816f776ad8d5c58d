"""Tokens: what each piece of text becomes."""

from __future__ import annotations

import io
import sysconfig
import tokenize as theirs
from pathlib import Path

import pytest

from neox.compiler import tokenize
from neox.compiler.lexer import Lexer
from neox.compiler.tokens import DEDENT, END, FEND, FSTART, INDENT, NEWLINE


def kinds(text: str) -> list[str]:
    return [kind for kind, _ in tokenize(text)]


def words(text: str, version: tuple[int, int] = (3, 14)) -> list[str]:
    return [word for _, word in tokenize(text, version) if word.strip()]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "a+=b**c//d->e:=f...",
            ["a", "+=", "b", "**", "c", "//", "d", "->", "e", ":=", "f", "..."],
        ),
        ("x<<=1>>=2!=3<>4", ["x", "<<=", "1", ">>=", "2", "!=", "3", "<", ">", "4"]),
        ("1_000 0x_fF 0b1 0o7 1e-5 .5 1. 1j 01.5", None),
        ("0x1for x", ["0x1f", "or", "x"]),
        ("1if 2else 3", ["1", "if", "2", "else", "3"]),
        ("1..real", ["1.", ".", "real"]),
        ("'a' \"b\" '''c\n'd''' r'\\x' b'' Rb\"x\" u'y'", None),
        ("'a\\\nb'", ["'a\\\nb'"]),
        ("f'a{b}c'", ["f'", "a", "{", "b", "}", "c", "'"]),
        ("f'{a!r:>{w}}'", ["f'", "{", "a", "!", "r", ":", ">", "{", "w", "}", "}", "'"]),
        ("f'{a!=b}'", ["f'", "{", "a", "!=", "b", "}", "'"]),
        ("f'{{}}{x:=5}'", ["f'", "{{}}", "{", "x", ":", "=5", "}", "'"]),
        ("f'{f'{x}'}'", ["f'", "{", "f'", "{", "x", "}", "'", "}", "'"]),
        ("naïve + 变量", ["naïve", "+", "变量"]),
        ("x # comment", ["x"]),
    ],
)
def test_words(text: str, expected: list[str] | None) -> None:
    assert words(text) == (text.split(" ") if expected is None else expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("if a:\n  b\nc\n", "if name : newline indent name newline dedent name newline"),
        (
            "if a:\n\tb\n        c\n",
            "if name : newline indent name newline error name newline dedent",
        ),
        ("a\n\n# c\n\nb", "name newline name newline"),
        ("(a\n b)\nc", "( name name ) newline name newline"),
        ("a \\\n  b\n", "name name newline"),
        ("if a:\n    b\n  c\n", "if name : newline indent name newline dedent error name newline"),
        ("\f a\n", "indent name newline dedent"),
        ("a\r\nb\rc\n", "name newline name newline name newline"),
        ("x = (\ndef f(): pass", "name = ( newline def name ( ) : pass newline"),
    ],
)
def test_layout(text: str, expected: str) -> None:
    assert " ".join(kinds(text)) == expected + " end of text"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1_", "invalid decimal literal"),
        ("0xg", "invalid hexadecimal literal"),
        ("0b2", "invalid digit '2' in binary literal"),
        ("012", "leading zeros in decimal integer literals are not permitted"),
        ("9" * 5000, "Exceeds the limit (4300 digits)"),
        ("'abc", "unterminated string literal (detected at line 1)"),
        ("'''abc\n", "unterminated triple-quoted string literal (detected at line 1)"),
        ("f'{a", "f-string: expecting '}'"),
        ("a)", "unmatched ')'"),
        ("(]", "closing parenthesis ']' does not match opening parenthesis '('"),
        ("(\n]", "closing parenthesis ']' does not match opening parenthesis '(' on line 1"),
        ("a \\ b", "unexpected character after line continuation character"),
        ("a \\", "unexpected EOF while parsing"),
        ("a\xa0b", "invalid non-printable character U+00A0"),
        ("€", "invalid character '€' (U+20AC)"),
        ("(" * 201, "too many nested parentheses"),
    ],
)
def test_errors(text: str, message: str) -> None:
    found = Lexer(text, (3, 14)).run()
    assert any(m.startswith(message) for m in found.messages.values()), found.messages


@pytest.mark.slow
def test_token_streams_equal_the_standard_librarys() -> None:
    """Names, numbers, operators and layout are where `tokenize` has them."""
    layout = {NEWLINE, INDENT, DEDENT, END}
    skipped = {theirs.COMMENT, theirs.NL, theirs.ENCODING}
    marks = {theirs.NEWLINE, theirs.INDENT, theirs.DEDENT, theirs.ENDMARKER}
    for path in sorted(Path(sysconfig.get_paths()["stdlib"]).glob("*.py"))[::10]:
        text = path.read_text(encoding="utf-8")
        if "\f" in text:
            continue
        ours = Lexer(text, (3, 11)).run()
        found, inside = [], 0
        for kind, a, b in zip(ours.kinds, ours.starts, ours.ends, strict=True):
            word = text[a:b]
            inside += (kind == FSTART) - (kind == FEND)
            if kind in layout:
                found.append("")
            elif not inside and kind != FEND:
                found.append(word)
        expected = [
            "" if token.type in marks else token.string
            for token in theirs.generate_tokens(io.StringIO(text).readline)
            if token.type not in skipped and not _formatted(token.string)
        ]
        assert found == expected, path.name


def _formatted(word: str) -> bool:
    quote = min((i for i in (word.find("'"), word.find('"')) if i >= 0), default=0)
    return "f" in word[:quote].lower()
