"""Several gloo processes on one machine: one curve, an even share of memory, and no hanging."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

SMALL = [
    "tasks.count=60",
    "tasks.levels=[0]",
    "warmstart.documents=60",
    "warmstart.steps=4",
    "model.d_model=32",
    "model.layers=2",
    "model.d_expert=32",
    "model.vocab_size=400",
    "model.experts=1",  # routing chooses between near ties, which rounding may decide
    "model.experts_per_token=1",
    "update.steps=6",
    "rollout.prompts=4",
    "rollout.samples=4",
    "rollout.max_new_tokens=12",
    "rollout.noise=sample",
    "evaluation.tasks=4",
    "evaluation.samples=2",
    "checkpoint.every=2",
    "rewards.tests_mode=fraction",
    "rewards.syntax=0.5",
    "sandbox.strict=false",
]
# What a step computes from equal data; times differ, and the rest is derived from these.
CURVE = ("loss", "policy_loss", "grad_norm", "reward", "value_loss", "entropy")


def launch(world: int, *arguments: str, log: Path) -> subprocess.Popen[bytes]:
    """`torchrun -m neox train` on `world` ranks of this machine."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    command = [sys.executable, "-m", "neox", "train"]
    if world > 1:
        command = [
            *(sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", str(world)),
            *("--master-addr", "127.0.0.1", "--master-port", str(port), "-m", "neox", "train"),
        ]
    with log.open("ab") as stream:
        return subprocess.Popen(
            [*command, *arguments],
            cwd="/",
            stdout=subprocess.DEVNULL,
            stderr=stream,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )


def run(world: int, folder: Path, arguments: Sequence[str]) -> list[dict[str, float]]:
    log = folder.with_suffix(".log")
    process = launch(world, *arguments, log=log)
    assert process.wait(timeout=400) == 0, log.read_text()[-3000:]
    return [json.loads(x) for x in (folder / "metrics.jsonl").read_text().splitlines()]


def assert_one_curve(a: list[dict[str, float]], b: list[dict[str, float]]) -> None:
    assert len(a) == len(b)
    for x, y in zip(a, b, strict=True):
        for name in CURVE:
            assert (name in x) == (name in y)
            if name in x:
                assert y[name] == pytest.approx(x[name], abs=1e-5), (name, x["step"])


@pytest.mark.slow
def test_ranks_share_one_curve_and_end_together_and_the_run_goes_on(tmp_path: Path) -> None:
    """Two ranks, one of which is stopped, then killed after a resume; one rank ends the run."""
    more = ["update.micro_groups=1"]
    one = run(1, tmp_path / "one", ["--output", str(tmp_path / "one"), *SMALL, *more])
    folder, log = tmp_path / "two", tmp_path / "two.log"
    process = launch(2, "--output", str(folder), *SMALL, *more, log=log)
    wait_for(folder / "checkpoints" / "step-000004" / "manifest.json", process, log)
    first, second = ranks_of(process.pid)
    os.kill(second, signal.SIGSTOP)
    assert seconds_until_gone(first) < 30
    os.kill(second, signal.SIGKILL)  # the launcher would wait for it
    assert process.wait(timeout=60) != 0
    assert "rank 1 has been silent" in log.read_text()
    assert "the run can go on: neox train --resume" in log.read_text()
    process = launch(2, "--resume", str(folder), log=log)
    wait_for(folder / "checkpoints" / "step-000006" / "manifest.json", process, log)
    first, second = ranks_of(process.pid)
    os.kill(first, signal.SIGKILL)
    assert seconds_until_gone(second) < 30
    assert process.wait(timeout=60) != 0
    assert_one_curve(one, run(1, folder, ["--resume", str(folder)]))


def wait_for(file: Path, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 300
    while not file.exists():
        assert process.poll() is None, log.read_text()[-3000:]
        assert time.monotonic() < deadline
        time.sleep(0.02)


def seconds_until_gone(process: int) -> float:
    began = time.monotonic()
    while alive(process) and time.monotonic() - began < 60:
        time.sleep(0.05)
    return time.monotonic() - began


def ranks_of(launcher: int) -> list[int]:
    """Process ids of a launcher's workers, by rank."""
    found = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            environment = (entry / "environ").read_bytes().split(b"\0")
        except OSError:
            continue
        ranks = [v[5:] for v in environment if v.startswith(b"RANK=")]
        if parent == launcher and ranks:
            found[int(ranks[0])] = int(entry.name)
    return [found[r] for r in sorted(found)]


def alive(process: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
