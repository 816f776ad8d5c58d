"""Which claims are right for which expected value, in every mode."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neox.sandbox import Approx
from neox.sandbox.codec import encode, parse
from neox.sandbox.compare import matches

NAN, INF = float("nan"), float("inf")
AWKWARD = [
    None, True, False, 0, 1, -1, 1.0, 0.0, -0.0, 1.5, NAN, INF, -INF, 1 << 5000, 1j, "", "a", "1",
    b"", b"a", [], [1], [1.0], [True], (), (1,), {}, {1: 2}, {1.0: 2}, {"1": 2}, {(1, 2): [3]},
    set(), {1}, {1.0}, frozenset([1]), {frozenset([1])}, [[1], 2], [(1,), 2], {1: {2}},
]  # fmt: skip


def right(claim: Any, expected: Any, mode: Any = "eq") -> bool:
    return matches(parse(encode(claim)), expected, mode)


@pytest.mark.parametrize("expected", AWKWARD, ids=repr)
def test_eq_is_python_equality(expected: Any) -> None:
    for claim in AWKWARD:
        assert right(claim, expected) == (claim == expected), claim


leaves = st.integers(-3, 3) | st.booleans() | st.sampled_from([0.0, 1.0, 2.5, "", "a", b"a", None])
values = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner, inner)
        | st.dictionaries(leaves, inner, max_size=3)
        | st.frozensets(leaves, max_size=3)
    ),
    max_leaves=6,
)


@settings(max_examples=500, deadline=None)
@given(values, values)
def test_eq_is_python_equality_on_any_data(claim: Any, expected: Any) -> None:
    assert right(claim, expected) == (claim == expected)


@settings(max_examples=300, deadline=None)
@given(values)
def test_every_value_is_right_for_itself_in_every_mode(value: Any) -> None:
    for mode in ("eq", "exact", "approx", Approx(0.1, 0.1)):
        assert right(value, value, mode)
    assert right(value, [1, value], "any_of")


@pytest.mark.parametrize(
    ("claim", "expected", "mode", "verdict"),
    [
        (1, 1.0, "exact", False), (True, 1, "exact", False), ([1], [True], "exact", False),
        ({1}, frozenset([1]), "exact", False), ({1: 2}, {1.0: 2}, "exact", False),
        (NAN, NAN, "exact", True), ((1, [2]), (1, [2]), "exact", True),
        (1.0000001, 1.0, "approx", True), (1.001, 1.0, "approx", False),
        ([1.0000001, {"a": 3}], [1, {"a": 3.0000001}], "approx", True),
        (True, 1.0, "approx", True), (False, 1.0, "approx", False), ("1.0", 1.0, "approx", False),
        (INF, INF, "approx", True), (INF, -INF, "approx", False), (INF, 1e300, "approx", False),
        (NAN, NAN, "approx", True), (NAN, 1.0, "approx", False), (1.0, NAN, "approx", False),
        (1 << 5000, 1.0, "approx", False), (1.2, 1.0, Approx(rtol=0.3), True),
        (0.05, 0.0, Approx(rtol=0.3, atol=0.1), True),
        ([2, 1, 1], [1, 2, 1], "unordered", True), ([2, 1], [1, 2, 1], "unordered", False),
        ([2, 2, 1], [1, 2, 1], "unordered", False), ([1.0, True], [1, 1], "unordered", True),
        ([[1], [2]], [[2], [1]], "unordered", True), ([{1, 2}], [{2, 1}], "unordered", True),
        ((1, 2), (2, 1), "unordered", True), ((1, 2), [2, 1], "unordered", False),
        (3, [1, 3], "any_of", True), (2, [1, 3], "any_of", False), ([1], [[1]], "any_of", True),
    ],
)  # fmt: skip
def test_the_other_modes(claim: Any, expected: Any, mode: Any, verdict: bool) -> None:
    assert right(claim, expected, mode) is verdict


def test_an_expected_value_that_is_no_plain_data_is_the_authors_fault() -> None:
    with pytest.raises(TypeError, match="plain data"):
        right([1], object())


def test_a_long_claim_costs_no_more_than_the_expected_value() -> None:
    claim = parse(b"[" + b"1," * 200_000 + b"1]")
    started = time.process_time()
    for _ in range(1000):
        assert not matches(claim, [1, 2], "eq")
    assert time.process_time() - started < 0.5
