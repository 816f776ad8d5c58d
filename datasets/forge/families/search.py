"""Looking for something in a list: by a loop that returns early, by bisection, by index."""

from neox.datasets.forge.grammar import INT, LIST, SMALL, Family, Op, register

_FIRST = "for i, v in enumerate(a):\n    if TEST:\n        return i\n-1"
_VALUE = "for v in a:\n    if TEST:\n        return v\n-1"
_BISECT = (
    "a = sorted(a)\ni, j = 0, len(a)\nwhile i < j:\n    m = (i + j) // 2\n"
    "    if a[m] < {c}:\n        i = m + 1\n    else:\n        j = m\ni"
)


def _with(frame: str, test: str) -> str:
    return frame.replace("TEST", test)


register(
    Family(
        "search",
        (
            Op(
                "first index above",
                LIST,
                INT,
                _with(_FIRST, "v > {c}"),
                (
                    "the index of the first number above {c} (-1 if none)",
                    "where the first number greater than {c} stands (-1 if none)",
                ),
                wrong=_with(_FIRST, "v >= {c}"),
                consts=(2, 3, 4, 5),
                k=True,
            ),
            Op(
                "first index of",
                LIST,
                INT,
                _with(_FIRST, "v == {c}"),
                (
                    "the index of the first {c} (-1 if none)",
                    "where {c} first stands (-1 if absent)",
                ),
                wrong=_with(_FIRST, "v != {c}"),
                consts=(1, 2, 3, 4),
                k=True,
            ),
            Op(
                "first multiple",
                LIST,
                INT,
                _with(_VALUE, "v % {c} == 0"),
                (
                    "the first multiple of {c} (-1 if none)",
                    "the first number that {c} divides (-1 if none)",
                ),
                wrong=_with(_VALUE, "v % {c} == 1"),
                consts=(2, 3, 4, 5),
                k=True,
            ),
            Op(
                "first above index",
                LIST,
                INT,
                _with(_VALUE, "v > a[0] + {c}"),
                (
                    "the first number more than {c} above the first one (-1 if none)",
                    "the first number that exceeds the first one by over {c} (-1 if none)",
                ),
                wrong=_with(_VALUE, "v > {c}"),
                consts=(1, 2, 3),
            ),
            Op(
                "last index below",
                LIST,
                INT,
                "i = len(a) - 1\nwhile i >= 0 and a[i] >= {c}:\n    i -= 1\ni",
                (
                    "the index of the last number below {c} (-1 if none)",
                    "where the last number under {c} stands (-1 if none)",
                ),
                wrong="i = len(a) - 1\nwhile i >= 0 and a[i] > {c}:\n    i -= 1\ni",
                consts=(2, 3, 4, 5),
                k=True,
            ),
            Op(
                "insertion point",
                LIST,
                SMALL,
                _BISECT,
                (
                    "the bisection point of {c} in the sorted list",
                    "where bisection would insert {c} into the sorted list",
                ),
                wrong=_BISECT.replace("a[m] <", "a[m] <="),
                consts=(2, 3, 4, 5),
                k=True,
                cost="n log n",
            ),
            Op(
                "leading run",
                LIST,
                SMALL,
                "i = 0\nwhile i < len(a) and a[i] < {c}:\n    i += 1\ni",
                (
                    "how many leading numbers are below {c}",
                    "the length of the leading run below {c}",
                ),
                wrong="i = 0\nwhile i < len(a) and a[i] <= {c}:\n    i += 1\ni",
                consts=(3, 4, 5, 6),
                k=True,
            ),
            Op(
                "index of largest",
                LIST,
                INT,
                "a.index(max(a)) if a else -1",
                (
                    "the index of the first largest number (-1 if empty)",
                    "where the maximum first stands (-1 if empty)",
                ),
                wrong="a.index(min(a)) if a else -1",
            ),
            Op(
                "index of smallest",
                LIST,
                INT,
                "a.index(min(a)) if a else -1",
                (
                    "the index of the first smallest number (-1 if empty)",
                    "where the minimum first stands (-1 if empty)",
                ),
                wrong="a.index(max(a)) if a else -1",
            ),
            Op(
                "nearest",
                LIST,
                INT,
                "min(a, key=lambda v: abs(v - {c})) if a else 0",
                (
                    "the first number nearest to {c} (0 if empty)",
                    "the earliest number closest to {c} (0 if empty)",
                ),
                wrong="max(a, key=lambda v: abs(v - {c})) if a else 0",
                consts=(3, 5, 8),
                k=True,
            ),
        ),
    )
)
