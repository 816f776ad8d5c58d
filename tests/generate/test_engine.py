"""The engine: company, order, slots, shared prompts and speculation change no token."""

from __future__ import annotations

import importlib.util
import sys
from collections import Counter
from pathlib import Path

import pytest
import torch

from neox.generate.drafts import DraftModel, PromptLookup
from neox.generate.engine import Engine, QueueFull, Request
from neox.generate.law import GREEDY, Law
from neox.generate.runner import runner
from neox.policy import Sampling

_spec = importlib.util.spec_from_file_location("models", Path(__file__).parent / "models.py")
assert _spec is not None
assert _spec.loader is not None
models = importlib.util.module_from_spec(_spec)
sys.modules.setdefault("models", models)
_spec.loader.exec_module(models)

POLICY = models.policy()
PROMPTS = [
    POLICY.tokenizer.encode(text) for text in ("def f(a", "x = {", "return sum(v for v", "a")
]


def engine(slots: int) -> Engine:
    return Engine(runner(POLICY, slots))


def texts(slots: int, requests: list[Request]) -> list[tuple[int, ...]]:
    return [tuple(s.ids) for s in engine(slots).run(requests)]


def test_greedy_is_the_policys_alone_and_in_any_company() -> None:
    expected = [
        POLICY.generate([p], 1, Sampling(0.0, max_new_tokens=40), torch.Generator())[0].ids
        for p in PROMPTS
    ]
    requests = [Request(p, GREEDY, 40) for p in PROMPTS]
    for slots in (1, 2, 4):
        assert texts(slots, requests) == expected


@pytest.mark.parametrize("law", [Law(1.0), Law(0.7, top_k=9, top_p=0.9), Law(1.5, min_p=0.05)])
def test_a_sample_depends_on_its_seed_and_place_alone(law: Law) -> None:
    requests = [Request(p, law, 24, seed=i) for i, p in enumerate(PROMPTS * 2)]
    together = texts(8, requests)
    assert texts(3, requests[::-1])[::-1] == together
    assert len(set(together)) == 8


def test_samples_of_a_prompt_read_it_once() -> None:
    crowd = engine(4)
    crowd.run([Request(PROMPTS[0], Law(), 8, seed=i) for i in range(12)])
    read = crowd.counts.prompt_tokens
    assert read <= 4 * len(PROMPTS[0]) + 8  # the first four arrive at once, then one token each
    assert crowd.counts.shared_tokens > 0


def test_a_long_prompt_is_read_in_pieces_with_the_same_result() -> None:
    long = tuple(range(4, 154))
    expected = POLICY.generate([long], 1, Sampling(0.0, max_new_tokens=8), torch.Generator())[0].ids
    assert texts(2, [Request(long, GREEDY, 8), Request(PROMPTS[0], GREEDY, 8)])[0] == expected


@pytest.mark.parametrize("drafter", ["lookup", "same model", "other model"])
@pytest.mark.parametrize("law", [GREEDY, Law(1.0), Law(0.8, top_p=0.9, repetition_penalty=1.2)])
def test_speculation_changes_no_token(drafter: str, law: Law) -> None:
    def make() -> PromptLookup | DraftModel:
        if drafter == "lookup":
            return PromptLookup(longest=2, shortest=1)
        return DraftModel(runner(POLICY if drafter == "same model" else models.policy(1), 4))

    prompts = [p * 3 for p in PROMPTS]
    plain = [Request(p, law, 32, seed=i) for i, p in enumerate(prompts)]
    helper = make()
    guessed = [Request(p, law, 32, seed=i, drafter=helper) for i, p in enumerate(prompts)]
    fast = engine(4)
    assert [tuple(s.ids) for s in fast.run(guessed)] == texts(4, plain)
    assert fast.counts.drafted > 0
    if drafter == "same model" and not law.looks_back:
        assert fast.counts.accepted == fast.counts.drafted


def test_speculative_samples_follow_the_models_law() -> None:
    """Chi-square of the second token, over many seeds, against the exact two-step law."""
    prompt, law, n = PROMPTS[1], Law(1.0, top_k=4), 1500
    crowd = engine(50)
    helper = PromptLookup(longest=1, shortest=1)
    drawn = crowd.run(
        [Request(prompt * 2, law, 2, seed=1000 + i, drafter=helper) for i in range(n)]
    )
    seen = Counter(tuple(s.ids) for s in drawn)
    one = engine(1).runner
    first = _law(one.logits(one.feed([0], [prompt * 2])[0, -1]))
    chi, cells = 0.0, 0
    for token, p in first.items():
        if token in one.stops:
            ways = {(token,): p}
        else:
            one.rewind(0, len(prompt * 2))
            after = _law(one.logits(one.feed([0], [[token]])[0, -1]))
            ways = {(token, t): p * q for t, q in after.items()}
        for way, share in ways.items():
            if share * n >= 5:
                chi += (seen[way] - share * n) ** 2 / (share * n)
                cells += 1
    assert cells >= 3
    assert chi < cells + 4 * (2 * cells) ** 0.5 + 4  # four standard deviations


def _law(logits: torch.Tensor) -> dict[int, float]:
    values, ids = logits.topk(4)
    return dict(zip(ids.tolist(), values.softmax(-1).tolist(), strict=True))


def test_cancelling_frees_the_slot_within_a_step() -> None:
    small = engine(1)
    first, second = small.submit([Request(PROMPTS[0], GREEDY, 50), Request(PROMPTS[1], GREEDY, 5)])
    small.step()
    assert (small.running, small.waiting) == (1, 1)
    small.cancel(first)
    small.step()
    assert first.finish == "cancelled"
    assert second.slot == 0
    while second.finish is None:
        small.step()
    assert small.running == 0


def test_a_full_queue_and_a_text_that_never_fits_are_refused() -> None:
    small = Engine(runner(POLICY, 1), max_waiting=2)
    small.submit([Request(PROMPTS[0], GREEDY, 5)] * 2)
    with pytest.raises(QueueFull):
        small.submit([Request(PROMPTS[0], GREEDY, 5)])
    with pytest.raises(ValueError, match="192 positions"):
        small.submit([Request(PROMPTS[0], GREEDY, 500)])
    with pytest.raises(ValueError, match="empty"):
        small.submit([Request((), GREEDY, 5)])


def test_a_listener_that_fails_ends_its_own_text_only() -> None:
    pair = engine(2)

    def broken(stream: object, pieces: object) -> bool:
        raise OSError("the client left")

    bad = pair.submit([Request(PROMPTS[0], GREEDY, 9)], [broken])[0]
    good = pair.submit([Request(PROMPTS[1], GREEDY, 9)])[0]
    while good.finish is None:
        pair.step()
    assert bad.finish == "error"
    assert isinstance(bad.error, OSError)


def test_an_echoed_prompt_has_the_policys_log_probabilities() -> None:
    from neox.policy import Group

    prompt = PROMPTS[2]
    pieces: list[object] = []
    engine(1).run(
        [Request(prompt, GREEDY, 1, tops=1, echo=True)], lambda _, new: bool(pieces.extend(new))
    )
    scores = POLICY.score([Group(prompt[:1], (prompt[1:],))]).logprobs[0].tolist()
    assert pieces[0].logprob is None
    assert [p.logprob for p in pieces[1 : len(prompt)]] == pytest.approx(scores, abs=1e-4)
    assert len(pieces) == len(prompt) + 1
    for piece in pieces[1:]:
        assert (piece.token, piece.logprob) in piece.tops


def test_state_space_layers_decode_alike_alone_together_and_guessed() -> None:
    policy = models.recurrent()
    expected = [
        policy.generate([p], 1, Sampling(0.0, max_new_tokens=12), torch.Generator())[0].ids
        for p in PROMPTS
    ]
    for slots, drafter in ((1, None), (4, None), (4, PromptLookup(longest=2, shortest=1))):
        crowd = Engine(runner(policy, slots))
        done = crowd.run([Request(p, GREEDY, 12, drafter=drafter) for p in PROMPTS])
        assert [tuple(s.ids) for s in done] == expected


def test_reading_again_gives_the_states_of_kept_keys() -> None:
    """The two runners are each other's reference, in feeding, peeking, copying and rewinding."""
    from neox.generate.reread import NativeReread

    kept, again = runner(POLICY, 3), NativeReread(POLICY, 3)
    for run in (kept, again):
        run.feed([0, 2], [[5, 6, 7], [8]])
        run.copy([0, 2], [1, 0])
        run.rewind(1, 2)
        run.peek([0, 1], [[9, 10], [11, 12]])
        run.commit([1, 0])
    assert kept.lengths == again.lengths
    pair = [run.feed([0, 1, 2], [[20], [21, 22], [23]]) for run in (kept, again)]
    for row, size in enumerate((1, 2, 1)):
        torch.testing.assert_close(pair[0][row, :size], pair[1][row, :size], atol=1e-4, rtol=1e-4)


def test_a_transformers_model_is_decoded_by_every_strategy() -> None:
    transformers = pytest.importorskip("transformers", reason="transformers is not installed")
    from types import SimpleNamespace

    from neox.generate.contrastive import contrastive_search
    from neox.generate.reread import HFReread

    torch.manual_seed(0)
    config = transformers.LlamaConfig(
        vocab_size=300, hidden_size=32, intermediate_size=48, num_hidden_layers=2,
        num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=96,
        initializer_range=0.3,
    )  # fmt: skip
    model = transformers.LlamaForCausalLM(config).eval()
    from neox.policy.hf_score import Scorer

    policy = SimpleNamespace(
        module=model, tokenizer=POLICY.tokenizer, max_length=96, device=torch.device("cpu"),
        scorer=Scorer(model, 0), token_logits=lambda h: model.lm_head(h),
    )  # fmt: skip
    expected = model.generate(
        torch.tensor([PROMPTS[1]]), max_new_tokens=12, do_sample=False, pad_token_id=0,
        eos_token_id=POLICY.tokenizer.eos,
    )[0, len(PROMPTS[1]) :].tolist()  # fmt: skip
    one = Request(PROMPTS[1], GREEDY, 12)
    assert Engine(HFReread(policy, 2)).run([one, Request(PROMPTS[0], GREEDY, 5)])[0].ids == expected
    assert list(contrastive_search(HFReread(policy, 1), [one], 3, 0.0)[0].ids) == expected
