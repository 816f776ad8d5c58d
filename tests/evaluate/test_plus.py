"""evalplus' rules on a small file of its form."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from neox.errors import InputError
from neox.evaluate.benchmarks.plus import HumanEvalPlus, MbppPlus
from neox.evaluate.benchmarks.plus_inputs import accepted, mbpp_arguments
from neox.evaluate.judging import canonical, from_file, judge
from neox.evaluate.results import Results
from neox.sandbox import Sandbox

ADD = {
    "task_id": "HumanEval/0",
    "prompt": "def add(a, b):\n",
    "entry_point": "add",
    "canonical_solution": "    return a + b\n",
    "base_input": [[1, 2], [3, 4]],
    "plus_input": [[0.1, 0.2], [-5, 5], [10, 20]],
    "atol": 0,
}
ROOT = {
    "task_id": "HumanEval/32",
    "prompt": "def find_zero(xs):\n",
    "entry_point": "find_zero",
    "canonical_solution": "    return -xs[0] / xs[1]\n",
    "base_input": [[[1, 2]]],
    "plus_input": [[[-6, 1]]],
    "atol": 1e-4,
}
SAME = {
    "task_id": "Mbpp/2",
    "prompt": '"""\nShared.\n"""\n',
    "entry_point": "similar_elements",
    "canonical_solution": "def similar_elements(a, b):\n    return tuple(set(a) & set(b))\n",
    "base_input": [[[3, 4], [4, 3]]],
    "plus_input": [[[1], [2]]],
    "atol": 0,
}


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture(scope="module")
def box() -> Iterator[Sandbox]:
    with Sandbox(workers=1, strict=False) as made:
        yield made


def verdicts(
    tmp_path: Path, row: dict[str, Any], completions: list[str], box: Sandbox, timeout: float = 4.0
) -> list[tuple[str, bool, bool]]:
    data = tmp_path / "plus.jsonl"
    data.write_text(json.dumps(row) + "\n")
    chosen = MbppPlus() if row["task_id"].startswith("Mbpp") else HumanEvalPlus()
    problems = chosen.read(data)
    samples = tmp_path / "samples.jsonl"
    lines = [json.dumps({"task_id": row["task_id"], "completion": c}) for c in completions]
    samples.write_text("\n".join(lines))
    replies = [*canonical(problems), *from_file(problems, samples, partial=False)]
    found = list(chosen.judge(replies, box, timeout))
    return [(one.verdict, one.passed["base"], one.passed["plus"]) for one in found]


def test_extra_inputs_decide_beyond_the_base_ones(tmp_path: Path, box: Sandbox) -> None:
    only_base = "    return 3 if a == 1 else 7 if a == 3 else 0\n"
    nearly = "    return a + b + 1e-9 if isinstance(a, float) else a + b\n"
    wrong_type = "    return str(a + b)\n"
    assert verdicts(tmp_path, ADD, [only_base, nearly, wrong_type], box) == [
        ("pass", True, True),
        ("fail", True, False),
        ("pass", True, True),
        ("fail", False, False),
    ]


def test_a_call_that_hangs_ends_alone(tmp_path: Path, box: Sandbox) -> None:
    hangs_late = "    while a == 10: pass\n    return a + b\n"
    found = verdicts(tmp_path, ADD, [hangs_late], box, timeout=0.4)
    assert found == [("pass", True, True), ("timeout", True, False)]


def test_slow_calls_pass_when_each_keeps_its_limit(tmp_path: Path, box: Sandbox) -> None:
    slow = (
        "    import time\n    end = time.process_time() + 0.3\n"
        "    while time.process_time() < end: pass\n    return a + b\n"
    )
    # 5 calls of 0.3 s each beside a limit of 0.6 s for each
    assert verdicts(tmp_path, ADD, [slow], box, timeout=0.6)[1] == ("pass", True, True)


def test_any_root_is_right_and_what_is_no_root_is_not(tmp_path: Path, box: Sandbox) -> None:
    near = "    return -xs[0] / xs[1] + 1e-6\n"
    claims = "    return float('nan')\n"
    assert verdicts(tmp_path, ROOT, [near, claims, "    return 0.0\n"], box) == [
        ("pass", True, True),
        ("pass", True, True),
        ("fail", False, False),
        ("fail", False, False),
    ]


def test_sets_are_compared_as_sets(tmp_path: Path, box: Sandbox) -> None:
    other = "def similar_elements(a, b):\n    return [x for x in b if x in a]\n"
    twice = "def similar_elements(a, b):\n    return [4, 3, 4] if 3 in a else []\n"
    wrong = "def similar_elements(a, b):\n    return [3]\n"
    assert [v[2] for v in verdicts(tmp_path, SAME, [other, twice, wrong], box)] == [
        *(True, True, True, False)
    ]


@pytest.mark.parametrize(
    ("number", "given", "arguments"),
    [
        (2, [[1, 2], [3]], [(1, 2), (3,)]),
        (116, [[1, 2]], [(1, 2)]),
        (63, [[[1, 2], [3]]], [[(1, 2), (3,)]]),
        (75, [[[1, 2], [3]], 4], [[(1, 2), (3,)], 4]),
        (106, [[1], [2]], [[1], (2,)]),
        (115, [[[1, 2], []]], [[{1, 2}, {}]]),
        (124, ["1.5", "2j"], [1.5, 2j]),
        (259, [[[1, 2]], [[3]]], [((1, 2),), ((3,),)]),
        (278, [[1, [2]]], [(1, (2,))]),
        (580, [[1, [2, [3]]]], [(1, (2, (3,)))]),
        (722, [{"a": [1, 2]}, 3], [{"a": (1, 2)}, 3]),
        (307, [[1], 2, 3], [(1,), 2, 3]),
        (11, [[1]], [[1]]),
    ],
)
def test_json_becomes_the_arguments_meant(
    number: int, given: list[Any], arguments: list[Any]
) -> None:
    assert mbpp_arguments(number, given) == arguments


def test_second_readings_are_accepted() -> None:
    assert accepted("sum_div", [7], 1) == [1, 0]
    assert accepted("digit_distance_nums", [1, 23], 4) == [4, 4]
    assert accepted("surface_Area", [3, 4], 33) == [33, 35]
    assert accepted("add", [1], 2) is None


def test_an_output_too_large_to_hand_on_is_judged_by_its_digest(
    tmp_path: Path, box: Sandbox
) -> None:
    row = {
        "task_id": "HumanEval/15",
        "prompt": "def count(n):\n",
        "entry_point": "count",
        "canonical_solution": "    return ' '.join(map(str, range(n)))\n",
        "base_input": [[3]],
        "plus_input": [[4], [300_000], [5]],
        "atol": 0,
    }
    wrong = "    return ' '.join(map(str, range(n if n < 9 else n + 1)))\n"
    assert verdicts(tmp_path, row, [wrong], box) == [("pass", True, True), ("fail", True, False)]


def test_results_are_gone_on_with(tmp_path: Path) -> None:
    data = tmp_path / "plus.jsonl"
    data.write_text(json.dumps(ADD) + "\n")
    problems = HumanEvalPlus().read(data)
    samples = tmp_path / "s.jsonl"
    rows = [{"task_id": "HumanEval/0", "completion": f"    return a + b + {i}\n"} for i in range(5)]
    samples.write_text("".join(json.dumps(r) + "\n" for r in rows))
    replies = from_file(problems, samples, partial=False)

    def run(path: Path) -> list[int]:
        told: list[int] = []
        chosen = HumanEvalPlus()
        chosen.read(data)
        judge(
            chosen,
            replies,
            workers=1,
            timeout=4.0,
            progress=lambda done, total: told.append(done),
            results=Results(path),
        )
        return told

    whole, part = tmp_path / "whole.jsonl", tmp_path / "part.jsonl"
    run(whole)
    lines = whole.read_bytes().splitlines(keepends=True)
    part.write_bytes(b"".join(lines[:2]) + lines[2][:20])  # killed while writing the third row
    assert run(part) == [2, 3, 4, 5]
    assert part.read_bytes() == whole.read_bytes()
    part.write_bytes(lines[3])
    with pytest.raises(InputError, match="other samples"):
        run(part)
