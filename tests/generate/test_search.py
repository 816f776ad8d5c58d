"""Beam and contrastive search against their definitions."""

from __future__ import annotations

import importlib.util
from itertools import product
from pathlib import Path

import pytest
import torch
from torch.nn import functional as F

from neox.generate.beam import beam_search
from neox.generate.contrastive import contrastive_search
from neox.generate.engine import Engine, Request
from neox.generate.law import GREEDY, Law
from neox.generate.runner import runner

_spec = importlib.util.spec_from_file_location("models", Path(__file__).parent / "models.py")
assert _spec is not None
assert _spec.loader is not None
models = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(models)

POLICY = models.policy(3)
PROMPTS = [POLICY.tokenizer.encode(text) for text in ("def f(a", "x = {", "return sum(v", "b")]


def greedy(prompt: tuple[int, ...], steps: int) -> tuple[int, ...]:
    return tuple(Engine(runner(POLICY, 1)).run([Request(prompt, GREEDY, steps)])[0].ids)


def test_a_beam_of_one_is_greedy() -> None:
    for prompt in PROMPTS:
        assert beam_search(runner(POLICY, 1), Request(prompt, GREEDY, 12), 1)[0].ids == greedy(
            prompt, 12
        )


@pytest.mark.parametrize("penalty", [0.0, 1.0])
def test_a_wide_beam_finds_the_best_of_all_texts(penalty: float) -> None:
    """Six tokens are possible (bias forbids the others), three long: every text is tried."""
    prompt, eos = PROMPTS[1], POLICY.tokenizer.eos
    letters = [eos, 10, 20, 30, 40, 50]
    law = Law(0.0, bias={t: -1e9 for t in range(300) if t not in letters})
    best = beam_search(runner(POLICY, 36), Request(prompt, law, 3), 36, penalty)[0]

    def steps(text: tuple[int, ...]) -> torch.Tensor:
        run = runner(POLICY, 1)
        hidden = run.feed([0], [[*prompt, *text]])[0, len(prompt) - 1 : -1]
        logits = run.logits(hidden)[:, letters].log_softmax(-1)
        return logits[torch.arange(len(text)), torch.tensor([letters.index(t) for t in text])]

    open_texts = [t for n in (1, 2, 3) for t in product(letters[1:], repeat=n)]
    whole = [(*t, eos) for t in [(), *open_texts] if len(t) < 3]
    whole += [t for t in open_texts if len(t) == 3]
    scores = {t: float(steps(t).sum()) / len(t) ** penalty for t in whole}
    expected = max(scores, key=scores.__getitem__)
    assert best.ids == expected
    assert best.score == pytest.approx(scores[expected], abs=1e-3)


def test_without_contrast_or_choice_contrastive_search_is_greedy() -> None:
    for k, alpha in ((1, 0.6), (5, 0.0)):
        found = contrastive_search(
            runner(POLICY, 4), [Request(p, GREEDY, 16) for p in PROMPTS], k, alpha
        )
        assert [f.ids for f in found] == [greedy(p, 16) for p in PROMPTS]


def naive(prompt: tuple[int, ...], steps: int, k: int, alpha: float) -> tuple[int, ...]:
    """The formula of NEOX 4.1, reading the whole text again for every candidate."""
    text = list(prompt)
    for _ in range(steps):
        states = _states(text)
        logp = POLICY.model.logits(states[-1]).log_softmax(-1)
        best = None
        for v in logp.topk(k).indices.tolist():
            e = _states([*text, v])[-1]
            likeness = max(float(F.cosine_similarity(e, h, dim=0)) for h in states)
            score = (1 - alpha) * float(logp[v]) - alpha * likeness
            if best is None or score > best[0]:
                best = score, v
        assert best is not None
        text.append(best[1])
        if best[1] == POLICY.tokenizer.eos:
            break
    return tuple(text[len(prompt) :])


@torch.inference_mode()
def _states(text: list[int]) -> torch.Tensor:
    size = len(text)
    mask = torch.ones(size, size, dtype=torch.bool).tril()[None, None]
    return POLICY.model(torch.tensor([text]), torch.arange(size)[None], mask)[0]


@pytest.mark.parametrize(("k", "alpha"), [(3, 0.6), (5, 0.9)])
def test_contrastive_search_is_its_formula_alone_and_together(k: int, alpha: float) -> None:
    requests = [Request(p, GREEDY, 10) for p in PROMPTS]
    together = [f.ids for f in contrastive_search(runner(POLICY, 4), requests, k, alpha)]
    alone = [contrastive_search(runner(POLICY, 1), [r], k, alpha)[0].ids for r in requests]
    with torch.inference_mode():
        expected = [naive(p, 10, k, alpha) for p in PROMPTS]
    assert together == alone == expected
    assert together != [greedy(p, 10) for p in PROMPTS]


def test_the_states_of_fed_and_peeked_tokens_are_the_models_own() -> None:
    text = list(PROMPTS[0])
    run = runner(POLICY, 3)
    fed = run.feed([2], [text])[0]
    torch.testing.assert_close(fed, _states(text), atol=1e-4, rtol=1e-4)
    peeked = run.peek([2], [[7, 8, 9]])[0]
    for token, state in zip((7, 8, 9), peeked, strict=True):
        torch.testing.assert_close(state, _states([*text, token])[-1], atol=1e-4, rtol=1e-4)
    run.commit([1])
    after = run.feed([2], [[11]])[0, 0]
    torch.testing.assert_close(after, _states([*text, 8, 11])[-1], atol=1e-4, rtol=1e-4)
