"""Chunked log-probabilities against the plain ones, and their memory."""

from __future__ import annotations

import pytest
import torch

from neox.kernels.linear_logprob import reference
from neox.objectives import logprob
from neox.objectives.logprob import token_logprobs


@pytest.mark.parametrize("chunk", [1, 200, 1000, 10**6])
@pytest.mark.parametrize("used", ["logprob", "entropy", "both"])
def test_value_and_gradient_are_those_of_the_plain_form(chunk: int, used: str) -> None:
    torch.manual_seed(0)
    hidden = torch.randn(23, 8, requires_grad=True)
    weight = torch.randn(50, 8, requires_grad=True)
    target = torch.randint(50, (23,))
    a, b = torch.randn(23), torch.randn(23)

    def gradients(function, *more):  # type: ignore[no-untyped-def]
        logp, entropy = function(hidden, weight, target, 0.7, *more)
        term = (logp * a).sum() * (used != "entropy") + (entropy * b).sum() * (used != "logprob")
        return logp, entropy, *torch.autograd.grad(term, (hidden, weight))

    plain, chunked = gradients(reference), gradients(token_logprobs, chunk)
    for x, y in zip(plain, chunked, strict=True):
        torch.testing.assert_close(x, y, atol=1e-5, rtol=1e-4)


def test_frozen_weights_get_no_gradient() -> None:
    hidden, weight = torch.randn(9, 4, requires_grad=True), torch.randn(30, 4)
    token_logprobs(hidden, weight, torch.arange(9), chunk=60)[0].sum().backward()
    assert hidden.grad is not None
    assert weight.grad is None


@pytest.mark.parametrize("vocabulary", [1_000, 8_000])
def test_no_tensor_is_larger_than_the_chunk_whatever_the_vocabulary(
    vocabulary: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of everything made on the way, forward and back, all but gradients of inputs fit a chunk."""
    largest = 0

    class Watch(torch.utils._python_dispatch.TorchDispatchMode):
        def __torch_dispatch__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
            nonlocal largest
            out = func(*args, **(kwargs or {}))
            made = isinstance(out, torch.Tensor) and out.data_ptr() != weight.data_ptr()
            if made and out.shape[-1:] == (vocabulary,):
                largest = max(largest, out.numel())
            return out

    monkeypatch.setattr(logprob, "CHUNK", 16_000)
    hidden = torch.randn(200, 4, requires_grad=True)
    weight = torch.randn(vocabulary, 4, requires_grad=True)
    with Watch():
        logp, entropy = token_logprobs(hidden, weight, torch.arange(200), chunk=16_000)
        (logp.sum() + entropy.sum()).backward()
    assert 0 < largest <= 16_000
