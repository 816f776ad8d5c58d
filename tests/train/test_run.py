"""Whole runs, small: they train, survive being killed, and stop when there is no signal."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from neox.cli import main
from neox.rewards import Attempt, Score, Scored, combine
from neox.rewards.score import Reward

SMALL = [
    "tasks.count=60",
    "tasks.levels=[0]",
    "warmstart.documents=60",
    "warmstart.steps=12",
    "model.d_model=32",
    "model.layers=1",
    "model.d_expert=32",
    "model.vocab_size=400",
    "update.steps=4",
    "rollout.prompts=4",
    "rollout.samples=4",
    "rollout.max_new_tokens=16",
    "evaluation.tasks=4",
    "evaluation.samples=2",
    "checkpoint.every=3",
    "rewards.tests_mode=fraction",
    "rewards.syntax=0.5",
    "sandbox.cpu_s=0.3",
    "sandbox.strict=false",
]


def weights(folder: Path) -> str:
    newest = max((folder / "checkpoints").glob("step-*"))
    return hashlib.sha256((newest / "model.safetensors").read_bytes()).hexdigest()


def train(folder: Path, *more: str) -> int:
    return main(["train", "--output", str(folder), *SMALL, *more])


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "whole"
    assert train(folder) == 0
    return folder


def test_a_run_leaves_everything_behind(finished: Path) -> None:
    names = {p.name for p in finished.iterdir()}
    wanted = {"config.yaml", "metrics.jsonl", "samples.jsonl", "summary.json", "report.html"}
    assert wanted <= names
    summary = json.loads((finished / "summary.json").read_text())
    assert set(summary["before"]) >= {"greedy", "pass@1", "pass@2", "n"}
    assert summary["steps"] == {"warmstart": 12, "reinforce": 4}
    rows = [json.loads(line) for line in (finished / "metrics.jsonl").read_text().splitlines()]
    assert [r["step"] for r in rows] == list(range(1, 17))
    page = (finished / "report.html").read_text()
    assert "<svg" in page
    assert "http" not in page.replace("http-equiv", "")


def test_a_finished_run_generates_and_is_not_overwritten(
    finished: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    argv = [
        "generate",
        "--model",
        str(finished),
        "--n",
        "2",
        "--temperature",
        "1",
        "--format",
        "json",
    ]
    assert main([*argv, "# Add one."]) == 0
    assert len(json.loads(capsys.readouterr().out)["samples"]) == 2
    assert train(finished) == 2
    assert "exists and is not empty" in capsys.readouterr().err
    assert main(["train", "--resume", str(finished)]) == 2
    assert "is finished" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize("algorithm", ["grpo", "actor-critic"])
def test_killed_at_any_moment_and_resumed_it_ends_with_the_same_weights(
    tmp_path: Path, algorithm: str
) -> None:
    more = [f"update.algorithm={algorithm}", "wasserstein.weight=0.01", "update.entropy=0.01"]
    assert train(tmp_path / "whole", *more) == 0
    folder = tmp_path / "killed"
    command = [sys.executable, "-m", "neox", "train"]
    first = [*command, "--output", str(folder), *SMALL, *more]
    kills = 0
    for rows in (2, 8, 14):
        process = subprocess.Popen(
            first if kills == 0 else [*command, "--resume", str(folder)],
            cwd="/",
            stderr=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            env={**os.environ, "NEOX_TEST": "1"},
        )
        journal = folder / "metrics.jsonl"
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline and process.poll() is None:
            if journal.exists() and journal.read_bytes().count(b"\n") >= rows:
                process.send_signal(signal.SIGKILL)
                kills += 1
                break
            time.sleep(0.005)
        process.wait()
    assert kills == 3
    assert main(["train", "--resume", str(folder)]) == 0
    assert weights(folder) == weights(tmp_path / "whole")
    whole, killed = (
        [json.loads(x)["grad_norm"] for x in (p / "metrics.jsonl").read_text().splitlines()]
        for p in (tmp_path / "whole", folder)
    )
    assert whole == killed


def test_other_peoples_tasks_are_trained_on_or_found_without_signal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "tasks.jsonl"
    rows = [
        {"prompt": f"# Return {i}.\ndef f():\n", "tests": [f"assert f() == {i * 7919}"]}
        for i in range(40)
    ]
    file.write_text("".join(json.dumps(r) + "\n" for r in rows))
    status = main(
        ["train", "--output", str(tmp_path / "run"), "--tasks", str(file), *SMALL,
         "rewards.syntax=0", "rewards.patience=2", "rewards.log=[]"]
    )  # fmt: skip
    assert status == 1
    assert "no signal" in capsys.readouterr().err


def test_a_bad_line_in_a_task_file_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "tasks.jsonl"
    file.write_text('{"prompt": "p", "tests": ["assert f() == 1"]}\n{"prompt": \n')
    assert main(["train", "--output", str(tmp_path / "r"), "--tasks", str(file), *SMALL]) == 2
    error = capsys.readouterr().err
    assert "tasks.jsonl" in error
    assert "2" in error
    assert not (tmp_path / "r").exists()


def raises(attempts: Sequence[Attempt]) -> list[Score]:
    raise RuntimeError("broken reward")


def not_a_number(attempts: Sequence[Attempt]) -> list[Score]:
    return [Scored(float("nan")) for _ in attempts]


@pytest.mark.parametrize(
    ("reward", "message"), [(raises, "broken reward"), (not_a_number, "syntax gave nan")]
)
def test_a_broken_reward_stops_the_run_with_its_cause(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    reward: Reward,
    message: str,
) -> None:
    monkeypatch.setitem(combine.STATIC, "syntax", reward)
    assert train(tmp_path / "run") == 1
    error = capsys.readouterr().err
    assert "100% of the rewards failed" in error
    assert message in error
