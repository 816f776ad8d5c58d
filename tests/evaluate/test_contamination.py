"""Overlap is found in words, in code under other names, and in behaviour; and only there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from neox.cli import main
from neox.datasets.forge import Forge
from neox.evaluate.contamination import Overlap, Subject, grams, normal, overlap, subject

ASKED = Subject(
    "B/1",
    "Return the sum of all even numbers in the given list of integers, or zero.",
    "def total(values):\n    '''Doc.'''\n    return sum(v for v in values if v % 2 == 0)\n",
    "total",
)


def found(*training: Subject, problems: tuple[Subject, ...] = (ASKED,)) -> Overlap:
    return overlap(training, problems, 1, lambda done, total: None)


def test_the_same_ten_words_are_an_overlap_of_statements() -> None:
    near = Subject("T/1", "Please RETURN the sum of all even numbers, in the given list.")
    far = Subject("T/2", "Return the sum of all odd numbers, in the given list of integers.")
    assert found(near).statements == {"B/1": "T/1"}
    assert not found(far).statements
    assert not grams("f([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12])")  # numbers alone say nothing


def test_the_same_code_under_other_names_is_an_overlap_of_solutions() -> None:
    renamed = "def f(a, k=1):\n    # why\n    return sum(x for x in a if x%2 == 0)\n"
    assert found(Subject("T/1", "", renamed, "f")).solutions == {"B/1": "T/1"}
    other = renamed.replace("== 0", "== 1")
    assert not found(Subject("T/1", "", other, "f")).solutions
    assert normal(Subject("", "", "def f(:\n", "f")) is None


def test_the_same_outputs_are_an_overlap_of_behaviours_whatever_the_code() -> None:
    loop = (
        "def g(xs):\n    t = 0\n    for x in xs:\n        if not x & 1:\n            t += x\n"
        "    return t\n"
    )
    shared = found(Subject("T/1", "", loop, "g"))
    assert (shared.behaviours, shared.solutions, shared.compared) == ({"B/1": "T/1"}, {}, 1)
    assert not found(Subject("T/1", "", loop.replace("not x & 1", "x > 0"), "g")).behaviours


@pytest.mark.parametrize("body", ["import os\n    os._exit(0)", "return 10**5000 + len(str(a))"])
def test_a_hostile_reference_is_only_not_compared(body: str) -> None:
    bad = Subject("T/1", "", f"def f(a):\n    {body}\n", "f")
    assert not found(bad).behaviours
    assert (
        found(bad, problems=(Subject("B/2", "", "def f(a):\n    while 1: pass", "f"),)).compared
        == 0
    )


def test_a_task_of_the_forge_is_known_without_running_it() -> None:
    tasks = [subject(t) for t in Forge(seed=3).tasks("train", 30, (0,))]
    one = next(t for t in tasks if "def f(a: list[int])" in t.statement)
    assert one.known
    again = Subject("B/3", "", one.code, "f")
    assert found(*tasks, problems=(again,)).behaviours == {"B/3": one.id}


def test_the_score_stands_beside_the_overlap(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    row: dict[str, Any] = {
        "task_id": "T/0", "prompt": "def f(a):\n", "entry_point": "f",
        "canonical_solution": "    return sum(a)\n",
        "test": "def check(f):\n    assert f([1, 2]) == 3\n",
    }  # fmt: skip
    data, samples, training = (tmp_path / name for name in ("d.jsonl", "s.jsonl", "t.jsonl"))
    data.write_text(json.dumps(row) + "\n")
    samples.write_text(json.dumps({"task_id": "T/0", "completion": "    return sum(a)\n"}) + "\n")
    other = {
        "prompt": "Add them.",
        "tests": ["assert g([1]) == 1"],
        "reference": "def g(b):\n    return sum(b)\n",
    }
    training.write_text(json.dumps(other) + "\n")
    argv = ["evaluate", "humaneval", "--data", str(data), "--samples", str(samples), "--k", "1"]
    assert main(argv) == 0
    assert "not known; --trained-on" in capsys.readouterr().out
    assert main([*argv, "--trained-on", str(training)]) == 0
    told = capsys.readouterr().out
    assert "0 statements, 1 solutions, 1 behaviours (1/1 behaviours comparable)" in told
    assert "without those 1 problems" in told
