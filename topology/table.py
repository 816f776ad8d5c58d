"""The rows of `features(program)`: name, what it is, and when it is computed.

`plain` rows are numbers and come with every call, in time linear in the program. `asked` rows are
arrays or need a whole spectrum; they are computed when they are read.
"""

from __future__ import annotations

from typing import NamedTuple

HEAT_TIMES = (1.0, 3.0, 10.0)


class Row(NamedTuple):
    name: str
    meaning: str
    asked: bool = False


TABLE = (
    Row("size/nodes", "nodes of the syntax tree; the baseline every other row is held against"),
    Row("size/statements", "statements, handlers and cases"),
    Row("size/functions", "functions and methods, nested ones included"),
    Row("size/depth", "depth of the syntax tree"),
    Row("size/width", "most children of one node"),
    Row("size/names", "pairs of scope and name"),
    Row("tree/leaves", "share of nodes without children"),
    Row("tree/distance", "mean number of edges between two nodes of the tree"),
    Row("mccabe/total", "first Betti number of C1, summed over functions; of the module if none"),
    Row("mccabe/functions", "the same for each function, in order", asked=True),
    Row("c1/b0", "components of C1, one per graph"),
    Row("c1/b1", "independent cycles of C1, the same number as mccabe/total"),
    Row("c1/vertices", "vertices of C1 over functions; of the module if none"),
    Row("c1/edges", "edges of C1, likewise"),
    Row("c1/outside", "decisions in class bodies and, beside functions, in the module"),
    Row("c2/b0", "groups of variables that no statement ties together, summed over functions"),
    Row("c2/b1", "cyclic couplings of variables, likewise"),
    Row("c2/b2", "voids of C2, likewise; nearly always 0"),
    Row("c2/rows", "statements that touch a local variable"),
    Row("c2/variables", "local variables"),
    Row("c3/b0", "components of C3, layers syntax and binding"),
    Row("c3/b1", "cycles of these layers; mostly a count of repeated names"),
    Row("c3/b2", "voids of these layers"),
    Row("c3/vertices", "vertices of C3"),
    Row("c3/edges", "edges of these layers"),
    Row("c3/triangles", "triangles of these layers"),
    Row("c3/b1_control", "what the layer control adds to the first Betti number"),
    Row("c3/b1_calls", "what the layer calls adds to it"),
    Row("c3/b1_scopes", "what the layer scopes adds to it"),
    Row("c3/b1_per_node", "c3/b1 by vertices"),
    Row("hodge/moment2", "mean square eigenvalue of the walk matrix of C3 (layers 0-1), exact"),
    *(
        Row(f"hodge/heat{t:g}", f"mean of exp(-{t:g} x) over the normalised L0 of C3, layers 0-1")
        for t in HEAT_TIMES
    ),
    Row("hodge/spectrum0", "eigenvalues of L0 of C3, layers 0-1", asked=True),
    Row("hodge/spectrum1", "eigenvalues of L1", asked=True),
    Row("hodge/spectrum2", "eigenvalues of L2", asked=True),
    Row("hodge/lambda2", "second eigenvalue of L0, its algebraic connectivity", asked=True),
    Row("hodge/largest", "largest eigenvalue of L0", asked=True),
    Row(
        "graph/spectrum", "eigenvalues of the tree's own Laplacian (NEOX's Graph.solve)", asked=True
    ),
    Row("operators/division", "divisions (NEOX's Feature.extract)"),
    Row("operators/subtraction", "subtractions (NEOX's Feature.extract)"),
    Row("hyperbolic/mean_radius", "mean distance from the root in Sarkar's layout"),
    Row("hyperbolic/max_radius", "largest distance from the root there"),
    Row("hyperbolic/coordinates", "the layout, [nodes, 2] in the unit disk", asked=True),
    Row("persistence/layers", "rows (dimension, birth, death) of C3 by layer", asked=True),
    Row("persistence/depth", "the same by depth of the tree", asked=True),
    Row(
        "persistence/support",
        "the same of C2 by number of statements, of all functions",
        asked=True,
    ),
)
PLAIN = tuple(row.name for row in TABLE if not row.asked)
ASKED = tuple(row.name for row in TABLE if row.asked)
