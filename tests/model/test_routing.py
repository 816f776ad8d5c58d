"""Sampled routes: their law, their loss, and replaying them."""

from __future__ import annotations

from itertools import permutations

import pytest
import torch
from torch.nn import functional as F

from neox.model import LanguageModel, ModelConfig
from neox.model import moe as module
from neox.model.hypernet import HyperNetwork
from neox.model.moe import MixtureOfExperts
from neox.model.routing import entropy, gumbel_top_k, plackett_luce, router_loss

SMALL = ModelConfig(
    vocab_size=300, d_model=32, layers=2, heads=4, kv_heads=2, experts=4, d_expert=16
)


def test_plackett_luce_is_the_law_of_gumbel_top_k() -> None:
    scores = torch.tensor([[0.3, -1.0, 1.2, 0.0]])
    pairs = torch.tensor(list(permutations(range(4), 2)))
    law = plackett_luce(scores.expand(len(pairs), -1), pairs).exp()
    assert float(law.sum()) == pytest.approx(1.0)
    drawn = gumbel_top_k(scores.expand(40_000, -1), 2, torch.Generator().manual_seed(0))
    for pair, p in zip(pairs, law.tolist(), strict=True):
        share = float((drawn == pair).all(-1).float().mean())
        assert share == pytest.approx(p, abs=5 * (p * (1 - p) / 40_000) ** 0.5)


def test_router_loss_prefers_what_was_rewarded_and_stops_at_the_clip() -> None:
    scores = torch.zeros(1, 4, requires_grad=True)
    chosen = torch.tensor([[2, 0]])
    old = plackett_luce(scores.detach(), chosen)

    def loss(s: torch.Tensor, advantage: float, weight: float = 0.0) -> torch.Tensor:
        a = torch.tensor([advantage])
        return router_loss(plackett_luce(s, chosen), old, a, entropy(s), entropy_weight=weight)

    (grad,) = torch.autograd.grad(loss(scores, 1.0), scores)
    assert grad[0, 2] < 0  # descending raises the score of the rewarded first choice
    far = torch.tensor([[0.0, 0.0, 3.0, 0.0]], requires_grad=True)  # ratio beyond 1.2
    (grad,) = torch.autograd.grad(loss(far, 1.0), far)
    assert not grad.any()
    (grad,) = torch.autograd.grad(loss(far, 1.0, 0.1), far)
    assert grad[0, 2] > 0  # entropy alone pulls back


def test_a_router_learns_the_better_expert_from_reward_alone() -> None:
    torch.manual_seed(0)
    scores = torch.zeros(4, requires_grad=True)
    optimizer = torch.optim.Adam([scores], lr=0.1)
    generator = torch.Generator().manual_seed(1)
    for _ in range(60):
        with torch.no_grad():
            chosen = gumbel_top_k(scores.expand(64, -1), 1, generator)
            old = plackett_luce(scores.expand(64, -1), chosen)
        reward = (chosen[:, 0] == 3).float()
        for _ in range(2):
            each = scores.expand(64, -1)
            loss = router_loss(
                plackett_luce(each, chosen), old, reward - reward.mean(), entropy(each)
            )
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    assert scores.softmax(-1)[3] > 0.8


@pytest.mark.parametrize("router", ["top-k", "gumbel"])
@torch.no_grad()
def test_routes_of_a_rollout_are_replayed(router: str) -> None:
    """After the balancing bias has moved, replaying gives the rollout's hidden states again."""
    torch.manual_seed(2)
    model = LanguageModel(SMALL.model_copy(update={"router": router})).eval()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    tokens = torch.randint(2, 300, (1, 9))
    mask = torch.ones(9, 9).tril().bool()[None, None]
    with model.record_routes() as routes:
        hidden, _, caches = model.prefill(tokens[:, :5], torch.zeros(1, 5).bool(), 1, 4)
        states = [hidden]
        for t in range(5, 9):
            states.append(model.decode(tokens[:, t], t, caches))
    chosen = [torch.cat(r.chosen) for r in routes]
    assert [c.shape for c in chosen] == [(9, 2)] * 2
    for block in model.layers:
        block.moe.bias.copy_(torch.tensor([2.0, -2.0, 1.0, 0.0]))
    position = torch.arange(9)[None]
    other = model(tokens, position, mask)[0, 4:]
    with model.replay_routes(chosen), model.record_routes() as again:
        same = model(tokens, position, mask)[0, 4:]
    torch.testing.assert_close(same, torch.cat(states), atol=1e-5, rtol=1e-5)
    assert (other - same).abs().max() > 1e-2
    for one, two in zip(routes, again, strict=True):
        torch.testing.assert_close(
            torch.cat(one.logprob), torch.cat(two.logprob), atol=1e-5, rtol=1e-5
        )


def test_balancing_loss_is_least_for_equal_load() -> None:
    torch.manual_seed(3)
    moe = MixtureOfExperts(SMALL.model_copy(update={"balance_loss": 0.5})).train()
    for parameter in moe.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    x = torch.randn(64, 32)
    optimizer = torch.optim.Adam([moe.router.weight], lr=0.02)
    values = []
    for _ in range(40):
        moe(x)
        assert moe.auxiliary is not None
        optimizer.zero_grad()
        moe.auxiliary.backward()
        optimizer.step()
        values.append(float(moe.auxiliary.detach()))
    assert values[-1] < values[0]
    assert values[-1] >= 0.5 - 1e-3  # weight x E x sum of (1 / E)^2 x E, at best


def test_without_grouped_mm_the_result_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(4)
    moe = MixtureOfExperts(SMALL)
    for parameter in moe.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    x = torch.randn(7, 32)
    expected = moe(x)
    monkeypatch.delattr(module.F, "grouped_mm", raising=False)
    assert not hasattr(F, "grouped_mm")
    torch.testing.assert_close(moe(x), expected)


def test_a_hypernetwork_is_bounded_and_starts_neutral() -> None:
    config = SMALL.model_copy(update={"hyper": ("step", "entropy", "temperature")})
    net = HyperNetwork(config)
    torch.nn.init.normal_(net.net.weight, std=50.0)
    found = net(torch.randn(100, 32))
    for name, (low, high) in {"step": (0, 2), "entropy": (0, 1), "temperature": (0.5, 2)}.items():
        assert found[name].shape == (100, 1)
        assert found[name].min() >= low
        assert found[name].max() <= high
        assert found[name].std() > 0.1
        assert name in net.means
    torch.manual_seed(5)
    kinds = {"mixers": ("ssd",), "state_head": 16}
    plain = LanguageModel(SMALL.model_copy(update=kinds))
    torch.manual_seed(5)
    with_net = LanguageModel(SMALL.model_copy(update={**kinds, "hyper": ("step", "temperature")}))
    with_net.load_state_dict(plain.state_dict(), strict=False)
    for model in (plain, with_net):
        for block in model.layers:
            torch.manual_seed(6)
            torch.nn.init.normal_(block.ssd.out.weight, std=0.2)  # type: ignore[union-attr]
    tokens, mask = torch.randint(2, 300, (1, 7)), torch.ones(7, 7).tril().bool()[None, None]
    one, two = (m(tokens, torch.arange(7)[None], mask) for m in (plain, with_net))
    torch.testing.assert_close(one, two)
