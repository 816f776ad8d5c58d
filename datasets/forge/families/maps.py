"""Lists mapped to lists, one number at a time: every expression of the units, and mappings that see
the position.
"""

from neox.datasets.forge.grammar import LIST, Family, Op, Unit, register
from neox.datasets.forge.units import EXPRESSIONS


def _map(unit: Unit) -> Op:
    verbs = (
        unit.verbs[0].replace("{}", "each number"),
        unit.verbs[1].replace("{}", "every number"),
    )
    return Op(
        name=f"map {unit.name}",
        takes=LIST,
        gives=LIST,
        code=f"[{unit.code} for v in a]",
        words=verbs,
        wrong=f"[{unit.wrong} for v in a]",
        consts=unit.consts,
        k=bool(unit.consts),
        grows=unit.name in ("mul", "square", "cube"),
    )


register(
    Family(
        "map",
        (
            *map(_map, EXPRESSIONS),
            Op(
                "add index",
                LIST,
                LIST,
                "[v + i for i, v in enumerate(a)]",
                ("add its index to each number", "increase every number by its index"),
                wrong="[v + i for i, v in enumerate(a, 1)]",
            ),
            Op(
                "times position",
                LIST,
                LIST,
                "[v * i for i, v in enumerate(a, 1)]",
                (
                    "multiply each number by its position from 1",
                    "scale every number by its position from 1",
                ),
                wrong="[v * i for i, v in enumerate(a)]",
                grows=True,
            ),
            Op(
                "from largest",
                LIST,
                LIST,
                "[max(a) - v for v in a]",
                (
                    "subtract each number from the largest",
                    "replace every number by the largest minus it",
                ),
                wrong="[v - max(a) for v in a]",
                cost="n^2",
            ),
            Op(
                "from smallest",
                LIST,
                LIST,
                "[v - min(a) for v in a]",
                (
                    "subtract the smallest from each number",
                    "decrease every number by the smallest",
                ),
                wrong="[v - max(a) for v in a]",
                cost="n^2",
            ),
        ),
    )
)
