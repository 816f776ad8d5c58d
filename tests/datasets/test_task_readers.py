"""Readers: the public files in full, the dialects in small, a message for every broken file."""

import gzip
import json
import os
from collections import Counter
from pathlib import Path

import pytest

from neox.datasets.jobs import job
from neox.datasets.readers import read
from neox.datasets.task import AssertTest, CallTest, ProgramTest, from_json, to_json
from neox.errors import InputError
from neox.sandbox import Limits, Sandbox

_SHARED = os.environ.get("NEOX_SHARED", str(Path(__file__).parents[2] / ".." / "shared"))
DATA = Path(_SHARED) / "data"
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason=f"no shared data at {DATA}")
HUMANEVAL = {
    "task_id": "HumanEval/0",
    "prompt": "def f(n):\n",
    "entry_point": "f",
    "canonical_solution": "    return n\n",
    "test": "def check(candidate):\n    assert candidate(1) == 1\n",
}
MBPP = {
    "task_id": 700,
    "text": "Double it.",
    "code": "def helper(n):\r\n  return n\r\ndef g(n):\r\n  return 2 * helper(n)",
    "test_list": ["assert g(1) == 2", "assert g(2) == 4"],
    "test_setup_code": "",
    "challenge_test_list": [],
}


def write(path: Path, *rows: object) -> Path:
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    return path


def test_humaneval_rows(tmp_path: Path) -> None:
    (task,) = read(write(tmp_path / "h.jsonl", HUMANEVAL))
    assert task.prompt == task.starter_code == "def f(n):\n"
    assert (task.entry_point, task.reference, task.split) == ("f", "    return n\n", "test")
    assert isinstance(task.tests[0], ProgramTest)
    assert task.tests[0].code.endswith("\ncheck(f)")


def test_mbpp_rows(tmp_path: Path) -> None:
    (task,) = read(write(tmp_path / "m.jsonl", MBPP))
    assert task.prompt == '"""\nDouble it.\nassert g(1) == 2\n"""\n'
    assert (task.task_id, task.entry_point, task.starter_code) == ("Mbpp/700", "g", "")
    assert task.tests == (AssertTest("assert g(1) == 2"), AssertTest("assert g(2) == 4"))
    assert task.reference is not None
    assert "\r" not in task.reference


def test_plain_rows(tmp_path: Path) -> None:
    call = {"kind": "call", "args": [1], "expected": 2}
    rows = [
        {"prompt": "p", "tests": ["assert len(h([1])) == 1"]},
        {"prompt": "p", "tests": [call], "entry_point": "f", "split": "test"},
    ]
    first, second = read(write(tmp_path / "p.jsonl", *rows))
    assert (first.task_id, first.entry_point, first.split) == ("line-1", "h", "train")
    assert second.tests == (CallTest((1,), 2),)


def test_own_record_gzip_and_split(tmp_path: Path) -> None:
    tasks = read(write(tmp_path / "all.jsonl", HUMANEVAL, MBPP))
    path = tmp_path / "own.jsonl.gz"
    with gzip.open(path, "wt") as file:
        file.writelines(f"{json.dumps(to_json(task))}\n\n" for task in tasks)
    assert read(path) == tasks
    assert read(path, split="test") == tasks[:1]


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ('{"prompt": "p", "tests": []}\n{"prompt": \n', 2, "not JSON"),
        ("[1]\n", 1, "a JSON list instead of an object"),
        ('\n{"question": 1}\n', 2, "no dialect has the fields question"),
        ('{"prompt": "p", "tests": "x"}\n', 1, "tests must be a list"),
        ('{"prompt": "p", "tests": [{"kind": "x"}]}\n', 1, "unknown kind"),
        ('{"prompt": "p", "tests": [{"kind": "assert"}]}\n', 1, "lacks the field 'code'"),
        (json.dumps({**HUMANEVAL, "prompt": None}), 1, "'prompt' must be text"),
        (json.dumps({**MBPP, "test_list": ["assert x == 1"]}), 1, "call no function"),
        (json.dumps({**MBPP, "test_list": []}), 1, "must be a list of asserts"),
        (f"{json.dumps(HUMANEVAL)}\n{json.dumps(HUMANEVAL)}\n", 2, "is that of line 1"),
        ("\n\n", None, "has no tasks"),
    ],
)
def test_a_broken_file_is_one_clear_message(
    tmp_path: Path, text: str, line: int | None, reason: str
) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_text(text)
    with pytest.raises(InputError) as caught:
        read(path)
    assert (caught.value.path, caught.value.line) == (path, line)
    assert reason in str(caught.value)
    assert str(path) in str(caught.value)
    assert caught.value.remedy in str(caught.value)


def test_files_that_are_no_files(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        read(tmp_path / "absent.jsonl")
    broken = tmp_path / "x.jsonl.gz"
    broken.write_bytes(b"no gzip")
    with pytest.raises(InputError, match="broken gzip"):
        read(broken)
    binary = tmp_path / "x.jsonl"
    binary.write_bytes(b'{"prompt": "\xff"}\n')
    with pytest.raises(InputError, match="not UTF-8"):
        read(binary)
    with pytest.raises(InputError, match="no task of split 'test'\n  ask for one of: train"):
        read(write(tmp_path / "m.jsonl", MBPP), split="test")


@needs_data
def test_the_public_files_in_full() -> None:
    mbpp = read(DATA / "mbpp" / "mbpp.jsonl")
    human = read(DATA / "humaneval" / "HumanEval.jsonl.gz")
    assert (len(mbpp), len(human)) == (974, 164)
    splits = Counter(task.split for task in mbpp)
    assert splits == {"prompt": 10, "test": 500, "validation": 90, "train": 374}
    assert human == read(DATA / "humaneval" / "HumanEval.jsonl")
    assert all(from_json(to_json(task)) == task for task in mbpp + human)
    assert all(task.entry_point for task in mbpp + human)


@pytest.mark.slow
@needs_data
def test_every_public_reference_passes_its_own_tests() -> None:
    tasks = read(DATA / "mbpp" / "mbpp.jsonl") + read(DATA / "humaneval" / "HumanEval.jsonl.gz")
    jobs = [job(task, task.reference or "") for task in tasks]
    limits = Limits(cpu_s=10, wall_s=60, memory_mb=1024, output_kb=64)
    with Sandbox(workers=2, limits=limits) as box:
        verdicts = [outcome.verdict for outcome in box.map(jobs)]
    failed = [t.task_id for t, verdict in zip(tasks, verdicts, strict=True) if verdict != "pass"]
    assert failed == []
