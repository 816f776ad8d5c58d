"""Nothing of a text is lost: bytes and characters come back, places are CPython's."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neox.compiler import nodes, parse

ENCODED = [
    b"x = 1\n",
    b"\xef\xbb\xbfx = 1\n",
    b"# -*- coding: latin-1 -*-\nx = '\xe9'\n",
    b"#!/bin/sh\n# vim: set fileencoding=cp1252 :\nx = '\x80'\n",
    "x = 'é'\r\ny = '变'\r".encode(),
]


@pytest.mark.parametrize("data", ENCODED)
def test_bytes_are_decoded_and_come_back(data: bytes) -> None:
    program = parse(data)
    assert program.diagnostics == ()
    assert program.encoded() == data


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"x = '\xff'\n", "(utf-8) can't decode byte 0xff in position 5: invalid start byte"),
        (b"# coding: nonsense\n", "unknown encoding: nonsense"),
        (b"# coding: hex\n", "unknown encoding: hex"),
        (b"\xef\xbb\xbf# coding: latin-1\n", "encoding problem: latin-1 with BOM"),
    ],
)
def test_what_is_no_text_is_a_diagnostic(data: bytes, message: str) -> None:
    program = parse(data)
    assert [d.message for d in program.diagnostics] == [message]
    assert program.encoded() == data
    assert isinstance(program.tree.body[0], nodes.ErrorStmt)


def test_the_cookie_counts_only_in_the_first_two_lines_before_code() -> None:
    assert parse(b"\n\n# coding: nonsense\n").diagnostics == ()
    assert parse(b"x\n# coding: nonsense\n").diagnostics == ()
    assert parse(b"\n# coding: nonsense\n").diagnostics != ()


@given(st.binary(max_size=60))
def test_any_bytes(data: bytes) -> None:
    assert parse(data).encoded() == data


@given(st.text(max_size=60))
def test_any_text(text: str) -> None:
    program = parse(text)
    assert program.source() == text
    assert all(0 <= d.start <= d.end <= len(text) for d in program.diagnostics)


def test_columns_count_bytes_and_lines_end_as_in_cpython() -> None:
    program = parse("é = 'ü'; y\x0c = 2\r\nz = 3\rw\n")
    places = [program.location(one) for one in program.tree.body]
    assert places == [(1, 0, 1, 9), (1, 11, 1, 17), (2, 0, 2, 5), (3, 0, 3, 1)]


def test_programs_and_diagnostics_do_not_change() -> None:
    program = parse("x = = 1")
    with pytest.raises(AttributeError):
        program.text = ""  # type: ignore[misc]
    with pytest.raises(AttributeError):
        program.diagnostics[0].line = 2  # type: ignore[misc]
    assert program.diagnostics == parse("x = = 1").diagnostics
    assert {program.diagnostics[0]} == set(parse("x = = 1").diagnostics)
    assert repr(program) == "<Program: 1 statements, 1 diagnostics>"
