"""Initial weights have the spectra they claim; factored layers are the matrices they stand for."""

from __future__ import annotations

import pytest
import torch

from neox.model import LanguageModel, ModelConfig
from neox.model.factored import LowRankLinear, TuckerLinear, compress, split
from neox.model.init import orthogonal
from neox.model.spectrum import jacobian_values, marchenko_pastur_cdf, spectra, spectrum
from neox.policy.tokenizer import BytePairTokenizer


def normal(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("ratio", [0.1, 0.5, 1.0])
def test_the_law_adds_up_to_one_and_has_mean_one(ratio: float) -> None:
    high = (1 + ratio**0.5) ** 2
    x = torch.linspace(0, high, 4001, dtype=torch.float64)
    cdf = marchenko_pastur_cdf(x, ratio)
    assert float(cdf[-1]) == pytest.approx(1.0, abs=1e-3)
    mean = high - float(torch.trapezoid(cdf, x))  # E[l] = integral of 1 - F
    assert mean == pytest.approx(1.0, abs=5e-3)


@pytest.mark.parametrize("shape", [(64, 64), (48, 160), (160, 48)])
def test_gaussian_weights_follow_the_law_and_others_do_not(shape: tuple[int, int]) -> None:
    found = spectrum("w", normal(*shape))
    assert found.gaussian()
    assert not found.orthogonal()
    uneven = normal(*shape) * torch.logspace(-1, 0, shape[1])
    assert not spectrum("w", uneven).gaussian()
    straight = spectrum("w", orthogonal(torch.empty(shape)))
    assert straight.orthogonal()
    assert not straight.gaussian()


@pytest.mark.parametrize("kind", ["normal", "orthogonal"])
def test_a_model_starts_with_the_spectrum_it_was_asked_for(kind: str) -> None:
    torch.manual_seed(0)
    config = ModelConfig(vocab_size=300, d_model=64, layers=2, d_expert=64, init=kind)
    found = [s for s in spectra(LanguageModel(config)) if "embedding" not in s.name]
    assert len(found) == 2 * (1 + 4)  # qkv, and up of four experts, per layer; the rest is zero
    assert all(s.gaussian() if kind == "normal" else s.orthogonal() for s in found)


def test_dynamic_isometry_of_a_deep_stack() -> None:
    """Twenty square layers: orthogonal ones keep every length, Gaussian ones do not."""
    torch.manual_seed(0)
    x = normal(32)

    def values(start: str) -> torch.Tensor:
        layers = [
            orthogonal(torch.empty(32, 32))
            if start == "orthogonal"
            else normal(32, 32, seed=i) / 32**0.5
            for i in range(20)
        ]

        def stack(h: torch.Tensor) -> torch.Tensor:
            for w in layers:
                h = w @ h
            return h

        return jacobian_values(stack, x)

    torch.testing.assert_close(values("orthogonal"), torch.ones(32), atol=1e-4, rtol=1e-4)
    gaussian = values("normal")
    assert gaussian[0] / gaussian[-1] > 1e6
    model = LanguageModel(ModelConfig(vocab_size=300, d_model=32, layers=3, d_expert=16))
    mask = torch.ones(1, 1, 1, 1, dtype=torch.bool)

    def blocks(h: torch.Tensor) -> torch.Tensor:
        from neox.model.mixers.base import Context

        context = Context(model.cos[:1, None], model.sin[:1, None], mask)
        h = h.view(1, 1, -1)
        for block in model.layers:
            h, _ = block(h, context)
        return h.view(-1)

    # every block starts as the identity, so the whole stack is an exact isometry
    torch.testing.assert_close(jacobian_values(blocks, x), torch.ones(32))


def test_full_rank_is_exact_and_low_rank_is_the_best() -> None:
    weight, bias, x = normal(12, 20), normal(12, seed=1), normal(3, 20, seed=2)
    expected = x @ weight.mT + bias
    for layer in (LowRankLinear(weight, bias, 12), TuckerLinear(weight, bias, (3, 4, 4, 5))):
        torch.testing.assert_close(layer(x), expected, atol=1e-4, rtol=1e-4)
        torch.testing.assert_close(layer.weight(), weight, atol=1e-5, rtol=1e-5)
    small = LowRankLinear(weight, None, 4)
    error = (small.weight() - weight).norm()
    values = torch.linalg.svdvals(weight)
    torch.testing.assert_close(error, values[4:].norm())  # Eckart and Young
    tucker = TuckerLinear(weight, None, (2, 3, 3, 4))
    torch.testing.assert_close(tucker(x), x @ tucker.weight().mT, atol=1e-5, rtol=1e-5)


def test_tucker_finds_a_kronecker_product_that_low_rank_cannot() -> None:
    """A (x) B has multilinear rank that Tucker keeps with few numbers, and full matrix rank."""
    a, b = normal(4, 4), normal(6, 6, seed=1)
    a = torch.outer(a[0], a[1])  # rank 1 along the first sides
    weight = torch.kron(a, b).view(4, 6, 4, 6).reshape(24, 24)
    assert split(24) == (4, 6)
    tucker = TuckerLinear(weight, None, (1, 6, 1, 6))
    used = sum(p.numel() for p in tucker.parameters())
    rank = LowRankLinear.rank_for((24, 24), used)
    plain = LowRankLinear(weight, None, rank)
    assert (tucker.weight() - weight).norm() < 1e-4 * weight.norm()
    assert (plain.weight() - weight).norm() > 0.05 * weight.norm()


@pytest.mark.parametrize("kind", ["low-rank", "tucker"])
def test_compressing_a_model_saves_what_was_asked(kind: str) -> None:
    torch.manual_seed(1)
    config = ModelConfig(
        vocab_size=300, d_model=64, layers=2, d_expert=32, experts=1, experts_per_token=1
    )
    model = LanguageModel(config)
    before = sum(p.numel() for n, p in model.named_parameters() if "qkv" in n)
    assert compress(model, kind, 0.5) == 2  # type: ignore[arg-type]
    after = sum(p.numel() for n, p in model.named_parameters() if "qkv" in n)
    assert 0.35 * before < after <= 0.5 * before
    mask = torch.ones(5, 5).tril().bool()[None, None]
    hidden = model(torch.randint(2, 300, (1, 5)), torch.arange(5)[None], mask)
    hidden.square().sum().backward()
    assert hidden.isfinite().all()


def test_bytes_are_a_vocabulary() -> None:
    """258 tokens: every byte and the two specials, no merges; any text comes back."""
    tokenizer = BytePairTokenizer.train(["def f(x):\n    return x + x\n"] * 50, 258)
    assert len(tokenizer) == 258
    text = "λ = 'naïve' # \t→\n"
    ids = tokenizer.encode(text)
    assert len(ids) == len(text.encode())
    assert tokenizer.decode(ids) == text
