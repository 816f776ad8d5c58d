"""literal(): what ast.literal_eval gives, and ValueError where it refuses."""

from __future__ import annotations

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neox.compiler import literal, nodes, parse


def value_of(text: str) -> object:
    statement = parse(text).tree.body[0]
    assert isinstance(statement, nodes.Expr)
    return literal(statement.value)


LITERALS = [
    "1", "-1", "+1.5", "1j", "1+2j", "-1-2j", "'a' 'b'", "b'a'", "None", "True", "...", "()",
    "(1,)", "[1, [2]]", "{1, 2}", "{'a': {1: -2}}", "set()", "0x_ff", "1e400", "'\\N{DIGIT ONE}'",
    "((1))", "{}", "-0.0",
]  # fmt: skip
OTHERS = [
    "a", "f(1)", "1 + 2", "-'a'", "--1", "1j + 2", "[x for x in y]", "f'a'", "{**a}", "{[]: 1}",
    "{[]}", "-True", "not 1", "set(1)", "*a,", "1 if 2 else 3", "a.b", "lambda: 1", "2j + 1j",
]  # fmt: skip


@pytest.mark.parametrize("text", LITERALS)
def test_literals(text: str) -> None:
    assert repr(value_of(text)) == repr(ast.literal_eval(text))


@pytest.mark.parametrize("text", OTHERS)
def test_everything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  (the message is for people)
        value_of(text)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.binary()
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner) | st.lists(inner).map(tuple) | st.dictionaries(st.text(), inner),
)  # fmt: skip


@pytest.mark.slow
@given(VALUES)
def test_repr_reads_back(value: object) -> None:
    assert value_of(f"({value!r})") == value
