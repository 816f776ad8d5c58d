"""C2, the Dowker complex of statements and variables: duality, known couplings, invariance."""

from __future__ import annotations

import sysconfig
from pathlib import Path

import gudhi
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neox.compiler import parse
from neox.topology import features
from neox.topology.controlflow import functions
from neox.topology.relation import betti, cost, dowker_betti, maximal, relation, transpose

LIBRARY = Path(sysconfig.get_path("stdlib"))
FUNCTIONS = [
    f
    for name in ("bisect.py", "heapq.py", "textwrap.py", "shlex.py")
    for f in functions(parse((LIBRARY / name).read_bytes()).tree)
]
RELATIONS = st.lists(st.frozensets(st.integers(0, 7), min_size=1, max_size=5), max_size=9)


def rows_of(code: str) -> list[frozenset[int]]:
    [function] = functions(parse(code).tree)
    return relation(function)


def by_gudhi(rows: list[frozenset[int]]) -> tuple[int, ...]:
    tree = gudhi.SimplexTree()
    for row in rows:
        tree.insert(sorted(row))
    tree.compute_persistence(homology_coeff_field=2, persistence_dim_max=True)
    return (*tree.betti_numbers(), 0, 0, 0)[:3]


@given(RELATIONS)
def test_both_sides_have_the_same_betti_numbers(rows: list[frozenset[int]]) -> None:
    assert betti(rows) == betti(transpose(rows)) == dowker_betti(rows)


@given(RELATIONS)
def test_betti_numbers_equal_gudhis(rows: list[frozenset[int]]) -> None:
    assert betti(rows) == by_gudhi(rows)


def test_duality_on_real_functions() -> None:
    checked = 0
    for function in FUNCTIONS:
        rows = relation(function)
        if max(cost(rows), cost(transpose(rows))) < 5000:  # the dear side of a long function
            checked += 1
            assert betti(rows) == betti(transpose(rows))
    assert checked > 15


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("def f(a):\n    return a\n", (1, 0, 0)),
        ("def f():\n    return 1\n", (0, 0, 0)),
        ("def f():\n    a = 1\n    b = 2\n", (2, 0, 0)),
        ("def f():\n    x = y = 1\n    z = y\n    x = z\n", (1, 1, 0)),
        ("def f(x, y, z):\n    x = y\n    z = y\n    x = z\n", (1, 0, 0)),
        ("def f():\n    for i in g:\n        a = i\n", (1, 0, 0)),
    ],
)
def test_known_couplings(code: str, expected: tuple[int, int, int]) -> None:
    assert dowker_betti(rows_of(code)) == expected


def test_four_variables_tied_in_threes_enclose_a_void() -> None:
    code = "def f():\n    a = b = c = 1\n    a = b = d = 1\n    a = c = d = 1\n    b = c = d = 1\n"
    assert dowker_betti(rows_of(code)) == (1, 0, 1)


def test_global_and_inner_names_are_not_local() -> None:
    assert rows_of("def f():\n    global g\n    g = 1\n") == []
    code = "def f(a):\n    h = lambda q: q + a\n    return h\n"
    assert rows_of(code) == [frozenset({0}), frozenset({1}), frozenset({1})]


def test_merging_two_variables_can_change_it() -> None:
    code = "def f():\n    x = y = 1\n    z = y\n    x = z\n"
    assert dowker_betti(rows_of(code)) != dowker_betti(rows_of(code.replace("z", "y")))


def test_renaming_changes_nothing() -> None:
    for function in FUNCTIONS[:10]:
        rows = relation(function)
        renamed = [frozenset(100 - v for v in row) for row in rows]
        assert dowker_betti(rows) == dowker_betti(renamed)


def test_only_maximal_rows_count() -> None:
    rows = [frozenset({1}), frozenset({1, 2}), frozenset({2, 1}), frozenset({3})]
    assert maximal(rows) == [frozenset({1, 2}), frozenset({3})]


def test_features_carry_it() -> None:
    found = features(parse("def f():\n    x = y = 1\n    z = y\n    x = z\n")).scalars()
    assert (found["c2/b0"], found["c2/b1"], found["c2/b2"]) == (1, 1, 0)
