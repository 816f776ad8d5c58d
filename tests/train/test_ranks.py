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
    "update.steps=3",
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
    return subprocess.Popen(
        [*command, *arguments],
        cwd="/",
        stdout=subprocess.DEVNULL,
        stderr=log.open("ab"),
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
def test_two_ranks_have_the_curve_of_one_and_their_run_goes_on_alone(tmp_path: Path) -> None:
    more = ["update.algorithm=actor-critic", "update.micro_groups=1"]
    one = run(1, tmp_path / "one", ["--output", str(tmp_path / "one"), *SMALL, *more])
    folder = tmp_path / "two"
    process = launch(2, "--output", str(folder), *SMALL, *more, log=tmp_path / "two.log")
    checkpoint = folder / "checkpoints" / "step-000006" / "manifest.json"
    deadline = time.monotonic() + 300
    while not checkpoint.exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    victim = ranks_of(process.pid)[1]
    os.kill(victim, signal.SIGKILL)
    ended = time.monotonic()
    assert process.wait(timeout=60) != 0
    assert time.monotonic() - ended < 30
    assert not alive(victim)
    two = run(1, folder, ["--resume", str(folder)])
    assert_one_curve(one, two)


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
