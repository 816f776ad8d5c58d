"""Programs as networkx graphs, for people and their tools."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from neox.compiler import Program
from neox.topology.controlflow import flow_graph, functions
from neox.topology.layers import BINDING, LAYERS, layered
from neox.topology.relation import rows_of
from neox.topology.survey import survey

if TYPE_CHECKING:
    import networkx


def to_networkx(
    program: Program, complex: Literal["C1", "C2", "C3"] = "C1", until: int = BINDING
) -> networkx.MultiDiGraph | networkx.Graph:
    """C1 of all functions (of the module where there are none) as a MultiDiGraph with nodes
    (function, vertex); C2 as the bipartite Graph of its statements and variables; or the 1-skeleton
    of C3 up to a layer as a Graph. Nodes have a `label`.

    >>> from neox.compiler import parse
    >>> sorted(to_networkx(parse("def f(a):\\n    return a\\n")).edges())[0]
    (('f', 0), ('f', 2))
    """
    from neox.topology.features import _check

    _check(program)
    if complex == "C3":
        return _skeleton(program, until)
    return _relations(program) if complex == "C2" else _flow(program)


def _skeleton(program: Program, until: int) -> networkx.Graph:
    import networkx

    skeleton = networkx.Graph()
    built, known = layered(program.tree, until)
    for i, node in enumerate(known.nodes):
        skeleton.add_node(i, label=type(node).__name__)
    for (u, v), birth in zip(built.edges.tolist(), built.edge_births.tolist(), strict=True):
        skeleton.add_edge(u, v, layer=LAYERS[birth])
    return skeleton


def _relations(program: Program) -> networkx.Graph:
    import networkx

    graph = networkx.Graph()
    known = survey(program.tree)
    for scope in known.scopes:
        if scope.node not in known.functions:
            continue
        names = [n for n in scope.names if n in scope.bound and n not in scope.elsewhere]
        for row, members in enumerate(rows_of(known, scope)):
            graph.add_node((scope.node, "row", row), label=f"row {row}", bipartite=0)
            for variable in members:
                end = (scope.node, "name", names[variable])
                graph.add_node(end, label=names[variable], bipartite=1)
                graph.add_edge((scope.node, "row", row), end)
    return graph


def _flow(program: Program) -> networkx.MultiDiGraph:
    import networkx

    graph = networkx.MultiDiGraph()
    found = functions(program.tree)
    drawn = [(f.name, flow_graph(f)) for f in found] or [("<module>", flow_graph(program.tree))]
    seen: dict[str, int] = {}
    for name, flow in drawn:
        seen[name] = seen.get(name, 0) + 1  # methods of different classes may share a name
        unit = name if seen[name] == 1 else f"{name}#{seen[name]}"
        for i, label in enumerate(flow.labels):
            graph.add_node((unit, i), label=label)
        graph.add_edges_from(((unit, u), (unit, v)) for u, v in flow.edges)
    return graph
