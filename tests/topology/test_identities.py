"""One test per identity that the mathematics promises, on real programs."""

from __future__ import annotations

import math
import sysconfig
from pathlib import Path

import gudhi
import mpmath
import numpy as np
import pytest
import torch
from geoopt.manifolds import PoincareBall
from hypothesis import given, settings
from hypothesis import strategies as st

from neox.compiler import emit, nodes, parse, walk
from neox.topology import NoComplex, features, to_networkx
from neox.topology.complexes import Complex, fans
from neox.topology.controlflow import EXIT, decisions, flow_graph, functions
from neox.topology.features import tree_parents
from neox.topology.hodge import spectra
from neox.topology.poincare import distance, radii, sarkar

LIBRARY = Path(sysconfig.get_path("stdlib"))
MODULES = ("bisect.py", "heapq.py", "textwrap.py", "queue.py", "shlex.py", "contextlib.py")
PROGRAMS = [parse((LIBRARY / name).read_bytes()) for name in MODULES]
FUNCTIONS = [f for p in PROGRAMS for f in functions(p.tree)]
COMPLEXES = [fans(f)[0] for f in FUNCTIONS if sum(1 for _ in walk(f)) < 150]


def test_boundary_of_a_boundary_is_zero() -> None:
    for c in COMPLEXES:
        product = c.boundary1().astype(int) @ c.boundary2().astype(int)
        assert not product.any()


def test_betti_numbers_equal_nullities_and_gudhi() -> None:
    for c in COMPLEXES[:60]:
        spec0, spec1, spec2 = spectra(c)
        nullities = tuple(int((s < 1e-8).sum()) for s in (spec0, spec1, spec2))
        tree = gudhi.SimplexTree()
        for v in range(c.vertices):
            tree.insert([v])
        for simplex in (*c.edges, *c.triangles):
            tree.insert(list(simplex))
        tree.compute_persistence(homology_coeff_field=2, persistence_dim_max=True)
        theirs = (*tree.betti_numbers(), 0, 0, 0)[:3]
        assert c.betti() == nullities == tuple(theirs)


def test_euler_characteristic_is_the_alternating_sum_of_betti_numbers() -> None:
    for c in COMPLEXES:
        b0, b1, b2 = c.betti()
        assert c.euler() == b0 - b1 + b2


def test_the_spectrum_of_l1_is_that_of_l0_joined_with_l2() -> None:
    for c in COMPLEXES[:20]:
        b1, b2 = c.boundary1().astype(float), c.boundary2().astype(float)
        direct = np.linalg.eigvalsh(b1.T @ b1 + b2 @ b2.T)
        np.testing.assert_allclose(spectra(c)[1], np.clip(direct, 0, None), atol=1e-7)
        assert direct.min() > -1e-9


def test_flow_graphs_are_closed_and_connected_with_one_or_two_successors() -> None:
    for f in FUNCTIONS:
        graph = flow_graph(f)
        out = [0] * len(graph.labels)
        for u, _ in graph.edges:
            out[u] += 1
        assert set(out) <= {1, 2}
        assert graph.betti()[0] == 1
        assert graph.betti()[1] == out.count(2) + 1


def mccabe(body: list[nodes.stmt]) -> int:
    """Decisions counted over the tree, with no graph: what radon counts, less loop and try else."""
    total = 0
    for node in body:
        if isinstance(node, nodes.FunctionDef | nodes.AsyncFunctionDef | nodes.ClassDef):
            continue
        if isinstance(node, nodes.Assert):
            total += 1
            continue
        inner: list[nodes.stmt] = []
        for name in node._fields:
            value = getattr(node, name)
            for part in value if isinstance(value, list) else [value]:
                if isinstance(part, nodes.stmt):
                    inner.append(part)
                elif isinstance(part, nodes.ExceptHandler):
                    total += 1
                    inner += part.body
                elif isinstance(part, nodes.Node):
                    total += decisions(part)
        total += isinstance(node, nodes.If | nodes.While | nodes.For | nodes.AsyncFor)
        total += mccabe(inner)
    return total


def test_the_first_betti_number_of_control_flow_is_mccabes_number() -> None:
    for f in FUNCTIONS:
        assert flow_graph(f).betti()[1] == mccabe(f.body) + 1


def test_without_the_closing_edge_the_identity_fails() -> None:
    graph = flow_graph(FUNCTIONS[0])
    closed = graph.betti()[1]
    graph.edges.remove((EXIT, 0))
    assert graph.betti()[1] == closed - 1


def test_syntax_alone_is_contractible() -> None:
    for f in FUNCTIONS[:40]:
        assert fans(f, binding=False)[0].betti() == (1, 0, 0)


def test_one_flipped_sign_breaks_the_boundary() -> None:
    c = next(c for c in COMPLEXES if c.triangles)
    b2 = c.boundary2().astype(int)
    b2[np.nonzero(b2[:, 0])[0][0], 0] *= -1
    assert (c.boundary1().astype(int) @ b2).any()


SOURCE = """
def walk(items, limit):
    total = 0
    for item in items:
        if item > limit and item % 2:
            total += item
    return total if total else None
"""


def test_renaming_and_reformatting_change_nothing() -> None:
    first = features(parse(SOURCE)).scalars()
    renamed = SOURCE.replace("item", "x").replace("limit", "k").replace("total", "t")
    for other in (renamed, emit(parse(SOURCE)), SOURCE.replace("    ", "\t")):
        assert features(parse(other)).scalars() == pytest.approx(first)


def test_known_values() -> None:
    found = features(parse(SOURCE))
    assert found["mccabe/total"] == 5  # for, if, and, ternary
    assert found["c3/b0"] == 1
    assert to_networkx(parse(SOURCE)).number_of_nodes() > 10
    assert to_networkx(parse(SOURCE), "C3").number_of_edges() == found["c3/edges"]


def test_a_hollow_triangle_has_a_hole_and_a_filled_one_has_none() -> None:
    edges = [(0, 1), (1, 2), (0, 2)]
    assert Complex.of(3, edges).betti() == (1, 1, 0)
    assert Complex.of(3, edges, [(0, 1, 2)]).betti() == (1, 0, 0)
    sphere = [(0, 1, 2), (0, 1, 3), (0, 2, 3), (1, 2, 3)]
    assert Complex.of(4, [], sphere).betti() == (1, 0, 1)


def test_a_broken_program_has_no_complex() -> None:
    with pytest.raises(NoComplex, match="line 1"):
        features(parse("def f(:\n"))


def test_every_edge_of_a_layout_has_length_tau() -> None:
    for f in FUNCTIONS[:40]:
        parents = tree_parents(fans(f)[1])
        for tau in (None, 0.7):
            points = sarkar(parents, tau)
            child = np.arange(1, len(parents))
            lengths = distance(points[child], points[np.array(parents)[child]])
            expected = tau or lengths[0]
            np.testing.assert_allclose(lengths, expected, rtol=1e-6)
            assert np.abs(points).max() < 1


def test_a_larger_tau_distorts_less() -> None:
    """Tree distance over disk distance, against tau: De Sa et al.'s trade against precision."""
    parents = tree_parents(fans(FUNCTIONS[1])[1])
    hops = np.zeros((len(parents), len(parents)))
    for i in range(1, len(parents)):
        hops[i, :i] = hops[parents[i], :i] + 1
        hops[:i, i] = hops[i, :i]
    worst = []
    for tau in (0.5, 1.0, 2.0):
        points = sarkar(parents, tau)
        found = distance(points[:, None], points[None, :])
        off = ~np.eye(len(parents), dtype=bool)
        ratio = found[off] / (tau * hops[off])
        assert ratio.max() <= 1 + 1e-6  # no path in the disk is longer than the tree's
        worst.append(1 / ratio.min())
    assert worst == sorted(worst, reverse=True)


def test_too_deep_for_the_precision_is_refused() -> None:
    with pytest.raises(ValueError, match="exceeds"):
        sarkar(list(range(-1, 40)), tau=1.0)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 25), st.floats(0, 6.28)), min_size=3, max_size=3))
def test_distance_is_a_metric_and_agrees_with_high_precision(
    polar: list[tuple[float, float]],
) -> None:
    points = np.array([math.tanh(r / 2) * complex(math.cos(a), math.sin(a)) for r, a in polar])
    x, y, z = points[:, None]
    xy, yz, xz = (float(distance(a, b)[0]) for a, b in ((x, y), (y, z), (x, z)))
    assert float(distance(x, x)[0]) == 0
    assert xy == pytest.approx(float(distance(y, x)[0]))
    assert xz <= xy + yz + 1e-6
    with mpmath.workdps(60):
        a, b = (mpmath.mpc(p.item().real, p.item().imag) for p in (x, y))
        room = (1 - abs(a) ** 2) * (1 - abs(b) ** 2)
        exact = mpmath.acosh(1 + 2 * abs(a - b) ** 2 / room)
        assert xy == pytest.approx(float(exact), rel=1e-3, abs=1e-6)


def test_distance_agrees_with_geoopt_near_the_origin() -> None:
    rng = np.random.default_rng(0)
    xy = rng.uniform(-0.6, 0.6, (2, 50, 2))
    ours = distance(xy[0] @ [1, 1j], xy[1] @ [1, 1j])
    theirs = PoincareBall().dist(torch.tensor(xy[0]), torch.tensor(xy[1])).numpy()
    np.testing.assert_allclose(ours, theirs, rtol=1e-6)


def test_radius_is_the_distance_from_the_origin_and_the_edge_is_refused() -> None:
    assert radii(np.array([math.tanh(1.5) + 0j]))[0] == pytest.approx(3.0)
    with pytest.raises(ValueError, match="unit circle"):
        radii(np.array([1.0 + 0j]))
