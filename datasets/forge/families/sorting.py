"""Lists put in another order: by value, by a key, reversed, rotated, or merged with their mirror
image.
"""

from neox.datasets.forge.grammar import INT, LIST, Family, Op, register

register(
    Family(
        "sort",
        (
            Op(
                "sort up",
                LIST,
                LIST,
                "sorted(a)",
                ("sort ascending", "sort from small to large"),
                wrong="sorted(a, reverse=True)",
                cost="n log n",
            ),
            Op(
                "sort down",
                LIST,
                LIST,
                "sorted(a, reverse=True)",
                ("sort descending", "sort from large to small"),
                wrong="sorted(a)",
                cost="n log n",
            ),
            Op(
                "sort by size",
                LIST,
                LIST,
                "sorted(a, key=abs)",
                ("sort by absolute value", "sort stably by distance to zero"),
                wrong="sorted(a)",
                cost="n log n",
            ),
            Op(
                "sort by remainder",
                LIST,
                LIST,
                "sorted(a, key=lambda v: v % {c})",
                ("sort stably by remainder by {c}", "order by the value modulo {c}"),
                wrong="sorted(a, key=lambda v: v // {c})",
                consts=(2, 3, 4, 5),
                k=True,
                cost="n log n",
            ),
            Op(
                "evens first",
                LIST,
                LIST,
                "sorted(a, key=lambda v: (v % 2, v))",
                ("sort with the even numbers first", "sort ascending, evens before odds"),
                wrong="sorted(a, key=lambda v: (-v % 2, -v))",
                cost="n log n",
            ),
            Op(
                "reverse",
                LIST,
                LIST,
                "a[::-1]",
                ("reverse the list", "turn the list around"),
                wrong="a[:-1]",
            ),
            Op(
                "rotate left",
                LIST,
                LIST,
                "a[{c}:] + a[:{c}]",
                (
                    "move the first {c} numbers to the end",
                    "rotate left by {c} (at most once around)",
                ),
                wrong="a[-{c}:] + a[:-{c}]",
                consts=(1, 2, 3),
                k=True,
            ),
            Op(
                "largest few",
                LIST,
                LIST,
                "sorted(a)[-{c}:]",
                (
                    "keep the {c} largest in ascending order",
                    "sort ascending and keep the last {c}",
                ),
                wrong="sorted(a)[:{c}]",
                consts=(2, 3, 4),
                k=True,
                cost="n log n",
            ),
            Op(
                "smallest few",
                LIST,
                LIST,
                "sorted(a)[:{c}]",
                (
                    "keep the {c} smallest in ascending order",
                    "sort ascending and keep the first {c}",
                ),
                wrong="sorted(a)[-{c}:]",
                consts=(2, 3, 4),
                k=True,
                cost="n log n",
            ),
            Op(
                "rank",
                LIST,
                INT,
                "sorted(a)[{c}] if len(a) > {c} else 0",
                (
                    "the number at index {c} once sorted (0 if too short)",
                    "the sorted value at index {c} (0 if there is none)",
                ),
                wrong="a[{c}] if len(a) > {c} else 0",
                consts=(1, 2, 3),
                k=True,
                cost="n log n",
            ),
            Op(
                "median",
                LIST,
                INT,
                "sorted(a)[len(a) // 2] if a else 0",
                ("the upper median (0 if empty)", "the upper middle once sorted (0 if empty)"),
                wrong="a[len(a) // 2] if a else 0",
                cost="n log n",
            ),
        ),
    )
)
