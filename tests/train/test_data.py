"""What a run trains on and is judged on."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from neox.config import RunConfig, resolve
from neox.datasets.forge import Forge
from neox.errors import InputError
from neox.train.data import Data, fit_held_out, held_out, load

SMALL = ["tasks.count=400", "warmstart.documents=50", "evaluation.tasks=30"]


def small(*more: str) -> RunConfig:
    return resolve("tiny", [*SMALL, *more])


def test_every_seed_is_judged_on_the_same_tasks_and_none_is_trained_on() -> None:
    data = load(small("seed=3"), lambda _: None)
    assert held_out(small("seed=4")) == list(data.held_out)
    assert len(data.held_out) == 30
    assert {t.split for t in data.train} == {"train"}
    assert {t.split for t in data.held_out} == {"test"}
    assert {t.prompt for t in data.train}.isdisjoint(t.prompt for t in data.held_out)


def test_a_corpus_differs_by_seed_and_its_quality_is_told() -> None:
    said: list[str] = []
    mixed, other = (load(small(f"seed={s}"), said.append) for s in (0, 1))
    assert mixed.documents != other.documents
    clean = load(small("warmstart.quality=clean"), said.append)
    assert any("100.0 % right" in remark for remark in clean.remarks)
    assert not any("100.0 % right" in remark for remark in mixed.remarks)


def test_a_name_selects_a_family_and_a_level() -> None:
    data = load(small("tasks.source=forge:sort/1"), lambda _: None)
    assert Counter((t.family, t.level) for t in data.train) == {("sort", 1): len(data.train)}
    with pytest.raises(InputError, match="names no forge tasks"):
        load(small("tasks.source=forge:sorting"), lambda _: None)


def write(path: Path, rows: list[dict[str, object]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_a_file_without_splits_is_divided_by_its_prompts(tmp_path: Path) -> None:
    rows: list[dict[str, object]] = [
        {"prompt": f"# {i}\n", "tests": [f"assert f() == {i}"]} for i in range(300)
    ]
    file = write(tmp_path / "t.jsonl", rows)
    config = small(f"tasks.source={file}", "evaluation.tasks=100")
    data = load(config, lambda _: None)
    assert 10 < len(data.held_out) < 60
    assert len(data.train) + len(data.held_out) == 300
    assert held_out(config) == list(data.held_out)
    assert data.documents == []


def test_a_file_without_a_test_is_refused(tmp_path: Path) -> None:
    file = write(tmp_path / "t.jsonl", [{"prompt": "p", "tests": [], "entry_point": "f"}])
    with pytest.raises(InputError, match=r"test"):
        load(small(f"tasks.source={file}"), lambda _: None)


def test_held_out_tasks_that_do_not_fit_are_left_out_and_counted() -> None:
    tasks = Forge(seed=0).tasks("test", 3, (0,))
    whole = Data(tasks, tasks, [], [])
    kept, told = fit_held_out(whole, [5, 300, 7], 192)
    assert [t.task_id for t in kept.held_out] == [tasks[0].task_id, tasks[2].task_id]
    assert told == "1 held-out tasks with prompts over 192 tokens left out"
    assert fit_held_out(whole, [5, 6, 7], 192) == (whole, None)
