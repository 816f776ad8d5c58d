"""Lists cut down to some of their numbers: all predicates of the units, and choices by position."""

from neox.datasets.forge.grammar import LIST, Family, Op, Unit, register
from neox.datasets.forge.units import PREDICATES


def _filter(unit: Unit) -> Op:
    return Op(
        name=f"keep {unit.name}",
        takes=LIST,
        gives=LIST,
        code=f"[v for v in a if {unit.code}]",
        words=(f"keep the numbers {unit.nouns[0]}", f"select the numbers {unit.nouns[1]}"),
        wrong=f"[v for v in a if {unit.wrong}]",
        consts=unit.consts,
        k=bool(unit.consts),
    )


register(
    Family(
        "filter",
        (
            *map(_filter, PREDICATES),
            Op(
                "even places",
                LIST,
                LIST,
                "a[::2]",
                ("keep the numbers at even indexes", "keep every other number from the first"),
                wrong="a[1::2]",
            ),
            Op(
                "odd places",
                LIST,
                LIST,
                "a[1::2]",
                ("keep the numbers at odd indexes", "keep every other number from the second"),
                wrong="a[::2]",
            ),
            Op(
                "first",
                LIST,
                LIST,
                "a[:{c}]",
                ("keep the first {c} numbers", "take the first {c} numbers"),
                wrong="a[-{c}:]",
                consts=(2, 3, 4, 5),
                k=True,
            ),
            Op(
                "skip",
                LIST,
                LIST,
                "a[{c}:]",
                ("drop the first {c} numbers", "skip the first {c} numbers"),
                wrong="a[{c} - 1:]",
                consts=(2, 3, 4),
                k=True,
            ),
            Op(
                "last",
                LIST,
                LIST,
                "a[-{c}:]",
                ("keep the last {c} numbers", "take the last {c} numbers"),
                wrong="a[:{c}]",
                consts=(2, 3, 4, 5),
                k=True,
            ),
            Op(
                "tail",
                LIST,
                LIST,
                "a[1:]",
                ("drop the first number", "remove the first number"),
                wrong="a[:-1]",
            ),
            Op(
                "above mean",
                LIST,
                LIST,
                "[v for v in a if v * len(a) > sum(a)]",
                ("keep the numbers above the mean", "select the numbers over the average"),
                wrong="[v for v in a if v * len(a) >= sum(a)]",
                cost="n^2",
            ),
        ),
    )
)
