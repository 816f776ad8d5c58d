"""Our tree is CPython's tree: every field, every location, on every text CPython accepts.

The oracle is `ast` of the running interpreter. Locations inside f-strings are compared only from
Python 3.12 on, because older interpreters do not know them.
"""

from __future__ import annotations

import json
import os
import sysconfig
from pathlib import Path

import pytest

from neox.compiler.bridge import RUNNING, differences

SHARED = Path(os.environ.get("NEOX_SHARED", Path(__file__).parents[3] / "shared"))


def assert_same(source: str | bytes) -> None:
    found = next(differences(source), None)
    assert found is None, found


def _rows(*parts: str) -> list[dict[str, str]]:
    path = SHARED.joinpath("data", *parts)
    if not path.exists():
        pytest.skip(f"{path} is not there: set NEOX_SHARED")
    with path.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


@pytest.mark.slow
def test_humaneval() -> None:
    rows = _rows("humaneval", "HumanEval.jsonl")
    assert len(rows) == 164
    for row in rows:
        assert_same(row["prompt"] + row["canonical_solution"])
        assert_same(row["test"])


@pytest.mark.slow
def test_mbpp() -> None:
    rows = _rows("mbpp", "mbpp.jsonl")
    assert len(rows) > 900
    for row in rows:
        assert_same(row["code"])


def library(every: int) -> list[Path]:
    """Every so many files of the standard library, without its tests."""
    root = Path(sysconfig.get_paths()["stdlib"])
    found = [
        path
        for path in sorted(root.rglob("*.py"))
        if not {"test", "tests", "idle_test", "site-packages", "bad_syntax"}
        & set(path.relative_to(root).parts)
    ]
    return found[::every]


@pytest.mark.slow
def test_a_sample_of_the_standard_library() -> None:
    sample = library(12)
    assert len(sample) >= 50
    wrong = [(p.name, d) for p in sample if (d := next(differences(p.read_bytes()), None))]
    assert wrong == []


@pytest.mark.slow
def test_corpora() -> None:
    """Files of public test suites: what CPython accepts we read the same way."""
    verdicts = SHARED / "corpora" / f"verdicts_{RUNNING[0]}.{RUNNING[1]}.json"
    if not verdicts.exists():
        pytest.skip(f"{verdicts} is not there: set NEOX_SHARED")
    wrong = []
    for name, verdict in json.loads(verdicts.read_text()).items():
        if verdict[0] == "ok":
            found = next(differences((SHARED / "corpora" / name).read_bytes()), None)
            if found is not None:
                wrong.append((name, found))
    assert wrong == []
