"""Every loss against its formula written out as loops, and its gradient against finite steps."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from neox.objectives import kl
from neox.objectives.limits import Limits
from neox.objectives.losses import LOSSES
from neox.objectives.normalise import Kind, Totals, share

LIMITS = Limits(low=0.2, high=0.28, cap=1.5)


def batch(seed: int = 0) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """logp, old_logp, advantage [4, 5] and a mask whose rows have lengths 5, 3, 1, 4."""
    g = torch.Generator().manual_seed(seed)
    logp = -torch.rand(4, 5, generator=g, dtype=torch.float64) * 3
    old = logp + torch.randn(4, 5, generator=g, dtype=torch.float64) * 0.5
    advantage = torch.randn(4, 5, generator=g, dtype=torch.float64)
    mask = torch.arange(5)[None] < torch.tensor([5, 3, 1, 4])[:, None]
    return logp, old, advantage, mask


def clip_by_hand(p: list[float], q: list[float], a: list[float]) -> list[float]:
    found = []
    for new, old, adv in zip(p, q, a, strict=True):
        r = math.exp(new - old)
        found.append(-min(r * adv, min(max(r, 0.8), 1.28) * adv))
    return found


def gspo_by_hand(p: list[float], q: list[float], a: list[float]) -> list[float]:
    s = math.exp(sum(new - old for new, old in zip(p, q, strict=True)) / len(p))
    return [-min(s * adv, min(max(s, 0.8), 1.28) * adv) for adv in a]


def cispo_by_hand(p: list[float], q: list[float], a: list[float]) -> list[float]:
    rows = zip(p, q, a, strict=True)
    return [-min(math.exp(new - old), 1.5) * adv * new for new, old, adv in rows]


def reinforce_by_hand(p: list[float], q: list[float], a: list[float]) -> list[float]:
    return [-adv * new for new, adv in zip(p, a, strict=True)]


BY_HAND: dict[str, Callable[[list[float], list[float], list[float]], list[float]]] = {
    "clip": clip_by_hand,
    "gspo": gspo_by_hand,
    "cispo": cispo_by_hand,
    "reinforce": reinforce_by_hand,
}


@pytest.mark.parametrize("name", sorted(LOSSES))
@pytest.mark.parametrize("seed", range(5))
def test_a_loss_is_its_formula(name: str, seed: int) -> None:
    logp, old, advantage, mask = batch(seed)
    per_token, _ = LOSSES[name](logp, old, advantage, mask, LIMITS)
    for n, length in enumerate(mask.sum(1).tolist()):
        rows = [x[n, :length].tolist() for x in (logp, old, advantage)]
        assert per_token[n, :length].tolist() == pytest.approx(BY_HAND[name](*rows), abs=1e-12)


@pytest.mark.parametrize("name", sorted(LOSSES))
def test_on_policy_the_gradient_is_that_of_reinforce(name: str) -> None:
    logp, _, advantage, mask = batch()
    logp.requires_grad_(True)
    per_token, bound = LOSSES[name](logp, logp.detach(), advantage, mask, LIMITS)
    (gradient,) = torch.autograd.grad((per_token * mask).sum(), logp)
    torch.testing.assert_close(gradient, -advantage * mask)
    assert not (bound & mask).any()


def test_gspo_with_its_mean_has_the_gradient_of_the_sequence_objective() -> None:
    logp, old, _, mask = batch(3)
    advantage = torch.tensor([1.0, -1.0, 0.5, -2.0], dtype=torch.float64)
    logp.requires_grad_(True)
    totals = Totals(tokens=13, samples=4, longest=5)
    per_token, _ = LOSSES["gspo"](logp, old, advantage[:, None].expand(4, 5), mask, LIMITS)
    (ours,) = torch.autograd.grad(share(per_token, mask, "sequence", totals), logp)
    total = torch.zeros((), dtype=torch.float64)
    for n in range(4):
        s = ((logp - old)[n][mask[n]].mean()).exp()
        total = total - torch.minimum(s * advantage[n], s.clamp(0.8, 1.28) * advantage[n]) / 4
    (plain,) = torch.autograd.grad(total, logp)
    torch.testing.assert_close(ours, plain)


def by_hand(per_token: Tensor, mask: Tensor, kind: Kind, longest: int) -> float:
    sums = [float(row[m].sum()) for row, m in zip(per_token, mask, strict=True)]
    lengths = mask.sum(1).tolist()
    if kind == "token":
        return sum(sums) / sum(lengths)
    if kind == "sequence":
        return sum(s / n for s, n in zip(sums, lengths, strict=True)) / len(sums)
    return sum(sums) / len(sums) / (longest if kind == "constant" else 1)


@pytest.mark.parametrize("kind", ["token", "sequence", "sequence_sum", "constant"])
@pytest.mark.parametrize("name", sorted(LOSSES))
def test_loss_and_gradient_are_the_same_for_any_split(name: str, kind: Kind) -> None:
    logp, old, advantage, mask = batch(1)
    logp.requires_grad_(True)
    totals = Totals(tokens=float(mask.sum()), samples=4, longest=9)

    def of(parts: list[list[int]]) -> tuple[float, Tensor]:
        logp.grad, value = None, 0.0
        for rows in parts:
            per_token, _ = LOSSES[name](logp[rows], old[rows], advantage[rows], mask[rows], LIMITS)
            loss = share(per_token, mask[rows], kind, totals)
            loss.backward()
            value += float(loss.detach())
        assert logp.grad is not None
        return value, logp.grad

    value, gradient = of([[0, 1, 2, 3]])
    per_token, _ = LOSSES[name](logp, old, advantage, mask, LIMITS)
    assert value == pytest.approx(by_hand(per_token.detach(), mask, kind, 9), abs=1e-12)
    for parts in ([[0], [1], [2], [3]], [[0, 3], [1, 2]], [[2], [0, 1, 3]]):
        split, other = of(parts)
        assert split == pytest.approx(value, abs=1e-12)
        torch.testing.assert_close(other, gradient, atol=1e-14, rtol=1e-12)


def test_the_divergence_is_that_of_the_two_laws_and_its_gradient_too() -> None:
    """Over a law small enough to sum over: sampling every token with its probability."""
    torch.manual_seed(0)
    logits = torch.randn(7, dtype=torch.float64, requires_grad=True)
    reference = torch.randn(7, dtype=torch.float64).log_softmax(-1)
    logp = logits.log_softmax(-1)
    p = logp.exp().detach()
    exact = (logp.exp() * (logp - reference)).sum()
    mean = float((p * kl.divergence(logp, reference)).sum().detach())
    assert mean == pytest.approx(float(exact.detach()))
    expected = torch.autograd.grad(exact, logits, retain_graph=True)[0]
    term = (p * kl.penalty(logp, logp.detach(), reference)).sum()
    torch.testing.assert_close(torch.autograd.grad(term, logits)[0], expected)
    assert (kl.divergence(logp, reference) >= 0).all()
