"""Programs with textbook answers: all of those once solved stay solved, and no claim is wrong.

Answers are compared as functions, numerically at huge sizes, not as text.
"""

import json
import os
from itertools import pairwise
from pathlib import Path

import mpmath
import pytest
import sympy

from neox.compiler import parse
from neox.compiler.complexity import Bound, analyze

ROOT = Path(__file__).parents[3]
CASES = Path(os.environ.get("NEOX_SHARED", ROOT.parent / "shared")) / "cases"
SOLVED = 35  # of the 35 development programs


def _load(name: str) -> list[dict[str, str | None]]:
    path = CASES / name
    if not path.exists():
        pytest.skip(f"no case file {name} in the shared folder")
    return [json.loads(line) for line in path.read_text().splitlines() if line.strip()]


def _bound(case: dict[str, str | None]) -> Bound:
    found = analyze(parse(str(case["code"])))
    return next(b for b in reversed(found) if b.function == case["function"])


def same_growth(left: str, right: str, names: set[str]) -> bool:
    """Is log(left / right) bounded while all sizes grow together?

    All the expressions met here are exponential-polynomial-logarithmic; for these the ratio of two
    different classes moves by more than 0.05 between the two largest points.
    """
    symbols = {name: sympy.Symbol(name, positive=True) for name in names}
    ratio = sympy.log(sympy.sympify(left, locals=symbols)) - sympy.log(
        sympy.sympify(right, locals=symbols)
    )
    form = sympy.lambdify(list(symbols.values()), ratio, "mpmath")
    with mpmath.workdps(60):
        values = [form(*[mpmath.mpf(10) ** e] * len(symbols)) for e in (3, 5, 7)]
        gaps = [abs(b - a) for a, b in pairwise(values)]
        return all(gap < mpmath.mpf("0.05") for gap in gaps)


@pytest.mark.parametrize(
    ("left", "right", "same"),
    [
        ("n*log(n)", "3*n*log(n)", True),
        ("n*log(n)", "n", False),
        ("n**log(3,2)", "n**1.5849625007211561814537389439", True),
        ("n**log(3,2)", "n**1.57", False),
        ("2**n", "3**n", False),
        ("factorial(n)", "n*factorial(n)", False),
        ("log(log(n))", "1", False),
    ],
)
def test_the_comparison_itself_can_fail(left: str, right: str, same: bool) -> None:
    assert same_growth(left, right, {"n"}) is same


@pytest.mark.slow
def test_every_known_answer_is_found_and_none_is_wrong() -> None:
    solved, wrong = [], []
    for case in _load("verify_dev.jsonl"):
        bound = _bound(case)
        if bound.theta is None:
            continue
        names = {name for name, _ in bound.parameters} | {"m", "n"}
        right = same_growth(bound.theta, str(case["expected_theta"]), names)
        (solved if right else wrong).append(case["name"])
    assert wrong == []
    assert len(solved) >= SOLVED


def test_unknown_stays_unknown() -> None:
    for case in _load("verify_abstain_dev.jsonl"):
        bound = _bound(case)
        assert bound.theta is None
        assert bound.upper.expression is None
        assert bound.notes


def test_the_opaque_callback_is_named() -> None:
    [bound] = analyze(parse("def run(a, f):\n    for x in a:\n        f(x)\n"))
    assert bound.notes == ("callee-cost:f",)
    assert (bound.lower.expression, bound.upper.evidence) == ("n", "unknown")
    assert bound.status == "unknown"
