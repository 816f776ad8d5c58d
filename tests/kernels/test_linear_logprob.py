"""The chunked head: same numbers and gradients as the plain form, whatever the chunk size."""

from __future__ import annotations

import pytest
import torch

from neox.kernels import linear_logprob as module


@pytest.mark.parametrize("rows", [1, 3, 7, 100])
def test_chunks_equal_the_reference(rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    hidden = torch.randn(7, 5, dtype=torch.float64, requires_grad=True)
    weight = torch.randn(11, 5, dtype=torch.float64, requires_grad=True)
    target = torch.randint(11, (7,))
    monkeypatch.setattr(module, "KEEP_ELEMENTS", rows * 11)
    results = []
    for function in (module.reference, module.linear_logprob):
        logprob, entropy = function(hidden, weight, target, 0.7)
        (logprob.sum() + 0.3 * entropy.square().sum()).backward()
        results.append((logprob.detach(), entropy.detach(), hidden.grad, weight.grad))
        hidden.grad = weight.grad = None
    for mine, theirs in zip(*results, strict=True):
        torch.testing.assert_close(mine, theirs)


def test_entropy_of_a_uniform_law_is_log_v() -> None:
    hidden, weight = torch.zeros(1, 4), torch.randn(10, 4)
    _, entropy = module.linear_logprob(hidden, weight, torch.tensor([3]))
    assert float(entropy) == pytest.approx(float(torch.tensor(10.0).log()))
