"""Any causal LM of transformers as a policy: ids in, ids out, equal probabilities everywhere."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

pytest.importorskip("transformers", reason="needs the extra `hf`")

import transformers

from neox.datasets.task import Task
from neox.errors import InputError
from neox.policy import Group, Sampling, load
from neox.policy.held import Lora, Settings
from neox.policy.hf import HFPolicy
from neox.policy.noise import PerSample
from neox.policy.prompts import completion, encode_prompts

PROMPTS = [(50, 60, 70), (80, 90, 100, 110, 120, 130), (40, 41)]


@pytest.fixture
def policy(qwen: Path) -> HFPolicy:
    return HFPolicy.load(qwen)


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def groups(drawn: list, prompts=PROMPTS) -> list[Group]:  # type: ignore[no-untyped-def,type-arg]
    return [Group(p, tuple(c.ids for c in drawn if c.prompt == i)) for i, p in enumerate(prompts)]


def test_scores_equal_sampling_and_the_models_own_forward_pass(policy: HFPolicy) -> None:
    drawn = policy.generate(PROMPTS, 4, Sampling(0.7, max_new_tokens=10), rng(), keep_hidden=True)
    assert {c.finish for c in drawn} == {"stop", "length"}
    scores = policy.score(groups(drawn), 0.7)
    for i, one in enumerate(drawn):
        n, prompt = len(one.ids), PROMPTS[one.prompt]
        whole = policy.model(input_ids=torch.tensor([prompt + one.ids])).logits[0] / 0.7
        law = whole.log_softmax(-1)[len(prompt) - 1 : -1]
        own = law.gather(-1, torch.tensor(one.ids)[:, None])[:, 0]
        assert scores.mask[i].sum() == n
        torch.testing.assert_close(scores.logprobs[i, :n], own, atol=1e-5, rtol=1e-5)
        torch.testing.assert_close(one.logprobs, own, atol=1e-5, rtol=1e-5)
        assert one.hidden is not None
        torch.testing.assert_close(scores.hidden[i, :n], one.hidden, atol=1e-5, rtol=1e-5)
        entropy = -(law.exp() * law).sum(-1)
        torch.testing.assert_close(scores.entropy[i, :n], entropy, atol=1e-5, rtol=1e-5)


def test_a_shared_prompt_gives_the_gradient_of_separate_ones(policy: HFPolicy) -> None:
    some = [Group((50, 60, 70), ((20, 21, 1), (30, 1))), Group((8, 9, 10, 11, 12), ((40, 41, 42),))]

    def gradient() -> list[torch.Tensor]:
        policy.model.zero_grad()
        scores = policy.score(some)
        (scores.logprobs * torch.arange(1, 4)[:, None]).sum().backward()
        return [p.grad.clone() for p in policy.model.parameters() if p.grad is not None]

    assert policy.scorer.shares_prompts
    shared = gradient()
    policy.scorer.shares_prompts = False
    for a, b in zip(shared, gradient(), strict=True):
        torch.testing.assert_close(a, b, atol=1e-5, rtol=1e-4)


def test_the_samplers_draw_the_same(policy: HFPolicy, qwen: Path) -> None:
    law = Sampling(max_new_tokens=8)

    def drawn(who: HFPolicy, prompts: list[tuple[int, ...]], first: int) -> list:  # type: ignore[type-arg]
        numbers = PerSample(rng(3), 12, first)
        return who.generate(prompts, 4, law, numbers, keep_hidden=True)

    whole = drawn(policy, PROMPTS, 0)
    parts = [c for i, p in enumerate(PROMPTS) for c in drawn(policy, [p], 4 * i)]
    assert [c.ids for c in parts] == [c.ids for c in whole]
    assert policy.scorer.lean
    policy.scorer.lean = False
    ordinary = drawn(policy, PROMPTS, 0)
    assert [c.ids for c in ordinary] == [c.ids for c in whole]
    theirs = drawn(HFPolicy.load(qwen, Settings(engine="transformers")), PROMPTS, 0)
    assert [c.ids for c in theirs] == [c.ids for c in whole]
    assert [c.finish for c in theirs] == [c.finish for c in whole]
    for a, b in [*zip(theirs, whole, strict=True), *zip(ordinary, whole, strict=True)]:
        torch.testing.assert_close(a.logprobs, b.logprobs, atol=1e-5, rtol=1e-5)
        torch.testing.assert_close(a.hidden, b.hidden, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("family", ["Llama", "Mistral", "Qwen3"])
def test_families_of_llamas_shape_are_recognised_by_trying(family: str) -> None:
    from neox.policy.hf_score import Scorer

    torch.manual_seed(0)
    shape = getattr(transformers, f"{family}Config")(
        vocab_size=64,
        hidden_size=16,
        intermediate_size=16,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=4,
        sliding_window=None,
    )
    model = getattr(transformers, f"{family}ForCausalLM")(shape)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    assert Scorer(model, 0).lean
    model.model.layers[1].self_attn.scaling *= 1.5
    assert Scorer(model, 0).lean  # scaling is the model's own
    model.model.norm.forward = lambda x: 2 * x
    assert not Scorer(model, 0).lean


def test_greedy_is_what_transformers_generates(policy: HFPolicy) -> None:
    ours = policy.generate(PROMPTS, 1, Sampling(0, max_new_tokens=8), rng())
    for prompt, one in zip(PROMPTS, ours, strict=True):
        ids = policy.model.generate(
            input_ids=torch.tensor([prompt]), max_new_tokens=8, do_sample=False
        )
        assert tuple(ids[0, len(prompt) :].tolist()) == one.ids


def test_every_completion_is_announced_once_with_its_tokens(policy: HFPolicy) -> None:
    seen: dict[int, tuple[int, ...]] = {}
    drawn = policy.generate(
        PROMPTS, 4, Sampling(max_new_tokens=8), rng(), on_finish=lambda i, x: seen.update({i: x})
    )
    assert [seen[i] for i in range(12)] == [c.ids for c in drawn]


def test_soft_caps_on_the_logits_are_kept() -> None:
    torch.manual_seed(0)
    shape = transformers.Gemma2Config(
        vocab_size=64,
        hidden_size=16,
        intermediate_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        head_dim=8,
        final_logit_softcapping=0.05,
        sliding_window=8,
    )
    model = transformers.Gemma2ForCausalLM(shape).eval()
    from neox.policy.hf_score import Scorer

    scorer = Scorer(model, 0)
    assert not scorer.plain_head
    assert not scorer.lean
    assert not scorer.shares_prompts  # half of its layers see a window only
    scores = scorer([Group((5, 6, 7), ((8, 9), (10, 11, 12)))], 1.0)
    law = model(input_ids=torch.tensor([[5, 6, 7, 10, 11, 12]])).logits[0].log_softmax(-1)
    own = torch.stack([law[2, 10], law[3, 11], law[4, 12]])
    torch.testing.assert_close(scores.logprobs[1], own, atol=1e-5, rtol=1e-5)


def test_activation_checkpointing_changes_no_number(policy: HFPolicy, qwen: Path) -> None:
    careful = HFPolicy.load(qwen, Settings(checkpointing=True))
    some = [Group((50, 60, 70), ((20, 21, 1), (30, 1)))]
    for each in (policy, careful):
        each.model.train()
        each.score(some).logprobs.sum().backward()
    for a, b in zip(policy.model.parameters(), careful.model.parameters(), strict=True):
        torch.testing.assert_close(a.grad, b.grad, atol=1e-5, rtol=1e-4)


def test_conversations_go_through_the_chat_template(policy: HFPolicy) -> None:
    talk = {"messages": [{"role": "user", "content": "Add one."}]}
    tasks = [Task("a", "Add one.", "f", (), meta=talk), Task("b", "# Add one.\n", "f", ())]
    chat, plain = encode_prompts(policy.tokenizer, tasks)
    assert policy.tokenizer.decode(chat) == "[user]Add one.[assistant]"
    assert policy.tokenizer.decode(plain) == "# Add one.\n"
    reply = "Here:\n```python\ndef f(x):\n    return x + 1\n```\nDone."
    assert completion(tasks[0], reply) == "def f(x):\n    return x + 1"
    assert completion(tasks[1], reply) == reply
    policy.tokenizer.core.chat_template = None
    with pytest.raises(InputError, match="no chat template"):
        encode_prompts(policy.tokenizer, tasks)


def test_saved_it_is_a_standard_folder(policy: HFPolicy, tmp_path: Path) -> None:
    policy.save(tmp_path)
    theirs = transformers.AutoModelForCausalLM.from_pretrained(tmp_path)
    for a, b in zip(theirs.parameters(), policy.model.parameters(), strict=True):
        assert torch.equal(a, b)
    assert transformers.AutoTokenizer.from_pretrained(tmp_path).eos_token == "<eos>"
    again = load(tmp_path)
    some = [Group((5, 6, 7), ((20, 21, 1),))]
    assert torch.equal(again.score(some).logprobs, policy.score(some).logprobs)


def test_an_adapter_is_trained_kept_and_merged(qwen: Path, tmp_path: Path) -> None:
    pytest.importorskip("peft", reason="needs the extra `hf`")
    policy = HFPolicy.load(qwen, lora=Lora(4))
    trained = [n for n, p in policy.module.named_parameters() if p.requires_grad]
    assert trained
    assert all("lora_" in name for name in trained)
    with torch.no_grad():
        for name, p in policy.module.named_parameters():
            if "lora_B" in name:
                p.normal_(std=0.1)
    some = [Group((5, 6, 7), ((20, 21, 1), (30, 1)))]
    expected = policy.score(some).logprobs.detach()
    policy.save(tmp_path)
    again = load(tmp_path)
    assert torch.equal(again.score(some).logprobs, expected)
    policy.export(tmp_path)
    merged = transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "model")
    assert not hasattr(merged, "peft_config")
    again = load(tmp_path / "model")
    torch.testing.assert_close(again.score(some).logprobs, expected, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("prompts", [[], [()]])
def test_empty_prompts_are_refused(policy: HFPolicy, prompts: list[tuple[int, ...]]) -> None:
    with pytest.raises(ValueError, match="prompt"):
        policy.generate(prompts, 1, Sampling(), rng())


def test_too_long_a_prompt_is_refused(policy: HFPolicy) -> None:
    with pytest.raises(ValueError, match="exceed the model's 256 positions"):
        policy.generate([(5,) * 250], 1, Sampling(max_new_tokens=64), rng())


def test_a_folder_that_is_no_causal_lm_is_named(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "nonsense"}')
    with pytest.raises(InputError, match="cannot load"):
        load(tmp_path)
