"""Each optimizer against an answer known beforehand."""

from __future__ import annotations

import importlib.util

import pytest
import torch
from torch import nn

from neox.errors import InputError
from neox.kernels.kfac_precondition import precondition, reference
from neox.optim import KFAC, Muon, build
from neox.optim.muon import CUBIC, newton_schulz


def regression(seed: int = 0, rows: int = 400) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Inputs of very unequal scale, targets x W^T + noise, and W [3, 6], all in float64."""
    g = torch.Generator().manual_seed(seed)
    scale = torch.tensor([10.0, 3.0, 1.0, 1.0, 0.3, 0.1]).double()
    x = torch.randn(rows, 6, generator=g, dtype=torch.float64) * scale
    w = torch.randn(3, 6, generator=g, dtype=torch.float64)
    return x, x @ w.mT + torch.randn(rows, 3, generator=g, dtype=torch.float64), w


@pytest.mark.parametrize(("m", "n"), [(4, 4), (3, 6), (7, 2)])
def test_preconditioner_equals_the_kronecker_solve(m: int, n: int) -> None:
    g = torch.Generator().manual_seed(m)
    grad = torch.randn(m, n, generator=g, dtype=torch.float64)
    s, a = (torch.randn(20, k, generator=g, dtype=torch.float64) for k in (m, n))
    s, a = s.mT @ s / 20, a.mT @ a / 20
    got = precondition(grad, *torch.linalg.eigh(s), *torch.linalg.eigh(a), 0.1)
    torch.testing.assert_close(got, reference(grad, s, a, 0.1))
    exact = precondition(grad, *torch.linalg.eigh(s), *torch.linalg.eigh(a), 0.0)
    torch.testing.assert_close(exact, torch.linalg.solve(s, grad) @ torch.linalg.inv(a))
    stack = torch.stack([grad, 2 * grad])
    both = precondition(
        stack,
        *(t.expand(2, *t.shape) for t in (*torch.linalg.eigh(s), *torch.linalg.eigh(a))),
        0.1,
    )
    torch.testing.assert_close(both[1], 2 * got)


def test_kfac_is_the_natural_gradient_of_a_gaussian() -> None:
    """For N(W x, I) the Fisher matrix is E[x x^T] (x) I: with targets sampled from the model its
    one step of size 1 from anywhere lands on the least-squares solution."""
    x, y, _ = regression(rows=20_000)
    torch.manual_seed(0)
    layer = nn.Linear(6, 3, bias=False).double()
    expected = torch.linalg.lstsq(x, y).solution.mT
    start = (layer.weight - expected).detach().norm()
    optimizer = KFAC(layer, 1.0, damping=0.0, kl=None, refresh=1)
    with optimizer.sampling():
        mean = layer(x)
        sampled = mean.detach() + torch.randn_like(mean)
        (0.5 * (mean - sampled).square().sum(1)).mean().backward()
    layer.zero_grad()
    (0.5 * (layer(x) - y).square().sum(1)).mean().backward()
    optimizer.step()
    # S is estimated from 20,000 samples, so about 1/sqrt(20,000) of the step is left
    assert (layer.weight - expected).norm() < 0.05 * start


def test_kfac_solves_an_ill_conditioned_quadratic_where_gradient_descent_crawls() -> None:
    x, y, _ = regression()
    best = torch.linalg.lstsq(x, y).solution
    generator = torch.Generator().manual_seed(9)
    floor = float((0.5 * (x @ best - y).square().sum(1)).mean())

    def loss_after(optimizer: torch.optim.Optimizer, layer: nn.Linear, steps: int) -> float:
        for _ in range(steps):
            if isinstance(optimizer, KFAC):
                with optimizer.sampling():  # the Fisher matrix, not that of the residuals
                    mean = layer(x)
                    noise = torch.randn(mean.shape, generator=generator, dtype=torch.float64)
                    (0.5 * (mean - mean.detach() - noise).square().sum(1)).mean().backward()
            optimizer.zero_grad()
            loss = (0.5 * (layer(x) - y).square().sum(1)).mean()
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            return float((0.5 * (layer(x) - y).square().sum(1)).mean()) - floor

    def fresh() -> nn.Linear:
        torch.manual_seed(1)
        return nn.Linear(6, 3).double()

    a, b = fresh(), fresh()
    # 0.01 is near the largest step that gradient descent survives: the largest eigenvalue is 100
    slow = loss_after(torch.optim.SGD(a.parameters(), lr=0.01), a, 60)
    fast = loss_after(KFAC(b, 0.3, damping=1e-6, kl=None, refresh=1), b, 60)
    assert fast < 0.1 * slow


def test_the_trust_region_bounds_the_step() -> None:
    """The divergence between the Gaussians before and after is what was asked for."""
    x, y, _ = regression(rows=5000)
    torch.manual_seed(2)
    layer = nn.Linear(6, 3, bias=False).double()
    optimizer = KFAC(layer, 1.0, damping=0.0, kl=1e-3, refresh=1)
    with optimizer.sampling():
        mean = layer(x)
        (0.5 * (mean - mean.detach() - torch.randn_like(mean)).square().sum(1)).mean().backward()
    layer.zero_grad()
    before = layer(x).detach()
    (0.5 * (layer(x) - y).square().sum(1)).mean().backward()
    optimizer.step()
    kl = float((0.5 * (layer(x).detach() - before).square().sum(1)).mean())
    assert optimizer.last_scale < 1
    assert kl == pytest.approx(1e-3, rel=0.1)


def test_kfac_refreshes_as_often_as_asked_and_survives_saving() -> None:
    x, y, _ = regression()
    torch.manual_seed(3)
    models = [nn.Sequential(nn.Linear(6, 5), nn.Tanh(), nn.Linear(5, 3)).double() for _ in range(2)]
    models[1].load_state_dict(models[0].state_dict())
    first = KFAC(models[0], 0.05, refresh=3)

    def train(model: nn.Module, optimizer: torch.optim.Optimizer, steps: int) -> None:
        for _ in range(steps):
            optimizer.zero_grad()
            (model(x) - y).square().mean().backward()
            optimizer.step()

    train(models[0], first, 1)
    kept = first.factors["0"].eig_a[0]
    train(models[0], first, 2)
    assert first.factors["0"].eig_a[0] is kept  # steps 2 and 3 reuse the first decomposition
    models[1].load_state_dict(models[0].state_dict())
    second = KFAC(models[1], 0.05, refresh=3)
    second.load_state_dict(first.state_dict())
    for model, optimizer in zip(models, (first, second), strict=True):
        train(model, optimizer, 3)
    for one, other in zip(models[0].parameters(), models[1].parameters(), strict=True):
        torch.testing.assert_close(one, other)


@pytest.mark.parametrize("shape", [(5, 5), (3, 8), (8, 3), (2, 6, 4)])
def test_newton_schulz_is_orthogonal(shape: tuple[int, ...]) -> None:
    matrix = torch.randn(*shape, generator=torch.Generator().manual_seed(4), dtype=torch.float64)
    u, _, vh = torch.linalg.svd(matrix, full_matrices=False)
    torch.testing.assert_close(newton_schulz(matrix, 40, CUBIC), u @ vh, atol=1e-8, rtol=1e-8)
    values = torch.linalg.svdvals(newton_schulz(matrix))
    assert values.min() > 0.5  # the quintic stops near one, by design
    assert values.max() < 1.3


def test_muon_takes_steps_of_equal_size_in_every_direction() -> None:
    layer = nn.Linear(6, 4, bias=False).double()
    before = layer.weight.detach().clone()
    layer.weight.grad = (
        torch.diag(torch.tensor([1e3, 1.0, 0.1, 0.05])).double() @ torch.eye(4, 6).double()
    )
    Muon(layer, 0.1, steps=10).step()
    values = torch.linalg.svdvals(before - layer.weight) / (0.1 * 0.2 * 6**0.5)
    assert values.max() < 1.3
    assert values[:2].min() > 0.5  # a direction a thousand times weaker moves as far


def test_muon_lowers_a_loss_and_leaves_vectors_to_adam() -> None:
    x, y, _ = regression()
    x, y = x / x.std(0), y / y.std(0)
    torch.manual_seed(5)
    model = nn.Sequential(nn.Linear(6, 16), nn.Tanh(), nn.Linear(16, 3)).double()
    optimizer = Muon(model, 0.05)
    losses = []
    for _ in range(150):
        optimizer.zero_grad()
        loss = (model(x) - y).square().mean()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.2 * losses[0]
    assert {g["matrix"]: len(g["params"]) for g in optimizer.param_groups} == {True: 2, False: 2}


@pytest.mark.parametrize("name", ["adamw", "muon", "kfac"])
def test_every_name_trains_the_language_model(name: str) -> None:
    from neox.model import LanguageModel, ModelConfig

    torch.manual_seed(6)
    model = LanguageModel(ModelConfig(vocab_size=300, d_model=16, layers=1, d_expert=8)).train()
    optimizer = build(name, model, 3e-3)
    tokens = torch.randint(2, 40, (4, 16))
    mask = torch.ones(15, 15).tril().bool()[None, None]
    losses = []
    for _ in range(12):
        optimizer.zero_grad()
        hidden = model(tokens[:, :-1], torch.arange(15).expand(4, -1), mask)
        logits = model.logits(hidden).flatten(0, 1)
        loss = nn.functional.cross_entropy(logits, tokens[:, 1:].flatten())
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < losses[0] - 0.05


def test_unknown_and_missing_optimizers_are_named() -> None:
    with pytest.raises(InputError, match="no optimizer 'sgdd'"):
        build("sgdd", nn.Linear(2, 2), 0.1)
    if importlib.util.find_spec("torchao") is None:
        with pytest.raises(InputError, match="torchao, which is not installed"):
            build("adamw8bit", nn.Linear(2, 2), 0.1)
