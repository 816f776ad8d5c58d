"""Layouts, distances, learned embeddings, the supertree and the attention penalty."""

from __future__ import annotations

import math

import mpmath
import numpy as np
import pytest
import torch
from geoopt.manifolds import PoincareBall
from hypothesis import given, settings
from hypothesis import strategies as st

from neox.compiler import parse
from neox.topology.attention import penalty, places
from neox.topology.learned import distances_between, embed
from neox.topology.poincare import depths, distance, energy, radii, sarkar, scale_for
from neox.topology.supertree import Supertree
from neox.topology.survey import survey

CODE = """
def walk(items, limit):
    total = 0
    for item in items:
        if item > limit and item % 2:
            total += item
    return total if total else None
"""
PARENTS = survey(parse(CODE).tree).parents


def hops(parents: list[int]) -> np.ndarray:
    """Tree distance between all pairs."""
    found = np.zeros((len(parents), len(parents)))
    for i in range(1, len(parents)):
        found[i, :i] = found[parents[i], :i] + 1
        found[:i, i] = found[i, :i]
    return found


def binary(depth: int) -> list[int]:
    """Parents of a full binary tree in preorder."""
    parents: list[int] = []

    def grow(parent: int, left: int) -> None:
        parents.append(parent)
        me = len(parents) - 1
        for _ in range(2 if left else 0):
            grow(me, left - 1)

    grow(-1, depth)
    return parents


def test_every_edge_of_a_layout_has_length_tau() -> None:
    for tau in (1.0, 0.7):
        points = sarkar(PARENTS, tau)
        child = np.arange(1, len(PARENTS))
        lengths = distance(points[child], points[np.array(PARENTS)[child]])
        np.testing.assert_allclose(lengths, tau, rtol=1e-6)
        assert np.abs(points).max() < 1


def test_a_forest_is_laid_out_as_its_trees_are() -> None:
    shifted = [p + len(PARENTS) if p >= 0 else -1 for p in binary(3)]
    both = sarkar([*PARENTS, *shifted])
    np.testing.assert_array_equal(both[: len(PARENTS)], sarkar(PARENTS))
    np.testing.assert_array_equal(both[len(PARENTS) :], sarkar(binary(3)))
    assert len(sarkar([])) == 0


def test_depths_by_doubling_are_those_of_the_walk() -> None:
    assert depths(np.array(PARENTS)).tolist() == survey(parse(CODE).tree).depths


@pytest.mark.parametrize(("depth", "epsilon"), [(3, 0.3), (4, 0.5), (6, 1.0)])
def test_distortion_is_within_the_bound(depth: int, epsilon: float) -> None:
    parents = binary(depth)
    tau = scale_for(3, epsilon)
    points = sarkar(parents, tau)
    off = ~np.eye(len(parents), dtype=bool)
    ratio = distance(points[:, None], points[None, :])[off] / (tau * hops(parents)[off])
    assert ratio.max() <= 1 + 1e-4  # no path in the disk is longer than the tree's
    assert 1 / ratio.min() <= 1 + epsilon
    loose = sarkar(parents, tau / 8)
    worse = distance(loose[:, None], loose[None, :])[off] / (tau / 8 * hops(parents)[off])
    assert 1 / worse.min() > 1 + epsilon  # the bound asks for a scale that is needed


def test_too_deep_for_the_precision_is_refused() -> None:
    with pytest.raises(ValueError, match="exceeds"):
        sarkar(list(range(-1, 40)), tau=1.0)
    assert np.abs(sarkar(list(range(-1, 400)))).max() < 1


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 25), st.floats(0, 6.28)), min_size=3, max_size=3))
def test_distance_is_a_metric(polar: list[tuple[float, float]]) -> None:
    points = np.array([math.tanh(r / 2) * complex(math.cos(a), math.sin(a)) for r, a in polar])
    x, y, z = points[:, None]
    xy, yz, xz = (float(distance(a, b)[0]) for a, b in ((x, y), (y, z), (x, z)))
    assert float(distance(x, x)[0]) == 0
    assert xy == pytest.approx(float(distance(y, x)[0]))
    assert xz <= xy + yz + 1e-6


@pytest.mark.parametrize("radius", [0.001, 1, 5, 10, 15, 20, 24, 28])
def test_the_distance_agrees_with_high_precision_to_radius_28(radius: float) -> None:
    """Against arcosh at 60 digits between the very points that float64 holds, and against the
    radius they were meant to have.
    """
    for angle in (0.0, 1e-6, 0.3, 2.0, math.pi):
        x = np.array([complex(math.tanh(radius / 2))])
        y = x * np.exp(1j * angle) * 0.999
        ours = float(distance(x, y)[0])
        with mpmath.workdps(60):
            a, b = (mpmath.mpc(p.item().real, p.item().imag) for p in (x, y))
            room = (1 - abs(a) ** 2) * (1 - abs(b) ** 2)
            exact = float(mpmath.acosh(1 + 2 * abs(a - b) ** 2 / room))
        assert ours == pytest.approx(exact, rel=1e-5, abs=1e-12)
        assert float(radii(x)[0]) == pytest.approx(radius, rel=1e-5)


def test_distance_agrees_with_geoopt_near_the_origin() -> None:
    xy = np.random.default_rng(0).uniform(-0.6, 0.6, (2, 50, 2))
    ours = distance(xy[0] @ [1, 1j], xy[1] @ [1, 1j])
    theirs = PoincareBall().dist(torch.tensor(xy[0]), torch.tensor(xy[1])).numpy()
    np.testing.assert_allclose(ours, theirs, rtol=1e-6)


def test_the_unit_circle_is_refused() -> None:
    with pytest.raises(ValueError, match="unit circle"):
        radii(np.array([1.0 + 0j]))


def test_energy_of_a_cloud_with_itself_is_zero_and_else_positive() -> None:
    points = sarkar(PARENTS)
    half = len(points) // 2
    assert energy(points, points) == pytest.approx(0, abs=1e-12)
    assert energy(points[:half], points[half:]) > 0.01


OTHERS = ("def f(a):\n    return a + 1\n", "def g(b):\n    return b + 2\n", "x = [1]\n")


def test_the_closed_form_of_the_energy_distance_is_the_double_sum() -> None:
    trees = [parse(c).tree for c in (CODE, *OTHERS)]
    joint = Supertree(trees)
    hop = hops(joint.parents.tolist())

    def mean(i: int, j: int) -> float:
        return float(hop[np.ix_(joint.members[i], joint.members[j])].mean())

    found = joint.energies()
    for i in range(len(trees)):
        for j in range(len(trees)):
            double = 2 * mean(i, j) - mean(i, i) - mean(j, j)
            assert found[i, j] == pytest.approx(double, abs=1e-12)


def test_programs_of_one_shape_are_at_distance_zero_in_the_supertree() -> None:
    joint = Supertree([parse(c).tree for c in OTHERS])
    assert joint.energies()[0, 1] == 0
    assert joint.similarities()[0, 1] == pytest.approx(1)
    assert 0 <= joint.similarities()[0, 2] < 0.5
    assert joint.hyperbolic_energy(0, 1) == pytest.approx(0, abs=1e-12)
    assert joint.hyperbolic_energy(0, 2) > 0


def test_a_learned_embedding_follows_the_distances_it_was_given() -> None:
    parents = binary(3)
    wanted = hops(parents)
    off = ~np.eye(len(parents), dtype=bool)

    def error(steps: int) -> float:
        found = distances_between(embed(wanted, 3, steps))
        return float(abs(found[off] / wanted[off] - 1).mean())

    assert error(150) < 0.25 < error(0)
    np.testing.assert_array_equal(embed(wanted, 3, 3), embed(wanted, 3, 3))
    with pytest.raises(ValueError, match="scale them down"):
        embed(wanted * 10)


def test_the_attention_penalty_is_the_distance_and_can_be_learned() -> None:
    points = sarkar(PARENTS)
    flat = torch.tensor(np.stack([points.real, points.imag], 1), requires_grad=True)
    strength = torch.tensor(0.5, dtype=torch.float64, requires_grad=True)
    found = penalty(flat, strength)
    expected = -0.5 * distance(points[:, None], points[None, :])
    np.testing.assert_allclose(found.detach().numpy(), expected, atol=1e-9)
    (slope,) = torch.autograd.grad(found.sum(), flat, create_graph=True)
    slope.square().sum().backward()
    assert torch.isfinite(slope).all()
    assert flat.grad is not None
    assert torch.isfinite(flat.grad).all()
    mask = torch.ones(len(PARENTS), dtype=torch.bool)
    mask[3] = False
    assert not penalty(flat, 1.0, mask)[3].any()
    with pytest.raises(ValueError, match="unit sphere"):
        penalty(torch.ones(2, 2), 1.0)


def test_far_tokens_get_less_attention() -> None:
    program = parse("def f(a, b):\n    return a\n")
    at = [program.text.index(t) for t in ("a, b", "b)", "return")]
    bias = penalty(places(program, at), 1.0)
    weights = bias.softmax(dim=-1)
    assert weights[0, 1] > weights[0, 2]
    assert bias.dtype == torch.float64
