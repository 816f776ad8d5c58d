"""NEOX's rewards inside TRL's trainer and under verl's signature."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from neox.rewards.compat import RewardFailed, compute_score, trl
from neox.sandbox import Limits, Sandbox

TESTS = ["assert f(1) == 2", "assert f(5) == 6"]
RIGHT = "def f(n):\n    return n + 1\n"


@pytest.fixture(scope="module")
def box() -> Iterator[Sandbox]:
    with Sandbox(workers=1, limits=Limits(cpu_s=0.5, wall_s=10), strict=False) as sandbox:
        yield sandbox


def test_trls_form_in_text_and_in_messages(box: Sandbox) -> None:
    reward = trl("tests", box)
    talk = [{"role": "assistant", "content": f"Here:\n```python\n{RIGHT}```"}]
    ask = [{"role": "user", "content": "Add one."}]
    columns = {"tests": [TESTS] * 2, "completion_ids": [[1], [2]], "trainer_state": None}
    assert reward(["# Add one.\n"] * 2, [RIGHT, "def f(n): return n"], **columns) == [1.0, 0.0]
    assert reward([ask, ask], [talk, talk], **columns) == [1.0, 1.0]
    assert reward(["p"], [RIGHT], tests=[None]) == [None]  # failed: left out, not a zero
    assert trl("syntax")(["p", "p"], ["x = 1\n", "x = = ("])[0] == 1.0
    assert reward.__name__ == "tests"


def test_verls_form_and_that_a_failure_is_no_zero() -> None:
    assert compute_score("d", f"```python\n{RIGHT}```", json.dumps(TESTS))["score"] == 1.0
    truth = {"tests": TESTS}
    assert compute_score("d", "def f(n): return 0\n", truth, extra_info={"index": 1})["score"] == 0
    with pytest.raises(RewardFailed, match="no tests"):
        compute_score("d", RIGHT, "[]")


@pytest.mark.slow
def test_a_reward_trains_a_model_inside_grpo_trainer(
    qwen: Path, tmp_path: Path, box: Sandbox
) -> None:
    pytest.importorskip("trl", reason="TRL is not installed")
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # TRL's own
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer
        from trl import GRPOConfig, GRPOTrainer

        from datasets import Dataset  # noqa: TID251 - Hugging Face's, which TRL reads

        rows = [{"prompt": f"# {i}\n", "tests": TESTS} for i in range(8)]
        config = GRPOConfig(
            output_dir=str(tmp_path),
            per_device_train_batch_size=4,
            num_generations=4,
            max_completion_length=8,
            max_steps=1,
            learning_rate=1e-2,
            bf16=False,
            use_cpu=True,
            report_to="none",
            save_strategy="no",
            disable_tqdm=True,
        )
        model = AutoModelForCausalLM.from_pretrained(qwen)
        before = model.model.embed_tokens.weight.detach().clone()
        trainer = GRPOTrainer(
            model=model,
            reward_funcs=[trl("syntax"), trl("tests", box)],
            args=config,
            processing_class=AutoTokenizer.from_pretrained(qwen),
            train_dataset=Dataset.from_list(rows),
        )
        trainer.train()
    logged = [row for row in trainer.state.log_history if "reward" in row][-1]
    assert logged["rewards/tests/mean"] == 0.0
    assert 0 <= logged["rewards/syntax/mean"] <= 1
    if logged["reward_std"] > 0:
        assert not torch.equal(before, model.model.embed_tokens.weight)
