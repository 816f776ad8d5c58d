"""Whole runs on a model of transformers: its folder and a task file in, such a folder out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest.importorskip("transformers", reason="needs the extra `hf`")

import torch
import transformers

from neox.cli import main
from neox.policy import load

SMALL = [
    "update.steps=2",
    "update.learning_rate=1e-3",
    "rollout.prompts=4",
    "rollout.samples=4",
    "rollout.max_new_tokens=12",
    "rewards.syntax=1",
    "rewards.tests_mode=fraction",
    "evaluation.tasks=2",
    "evaluation.samples=1",
    "checkpoint.every=1",
    "sandbox.cpu_s=0.3",
    "sandbox.strict=false",
]


@pytest.fixture
def tasks(tmp_path: Path) -> Path:
    rows = [
        {"prompt": f"# Return {i}.\ndef f():\n", "tests": [f"assert f() == {i}"]} for i in range(9)
    ] + [
        {
            "prompt": [{"role": "user", "content": f"Write f() that returns {i}."}],
            "tests": [f"assert f() == {i}"],
        }
        for i in range(9)
    ]
    file = tmp_path / "tasks.jsonl"
    file.write_text("".join(json.dumps(r) + "\n" for r in rows))
    return file


@pytest.mark.parametrize(
    "more",
    [[], ["hf.lora_rank=2"], ["update.algorithm=actor-critic", "hf.engine=transformers"]],
    ids=["group-relative", "adapter", "actor-critic"],
)
def test_a_folder_is_trained_on_a_task_file_and_loads_elsewhere(
    qwen: Path, tasks: Path, tmp_path: Path, more: list[str]
) -> None:
    run = tmp_path / "run"
    command = ["train", "--model", str(qwen), "--tasks", str(tasks), "--output", str(run)]
    assert main([*command, *SMALL, *more]) == 0
    rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert [r["step"] for r in rows] == [1, 2]
    assert all(r["grad_norm"] > 0 for r in rows)
    # sampled with a cache, scored without: the first step is on policy to rounding
    assert all(r["sampling/sampling_logp_difference/mean"] < 1e-4 for r in rows)
    after = transformers.AutoModelForCausalLM.from_pretrained(run / "model")
    before = transformers.AutoModelForCausalLM.from_pretrained(qwen)
    assert not all(
        torch.equal(a, b) for a, b in zip(after.parameters(), before.parameters(), strict=True)
    )
    assert load(run).tokenizer.decode((70, 71)) == load(qwen).tokenizer.decode((70, 71))


def test_rows_without_tests_train_with_a_function_of_ones_own(qwen: Path, tmp_path: Path) -> None:
    """verl's rows from parquet, columns handed to a function in verl's form."""
    pytest.importorskip("pyarrow", reason="needs the extra `parquet`")
    import pyarrow
    import pyarrow.parquet

    rows = [
        {
            "data_source": "letters",
            "prompt": [{"role": "user", "content": f"Write {i}."}],
            "reward_model": {"style": "rule", "ground_truth": "abcde"},
            "extra_info": {"split": "train", "index": i},
        }
        for i in range(6)
    ]
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), tmp_path / "rows.parquet")
    (tmp_path / "mine.py").write_text(
        "def compute_score(data_source, solution_str, ground_truth, extra_info):\n"
        "    assert data_source == 'letters' and extra_info['split'] == 'train'\n"
        "    if extra_info['index'] == 0:\n        raise RuntimeError('broken')\n"
        "    share = sum(c in ground_truth for c in solution_str) / max(len(solution_str), 1)\n"
        "    return {'score': share, 'length': len(solution_str)}\n"
    )
    run = tmp_path / "run"
    given = f'rewards.functions=[{{path: "{tmp_path}/mine.py:compute_score"}}]'
    command = ["train", "--model", str(qwen), "--tasks", str(tmp_path / "rows.parquet")]
    more = ["rewards.log=[]", "rewards.syntax=0", "rewards.tests=0", "update.steps=1"]
    more += ["rollout.prompts=6", "evaluation.tasks=0"]
    assert main([*command, "--output", str(run), *SMALL, given, *more]) == 0
    row = json.loads((run / "metrics.jsonl").read_text())
    assert row["reward/failed_frac"] == pytest.approx(1 / 6, abs=1e-4)
    assert row["reward/failed_frac/error"] == pytest.approx(1 / 6, abs=1e-4)
    assert row["rewards/compute_score/length/mean"] > 0
    samples = [json.loads(line) for line in (run / "samples.jsonl").read_text().splitlines()]
    assert any("broken" in s.get("detail", "") for s in samples)
