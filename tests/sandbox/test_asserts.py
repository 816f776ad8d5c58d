"""Test texts run in a jail of their own, and the solution is only data to them."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from neox.sandbox import Asserts, Limits, Outcome, Sandbox

pytestmark = pytest.mark.slow


SHARED = Path(os.environ.get("NEOX_SHARED", Path(__file__).parents[2].parent / "shared"))
HUMANEVAL = SHARED / "data" / "humaneval" / "HumanEval.jsonl"
FAST = Limits(cpu_s=1, wall_s=2)
ADD = "def add(a, b):\n    return a + b\n"


@pytest.fixture(scope="module")
def box() -> Iterator[Sandbox]:
    with Sandbox(workers=1) as sandbox:
        yield sandbox


def run(box: Sandbox, code: str, test: str, prelude: str = "", separate: bool = True) -> Outcome:
    return box.run(Asserts(code, test, "add", prelude, FAST, separate))


@pytest.mark.parametrize(
    ("code", "test", "verdict"),
    [
        (ADD, "assert add(1, 2) == 3", "pass"),
        (ADD, "def check(candidate):\n    assert candidate(1, 2) == 3", "pass"),
        (ADD, "def check(f):\n    for i in range(3):\n        assert f(i, b=i) == 2 * i", "pass"),
        (ADD, "assert add(1, 2) == 4", "fail"),
        (ADD, "assert add(1, 2) == 3\nassert add(1, 2) == 4", "fail"),
        (ADD, "def check(f):\n    for i in range(3):\n        assert f(i, i) == i", "fail"),
        (ADD, "def check(candidate):\n    pass", "error"),
        (ADD, "x = add(1, 2)", "error"),
        (ADD, "assert True == (add(1, 2) == 3), 'a message'", "pass"),
        (ADD, "assert (1 / 0)", "fail"),
        ("def add(a, b): return 1 / 0", "assert add(1, 2) == 3", "error"),
        ("def add(a, b): raise AssertionError", "assert add(1, 2) == 3", "error"),
        ("def add(a, b): raise MemoryError", "assert add(1, 2) == 3", "memory"),
        ("def add(a, b): x = bytearray(1 << 40)", "assert add(1, 2) == 3", "memory"),
        ("def add(a, b):\n    while True: pass", "assert add(1, 2) == 3", "timeout"),
        ("def add(a, b):\n    import time; time.sleep(9)", "assert add(1, 2) == 3", "timeout"),
        ("import os; os._exit(0)", "assert add(1, 2) == 3", "error"),
        ("def add(a, b):\n    import os; os._exit(0)", "assert add(1, 2) == 3", "error"),
        ("def add(a, b:", "assert add(1, 2) == 3", "error"),
        ("x = 1", "assert add(1, 2) == 3", "error"),
        ("def add(a, b): return object()", "assert add(1, 2) is not None", "fail"),
        ("def add(a, b): return 'x' * (2 << 20)", "assert add(1, 2) is not None", "fail"),
        ("def add(a, b):\n    import sys; sys.exit(0)", "assert add(1, 2) == 3", "error"),
        (
            "def add(a, b): print('x' * 10**6); return a + b",
            "assert add(1, 2) == 3",
            "output_limit",
        ),
        (ADD, "while True: add(1, 2)", "timeout"),
    ],
)
def test_the_verdict(box: Sandbox, code: str, test: str, verdict: str) -> None:
    """The same, whether the test runs as a program or is judged as data where it can be."""
    for separate in (True, False):
        outcome = run(box, code, test, separate=separate)
        assert outcome.verdict == verdict, (separate, outcome)


@pytest.mark.parametrize(
    ("raised", "caught"),
    [
        ("ValueError", "ValueError"),
        ("KeyError", "LookupError"),
        ("ZeroDivisionError", "ArithmeticError"),
        ("type('Mine', (TypeError,), {})", "TypeError"),
        ("AssertionError", "AssertionError"),
        ("UnicodeDecodeError", "Exception"),
    ],
)
def test_exceptions_arrive_as_their_builtin_type(box: Sandbox, raised: str, caught: str) -> None:
    code = f"def add(a, b): raise {raised}('no')"
    if raised == "UnicodeDecodeError":
        code = "def add(a, b): return b'\\xff'.decode()"
    test = f"try:\n    add(1, 2)\nexcept {caught}:\n    assert True\nelse:\n    assert False"
    assert run(box, code, test).verdict == "pass"
    other = "try:\n    add(1, 2)\nexcept OSError:\n    assert True\nelse:\n    assert False"
    assert run(box, code, other).verdict == "error"


def test_each_assert_is_a_test(box: Sandbox) -> None:
    calls = ["add(1, 2) == 3", "add(1, 2) == 0", "add('x', 2) == 3", "add(2, 2) == 4"]
    test = "\n".join(f"assert {call}" for call in calls)
    outcome = run(box, ADD, test)
    assert [t.verdict for t in outcome.tests] == ["pass", "fail", "error", "pass"]


def test_helpers_of_the_prelude_are_at_hand_but_not_in_the_solution(box: Sandbox) -> None:
    prelude = "def helper(x):\n    return x + 1\n"
    assert run(box, ADD, "assert add(1, 2) == helper(2)", prelude).verdict == "pass"
    code = "def add(a, b):\n    return helper(a)"
    assert run(box, code, "assert add(1, 2) == 2", prelude).verdict == "error"


def test_the_prelude_cannot_stand_in_for_the_solution(box: Sandbox) -> None:
    assert run(box, "def add(a, b): return 0", "assert add(1, 2) == 3", ADD).verdict == "fail"


def test_values_keep_their_types_on_the_way(box: Sandbox) -> None:
    test = "for v in (1, 1.5, (1, 2), {1: (2,)}, {3}, frozenset([1]), b'x', None, 1 << 9000, 2j):\n"
    test += "    assert type(add(v)) is type(v) and add(v) == v"
    assert run(box, "def add(v): return v", test).verdict == "pass"


def test_state_of_the_solution_lasts_through_a_test(box: Sandbox) -> None:
    code = "n = 0\ndef add(a, b):\n    global n\n    n += 1\n    return n"
    assert run(box, code, "assert add(0, 0) == 1\nassert add(0, 0) == 2").verdict == "pass"


def test_the_solution_never_sees_the_test(box: Sandbox) -> None:
    code = """
import ctypes, gc, os
def add(a, b):
    here = id(object()) & ~0xfffff
    texts = [o for o in gc.get_objects() if isinstance(o, str)]
    found = b"secret" + b"-in-test" in ctypes.string_at(here, 1 << 20)
    for fd in range(64):
        try: found = found or b"secret" + b"-in-test" in os.pread(fd, 1 << 16, 0)
        except OSError: pass
    return found"""
    test = "s = 'secret-in-test'\nassert add(1, 2) is False"
    for _ in range(3):
        assert run(box, code, test).verdict == "pass"


@pytest.mark.slow
@pytest.mark.skipif(not HUMANEVAL.exists(), reason="no HumanEval in the shared folder")
@pytest.mark.parametrize("separate", [True, False], ids=["program", "data"])
def test_all_canonical_solutions_of_humaneval_pass(separate: bool) -> None:
    rows = [json.loads(line) for line in HUMANEVAL.read_text().splitlines()]
    jobs = [
        Asserts(
            r["prompt"] + r["canonical_solution"],
            r["test"],
            r["entry_point"],
            r["prompt"],
            separate=separate,
        )
        for r in rows
    ]
    with Sandbox(workers=2) as box:
        outcomes = list(box.map(jobs))
    wrong = {
        row["task_id"]: outcome.detail
        for row, outcome in zip(rows, outcomes, strict=True)
        if outcome.verdict != "pass"
    }
    assert (wrong, len(outcomes)) == ({}, 164)


@pytest.mark.slow
@pytest.mark.skipif(not HUMANEVAL.exists(), reason="no HumanEval in the shared folder")
def test_no_empty_solution_of_humaneval_passes() -> None:
    rows = [json.loads(line) for line in HUMANEVAL.read_text().splitlines()]
    jobs = [
        Asserts(r["prompt"] + "    pass\n", r["test"], r["entry_point"], r["prompt"]) for r in rows
    ]
    with Sandbox(workers=2) as box:
        assert [o.verdict for o in box.map(jobs) if o.verdict == "pass"] == []
