"""What JSON cannot say about the inputs of MBPP+, and how its results are compared.

Facts of evalplus (Liu et al. 2023, arXiv 2305.01210) as tables. JSON has lists where 62 tasks take
tuples, sets or complex numbers; without the conversion their scores are wrong. Each group of tasks
below is named after what becomes a tuple: every argument, the members of every argument, ...
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

Arguments = list[Any]


def _ids(text: str) -> frozenset[int]:
    return frozenset(map(int, text.split()))


_TUPLE = _ids(
    "2 116 132 143 222 261 273 394 399 421 424 429 470 560 579 596 616 630 726 740 744 809"
)
_TUPLES = _ids("63 64 70 94 120 237 272 299 400 409 417 438 473 614 780")
_FIRST_TUPLES = _ids("75 413 444 753")
_FIRST_TUPLE = _ids("250 307 405 446 617 720 763 808")
_SECOND_TUPLE = _ids("106 750")
_TUPLES_OF_TUPLES = _ids("259 401 445")
_ALL_TUPLES = _ids("580 615 791")


def mbpp_arguments(number: int, given: Sequence[Any]) -> Arguments:
    """The arguments of one call of task Mbpp/`number`, from their JSON form."""
    first, *rest = given
    if number in _TUPLE:
        return _tuples(given)
    if number in _TUPLES:
        return [_tuples(argument) for argument in given]
    if number in _FIRST_TUPLES:
        return [_tuples(first), *rest]
    if number in _FIRST_TUPLE:
        return [tuple(first), *rest]
    if number in _SECOND_TUPLE:
        return [first, *map(tuple, rest)]
    if number in _TUPLES_OF_TUPLES:
        return [tuple(_tuples(argument)) for argument in given]
    if number in _ALL_TUPLES:
        return [_deep(argument) for argument in given]
    special = _SPECIAL.get(number)
    return special(*given) if special else list(given)


def _tuples(argument: Sequence[Any]) -> list[Any]:
    return [tuple(member) for member in argument]


def _deep(value: Any) -> Any:
    return tuple(map(_deep, value)) if isinstance(value, list) else value


_SPECIAL: dict[int, Callable[..., Arguments]] = {
    # an empty member stands for an empty dictionary there
    115: lambda members: [[set(m) if isinstance(m, list) and m else {} for m in members]],
    124: lambda a, b: [float(a), complex(b)],
    252: lambda a: [complex(a)],
    278: lambda members: [tuple(tuple(m) if isinstance(m, list) else m for m in members)],
    722: lambda table, *rest: [{k: tuple(v) for k, v in table.items()}, *rest],
}

SET_EQUAL = frozenset(
    "similar_elements find_char_long common_in_nested_lists extract_singly larg_nnum "
    "intersection_array find_dissimilar Diff".split()
)
NOT_NONE = frozenset("check_str text_match_three text_starta_endb".split())
ANYTHING = "are_equivalent"


def accepted(entry: str, arguments: Arguments, expected: Any) -> list[Any] | None:
    """All answers accepted where the text of a task can be read in two ways, else None."""
    if entry == "sum_div":
        return [expected, 0]
    if entry == "surface_Area":  # the height as that of the pyramid, not of its sides
        base, height = arguments
        return [expected, round(base**2 + 2 * base * math.sqrt((base / 2) ** 2 + height**2))]
    if entry == "digit_distance_nums":
        a, b = (str(number) for number in arguments)
        width = max(len(a), len(b))
        pairs = zip(a.zfill(width), b.zfill(width), strict=True)
        return [expected, sum(abs(int(x) - int(y)) for x, y in pairs)]
    return None


def wrapper(entry: str, digest: bool = False) -> str:
    """Python text that defines `neox_call` over `entry`, where its result is not compared as is.

    With `digest` it gives the sha256 of the result's repr: for results too large to be handed on. A
    program that does not have the result does not have its digest either.
    """
    if digest:
        body = (  # the decimal text of a huge integer takes quadratic time, and is forbidden
            "import hashlib\n    text = hex(out) if type(out) is int else repr(out)\n"
            "    return hashlib.sha256(text.encode()).hexdigest()"
        )
    elif entry in SET_EQUAL:
        body = "return set(out)"
    elif entry in NOT_NONE:
        body = "return out if isinstance(out, bool) else out is not None"
    elif entry == ANYTHING:
        body = "return True"
    else:
        return ""
    return f"\n\ndef neox_call(*a):\n    out = {entry}(*a)\n    {body}\n"


def polynomial(coefficients: Sequence[float], x: float) -> float:
    """HumanEval/32 accepts any root: the value at x, of sum c_i x^i."""
    return sum(c * math.pow(x, i) for i, c in enumerate(coefficients))
