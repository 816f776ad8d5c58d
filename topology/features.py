"""`features(program)`: named invariants and spectra of one program, the rows of `table.py`.

Raw counts and b1 of C3 mostly measure size; they are here because a user of a size-controlled study
needs them. A program that does not parse has no complex: `NoComplex`, never zeros.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neox.compiler import Program
from neox.topology.complexes import Complex, Ints, components_by, rank_by
from neox.topology.controlflow import FlowGraph
from neox.topology.hodge import chebyshev_moments, heats, spectra, walk_matrix
from neox.topology.layers import BINDING, CALLS, CONTROL, SCOPES, flow_graphs, union
from neox.topology.persistence import diagram, diagram_of, support_tree
from neox.topology.poincare import radii, sarkar
from neox.topology.relation import dowker_betti, rows_of
from neox.topology.survey import Survey, survey
from neox.topology.table import ASKED, HEAT_TIMES, PLAIN

Value = float | NDArray[Any]


class NoComplex(ValueError):
    """The program does not parse; the message says where."""


class Features(Mapping[str, Value]):
    """Name to number or array, in the order of the table. Plain rows alone by `scalars()`; the
    others are computed when they are first read.
    """

    def __init__(self, plain: Mapping[str, float], known: Survey, flows: list[FlowGraph]) -> None:
        self._plain = dict(plain)
        self._known, self._flows = known, flows
        self._asked: dict[str, Value] = {}

    def __getitem__(self, name: str) -> Value:
        if name in self._plain:
            return self._plain[name]
        if name not in self._asked:
            self._asked.update(_ANSWERS[name](self._known, self._flows))
        return self._asked[name]

    def __iter__(self) -> Iterator[str]:
        return chain(PLAIN, ASKED)

    def __len__(self) -> int:
        return len(PLAIN) + len(ASKED)

    def scalars(self) -> dict[str, float]:
        return dict(self._plain)


def features(program: Program) -> Features:
    """The features of one program. NoComplex for a program with diagnostics.

    >>> from neox.compiler import parse
    >>> features(parse("def f(n):\\n    return n if n else 1\\n"))["mccabe/total"]
    2.0
    """
    return batch([program])[0]


def batch(programs: Sequence[Program]) -> list[Features]:
    """The features of many programs, several times faster than one by one; the same figures."""
    for program in programs:
        _check(program)
    if not programs:
        return []
    surveys = [survey(p.tree) for p in programs]
    flows = [flow_graphs(s) for s in surveys]
    columns: dict[str, Any] = {}
    lists = zip(*(_counts(s, f) for s, f in zip(surveys, flows, strict=True)), strict=True)
    columns.update(zip(_COUNTED, lists, strict=True))
    sizes = np.array([len(s.parents) for s in surveys])
    part = np.repeat(np.arange(len(surveys)), sizes)
    offsets = np.cumsum(sizes) - sizes
    whole = union(surveys, flows)
    columns.update(_shape(surveys, part, sizes, offsets))
    columns.update(_homology(whole, part, len(surveys)))
    columns.update(_heat(whole.until(BINDING), part, offsets, len(surveys)))
    rows = [columns[name] for name in PLAIN]
    return [
        Features({name: float(row[i]) for name, row in zip(PLAIN, rows, strict=True)}, known, drawn)
        for i, (known, drawn) in enumerate(zip(surveys, flows, strict=True))
    ]


_COUNTED = (
    "size/statements", "size/functions", "size/names",
    "mccabe/total", "c1/b0", "c1/b1", "c1/vertices", "c1/edges", "c1/outside",
    "c2/b0", "c2/b1", "c2/b2", "c2/rows", "c2/variables",
    "operators/division", "operators/subtraction",
)  # fmt: skip


def _counts(known: Survey, flows: Sequence[FlowGraph]) -> tuple[float, ...]:
    """The values of _COUNTED for one program."""
    functions = set(known.functions)
    drawn = [f for f in flows if f.nodes[0] in functions] or list(flows)
    # every vertex reaches EXIT, so that a graph is connected: b1 = E - V + 1
    edges = sum(len(f.edges) for f in drawn)
    vertices = sum(len(f.labels) for f in drawn)
    cycles = edges - vertices + len(drawn)
    every = sum(len(f.edges) - len(f.labels) for f in flows)
    outside = every - (edges - vertices) if functions else 0
    b0 = b1 = b2 = rows = variables = 0
    names = 0
    for scope in known.scopes:
        names += len(scope.names)
        if scope.node in functions:
            relation = rows_of(known, scope)
            betti = dowker_betti(relation)
            b0, b1, b2 = b0 + betti[0], b1 + betti[1], b2 + betti[2]
            rows += len(relation)
            variables += sum(n in scope.bound and n not in scope.elsewhere for n in scope.names)
    return (
        len(known.numbers), len(functions), names,
        cycles, len(drawn), cycles, vertices, edges, outside,
        b0, b1, b2, rows, variables,
        known.divisions, known.subtractions,
    )  # fmt: skip


def _shape(
    surveys: Sequence[Survey], part: Ints, sizes: Ints, offsets: Ints
) -> dict[str, NDArray[Any]]:
    """Rows of the trees themselves and of their layouts."""
    parents = np.fromiter(chain.from_iterable(s.parents for s in surveys), np.int64, len(part))
    inner = parents >= 0
    parents[inner] += offsets[part[inner]]
    depth = np.fromiter(chain.from_iterable(s.depths for s in surveys), np.int64, len(part))
    below = np.bincount(parents[inner], minlength=len(part))
    radius = radii(sarkar(parents))
    weight = _subtree_sizes(depth, part, sizes)
    pairs = np.maximum(sizes * (sizes - 1), 1)
    across = np.add.reduceat(np.where(inner, weight * (sizes[part] - weight), 0), offsets)
    return {
        "size/nodes": sizes,
        "size/depth": np.maximum.reduceat(depth, offsets),
        "size/width": np.maximum.reduceat(below, offsets),
        "tree/leaves": np.add.reduceat(below == 0, offsets) / sizes,
        "tree/distance": 2 * across / pairs,
        "hyperbolic/mean_radius": np.add.reduceat(radius, offsets) / sizes,
        "hyperbolic/max_radius": np.maximum.reduceat(radius, offsets),
    }


def _subtree_sizes(depth: Ints, part: Ints, sizes: Ints) -> Ints:
    """Nodes below each node, itself included: in preorder they end at the next one no deeper."""
    out = np.zeros(len(depth), np.int64)
    waiting: list[int] = []
    level = depth.tolist()
    for i, d in enumerate(level):
        while waiting and level[waiting[-1]] >= d:
            j = waiting.pop()
            out[j] = i - j
        waiting.append(i)
    for j in waiting:
        out[j] = len(level) - j
    return out


def _homology(whole: Complex, part: Ints, parts: int) -> dict[str, NDArray[Any]]:
    """Betti numbers layer by layer, from one set of arrays. A tree is connected, so that what the
    layers after syntax add is cycles, less the triangles that fill them.
    """
    layers = SCOPES + 1
    vertices = np.bincount(part, minlength=parts)
    lines = _by_layer(part[whole.edges[:, 0]], whole.edge_births, parts, layers)
    owner, sides = part[whole.triangles[:, 0]], whole.sides()
    faces = _by_layer(owner, whole.triangle_births, parts, layers)
    ranks = {}
    for layer in (BINDING, CALLS, SCOPES):
        born = whole.triangle_births <= layer
        ranks[layer] = rank_by(sides[born], owner[born], parts)
    ranks[CONTROL] = ranks[BINDING]  # control has no triangles
    early = whole.edge_births <= BINDING
    b0 = components_by(whole.vertices, whole.edges[early], part, parts)
    cycles = {k: lines[k] - (vertices - b0) - ranks[k] for k in ranks}
    return {
        "c3/b0": b0,
        "c3/b1": cycles[BINDING],
        "c3/b2": faces[BINDING] - ranks[BINDING],
        "c3/vertices": vertices,
        "c3/edges": lines[BINDING],
        "c3/triangles": faces[BINDING],
        "c3/b1_control": cycles[CONTROL] - cycles[BINDING],
        "c3/b1_calls": cycles[CALLS] - cycles[CONTROL],
        "c3/b1_scopes": cycles[SCOPES] - cycles[CALLS],
        "c3/b1_per_node": cycles[BINDING] / vertices,
    }


def _by_layer(owner: Ints, births: Ints, parts: int, layers: int) -> Ints:
    """How many simplices each part has up to each layer, [layers, parts]."""
    counts = np.bincount(births * parts + owner, minlength=parts * layers)
    return np.cumsum(counts.reshape(layers, parts), axis=0)


def _heat(names: Complex, part: Ints, offsets: Ints, parts: int) -> dict[str, NDArray[Any]]:
    matrix = walk_matrix(names.vertices, names.edges)
    places = np.arange(names.vertices) - offsets[part]
    moments = chebyshev_moments(matrix, places, part, parts)
    squares = np.bincount(
        np.repeat(part, np.diff(matrix.indptr)), weights=matrix.data**2, minlength=parts
    )
    found = {"hodge/moment2": squares / np.bincount(part, minlength=parts)}
    for time, row in zip(HEAT_TIMES, heats(moments, HEAT_TIMES), strict=True):
        found[f"hodge/heat{time:g}"] = row
    return found


# What is computed when it is read ----------------------------------------------------------------

Answer = dict[str, Value]


def _spectra(known: Survey, flows: list[FlowGraph]) -> Answer:
    spec0, spec1, spec2 = spectra(union([known], until=BINDING))
    return {
        "hodge/spectrum0": spec0,
        "hodge/spectrum1": spec1,
        "hodge/spectrum2": spec2,
        "hodge/lambda2": float(spec0[1]) if len(spec0) > 1 else 0.0,
        "hodge/largest": float(spec0[-1]),
    }


def _graph(known: Survey, flows: list[FlowGraph]) -> Answer:
    edges = [(p, i) for i, p in enumerate(known.parents) if p >= 0]
    return {"graph/spectrum": spectra(Complex.of(len(known.parents), edges))[0]}


def _coordinates(known: Survey, flows: list[FlowGraph]) -> Answer:
    points = sarkar(known.parents)
    return {"hyperbolic/coordinates": np.stack([points.real, points.imag], axis=1)}


def _mccabe(known: Survey, flows: list[FlowGraph]) -> Answer:
    drawn = [f for f in flows if f.nodes[0] in known.functions] or flows
    return {"mccabe/functions": np.array([f.betti()[1] for f in drawn], dtype=np.float64)}


def _layers(known: Survey, flows: list[FlowGraph]) -> Answer:
    return {"persistence/layers": diagram(union([known], [flows]))}


def _depth(known: Survey, flows: list[FlowGraph]) -> Answer:
    names = union([known], until=BINDING)
    return {"persistence/depth": diagram(names, np.array(known.depths, dtype=np.float64))}


def _support(known: Survey, flows: list[FlowGraph]) -> Answer:
    relations = [rows_of(known, s) for s in known.scopes if s.node in known.functions]
    return {
        "persistence/support": np.concatenate(
            [np.zeros((0, 3)), *(diagram_of(support_tree(rows)) for rows in relations if rows)]
        )
    }


_ANSWERS: dict[str, Callable[[Survey, list[FlowGraph]], Answer]] = {
    **{name: _spectra for name in ASKED if name.startswith("hodge/")},
    "graph/spectrum": _graph,
    "hyperbolic/coordinates": _coordinates,
    "mccabe/functions": _mccabe,
    "persistence/layers": _layers,
    "persistence/depth": _depth,
    "persistence/support": _support,
}
assert set(_ANSWERS) == set(ASKED)


def _check(program: Program) -> None:
    if program.diagnostics:
        first = program.diagnostics[0]
        raise NoComplex(f"line {first.line}: {first.message}; a broken program has no complex")
