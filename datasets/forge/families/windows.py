"""Neighbours in a list: pairs, windows, running totals, runs."""

from neox.datasets.forge.grammar import BOOL, INT, LIST, SMALL, Family, Op, register

_RUN = (
    "n = t = 0\nfor i, v in enumerate(a):\n    t = t + 1 if i and v >= a[i - 1] else 1\n"
    "    n = max(n, t)\nn"
)

register(
    Family(
        "window",
        (
            Op(
                "neighbour sums",
                LIST,
                LIST,
                "[x + y for x, y in zip(a, a[1:])]",
                ("add each number to the next", "take the sums of neighbours"),
                wrong="[x - y for x, y in zip(a, a[1:])]",
            ),
            Op(
                "neighbour steps",
                LIST,
                LIST,
                "[y - x for x, y in zip(a, a[1:])]",
                ("take the differences to the next number", "subtract each number from the next"),
                wrong="[x - y for x, y in zip(a, a[1:])]",
            ),
            Op(
                "neighbour products",
                LIST,
                LIST,
                "[x * y for x, y in zip(a, a[1:])]",
                ("multiply each number by the next", "take the products of neighbours"),
                wrong="[x + y for x, y in zip(a, a[1:])]",
                grows=True,
            ),
            Op(
                "neighbour maxima",
                LIST,
                LIST,
                "[max(x, y) for x, y in zip(a, a[1:])]",
                (
                    "take the larger of each two neighbours",
                    "list the maximum of each neighbouring pair",
                ),
                wrong="[min(x, y) for x, y in zip(a, a[1:])]",
            ),
            Op(
                "running sum",
                LIST,
                LIST,
                "t = 0\nr = []\nfor v in a:\n    t += v\n    r.append(t)\nr",
                ("take the running sums", "list the totals so far"),
                wrong="t = 0\nr = []\nfor v in a:\n    r.append(t)\n    t += v\nr",
            ),
            Op(
                "running maximum",
                LIST,
                LIST,
                "r = []\nfor v in a:\n    r.append(max(v, r[-1]) if r else v)\nr",
                ("take the running maxima", "list the largest number so far"),
                wrong="r = []\nfor v in a:\n    r.append(min(v, r[-1]) if r else v)\nr",
            ),
            Op(
                "window sums",
                LIST,
                LIST,
                "[sum(a[i:i + {c}]) for i in range(len(a) - {c} + 1)]",
                ("sum every window of {c} numbers", "take the sums of {c} numbers in a row"),
                wrong="[sum(a[i:i + {c}]) for i in range(len(a) - {c})]",
                consts=(2, 3, 4),
            ),
            Op(
                "chunk sums",
                LIST,
                LIST,
                "[sum(a[i:i + {c}]) for i in range(0, len(a), {c})]",
                ("sum chunks of {c} numbers", "add up the list {c} numbers at a time"),
                wrong="[sum(a[i:i + {c}]) for i in range(len(a))]",
                consts=(2, 3),
                k=True,
            ),
            Op(
                "weighted",
                LIST,
                LIST,
                "[i * v for i, v in enumerate(a)]",
                ("multiply each number by its index", "weight the numbers by their index"),
                wrong="[i + v for i, v in enumerate(a)]",
            ),
            Op(
                "squeeze",
                LIST,
                LIST,
                "[v for i, v in enumerate(a) if i == 0 or v != a[i - 1]]",
                ("drop numbers equal to the one before", "squeeze runs of equal numbers"),
                wrong="[v for i, v in enumerate(a) if i > 0 and v != a[i - 1]]",
            ),
            Op(
                "rises",
                LIST,
                SMALL,
                "sum(x < y for x, y in zip(a, a[1:]))",
                ("how often a number is followed by a larger one", "the number of rises"),
                wrong="sum(x <= y for x, y in zip(a, a[1:]))",
            ),
            Op(
                "largest step",
                LIST,
                INT,
                "max((abs(x - y) for x, y in zip(a, a[1:])), default=0)",
                (
                    "the largest distance of neighbours (0 if none)",
                    "the greatest gap between neighbours (0 if none)",
                ),
                wrong="min((abs(x - y) for x, y in zip(a, a[1:])), default=0)",
            ),
            Op(
                "longest run",
                LIST,
                SMALL,
                _RUN,
                (
                    "the length of the longest run that never falls",
                    "how long the longest non-falling run is",
                ),
                wrong=_RUN.replace(">=", ">"),
            ),
            Op(
                "is sorted",
                LIST,
                BOOL,
                "all(x <= y for x, y in zip(a, a[1:]))",
                ("whether the list never falls", "whether the numbers are in ascending order"),
                wrong="all(x < y for x, y in zip(a, a[1:]))",
            ),
        ),
    )
)
