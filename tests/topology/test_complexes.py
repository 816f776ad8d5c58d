"""Small complexes by hand, layers of small programs, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neox.compiler import parse
from neox.topology.complexes import Complex, rank_by
from neox.topology.hodge import chebyshev_moments, heat_trace, heats, spectra, walk_matrix
from neox.topology.layers import BINDING, CALLS, SCOPES, SYNTAX, hyperedges, layered, union
from neox.topology.persistence import diagram, diagram_of, simplex_tree, support_tree
from neox.topology.survey import survey

TRIANGLES = st.lists(st.tuples(*[st.integers(0, 7)] * 3), max_size=24)


def test_a_hollow_triangle_has_a_hole_and_a_filled_one_has_none() -> None:
    edges = [(0, 1), (1, 2), (0, 2)]
    assert Complex.of(3, edges).betti() == (1, 1, 0)
    assert Complex.of(3, edges, [(0, 1, 2)]).betti() == (1, 0, 0)
    sphere = [(0, 1, 2), (0, 1, 3), (0, 2, 3), (1, 2, 3)]
    assert Complex.of(4, [], sphere).betti() == (1, 0, 1)
    assert Complex.of(0, []).betti() == (0, 0, 0)
    assert Complex.of(2, [(1, 1)]).betti() == (2, 0, 0)


@given(TRIANGLES)
@settings(max_examples=100, deadline=None)
def test_any_complex_has_gudhis_betti_numbers(triangles: list[tuple[int, int, int]]) -> None:
    c = Complex.of(8, [], triangles)
    tree = simplex_tree(c)
    tree.compute_persistence(homology_coeff_field=2, persistence_dim_max=True)
    assert c.betti() == tuple((*tree.betti_numbers(), 0, 0, 0)[:3])


def test_a_disjoint_union_has_the_betti_numbers_of_its_parts() -> None:
    both = Complex.of(7, [(0, 1), (1, 2), (0, 2)], [(3, 4, 5), (3, 4, 6), (3, 5, 6), (4, 5, 6)])
    part = np.array([0, 0, 0, 1, 1, 1, 1])
    assert both.betti_by(part, 2).T.tolist() == [[1, 1, 0], [1, 0, 1]]


def test_a_column_that_cannot_be_peeled_is_reduced() -> None:
    sphere = Complex.of(4, [], [(0, 1, 2), (0, 1, 3), (0, 2, 3), (1, 2, 3)])
    assert rank_by(sphere.sides(), np.zeros(4, np.int64), 1).tolist() == [3]


def test_the_earliest_birth_of_a_simplex_stays() -> None:
    c = Complex.of(3, [(0, 1), (1, 0)], [(0, 1, 2)], np.array([3, 1]), np.array([2]))
    assert c.edges.tolist() == [[0, 1], [0, 2], [1, 2]]
    assert c.edge_births.tolist() == [1, 2, 2]
    assert c.until(1).edges.tolist() == [[0, 1]]
    with pytest.raises(ValueError, match="boundary operators 1 and 2"):
        c.boundary(3)


def names(code: str, layer: int) -> list[list[str]]:
    """Hyperedges of a layer, members by class."""
    tree = parse(code).tree
    known = survey(tree)
    return [
        [type(known.nodes[m]).__name__ for m in edge.members]
        for edge in hyperedges(tree)
        if edge.layer == layer
    ]


def test_hyperedges_of_each_layer() -> None:
    code = "def f(a):\n    return a\nclass C:\n    def m(self):\n        return self.m() + f(1)\n"
    assert names("x = y\n", SYNTAX) == [["Module", "Assign"], ["Assign", "Name", "Name"]]
    assert names(code, BINDING) == [["arg", "Name"], ["arg", "Name"]]
    assert names(code, CALLS) == [["FunctionDef", "Call"], ["FunctionDef", "Call"]]
    assert names(code, SCOPES) == [["FunctionDef", "arg"], ["FunctionDef", "arg"]]


@pytest.mark.parametrize(
    ("code", "groups"),
    [
        ("def f(a):\n    return [a for b in a]\n", 1),  # a, in one scope with the comprehension
        ("def f(a):\n    return lambda a: a\n", 1),  # the inner a with its use; the outer alone
        ("def f(a):\n    return lambda b=a: b + a\n", 2),  # a through the closure, b
        ("def f():\n    len(len)\ndef g():\n    len\n", 1),  # builtins stay in their function
        ("x = 1\ndef f():\n    global x\n    x = 2\n", 1),
        ("def f():\n    x = 1\n    def g():\n        nonlocal x\n        x = 2\n", 1),
        ("class C:\n    x = 1\n    def f(self):\n        return x\n", 0),  # not seen by methods
        ("def f(a, b=a):\n    pass\n", 0),  # a default is read outside
    ],
)
def test_names_belong_to_the_scope_that_binds_them(code: str, groups: int) -> None:
    assert len(survey(parse(code).tree).groups()) == groups


def test_a_union_is_the_programs_beside_each_other() -> None:
    trees = [parse(c).tree for c in ("def f(a):\n    return a + a\n", "x = [y for y in z]\n")]
    both = union([survey(t) for t in trees])
    alone = [layered(t)[0] for t in trees]
    shift = alone[0].vertices
    expected = [*alone[0].edges.tolist(), *(alone[1].edges + shift).tolist()]
    assert both.edges.tolist() == expected


def test_chebyshev_moments_give_the_heat_of_the_whole_spectrum() -> None:
    c, _ = layered(parse("def f(n):\n" + "    n = n * n + 1\n" * 40).tree, BINDING)
    matrix = walk_matrix(c.vertices, c.edges)
    exact = 1 - np.linalg.eigvalsh(matrix.toarray())
    part = np.zeros(c.vertices, np.int64)
    moments = chebyshev_moments(matrix, np.arange(c.vertices), part, 1)
    for time, found in zip((1.0, 3.0), heats(moments, (1.0, 3.0))[:, 0], strict=True):
        assert found == pytest.approx(heat_trace(exact, time), abs=0.02)


def test_a_spectrum_too_large_for_memory_is_refused() -> None:
    edges = np.stack([np.arange(7000), np.arange(1, 7001)], 1)
    with pytest.raises(ValueError, match="chebyshev_moments"):
        spectra(Complex.of(7001, edges))


def test_diagrams_of_the_filtrations() -> None:
    path = Complex.of(3, [(0, 1), (1, 2), (0, 2)], (), np.array([0, 0, 1]))
    assert diagram(path).tolist() == [[0, 0, np.inf], [1, 1, np.inf]]
    by_height = diagram(path, np.array([0.0, 2.0, 1.0]))
    assert by_height.tolist() == [[0, 0, np.inf], [1, 2, np.inf]]
    rows = [frozenset({0, 1})] * 3 + [frozenset({1, 2})]
    support = diagram_of(support_tree(rows))
    assert support.tolist() == [[0, -4, np.inf]]
    with pytest.raises(ValueError, match="limit"):
        support_tree([frozenset(range(40))])


def test_a_long_strip_of_triangles_comes_off_from_its_ends() -> None:
    """The list's fan and the name's share their rims: no shortcut sees more than the two ends."""
    complex_, _ = layered(parse("x = [" + "a, " * 3000 + "]\n").tree, BINDING)
    b0, b1, b2 = complex_.betti()
    assert (b0, b2) == (1, 0)
    assert complex_.euler() == b0 - b1 + b2
