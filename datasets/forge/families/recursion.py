"""Functions that call themselves: on the rest of a list or text, on a smaller number, on the
remaining digits.

Each is a whole function, so its levels come from its slots: an expression, a predicate, a start
other than 0.
"""

from neox.datasets.forge.grammar import INT, LIST, NAT, SMALL, Family, Op, register

_LIST = "if not a:\n    return {B}\nv = a[0]\nif {P}:\n    return COMBINE\n~return f(a[1:])"
_COUNT = "if n < 1:\n    return {B}\nv = n\nif {P}:\n    return COMBINE\n~return f(n - STEP)"
_DIGIT = "if n == 0:\n    return {B}\nv = n % 10\nif {P}:\n    return COMBINE\n~return f(n // 10)"


def _code(frame: str, combine: str, step: str = "1") -> str:
    """The frame with the result of the last call as its last line: without a predicate that is the
    combination.
    """
    return frame.replace("COMBINE", combine).replace("STEP", step)


register(
    Family(
        "recursion",
        (
            Op(
                "recursive sum",
                LIST,
                INT,
                _code(_LIST, "{E} + f(a[1:])"),
                ("recursively add up {the numbers}", "sum {the numbers} by recursion"),
                wrong=_code(_LIST, "{E} - f(a[1:])"),
                cost="n^2",
                grows=True,
            ),
            Op(
                "recursive difference",
                LIST,
                INT,
                _code(_LIST, "{E} - f(a[1:])"),
                (
                    "the recursion r = v - r from {B} over {the numbers}, last first",
                    "the recursive fold r = v - r from {B} over {the numbers} from the end",
                ),
                wrong=_code(_LIST, "f(a[1:]) - {E}"),
                cost="n^2",
                grows=True,
            ),
            Op(
                "recursive largest",
                LIST,
                INT,
                _code(_LIST, "max({E}, f(a[1:]))"),
                (
                    "the maximum of {B} and {the numbers} by recursion",
                    "the largest of {B} and {the numbers}, recursively",
                ),
                wrong=_code(_LIST, "min({E}, f(a[1:]))"),
                cost="n^2",
                grows=True,
            ),
            Op(
                "recursive countdown",
                SMALL,
                INT,
                _code(_COUNT, "{E} + f(n - {c})", "{c}"),
                (
                    "recursively add up {the numbers} going down from n by {c} while positive",
                    "sum by recursion {the numbers} from n down to above 0 by {c}",
                ),
                wrong=_code(_COUNT, "{E} - f(n - {c})", "{c}"),
                consts=(1, 2, 3),
                grows=True,
            ),
            Op(
                "recursive digits",
                NAT,
                INT,
                _code(_DIGIT, "{E} + f(n // 10)"),
                ("recursively add up {the digits}", "sum {the digits} by recursion"),
                wrong=_code(_DIGIT, "{E} - f(n // 10)"),
                grows=True,
            ),
        ),
    )
)
