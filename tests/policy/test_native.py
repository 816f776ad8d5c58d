"""The native policy: token in, token out, and the same probabilities sampled and scored."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from neox.model import LanguageModel, ModelConfig
from neox.policy import Group, Sampling, load
from neox.policy.native import NativePolicy
from neox.policy.packing import pack
from neox.policy.tokenizer import BytePairTokenizer

TEXT = ["# Sum the list.\ndef f(a: list[int]) -> int:\n", "    return sum(a) + 17\n"] * 4
TOKENIZER = BytePairTokenizer.train(TEXT, 320)


@pytest.fixture
def policy() -> NativePolicy:
    torch.manual_seed(0)
    shape = ModelConfig(
        vocab_size=len(TOKENIZER), d_model=32, layers=2, heads=4, kv_heads=2, d_expert=16
    )
    model = LanguageModel(shape, 128)
    for parameter in model.parameters():
        if not parameter.any():
            torch.nn.init.normal_(parameter, std=0.1)
    with torch.no_grad():
        model.embedding.weight[TOKENIZER.eos] *= 20  # so that rows end at different times
    return NativePolicy(model, TOKENIZER)


PROMPTS = [(5, 6, 7), (8, 9, 10, 11, 12, 13), (40, 41)]


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_scores_equal_the_log_probabilities_at_sampling_time(policy: NativePolicy) -> None:
    drawn = policy.generate(PROMPTS, 4, Sampling(max_new_tokens=12), rng(), keep_hidden=True)
    assert {c.finish for c in drawn} == {"stop", "length"}
    groups = [Group(p, tuple(c.ids for c in drawn if c.prompt == i)) for i, p in enumerate(PROMPTS)]
    scores = policy.score(groups)
    for i, one in enumerate(drawn):
        n = len(one.ids)
        assert scores.mask[i].sum() == n
        torch.testing.assert_close(scores.logprobs[i, :n], one.logprobs, atol=1e-5, rtol=1e-5)
        torch.testing.assert_close(scores.hidden[i, :n], one.hidden, atol=1e-5, rtol=1e-5)


def test_a_packed_group_scores_like_separate_sequences(policy: NativePolicy) -> None:
    group = Group((5, 6, 7), ((20, 21, 1), (30, 1), (40, 41, 42, 43)))
    together = policy.score([group])
    for i, ids in enumerate(group.completions):
        alone = policy.score([Group(group.prompt, (ids,))])
        n = len(ids)
        torch.testing.assert_close(
            together.logprobs[i, :n], alone.logprobs[0], atol=1e-5, rtol=1e-5
        )
        torch.testing.assert_close(together.entropy[i, :n], alone.entropy[0], atol=1e-5, rtol=1e-5)


def test_siblings_do_not_see_each_other() -> None:
    mask = pack([Group((5, 6), ((20, 21, 22), (30, 31, 32)))], pad=0).mask[0, 0]
    first, second = slice(2, 4), slice(4, 6)  # the last token of each needs no position
    assert not mask[second, first].any()
    assert mask[second, :2].all()


def test_greedy_is_the_best_token_each_time_and_batching_changes_nothing(
    policy: NativePolicy,
) -> None:
    greedy = Sampling(temperature=0, max_new_tokens=8)
    together = policy.generate(PROMPTS, 1, greedy, rng())
    for prompt, one in zip(PROMPTS, together, strict=True):
        assert policy.generate([prompt], 1, greedy, rng(9))[0].ids == one.ids
        scores = policy.score([Group(prompt, (one.ids,))])
        best = policy.token_logits(scores.hidden[0]).argmax(-1).tolist()
        assert tuple(best) == one.ids


def test_equal_seeds_give_equal_samples_and_others_do_not(policy: NativePolicy) -> None:
    def ids(seed: int) -> list[tuple[int, ...]]:
        return [c.ids for c in policy.generate(PROMPTS, 4, Sampling(max_new_tokens=8), rng(seed))]

    assert ids(1) == ids(1) != ids(2)


def test_every_completion_is_announced_once_with_its_tokens(policy: NativePolicy) -> None:
    seen: dict[int, tuple[int, ...]] = {}
    drawn = policy.generate(
        PROMPTS,
        4,
        Sampling(max_new_tokens=8),
        rng(),
        on_finish=lambda i, ids: seen.update({i: ids}),
    )
    assert [seen[i] for i in range(12)] == [c.ids for c in drawn]


@pytest.mark.parametrize("prompts", [[], [()]])
def test_empty_prompts_are_refused(policy: NativePolicy, prompts: list[tuple[int, ...]]) -> None:
    with pytest.raises(ValueError, match="prompt"):
        policy.generate(prompts, 1, Sampling(), rng())


def test_too_long_a_prompt_is_refused(policy: NativePolicy) -> None:
    with pytest.raises(ValueError, match="exceed the model's 128 positions"):
        policy.generate([(5,) * 100], 1, Sampling(max_new_tokens=64), rng())


def test_saved_and_loaded_it_is_the_same(policy: NativePolicy, tmp_path: Path) -> None:
    policy.save(tmp_path)
    again = load(tmp_path)
    group = [Group((5, 6, 7), ((20, 21, 1),))]
    assert torch.equal(again.score(group).logprobs, policy.score(group).logprobs)
    assert again.tokenizer.encode(TEXT[0]) == TOKENIZER.encode(TEXT[0])


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=60))
def test_the_tokenizer_loses_no_byte(data: bytes) -> None:
    ids = TOKENIZER.encode(data)
    assert TOKENIZER.decode_bytes(ids) == data
    assert TOKENIZER.eos not in ids


def test_text_that_spells_a_special_token_is_only_text() -> None:
    ids = TOKENIZER.encode("<eos><pad>")
    assert not {TOKENIZER.eos, TOKENIZER.pad} & set(ids)
    assert TOKENIZER.decode(ids) == "<eos><pad>"


def test_merges_cross_blanks_but_digits_stay_alone() -> None:
    pieces = [TOKENIZER.decode([i]) for i in TOKENIZER.encode("    return sum(a) + 17\n")]
    assert any(" " in p.strip() for p in pieces)
    assert "1" in pieces
    assert "7" in pieces
