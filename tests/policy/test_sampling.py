"""Drawing tokens: the law is the one asked for."""

from __future__ import annotations

import torch

from neox.generate.sampling import draw, restrict
from neox.policy import Sampling

LOGITS = torch.tensor([2.0, 1.0, 0.0, -1.0])


def frequencies(sampling: Sampling, n: int = 40_000) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    ids, _ = draw(LOGITS.expand(n, -1), sampling, generator)
    return torch.bincount(ids, minlength=4) / n


def test_samples_follow_the_softmax_at_each_temperature() -> None:
    for temperature in (0.5, 1.0, 2.0):
        expected = (LOGITS / temperature).softmax(-1)
        got = frequencies(Sampling(temperature=temperature))
        torch.testing.assert_close(got, expected, atol=0.01, rtol=0)


def test_top_k_and_top_p_keep_the_most_likely_and_renormalise() -> None:
    law = LOGITS.softmax(-1)
    two = torch.cat([law[:2] / law[:2].sum(), torch.zeros(2)])
    torch.testing.assert_close(frequencies(Sampling(top_k=2)), two, atol=0.01, rtol=0)
    torch.testing.assert_close(frequencies(Sampling(top_p=0.8)), two, atol=0.01, rtol=0)
    assert frequencies(Sampling(top_p=0.01))[0] == 1


def test_log_probabilities_are_those_of_the_unrestricted_law() -> None:
    sampling = Sampling(temperature=0.5, top_k=1)
    _, logprob = draw(LOGITS[None], sampling, torch.Generator())
    torch.testing.assert_close(logprob[0], (LOGITS / 0.5).log_softmax(-1)[0])


def test_the_nucleus_is_never_empty() -> None:
    kept = restrict(LOGITS[None], 0, 1e-9).isfinite().sum()
    assert kept == 1
