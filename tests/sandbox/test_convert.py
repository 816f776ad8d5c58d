"""Asserts become data only where that comes to the same, and then it does come to the same."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path
from typing import Any

import pytest

from neox.sandbox import Approx, Asserts, Sandbox
from neox.sandbox.convert import as_call

SHARED = Path(os.environ.get("NEOX_SHARED", Path(__file__).parents[2].parent / "shared"))
HUMANEVAL = SHARED / "data" / "humaneval" / "HumanEval.jsonl"


def convert(test: str) -> list[tuple[Any, Any, Any]] | None:
    call = as_call(Asserts("", test, "f"))
    if call is None:
        return None
    modes = [call.mode(i) for i in range(len(call.inputs))]
    return list(zip(call.inputs, call.expected, modes, strict=True))


@pytest.mark.parametrize(
    ("test", "found"),
    [
        ("assert f(1, 'a') == [2]", ([1, "a"], [2], "eq")),
        ("assert [2] == f(1)", ([1], [2], "eq")),
        ("assert f() == {1: (2, -3)}, 'why ' + str(f())", ([], {1: (2, -3)}, "eq")),
        ("assert f({1, 2}) == set()", ([{1, 2}], set(), "eq")),
        ("assert f(1)", ([1], True, "truth")),
        ("assert not f(1)", ([1], False, "truth")),
        ("assert f(1) is None", ([1], None, "exact")),
        ("assert f(1) is True", ([1], True, "exact")),
        ("assert f(1) in (1, 2)", ([1], [1, 2], "any_of")),
        ("assert abs(f(1) - 0.5) < 1e-6", ([1], 0.5, Approx(0.0, math.nextafter(1e-6, 0)))),
        ("assert abs(2.0 / 4 - f(1)) <= 1e-6", ([1], 0.5, Approx(0.0, 1e-6))),
        ("assert f([0] * 3 + [1]) == 2**10 - 1", ([[0, 0, 0, 1]], 1023, "eq")),
        ("assert f(not 1) == float('inf')", ([False], float("inf"), "eq")),
        ("'text'\nMETADATA = {}\nassert f(1) == 2\npass", ([1], 2, "eq")),
        ("def check(c):\n    assert True, 'x'\n    assert c(1) == 2\ncheck(f)", ([1], 2, "eq")),
        ("def check(c):\n    assert f(1) == 2", ([1], 2, "eq")),
    ],
)  # fmt: skip
def test_what_is_data(test: str, found: tuple[Any, Any, Any]) -> None:
    assert convert(test) == [found]


@pytest.mark.parametrize(
    "test",
    [
        "",
        "assert True",
        "assert False",
        "assert g(1) == 2",
        "assert f(x) == 2",
        "assert f(1) == f(2)",
        "assert f(f(1)) == 2",
        "assert f(*[1]) == 2",
        "assert f(a=1) == 2",
        "assert f(1) != 2",
        "assert f(1) < 2",
        "assert f(1) is 1",
        "assert f(1) == 1 == 1",
        "assert f(1) == 2 and f(2) == 3",
        "assert abs(f(1) - 1) < 0",
        "assert abs(f(1) - 'a') < 1",
        "assert abs(f(1)) < 1",
        "assert f(1) in {1, 2}",
        "assert f(1) in 'abc'",
        "assert f('a' * 10**9) == 1",
        "assert f(10**19**19) == 1",
        "assert f(1 / 0) == 1",
        "assert f({[]}) == 1",
        "assert f(...) == 1",
        "assert math.isclose(f(1), 2)",
        "x = f(1)\nassert x == 2",
        "f = lambda x: 2\nassert f(1) == 2",
        "check = 3\nassert f(1) == 2",
        "import os\nassert f(1) == 2",
        "for i in (1, 2):\n    assert f(i) == 2",
        "if f(1): assert f(1) == 2",
        "def check(c, d):\n    assert c(1) == 2",
        "def check(c):\n    c = 1\n    assert c(1) == 2",
        "def check(c):\n    return\n    assert c(1) == 2",
        "@other\ndef check(c):\n    assert c(1) == 2",
        "def other():\n    pass\nassert f(1) == 2",
        "assert f(1",
        "assert f(" + "(" * 500 + ")" * 500 + ") == 1",
    ],
)
def test_what_stays_a_program(test: str) -> None:
    assert convert(test) is None


@pytest.mark.slow
def test_both_forms_agree_on_what_programs_return() -> None:
    """Whatever comes back: right, nearly right, of another type, or not data at all."""
    tests = [
        "assert f(0) == 1", "assert f(0)", "assert not f(0)", "assert f(0) is True",
        "assert f(0) is None", "assert f(0) in (1, 2.5, None)", "assert abs(f(0) - 1) < 0.5",
        "assert f(0) == [1]", "assert f(0) == (1,)", "assert f(0) == {1: 1}", "assert f(0) == ''",
    ]  # fmt: skip
    values = (
        "1, True, 1.0, 0, None, 1.2, 1.5, float('nan'), '', [], [1], (1,), {1: 1}, set(), b'1', "
        "0j, iter(()), object(), 1 / 0, 10**5000, {True: 1.0}"
    ).split(", ")
    values = [v for v in values if v.count("(") == v.count(")") and v.count("{") == v.count("}")]
    codes = [f"def f(x):\n    return {value}" for value in values]
    jobs = [(c, t) for c in codes for t in tests]
    with Sandbox(workers=2) as box:
        data = list(box.map([Asserts(c, t, "f") for c, t in jobs]))
        program = list(box.map([Asserts(c, t, "f", separate=True) for c, t in jobs]))
    differ = [
        (job, one.verdict, other.verdict)
        for job, one, other in zip(jobs, data, program, strict=True)
        if (one.verdict == "pass") != (other.verdict == "pass")
    ]
    assert differ == []
    assert 20 < sum(o.verdict == "pass" for o in data) < len(jobs) / 2


@pytest.mark.slow
@pytest.mark.skipif(not HUMANEVAL.exists(), reason="no HumanEval in the shared folder")
def test_both_forms_agree_on_mutants_of_humaneval() -> None:
    """References with one operator or constant exchanged: the two forms say the same of each."""
    rows = [json.loads(line) for line in HUMANEVAL.read_text().splitlines()]
    exchanges = [(" + ", " - "), (" < ", " <= "), ("1", "2"), ("return", "return not"), ("0", "1")]
    pairs = []
    for index, row in enumerate(rows):
        for old, new in exchanges[index % 5 :: 2]:
            body = row["canonical_solution"].replace(old, new, 1)
            if body != row["canonical_solution"]:
                job = Asserts(row["prompt"] + body, row["test"], row["entry_point"], row["prompt"])
                if as_call(job) is not None:
                    pairs.append(job)
    pairs = pairs[::9]
    apart = [Asserts(j.code, j.test, j.entry, j.prelude, separate=True) for j in pairs]
    with Sandbox(workers=2) as box:
        data, program = list(box.map(pairs)), list(box.map(apart))
    assert [o.verdict == "pass" for o in data] == [o.verdict == "pass" for o in program]
    assert 0 < sum(o.verdict == "pass" for o in data) < len(pairs)
    assert len(pairs) > 15
