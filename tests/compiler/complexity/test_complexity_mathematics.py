"""The mathematics below the analysis: algebra, exponents, recurrences, sums."""

from fractions import Fraction
from math import log2

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neox.compiler.complexity.affine import Affine, Facts
from neox.compiler.complexity.exponent import Root, compare, solve_power, solve_rate
from neox.compiler.complexity.growth import Factor, Growth, log_of
from neox.compiler.complexity.recurrences import divide, subtract, summed
from neox.compiler.complexity.trips import Move, shrinks

F = Fraction
N, M = Affine.atom("n"), Affine.atom("m")


@pytest.mark.parametrize(
    ("terms", "exponent"),
    [
        ([(1, F(1, 2)), (1, F(1, 2))], F(1)),
        ([(4, F(1, 2))], F(2)),
        ([(8, F(1, 4))], F(3, 2)),
        ([(1, F(1, 3)), (1, F(2, 3))], F(1)),
        ([(1, F(1, 2))], F(0)),
        ([(F(1, 2), F(1, 2))], F(-1)),
    ],
)
def test_rational_exponents_are_exact(terms: list[tuple[int, F]], exponent: F) -> None:
    assert solve_power(tuple((F(a), b) for a, b in terms)) == exponent


def test_irrational_exponents_have_certified_digits() -> None:
    p = solve_power(((F(1), F(1, 2)), (F(1), F(1, 3))))
    assert isinstance(p, Root)
    low, high = p.enclose()
    assert f"{low:.30f}"[:28] == f"{high:.30f}"[:28]
    assert f"{low:.30f}".startswith("0.7878849110258697836285559")
    assert p.equation() == "(1/2)**p + (1/3)**p = 1"


def test_closed_forms() -> None:
    power = solve_power(((F(3), F(1, 2)),))
    assert isinstance(power, Root)
    assert power.text() == "log(3,2)"
    rate = solve_rate(((F(1), F(1)), (F(1), F(2))))
    assert isinstance(rate, Root)
    assert rate.text() == "((1+sqrt(5))/2)"


@settings(deadline=None)  # the machine may be busy
@given(
    st.lists(
        st.tuples(st.integers(1, 9), st.fractions(F(1, 9), F(8, 9), max_denominator=9)),
        min_size=1,
        max_size=4,
    ),
    st.fractions(0, 4, max_denominator=3),
)
def test_the_case_decision_agrees_with_the_sum(terms: list[tuple[int, F]], a: F) -> None:
    total = sum(c * float(b) ** float(a) for c, b in terms)
    if abs(total - 1) > 1e-9:
        p = solve_power(tuple((F(c), b) for c, b in terms))
        assert compare(p, a) == (1 if total > 1 else -1)


@pytest.mark.parametrize(
    ("terms", "toll", "answer"),
    [
        ([(2, F(1, 2))], Factor(power=F(1)), Factor(power=F(1), log=F(1))),
        ([(2, F(1, 2))], Factor(power=F(1), log=F(1)), Factor(power=F(1), log=F(2))),
        ([(2, F(1, 2))], Factor(power=F(1), log=F(-1)), Factor(power=F(1), loglog=F(1))),
        ([(2, F(1, 2))], Factor(power=F(1), log=F(-2)), Factor(power=F(1))),
        ([(3, F(1, 4))], Factor(power=F(1)), Factor(power=F(1))),
        ([(4, F(1, 2))], Factor(power=F(1)), Factor(power=F(2))),
        ([(2, F(1, 2))], Factor(rate=F(2)), Factor(rate=F(2))),
    ],
)
def test_divide_and_conquer(terms: list[tuple[int, F]], toll: Factor, answer: Factor) -> None:
    assert divide(tuple((F(a), b) for a, b in terms), toll) == answer


@pytest.mark.parametrize(
    ("terms", "toll", "answer"),
    [
        ([(1, 1)], Factor(power=F(1)), Factor(power=F(2))),
        ([(1, 1)], Factor(power=F(-1)), Factor(log=F(1))),
        ([(2, 1)], Factor(power=F(3)), Factor(rate=F(2))),
        ([(2, 1)], Factor(rate=F(2)), Factor(rate=F(2), power=F(1))),
        ([(2, 1)], Factor(rate=F(3)), Factor(rate=F(3))),
        ([(1, 2)], Factor(), Factor(power=F(1))),
    ],
)
def test_linear_recurrences(terms: list[tuple[int, int]], toll: Factor, answer: Factor) -> None:
    assert subtract(tuple((F(c), F(k)) for c, k in terms), toll) == answer


@pytest.mark.parametrize(
    ("scale", "cost"),
    [((2, 2), lambda n: n), ((3, 2), lambda n: n), ((3, 4), lambda n: n * log2(n))],
)
def test_divide_and_conquer_against_evaluation(scale: tuple[int, int], cost) -> None:  # type: ignore[no-untyped-def]
    """T(b**k) computed term by term keeps a bounded ratio to the claimed class."""
    a, b = scale
    toll = Factor(power=F(1), log=F(1 if scale == (3, 4) else 0))
    claim = divide(((F(a), F(1, b)),), toll)
    assert claim is not None

    def claimed(n: float) -> float:
        power = claim.power if isinstance(claim.power, F) else claim.power.enclose()[0]
        return n ** float(power) * log2(n) ** float(claim.log)

    value, ratios = 1.0, []
    for k in range(1, 60):
        n = float(b**k)
        value = a * value + cost(n)
        ratios.append(value / claimed(n))
    assert max(ratios[30:]) / min(ratios[30:]) < 1.2


@given(st.integers(-3, 4), st.integers(0, 3))
def test_sums_of_powers(power: int, log: int) -> None:
    total = summed(Factor(power=F(power), log=F(log)))
    assert total is not None
    if power > -1:
        assert total == Factor(power=F(power + 1), log=F(log))
    elif power == -1:
        assert total == Factor(log=F(log + 1))
    else:
        assert total == Factor()


def test_parameters_are_never_merged() -> None:
    n, m = Growth.size(N), Growth.size(M)
    assert len((n + m).monomials) == 2
    assert not n <= m
    assert n + n == n
    assert n * m + n == n * m
    assert log_of(n * m) == Growth.size(N, Factor(log=F(1))) + Growth.size(M, Factor(log=F(1)))


@given(st.integers(2, 9), st.integers(-9, 20), st.integers(0, 60))
def test_shrinking_is_decided_for_all_sizes(divisor: int, shift: int, start: int) -> None:
    claim = shrinks(Move(F(1, divisor), F(shift) - 1 + F(1, divisor), F(shift)), start, None)
    truth = all(n // divisor + shift < n for n in range(start, 500))
    assert claim == truth


def test_bounds_cancel_when_the_youngest_atom_goes_first() -> None:
    facts = Facts()
    half = N.scale(F(1, 2)) - facts.fresh("floor", Affine(), Affine.number(F(1, 2)))
    taken = facts.fresh("times", Affine(), half)
    assert facts.nonnegative(half - taken)
    assert not facts.nonnegative(taken - half)
