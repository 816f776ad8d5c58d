"""Contracts: what can be written, and what a bound says about it."""

import pytest

from neox.compiler import parse
from neox.compiler.complexity import Contract, ContractError, analyze, contracts, satisfies

LINEAR = "def f(a):\n    for x in a:\n        pass\n"
SORTING = "def f(a):\n    return sorted(a)\n"
FIB = "def f(n):\n    return n if n < 2 else f(n - 1) + f(n - 2)\n"
TWO = "def f(a, b):\n    for x in a:\n        for y in b:\n            pass\n"
OPAQUE = "def f(a, g):\n    for x in a:\n        g(x)\n"


@pytest.mark.parametrize(
    ("code", "contract", "verdict"),
    [
        (LINEAR, "O(n)", True),
        (LINEAR, "O(n), n=len(a)", True),
        (LINEAR, "O(n log n)", True),
        (LINEAR, "O(log n)", False),
        (LINEAR, "O(1)", False),
        (LINEAR, "Theta(n)", True),
        (LINEAR, "Theta(n^2)", False),
        (LINEAR, "Omega(n)", True),
        (LINEAR, "Omega(n^2)", False),
        (LINEAR, "O(n), n=len(b)", None),
        (SORTING, "O(n log n)", True),
        (SORTING, "O(n)", False),
        (SORTING, "O(n*log(n)**2)", True),
        (FIB, "O(2^n)", True),
        (FIB, "O(1.5^n)", False),
        (FIB, "O(n^5)", False),
        (FIB, "O(n!)", True),
        (TWO, "O(n m), n=len(a), m=len(b)", True),
        (TWO, "O(n + m), n=len(a), m=len(b)", None),
        (TWO, "O(n)", None),
        (OPAQUE, "O(n^9)", None),
        (OPAQUE, "O(1)", False),
    ],
)
def test_verdicts(code: str, contract: str, verdict: bool | None) -> None:
    assert satisfies(analyze(parse(code))[-1], contract) is verdict


@pytest.mark.parametrize(
    "text",
    ["n log n", "O(n", "O(n))x", "O(n +)", "O(f(n))", "O(n), len(a)", "O(1/0)", "O(n/n)", ""],
)
def test_bad_contracts_say_so(text: str) -> None:
    with pytest.raises(ContractError):
        Contract.parse(text)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("O(n log n)", "O(n*log(n))"),
        ("O(n^2)", "O(n**2 + 3n)"),
        ("O(sqrt(n))", "O(n^(1/2))"),
        ("O(loglog n)", "O(log(log(n)))"),
        ("O(7)", "O(1)"),
    ],
)
def test_spellings_of_one_contract(one: str, other: str) -> None:
    assert Contract.parse(one).growth == Contract.parse(other).growth


def test_contracts_stand_on_or_above_the_def() -> None:
    code = (
        "# neox: O(n), n=len(a)\ndef f(a):\n    pass\n\n"
        "def g(a):  # neox: O(1)\n    pass\n\n"
        "# neox: O(n)\n@cached\ndef h(n):\n    pass\n\nx = 1  # neox: O(n)\n"
    )
    assert contracts(parse(code)) == {2: "O(n), n=len(a)", 5: "O(1)", 10: "O(n)"}
