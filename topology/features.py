"""`features(program)`: named invariants and spectra of one program.

Raw counts and b1 of C3 mostly measure size; they are here because a user of a
size-controlled study needs them. A program that does not parse has no complex: `NoComplex`, never
zeros.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from neox.compiler import Program, children
from neox.compiler.nodes import Node
from neox.topology.complexes import fans
from neox.topology.controlflow import FlowGraph, flow_graph, functions
from neox.topology.hodge import heat_trace, spectra
from neox.topology.poincare import radii, sarkar
from neox.topology.relation import dowker_betti, relation

if TYPE_CHECKING:
    import networkx

Value = float | NDArray[Any]
HEAT_TIMES = (0.1, 1.0, 10.0)


class NoComplex(ValueError):
    """The program does not parse; the message says where."""


class Features(Mapping[str, Value]):
    """Name to number or array; numbers alone by `scalars()`."""

    def __init__(self, values: Mapping[str, Value]) -> None:
        self._values = dict(values)

    def __getitem__(self, name: str) -> Value:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def scalars(self) -> dict[str, float]:
        return {k: float(v) for k, v in self.items() if not isinstance(v, np.ndarray)}


def features(program: Program) -> Features:
    """Control flow (C1), coupled variables (C2, summed over functions), the layered fan complex
    (C3) with its Hodge spectra, the tree's hyperbolic layout.
    """
    _check(program)
    values: dict[str, Value] = {}
    graphs = [flow_graph(f) for f in functions(program.tree)] or [flow_graph(program.tree)]
    cycles = [g.betti()[1] for g in graphs]
    values["mccabe/total"] = float(sum(cycles))
    values["mccabe/functions"] = np.array(cycles, dtype=np.float64)
    values["c1/b0"] = float(sum(g.betti()[0] for g in graphs))
    values["c1/b1"] = float(sum(cycles))
    couplings = [dowker_betti(relation(f)) for f in functions(program.tree)]
    for i in range(3):
        values[f"c2/b{i}"] = float(sum(b[i] for b in couplings))
    complex_, found = fans(program.tree)
    for i, betti in enumerate(complex_.betti()):
        values[f"c3/b{i}"] = float(betti)
    values["c3/vertices"] = float(complex_.vertices)
    values["c3/edges"] = float(len(complex_.edges))
    values["c3/triangles"] = float(len(complex_.triangles))
    spec0, spec1, spec2 = spectra(complex_)
    values["hodge/spectrum0"], values["hodge/spectrum1"] = spec0, spec1
    values["hodge/spectrum2"] = spec2
    values["hodge/lambda2"] = float(spec0[1]) if len(spec0) > 1 else 0.0
    values["hodge/largest"] = float(spec0[-1]) if len(spec0) else 0.0
    for time in HEAT_TIMES:
        values[f"hodge/heat{time:g}"] = heat_trace(spec0, time)
    points = sarkar(tree_parents(found))
    values["hyperbolic/coordinates"] = np.stack([points.real, points.imag], axis=1)
    radius = radii(points)
    values["hyperbolic/mean_radius"] = float(radius.mean())
    values["hyperbolic/max_radius"] = float(radius.max())
    return Features(values)


def tree_parents(found: list[Node]) -> list[int]:
    """Parent index of each node of a preorder list; -1 for the root."""
    number = {id(node): i for i, node in enumerate(found)}
    parents = [-1] * len(found)
    for i, node in enumerate(found):
        for child in children(node):
            parents[number[id(child)]] = i
    return parents


def _check(program: Program) -> None:
    if program.diagnostics:
        first = program.diagnostics[0]
        raise NoComplex(f"line {first.line}: {first.message}; a broken program has no complex")


def to_networkx(
    program: Program, complex: Literal["C1", "C3"] = "C1"
) -> networkx.MultiDiGraph | networkx.Graph:
    """C1 of the whole program as a MultiDiGraph, or the 1-skeleton of C3 as a Graph."""
    import networkx

    _check(program)
    if complex == "C3":
        skeleton = networkx.Graph()
        built, found = fans(program.tree)
        for i, node in enumerate(found):
            skeleton.add_node(i, label=type(node).__name__)
        skeleton.add_edges_from(built.edges)
        return skeleton
    graph = networkx.MultiDiGraph()
    units: list[tuple[str, FlowGraph]] = [
        (f.name, flow_graph(f)) for f in functions(program.tree)
    ] or [("<module>", flow_graph(program.tree))]
    for name, flow in units:
        for i, label in enumerate(flow.labels):
            graph.add_node((name, i), label=label)
        graph.add_edges_from(((name, u), (name, v)) for u, v in flow.edges)
    return graph
