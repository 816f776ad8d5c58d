"""The task record: programs, and the exact way to JSON and back."""

import json

import pytest

from neox.datasets.task import (
    AssertTest,
    CallTest,
    ProgramTest,
    StdioTest,
    Task,
    from_json,
    to_json,
)

FULL = Task(
    task_id="t/1",
    prompt="# Double.\ndef f(n: int) -> int:\n",
    entry_point="f",
    tests=(
        AssertTest("assert f(1) == 2"),
        CallTest(([1, {"a": None}],), [2]),
        StdioTest("1\n", "2\n"),
        ProgramTest("def check(candidate): ..."),
    ),
    examples=(CallTest((3,), 6),),
    starter_code="# Double.\ndef f(n: int) -> int:\n",
    reference="    return n * 2\n",
    contract="O(1)",
    level=2,
    split="test",
    family="arithmetic",
    source="forge",
    license="Apache-2.0",
    meta={"x": [1]},
)
SMALL = Task(task_id="t/2", prompt="p", entry_point=None, tests=())


def test_the_program_is_the_starter_code_and_the_completion() -> None:
    assert FULL.program("    return 1\n") == FULL.starter_code + "    return 1\n"
    assert SMALL.program("x = 1") == "x = 1"


@pytest.mark.parametrize("task", [FULL, SMALL])
def test_json_there_and_back(task: Task) -> None:
    assert from_json(json.loads(json.dumps(to_json(task)))) == task


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"prompt": "p", "tests": []}, "'task_id' is missing"),
        ({"task_id": "a", "prompt": 3, "tests": []}, "text expected, found int"),
        ({"task_id": "a", "prompt": "p", "tests": [{"kind": "magic"}]}, "unknown kind of test"),
        ({"task_id": "a", "prompt": "p", "tests": [{"kind": "call", "args": []}]}, "'expected'"),
        (
            {
                "task_id": "a",
                "prompt": "p",
                "tests": [],
                "examples": [{"kind": "assert", "code": ""}],
            },
            "an example must be",
        ),
    ],
)
def test_a_wrong_row_says_what_is_wrong(row: dict[str, object], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        from_json(row)
