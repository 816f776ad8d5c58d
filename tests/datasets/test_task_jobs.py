"""Tests turned into sandbox jobs: what becomes data, what stays code."""

from dataclasses import replace

import pytest

from neox.datasets.jobs import as_calls, job
from neox.datasets.task import AssertTest, CallTest, ProgramTest, StdioTest, Task, Test
from neox.sandbox import Asserts, Call, Limits, Sandbox, Script

LIMITS = Limits(cpu_s=5, wall_s=10, memory_mb=256, output_kb=64)
PLAIN = Task("t", "", "f", (CallTest(([1],), 2), CallTest(([],), 0)))


def test_all_call_tests_go_into_one_call() -> None:
    made = job(PLAIN, "def f(a): return 2 * len(a)\n", LIMITS)
    assert isinstance(made, Call)
    assert (made.entry, made.inputs, made.expected) == ("f", [[[1]], [[]]], [2, 0])
    assert made.limits is LIMITS


@pytest.mark.parametrize(
    ("code", "pairs"),
    [
        ("assert f(1) == 2", [([1], 2)]),
        ("assert f([1, -2], 'a') == {'x': (1, 2)}", [([[1, -2], "a"], {"x": (1, 2)})]),
        ("assert f(1) == 2\nassert f() == None", [([1], 2), ([], None)]),
        ("assert f(1)", None),
        ("assert f(1) != 2", None),
        ("assert g(1) == 2", None),
        ("assert f(x) == 2", None),
        ("assert f(n=1) == 2", None),
        ("assert f(1) == 2, 'told'", None),
        ("assert set(f(1)) == {1}", None),
        ("assert 1 == f(1) == 1", None),
        ("x = 1\nassert f(1) == 2", None),
        ("assert f(1 == 2", None),
    ],
)
def test_only_calls_on_literals_become_data(code: str, pairs: object) -> None:
    assert as_calls((AssertTest(code),), "f") == pairs


@pytest.mark.parametrize(
    ("tests", "kind"),
    [
        ((AssertTest("assert f(1) == 2"),), Call),
        ((AssertTest("assert f(1) == 2"), AssertTest("assert set(f(1)) == {2}")), Asserts),
        ((ProgramTest("def check(candidate):\n    assert candidate(1)\ncheck(f)"),), Asserts),
        ((StdioTest("1", "2"),), Script),
    ],
)
def test_the_kind_of_job(tests: tuple[Test, ...], kind: type) -> None:
    assert isinstance(job(replace(PLAIN, tests=tests), ""), kind)


@pytest.mark.parametrize(
    ("task", "reason"),
    [
        (replace(PLAIN, tests=()), "no tests"),
        (replace(PLAIN, entry_point=None), "no entry point"),
        (replace(PLAIN, tests=(StdioTest("1", "2"), StdioTest("2", "3"))), "several scripts"),
        (replace(PLAIN, tests=(CallTest((1,), 2), ProgramTest("check"))), "mixes"),
    ],
)
def test_what_cannot_be_a_job(task: Task, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        job(task, "")


def test_helpers_of_a_prompt_reach_the_tests() -> None:
    prompt = "def twice(n):\n    return 2 * n\n\ndef f(n):\n    '''four times'''\n"
    check = ProgramTest("def check(candidate):\n    assert candidate(1) == twice(2)\ncheck(f)")
    task = replace(PLAIN, tests=(check,), starter_code=prompt, prompt=prompt)
    with Sandbox(workers=1, limits=LIMITS) as box:
        good, bad = box.map([job(task, "    return 4 * n\n"), job(task, "    return 3 * n\n")])
    assert (good.verdict, bad.verdict) == ("pass", "fail")


def test_tests_that_need_classes_of_the_solution_run_inside_it() -> None:
    tests = (AssertTest("assert f(one) == 1"), AssertTest("assert f(one) == Box(1).value"))
    task = replace(PLAIN, tests=tests, meta={"inside": True, "setup": "one = Box(1)"})
    code = "class Box:\n    def __init__(self, v): self.value = v\n\ndef f(b): return b.value"
    with Sandbox(workers=1, limits=LIMITS) as box:
        good, bad = box.map([job(task, code), job(task, f"{code} + 1")])
    assert good.verdict == "pass"
    assert bad.verdict != "pass"
