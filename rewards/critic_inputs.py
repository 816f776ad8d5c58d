"""Structure as inputs to a critic: what a baseline may look at without changing the objective.

Counts are taken per node, and size enters once, as its logarithm: raw counts are size meters.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from neox.rewards.score import Attempt
from neox.topology import Features, batch

_SHARES = (
    "c1/b1", "c2/b0", "c2/b1", "c2/variables", "c3/b1", "c3/b1_control", "c3/b1_calls",
    "c3/b1_scopes", "size/names", "size/statements", "operators/division", "operators/subtraction",
)  # fmt: skip
_SIZELESS = (
    "tree/leaves", "hodge/moment2", "hodge/heat1", "hodge/heat3", "hodge/heat10",
    "hyperbolic/mean_radius",
)  # fmt: skip
NAMES = (
    "parses", "log_nodes", "depth",
    *(f"{name}_per_node" for name in _SHARES), *_SIZELESS,
)  # fmt: skip


def critic_inputs(attempts: Sequence[Attempt]) -> NDArray[np.float32]:
    """[attempts, len(NAMES)], finite; all zero, `parses` too, for a program with no complex."""
    out = np.zeros((len(attempts), len(NAMES)), dtype=np.float32)
    sound = [i for i, a in enumerate(attempts) if not a.program.diagnostics]
    for i, found in zip(sound, batch([attempts[i].program for i in sound]), strict=True):
        out[i] = _row(found)
    return out


def _row(found: Features) -> list[float]:
    plain = found.scalars()
    nodes = plain["size/nodes"]
    return [
        1.0,
        float(np.log(nodes)),
        float(np.log1p(plain["size/depth"])),
        *(plain[name] / nodes for name in _SHARES),
        *(plain[name] for name in _SIZELESS),
    ]
