"""What users of other trainers complain of, where no other file tests it, and the table of all."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch

import neox
from neox.cli import main
from neox.datasets.task import AssertTest, Task
from neox.model import LanguageModel, ModelConfig
from neox.policy import Sampling
from neox.policy.native import NativePolicy
from neox.policy.tokenizer import BytePairTokenizer
from neox.rewards import Rewards, Tests
from neox.sandbox import Sandbox
from neox.train.rollout import roll
from neox.train.watchdog import RESUMABLE

ROOT = Path(neox.__file__).resolve().parent.parent


@pytest.mark.slow
def test_a_step_that_never_comes_back_ends_the_run_with_all_stacks() -> None:
    code = (
        "import time\nfrom neox.train.alone import Alone\n"
        "from neox.train.watchdog import Watchdog\n"
        "Watchdog(Alone(), 1.5, 'neox train --resume HERE').alive('step 7')\n"
        "def hanging():\n    time.sleep(600)\nhanging()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == RESUMABLE
    assert "no progress for 1.5 s (last: step 7)" in done.stderr
    assert "in hanging" in done.stderr
    assert "neox train --resume HERE" in done.stderr


def test_sampled_ids_reach_the_update_as_they_were_drawn() -> None:
    """Most random ids do not survive decoding and encoding; nothing here does either to them."""
    torch.manual_seed(0)
    tokenizer = BytePairTokenizer.train(["def f(a):\n    return a\n"] * 4, 300)
    shape = ModelConfig(vocab_size=len(tokenizer), d_model=16, layers=1, d_expert=8)
    policy = NativePolicy(LanguageModel(shape, 64), tokenizer)
    task = Task("t", "# Add.\n", "f", (AssertTest("assert f(1) == 1"),))
    with Sandbox(workers=1, strict=False) as box:
        rewards = Rewards({"tests": 1.0}, Tests(box))
        law, rng = Sampling(max_new_tokens=12), torch.Generator().manual_seed(0)
        rollout = roll(policy, [task], 6, law, rewards, rng)
        drawn = policy.generate(rollout.prompts, 6, law, torch.Generator().manual_seed(0))
    (group,), _ = rollout.groups([True] * 6)
    assert list(group.completions) == [c.ids for c in drawn]
    assert any(tokenizer.encode(s.text) != s.ids for s in rollout.samples)


def test_the_size_of_a_step_is_said_before_it_is_taken(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "--dry-run", "rollout.prompts=6", "rollout.samples=5"]) == 0
    assert "6 prompts x 5 samples" in capsys.readouterr().out


def test_every_theme_names_a_test_that_exists_or_says_why_none_applies() -> None:
    page = (ROOT / "docs" / "training.md").read_text().partition("## Sixteen complaints")[2]
    rows = re.findall(r"^\| (\d+) \|(.*)\|$", page, re.MULTILINE)
    assert [int(number) for number, _ in rows] == list(range(1, 17))
    for number, row in rows:
        named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", row)
        assert named or "does not apply" in row, number
        for file, function in named:
            assert f"def {function}(" in (ROOT / file).read_text(), (file, function)
