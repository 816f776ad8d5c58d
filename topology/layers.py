"""C3: the layered hypergraph of a program, and the complex it spans.

Vertices are the nodes of the tree. A hyperedge is an ordered group of them, and it spans the fan of
its first member: spokes, the path along the rim, and the triangles between. A fan is contractible,
as the full simplex would be, and linear in size, where a simplex on k vertices has 2^k faces.

Layers, each the birth of its simplices:
0 syntax    a parent with its children in order
1 binding   the occurrences of one name in one scope
2 control   two statements that C1 has an edge between (ENTRY and EXIT are the unit's own node)
3 calls     a function or class of the program with the places that call it by name
4 scopes    a scope with the first occurrence of every name it binds
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np

from neox.compiler import nodes as n
from neox.compiler.nodes import Node
from neox.topology.complexes import Complex, Ints
from neox.topology.controlflow import FlowGraph, Unit, flow_graph
from neox.topology.survey import Survey, survey

SYNTAX, BINDING, CONTROL, CALLS, SCOPES = range(5)
LAYERS = ("syntax", "binding", "control", "calls", "scopes")


@dataclass(frozen=True, slots=True)
class Hyperedge:
    """Members by node number, the apex of the fan first."""

    layer: int
    members: tuple[int, ...]


def hyperedges(tree: Node) -> list[Hyperedge]:
    """All hyperedges of a tree, layer by layer; for people and small programs."""
    known = survey(tree)
    below: dict[int, list[int]] = {}
    for node, parent in enumerate(known.parents):
        if parent >= 0:
            below.setdefault(parent, [parent]).append(node)
    groups = (below.values(), known.groups(), control(known), calls(known), scopes(known))
    return [Hyperedge(i, tuple(g)) for i, layer in enumerate(groups) for g in layer]


def layered(tree: Node, until: int = SCOPES) -> tuple[Complex, Survey]:
    """C3 of a tree up to a layer, and the survey that numbers its vertices."""
    known = survey(tree)
    return union([known], until=until), known


def union(
    surveys: Sequence[Survey],
    flows: Sequence[Sequence[FlowGraph]] | None = None,
    until: int = SCOPES,
) -> Complex:
    """C3 of several programs at once, one after the other; `flows` saves building C1 again."""
    sizes = [len(s.parents) for s in surveys]
    offsets = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    parents = np.fromiter(chain.from_iterable(s.parents for s in surveys), np.int64, offsets[-1])
    parents += np.where(parents >= 0, np.repeat(offsets[:-1], sizes), 0)
    order = np.argsort(parents, kind="stable")
    order = order[parents[order] >= 0]
    rims = [(parents[order], order, parents[order], SYNTAX)]
    pairs: list[tuple[Ints, int]] = []
    for layer in range(BINDING, until + 1):
        if layer == CONTROL:
            drawn = flows or [flow_graphs(s) for s in surveys]
            some = [(control(s, f), o) for s, f, o in zip(surveys, drawn, offsets, strict=False)]
            lines = [np.array(c, np.int64).reshape(-1, 2) + o for c, o in some]
            pairs.append((np.concatenate(lines), CONTROL))
            continue
        find = {BINDING: Survey.groups, CALLS: calls, SCOPES: scopes}[layer]
        groups = [(find(s), int(o)) for s, o in zip(surveys, offsets, strict=False)]
        rims.append((*_rims(groups), layer))
    edges, triangles, edge_births, triangle_births = [], [], [], []
    for apex, rim, group, layer in rims:
        next_to = np.flatnonzero(group[1:] == group[:-1])
        edges += [np.stack([apex, rim], 1), np.stack([rim[next_to], rim[next_to + 1]], 1)]
        triangles.append(np.stack([apex[next_to], rim[next_to], rim[next_to + 1]], 1))
        edge_births.append(np.full(len(rim) + len(next_to), layer))
        triangle_births.append(np.full(len(next_to), layer))
    for both, layer in pairs:
        edges.append(both)
        edge_births.append(np.full(len(both), layer))
    return Complex.of(
        int(offsets[-1]),
        np.concatenate(edges),
        np.concatenate(triangles),
        np.concatenate(edge_births),
        np.concatenate(triangle_births),
    )


def _rims(groups: Sequence[tuple[list[list[int]], int]]) -> tuple[Ints, Ints, Ints]:
    """Apex, rim vertex and number of the group for every member but the first of each group."""
    lengths = [len(g) for some, _ in groups for g in some]
    shift = np.repeat([o for _, o in groups], [sum(map(len, some)) for some, _ in groups])
    flat = np.fromiter(chain.from_iterable(chain.from_iterable(some for some, _ in groups)), int)
    flat = flat + shift.astype(np.int64)
    sizes = np.array(lengths, np.int64)
    starts = np.cumsum(sizes) - sizes
    apex = np.repeat(flat[starts] if len(starts) else flat, sizes)
    group = np.repeat(np.arange(len(sizes)), sizes)
    rim = np.ones(len(flat), dtype=bool)
    rim[starts] = False
    return apex[rim], flat[rim], group[rim]


def flow_graphs(known: Survey) -> list[FlowGraph]:
    """C1 of every unit of a program: functions, class bodies, the module."""
    return [flow_graph(u, known) for u in _units(known)]


def _units(known: Survey) -> Iterator[Unit]:
    root = known.nodes[0]
    if isinstance(root, n.Module):
        yield root
    for scope in known.scopes[1:]:
        node = known.nodes[scope.node]
        if isinstance(node, n.FunctionDef | n.AsyncFunctionDef | n.ClassDef):
            yield node


def control(known: Survey, flows: Sequence[FlowGraph] | None = None) -> list[tuple[int, int]]:
    """The image of C1 on statements: pairs of different nodes with an edge between them."""
    found = []
    for flow in flows if flows is not None else flow_graphs(known):
        at = flow.nodes
        found += [(at[u], at[v]) for u, v in flow.edges if at[u] != at[v]]
    return found


def calls(known: Survey) -> list[list[int]]:
    """Each function or class that is called by its name (or by `self.name` inside its class), with
    its calls.
    """
    homes: dict[tuple[int, str], int] = {}
    for scope in known.scopes[1:]:
        node = known.nodes[scope.node]
        if isinstance(node, n.FunctionDef | n.AsyncFunctionDef | n.ClassDef):
            homes[known.scopes_of[scope.node], node.name] = scope.node
    found: dict[int, list[int]] = {}
    if homes:
        for call in known.calls:
            called = _called(known, homes, call)
            if called is not None:
                found.setdefault(called, [called]).append(call)
    return list(found.values())


def _called(known: Survey, homes: dict[tuple[int, str], int], call: int) -> int | None:
    node = known.nodes[call]
    assert isinstance(node, n.Call)
    at, function = known.scopes_of[call], node.func
    if isinstance(function, n.Name):
        while at >= 0:
            home = homes.get((at, function.id))
            if home is not None:
                return home
            at = known.scopes[at].outer
            while at > 0 and known.scopes[at].is_class:  # methods do not see their class's names
                at = known.scopes[at].outer
    elif isinstance(function, n.Attribute) and isinstance(function.value, n.Name):
        if function.value.id != "self":
            return None
        while at > 0 and not known.scopes[at].is_class:
            at = known.scopes[at].outer
        return homes.get((at, function.attr)) if at > 0 else None
    return None


def scopes(known: Survey) -> list[list[int]]:
    """Each scope that binds names: its node, and where each of them occurs first."""
    found = []
    for scope in known.scopes:
        members = [max(scope.node, 0)]
        members += [scope.names[name][0] for name in scope.names if name in scope.bound]
        if len(members) > 1:
            found.append(members)
    return found
