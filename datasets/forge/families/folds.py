"""A list folded to one number by a loop or a built-in; the loops take an expression, a predicate
and a start.
"""

from neox.datasets.forge.grammar import INT, LIST, NAT, SMALL, Family, Op, register

register(
    Family(
        "fold",
        (
            Op(
                "sum",
                LIST,
                INT,
                "sum(a)",
                ("the sum", "the total"),
                wrong="sum(a[1:])",
            ),
            Op(
                "loop sum",
                LIST,
                INT,
                "n = {B}\nfor v in a:\n    if {P}:\n        n += {E}\nn",
                ("the sum of {the numbers}", "the total of {the numbers}"),
                wrong="n = {B}\nfor v in a:\n    if {P}:\n        n -= {E}\nn",
                grows=True,
            ),
            Op(
                "loop alternate",
                LIST,
                INT,
                "n = {B}\nfor v in a:\n    if {P}:\n        n = {E} - n\nn",
                (
                    "the fold r = v - r from {B} over {the numbers}",
                    "the last r of r = v - r from {B} over {the numbers}",
                ),
                wrong="n = {B}\nfor v in a:\n    if {P}:\n        n = n - {E}\nn",
                grows=True,
            ),
            Op(
                "loop maximum",
                LIST,
                INT,
                "n = {B}\nfor v in a:\n    if {P}:\n        n = max(n, {E})\nn",
                (
                    "the maximum of {B} and {the numbers}",
                    "the largest of {B} and {the numbers}",
                ),
                wrong="n = {B}\nfor v in a:\n    if {P}:\n        n = min(n, {E})\nn",
                grows=True,
            ),
            Op(
                "length",
                LIST,
                SMALL,
                "len(a)",
                ("the length", "the size"),
                wrong="len(a) - 1",
                cost="1",
            ),
            Op(
                "maximum",
                LIST,
                INT,
                "max(a, default=0)",
                ("the maximum (0 if empty)", "the largest number (0 if empty)"),
                wrong="min(a, default=0)",
            ),
            Op(
                "minimum",
                LIST,
                INT,
                "min(a, default=0)",
                ("the minimum (0 if empty)", "the smallest number (0 if empty)"),
                wrong="max(a, default=0)",
            ),
            Op(
                "spread",
                LIST,
                NAT,
                "max(a) - min(a) if a else 0",
                ("the largest minus the smallest (0 if empty)", "the range (0 if empty)"),
                wrong="max(a) + min(a) if a else 0",
            ),
            Op(
                "ends",
                LIST,
                INT,
                "a[0] + a[-1] if a else 0",
                ("the first plus the last (0 if empty)", "the sum of both ends (0 if empty)"),
                wrong="a[0] - a[-1] if a else 0",
                cost="1",
            ),
            Op(
                "mean",
                LIST,
                INT,
                "sum(a) // len(a) if a else 0",
                ("the mean rounded down (0 if empty)", "the floored average (0 if empty)"),
                wrong="sum(a) // 2 if a else 0",
            ),
            Op(
                "polynomial",
                LIST,
                INT,
                "n = {B}\nfor v in a:\n    n = n * {c} + v\nn",
                (
                    "the fold r = {c} * r + v from {B} over the numbers",
                    "the last r of r = {c} * r + v from {B} over the numbers",
                ),
                wrong="n = {B}\nfor v in a:\n    n = n + {c} * v\nn",
                consts=(2, 3),
                grows=True,
            ),
        ),
    )
)
