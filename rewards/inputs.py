"""Inputs for operation counts: families of arguments of any size, adversarial ones included.

Made from how a function uses its parameters: which are containers, of what, and which numbers
bound its loops. A family is a function of size and random source; whether it fits is found out by
running it on a small size.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice, product
from random import Random
from typing import Any

from neox.compiler import nodes as n
from neox.compiler.complexity import Bound
from neox.compiler.complexity.unit import Function, own_nodes

Family = Callable[[int, Random], list[Any]]
MAX_FAMILIES = 8


def _shuffled(size: int, random: Random) -> list[int]:
    values = list(range(size))
    random.shuffle(values)
    return values


LISTS: dict[str, Family] = {
    "random": lambda size, random: [random.randrange(4 * size + 4) for _ in range(size)],
    "sorted": lambda size, random: list(range(size)),
    "reversed": lambda size, random: list(range(size, 0, -1)),
    "equal": lambda size, random: [1] * size,
    "distinct": _shuffled,
    "few": lambda size, random: [random.randrange(2) for _ in range(size)],
}
TEXTS: dict[str, Callable[[int, Random], str]] = {
    "random text": lambda size, random: "".join(random.choice("ab (){}") for _ in range(size)),
    "one letter": lambda size, random: "a" * size,
    "palindrome": lambda size, random: ("ab" * size)[: size // 2] + "c" * (size % 2)
    + ("ab" * size)[: size // 2][::-1],
}  # fmt: skip
TABLES: dict[str, Callable[[int, Random], list[list[int]]]] = {
    "square table": lambda size, random: [LISTS["random"](size, random) for _ in range(size)],
    "graph": lambda size, random: [
        sorted({random.randrange(size) for _ in range(3)}) for _ in range(size)
    ],
    "path graph": lambda size, random: [[v + 1] if v + 1 < size else [] for v in range(size)],
    "pairs": lambda size, random: [
        [random.randrange(size), random.randrange(size)] for _ in range(size)
    ],
}
NUMBERS: dict[str, Callable[[int, Random], int]] = {
    "n": lambda size, random: size,
    "zero": lambda size, random: 0,
    "absent": lambda size, random: -1,
}


def families(function: Function, bound: Bound) -> Iterator[tuple[str, list[str], Family]]:
    """(name, parameters, arguments by size): every combination that may fit, few at a time."""
    names = [p for p in function.parameters if p != function.receiver]
    sizes = " ".join(size for _, size in bound.parameters)
    choices = [_choices(p, function, sizes) for p in names]
    # containers vary fastest: their content is where worst cases hide
    for picked in islice(product(*choices), 200):
        label = ", ".join(dict.fromkeys(k for k, _ in picked))
        makers = [make for _, make in picked]

        def make(size: int, random: Random, makers: list[Any] = makers) -> list[Any]:
            return [m(size, random) for m in makers]

        yield label, names, make


def _choices(name: str, function: Function, sizes: str) -> list[tuple[str, Any]]:
    if name in function.containers or f"len({name}" in sizes:
        if _nested(name, function):
            return [*TABLES.items(), *LISTS.items()]
        return [*LISTS.items(), *TEXTS.items(), *TABLES.items()]
    if f"- {name}" in sizes:  # the lower end of a range
        return [("from 0", NUMBERS["zero"])]
    words = sizes.replace("(", " ").replace(")", " ").replace(",", " ").split()
    if name in words:
        return [("n", NUMBERS["n"])]
    return [*NUMBERS.items(), *LISTS.items()]


def _nested(name: str, function: Function) -> bool:
    """Is an item of the parameter used as a container?"""
    for node in own_nodes(function.node.body):
        if (
            isinstance(node, n.Subscript)
            and isinstance(node.value, n.Subscript)
            and isinstance(node.value.value, n.Name)
            and node.value.value.id == name
        ):
            return True
        if (
            isinstance(node, n.For)
            and isinstance(node.iter, n.Subscript)
            and isinstance(node.iter.value, n.Name)
            and node.iter.value.id == name
        ):
            return True
    return False
