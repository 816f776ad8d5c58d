"""Reward functions of other people's: their forms, and every way in which they fail."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from neox.datasets.task import Task
from neox.rewards import Attempt, Failed, Score, Scored
from neox.rewards.functions import Function

SOURCE = """
import asyncio, os, time

def letters(completions, **columns):
    print("noise that is no answer")
    return [c.count("a") for c in completions]

async def later(completions, bonus, **columns):
    await asyncio.sleep(0)
    return [float(b) for b in bonus]

def talk(prompts, completions, **columns):
    last = [p[-1]["content"] + c[0]["content"] for p, c in zip(prompts, completions)]
    return [float(text == "hiaa") for text in last]

def ids(prompts, completion_ids, completions):
    return [float(sum(row)) for row in completion_ids]

def compute_score(data_source, solution_str, ground_truth, extra_info=None):
    if solution_str == "hang":
        while True:
            pass
    return {"score": float(solution_str == ground_truth), "length": len(solution_str), "note": "x"}

def own(attempts):
    from neox.rewards import Failed, Scored
    return [Scored(1.0) if a.task.task_id == "t0" else Failed("unscorable", "no") for a in attempts]

def mixed(completions, **columns):
    return [None, float("nan"), "many"][: len(completions)]

def one(completions, **columns):
    return [1.0]

def hang(completions, **columns):
    if os.fork() == 0:
        time.sleep(1000)
    while True:
        pass

def crash(completions, **columns):
    os._exit(3)

def raises(completions, **columns):
    raise RuntimeError("broken reward")
"""


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("rewards") / "mine.py"
    path.write_text(SOURCE)
    return path


def attempts(*texts: str, **meta: object) -> list[Attempt]:
    columns = {"bonus": 2, "reward_model": {"ground_truth": "right"}, "data_source": "d"}
    return [
        Attempt(Task(f"t{i}", "p", None, (), meta={"columns": columns, **meta}), text, (1, i))
        for i, text in enumerate(texts)
    ]


@pytest.fixture
def score(file: Path) -> Iterator[object]:
    opened = []

    def of(name: str, some: list[Attempt], timeout_s: float = 30.0) -> list[Score]:
        function = Function(f"{file}:{name}", timeout_s)
        opened.append(function)
        return function(some)

    yield of
    for function in opened:
        function.close()


def values(scores: list[Score]) -> list[float | str]:
    return [s.value if isinstance(s, Scored) else s.kind for s in scores]


def test_forms_of_trl_verl_and_neox_sync_and_async(score) -> None:  # type: ignore[no-untyped-def]
    assert values(score("letters", attempts("a", "banana"))) == [1, 3]
    assert values(score("later", attempts("x", "y"))) == [2, 2]
    talk = attempts("aa", "b", messages=[{"role": "user", "content": "hi"}])
    assert values(score("talk", talk)) == [1, 0]
    assert values(score("ids", attempts("x", "y"))) == [1, 2]
    found = score("compute_score", attempts("right", "wrong"))
    assert values(found) == [1, 0]
    assert found[0].parts == {"length": 5.0}
    assert values(score("own", attempts("x", "y"))) == [1, "unscorable"]


def test_one_none_or_nan_fails_alone(score) -> None:  # type: ignore[no-untyped-def]
    assert values(score("mixed", attempts("x", "y", "z"))) == ["unscorable", "non_finite", "error"]


def test_a_wrong_length_fails_all_and_is_never_broadcast(score) -> None:  # type: ignore[no-untyped-def]
    found = score("one", attempts("x", "y"))
    assert values(found) == ["error", "error"]
    assert "1 values for 2 completions" in found[0].detail


def test_an_exception_is_a_failure_with_its_traceback_never_a_zero(score) -> None:  # type: ignore[no-untyped-def]
    found = score("raises", attempts("x"))
    assert values(found) == ["error"]
    assert "broken reward" in found[0].detail


def test_a_hanging_function_is_killed_with_its_children_and_started_again(file: Path) -> None:
    function = Function(f"{file}:hang", 1.0)
    try:
        began = time.monotonic()
        assert values(function(attempts("x"))) == ["timeout"]
        assert time.monotonic() - began < 20
        assert values(function(attempts("x"))) == ["timeout"]
        assert function.restarts == 2
    finally:
        function.close()


def test_in_verls_form_one_that_hangs_fails_alone(score) -> None:  # type: ignore[no-untyped-def]
    found = score("compute_score", attempts("right", "hang", "right"), 2.0)
    assert values(found) == [1, "timeout", 1]


def test_a_function_whose_process_ends_is_a_failure(score) -> None:  # type: ignore[no-untyped-def]
    found = score("crash", attempts("x", "y"))
    assert values(found) == ["error", "error"]
    assert isinstance(found[0], Failed)


@pytest.mark.parametrize(
    ("path", "reason"), [("nowhere:f", "nowhere"), ("json:dumps", "no known form")]
)
def test_what_cannot_be_used_says_why(path: str, reason: str) -> None:
    function = Function(path)
    problem = function.check()
    assert problem is not None
    assert reason in problem
