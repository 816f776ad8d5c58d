"""One test per identity that the mathematics promises, on real programs, and negative controls."""

from __future__ import annotations

import sysconfig
from pathlib import Path

import numpy as np
import pytest

from neox.compiler import emit, nodes, parse, walk
from neox.topology import features
from neox.topology.complexes import Complex
from neox.topology.controlflow import EXIT, decisions, flow_graph, functions, units
from neox.topology.hodge import jitter, laplacian, laplacians, operators, spectra
from neox.topology.layers import BINDING, CONTROL, LAYERS, SYNTAX, control, layered
from neox.topology.persistence import simplex_tree
from neox.topology.relation import betti as relation_betti
from neox.topology.relation import cost, dowker_betti, relation, transpose

LIBRARY = Path(sysconfig.get_path("stdlib"))
MODULES = ("bisect.py", "heapq.py", "textwrap.py", "queue.py", "shlex.py", "contextlib.py")
PROGRAMS = [parse((LIBRARY / name).read_bytes()) for name in MODULES]
FUNCTIONS = [f for p in PROGRAMS for f in functions(p.tree)]
COMPLEXES = [layered(f)[0] for f in FUNCTIONS if sum(1 for _ in walk(f)) < 150]


def test_boundary_of_a_boundary_is_zero() -> None:
    for c in COMPLEXES:
        assert not (c.boundary(1) @ c.boundary(2)).toarray().any()


def test_one_flipped_sign_breaks_the_boundary() -> None:
    c = next(c for c in COMPLEXES if len(c.triangles))
    b2 = c.boundary(2)
    b2.data[0] *= -1
    assert (c.boundary(1) @ b2).toarray().any()


@pytest.mark.parametrize("until", range(len(LAYERS)), ids=LAYERS)
def test_betti_numbers_equal_nullities_and_gudhi(until: int) -> None:
    for whole in COMPLEXES[until::7]:
        c = whole.until(until)
        nullities = tuple(int((s < 1e-8).sum()) for s in spectra(c))
        tree = simplex_tree(c)
        tree.compute_persistence(homology_coeff_field=2, persistence_dim_max=True)
        theirs = (*tree.betti_numbers(), 0, 0, 0)[:3]
        assert c.betti() == nullities == tuple(theirs)


def test_without_its_top_dimension_a_complex_has_other_betti_numbers() -> None:
    c = next(c for c in COMPLEXES if len(c.triangles))
    assert Complex.of(c.vertices, c.edges).betti() != c.betti()


def test_euler_characteristic_is_the_alternating_sum_of_betti_numbers() -> None:
    for c in COMPLEXES:
        b0, b1, b2 = c.betti()
        assert c.euler() == b0 - b1 + b2


def test_laplacians_are_symmetric_and_positive_semidefinite() -> None:
    rng = np.random.default_rng(0)
    for c in COMPLEXES[::9]:
        for weights in (None, jitter(c, rng)):
            for k, block in enumerate(laplacians(c, weights)):
                dense = laplacian(c, k, weights).toarray()
                np.testing.assert_allclose(dense, block.toarray(), atol=1e-12)
                assert (dense == dense.T).all() or np.allclose(dense, dense.T, atol=1e-12)
                if len(dense):
                    assert np.linalg.eigvalsh(dense).min() >= -1e-9 * max(1, abs(dense).max())


def test_there_are_three_laplacians() -> None:
    with pytest.raises(ValueError, match="Laplacians 0, 1 and 2"):
        laplacian(COMPLEXES[0], 3)


def test_the_spectrum_of_l1_is_that_of_l0_joined_with_l2() -> None:
    for c in COMPLEXES[:20]:
        direct = np.linalg.eigvalsh(laplacian(c, 1).toarray())
        np.testing.assert_allclose(spectra(c)[1], np.clip(direct, 0, None), atol=1e-7)


def test_other_weights_move_eigenvalues_and_keep_the_kernel() -> None:
    rng = np.random.default_rng(1)
    for c in COMPLEXES[:40:4]:
        plain = spectra(c)
        for sigma in (0.3, 1.0):
            weights = jitter(c, rng, sigma)
            d1, d2 = operators(c, weights)
            assert abs(d1 @ d2).max() < 1e-12 if len(c.triangles) else True
            moved = spectra(c, weights)
            assert [(s < 1e-8).sum() for s in moved] == [(s < 1e-8).sum() for s in plain]
            assert not np.allclose(moved[0], plain[0])
    with pytest.raises(ValueError, match="sigma"):
        jitter(COMPLEXES[0], rng, 2.0)


def test_flow_graphs_are_closed_and_connected_with_one_or_two_successors() -> None:
    for program in PROGRAMS:
        for unit in units(program.tree):
            graph = flow_graph(unit)
            out = np.bincount([u for u, _ in graph.edges], minlength=len(graph.labels))
            assert set(out) <= {1, 2}
            assert graph.betti() == (1, (out == 2).sum() + 1)


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
                    total += 1 + (decisions(part.type) if part.type else 0)
                    inner += part.body
                elif isinstance(part, nodes.match_case):
                    catches = isinstance(part.pattern, nodes.MatchAs) and not part.pattern.pattern
                    total += not catches
                    inner += part.body
                elif isinstance(part, nodes.Node):
                    total += decisions(part)
        total += isinstance(node, nodes.If | nodes.While | nodes.For | nodes.AsyncFor)
        total += mccabe(inner)
    return total


def test_the_first_betti_number_of_control_flow_is_mccabes_number() -> None:
    for f in FUNCTIONS:
        assert flow_graph(f).betti()[1] == mccabe(f.body) + 1


def test_with_the_else_of_loops_and_tries_it_is_radons_number() -> None:
    visitors = pytest.importorskip("radon.visitors", reason="radon is a peer, not a dependency")
    for name in MODULES:
        source = (LIBRARY / name).read_text()
        theirs = {}
        for block in visitors.ComplexityVisitor.from_code(source).blocks:
            theirs[block.lineno] = block.complexity
        program = parse(source)
        for f in functions(program.tree):
            line = program.location(f)[0]
            if line in theirs:
                own = [s for s in walk(f) if s is f or not isinstance(s, nodes.FunctionDef)]
                extra = sum(
                    bool(s.orelse)
                    for s in own
                    if isinstance(s, nodes.For | nodes.AsyncFor | nodes.While | nodes.Try)
                )
                assert flow_graph(f).betti()[1] + extra == theirs[line], f.name


def test_without_the_closing_edge_the_identity_fails() -> None:
    graph = flow_graph(FUNCTIONS[0])
    closed = graph.betti()[1]
    graph.edges.remove((EXIT, 0))
    assert graph.betti()[1] == closed - 1


def test_dowker_duality() -> None:
    checked = 0
    for f in FUNCTIONS:
        rows = relation(f)
        if max(cost(rows), cost(transpose(rows))) < 3000:  # the dear side of a long function
            checked += 1
            assert relation_betti(rows) == relation_betti(transpose(rows)) == dowker_betti(rows)
    assert checked > 60


def test_syntax_alone_is_contractible() -> None:
    for c in COMPLEXES:
        assert c.until(SYNTAX).betti() == (1, 0, 0)


def test_every_new_edge_of_the_control_layer_adds_one_cycle() -> None:
    gained = 0
    for c in COMPLEXES:
        new = int((c.edge_births == CONTROL).sum())
        assert c.until(CONTROL).betti()[1] == c.until(BINDING).betti()[1] + new
        gained += new
    assert gained > 100


def test_the_control_layer_is_the_image_of_c1() -> None:
    complex_, known = layered(FUNCTIONS[3])
    edges = {tuple(e) for e in complex_.until(CONTROL).edges.tolist()}
    assert all((min(pair), max(pair)) in edges for pair in control(known))


SOURCE = """
def walk(items, limit):
    total = 0
    for item in items:
        if item > limit and item % 2:
            total += item
    return total if total else None
"""


def test_renaming_and_reformatting_change_nothing() -> None:
    first = features(parse(SOURCE))
    renamed = SOURCE.replace("item", "x").replace("limit", "k").replace("total", "t")
    for other in (renamed, emit(parse(SOURCE)), SOURCE.replace("    ", "\t"), SOURCE + "# end\n"):
        second = features(parse(other))
        assert second.scalars() == first.scalars()
        for name in ("hodge/spectrum1", "hyperbolic/coordinates", "persistence/layers"):
            np.testing.assert_array_equal(second[name], first[name])


def test_reformatting_real_programs_changes_nothing() -> None:
    for program in PROGRAMS[:3]:
        assert features(parse(emit(program))).scalars() == features(program).scalars()
