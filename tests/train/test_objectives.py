"""Advantages and losses against their formulas, written out as loops."""

from __future__ import annotations

import math

import pytest
import torch

from neox.objectives.advantages import gae, group_deviation, group_relative, leave_one_out
from neox.train.critics import ValueHead, WassersteinCritic, critic_loss, straight_through
from neox.train.schedule import linear_schedule
from neox.train.tracker import Tracker


def test_group_relative_is_reward_minus_the_mean_of_the_scored() -> None:
    reward = torch.tensor([[1.0, 0.0, 0.0, 9.0], [1.0, 1.0, 1.0, 1.0], [1.0, 0.0, 5.0, 5.0]])
    scored = torch.tensor([[True, True, True, False], [True] * 4, [True, False, False, False]])
    got = group_relative(reward, scored)
    third = 1 / 3
    expected = [[1 - third, -third, -third, 0], [0, 0, 0, 0], [0, 0, 0, 0]]
    torch.testing.assert_close(got, torch.tensor(expected))


def test_the_group_deviation_is_the_unbiased_one_of_the_scored() -> None:
    reward = torch.tensor([[1.0, 0.0, 0.0, 1.0, 9.0], [5.0, 7.0, 0.0, 0.0, 0.0]])
    scored = torch.tensor([[True] * 4 + [False], [True] + [False] * 4])
    deviation = math.sqrt(sum((r - 0.5) ** 2 for r in (1, 0, 0, 1)) / 3)
    torch.testing.assert_close(group_deviation(reward, scored), torch.tensor([[deviation], [0.0]]))


def test_leave_one_out_is_the_mean_of_the_other_scored() -> None:
    reward = torch.tensor([[1.0, 0.0, 0.5, 9.0], [3.0, 9.0, 9.0, 9.0]])
    scored = torch.tensor([[True, True, True, False], [True, False, False, False]])
    got = leave_one_out(reward, scored)
    for p, row in enumerate(scored.tolist()):
        for g, itself in enumerate(row):
            others = [float(reward[p, i]) for i, s in enumerate(row) if s and i != g]
            if itself:
                assert got[p, g] == pytest.approx(sum(others) / len(others) if others else 0.0)


def test_the_value_head_starts_as_the_mean_of_the_siblings_and_learns_the_state() -> None:
    torch.manual_seed(0)
    head = ValueHead(8, 16)
    hidden, siblings = torch.randn(64, 5, 8), torch.rand(64, 1).expand(64, 5)
    torch.testing.assert_close(head(hidden, siblings), siblings)
    target = siblings + hidden[..., 0].clamp(-0.5, 0.5)
    optimizer = torch.optim.Adam(head.parameters(), lr=1e-2)
    first = (head(hidden, siblings) - target).square().mean()
    for _ in range(200):
        optimizer.zero_grad()
        (head(hidden, siblings) - target).square().mean().backward()
        optimizer.step()
    assert (head(hidden, siblings) - target).square().mean().item() < first.item() / 10


@pytest.mark.parametrize(("gamma", "lam"), [(1.0, 1.0), (0.9, 0.8), (1.0, 0.0)])
def test_gae_equals_the_sum_of_discounted_errors(gamma: float, lam: float) -> None:
    torch.manual_seed(0)
    lengths = [4, 1, 3]
    mask = torch.arange(4)[None] < torch.tensor(lengths)[:, None]
    value, reward = torch.randn(3, 4), torch.randn(3)
    advantage, returns = gae(reward, value, mask, gamma, lam)
    for n, length in enumerate(lengths):
        errors = []
        for t in range(length):
            following = value[n, t + 1] if t + 1 < length else 0.0
            gain = reward[n] if t + 1 == length else 0.0
            errors.append(gain + gamma * following - value[n, t])
        for t in range(length):
            total = sum((gamma * lam) ** (s - t) * errors[s] for s in range(t, length))
            assert advantage[n, t] == pytest.approx(float(total), abs=1e-5)
            assert returns[n, t] == pytest.approx(float(total + value[n, t]), abs=1e-5)
        assert not advantage[n, length:].any()


@pytest.mark.parametrize(
    ("step", "share", "factor"),
    [(0, 0.0, 1 / 11), (9, 0.1, 10 / 11), (50, 0.5, 1.0), (85, 0.85, 0.5), (99, 1.0, 0.0)],
)
def test_the_schedule_rises_then_stays_then_falls(step: int, share: float, factor: float) -> None:
    assert linear_schedule(step, share, warmup=10, decay=0.3) == pytest.approx(factor)


def test_the_tracker_is_unbiased_from_the_first_batch() -> None:
    torch.manual_seed(0)
    tracker = Tracker()
    batch = torch.randn(1000) * 3 + 5
    tracker.update(batch)
    assert tracker.mean == pytest.approx(float(batch.mean()), rel=1e-6)
    assert tracker.std == pytest.approx(float(batch.std(correction=0)), rel=1e-6)
    for _ in range(200):
        tracker.update(torch.randn(1000) * 3 + 5)
    assert tracker.mean == pytest.approx(5, abs=0.1)
    assert Tracker(**tracker.state()) == tracker


def test_the_wasserstein_critic_learns_a_bounded_slope_between_real_and_fake() -> None:
    torch.manual_seed(0)
    generator = torch.Generator().manual_seed(0)
    critic = WassersteinCritic(vocab_size=8, width=16)
    optimizer = torch.optim.Adam(critic.parameters(), lr=3e-3)
    mask = torch.ones(16, 5, dtype=torch.bool)
    eye = torch.eye(8)
    real, fake = eye[torch.full((16, 5), 2)], eye[torch.randint(8, (16, 5), generator=generator)]
    for _ in range(150):
        optimizer.zero_grad()
        critic_loss(critic, real, mask, fake, mask, 10.0, generator).backward()
        optimizer.step()
    assert critic(real, mask).mean() > critic(fake, mask).mean() + 0.1
    mixed = ((real + fake) / 2).requires_grad_(True)
    (slope,) = torch.autograd.grad(critic(mixed, mask).sum(), mixed)
    assert slope.flatten(1).norm(dim=1).mean() == pytest.approx(1.0, abs=0.4)


def test_straight_through_samples_are_one_hot_and_carry_gradients() -> None:
    logits = torch.randn(2, 3, 5, requires_grad=True)
    sample = straight_through(logits, 1.0, torch.Generator().manual_seed(0))
    torch.testing.assert_close(sample.detach().sum(-1), torch.ones(2, 3))
    assert set(sample.detach().round(decimals=5).unique().tolist()) <= {0.0, 1.0}
    (sample * torch.arange(5.0)).sum().backward()
    assert logits.grad is not None
    assert logits.grad.any()
