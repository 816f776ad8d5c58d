"""Inputs to tell programs apart: from the parameters' annotations and from given examples.

Reads the program and never runs it; the values are small on purpose, with edges first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from neox.compiler import emit, nodes, parse

MOST = 24
WORDS = ("", "a", "ab", "Hello", "level", "x y", "abc abc", "A1 b2", "zz top", "noon 12")
Maker = Callable[[Random], Any]


def signature(text: str, entry: str | None = None) -> tuple[str, list[str | None]] | None:
    """The function's name and the annotations of its parameters; the last one where no name is
    given. None where there is none, or it takes keywords alone."""
    tree = parse(text if text.endswith("\n") else text + "\n").tree
    found = [n for n in tree.body if isinstance(n, nodes.FunctionDef) and entry in (None, n.name)]
    if not found:
        return None
    function = found[-1]
    taken = [*function.args.posonlyargs, *function.args.args]
    return function.name, [_text(a.annotation) for a in taken]


def _text(annotation: Any) -> str | None:
    return None if annotation is None else emit(annotation).strip().strip("'\"")


def probes(
    annotations: Sequence[str | None],
    examples: Sequence[Sequence[Any]] = (),
    count: int = MOST,
    seed: int = 0,
) -> list[list[Any]]:
    """Up to `count` different argument lists: the examples' own, neighbours of them, new ones."""
    random, found = Random(seed), [list(e) for e in examples]
    makers = [
        maker(name) if name else _like([e[i] for e in examples if i < len(e)])
        for i, name in enumerate(annotations)
    ]
    for tries in range(count * 8):
        if len(found) >= count:
            break
        if examples and tries % 3 == 0 and not any(annotations):
            new = [_near(value, random) for value in random.choice(list(examples))]
        else:
            new = [make(random) for make in makers]
        if new not in found:
            found.append(new)
    return found[:count]


def maker(annotation: str) -> Maker:
    """Values of a type by its annotation; numbers for what is not known."""
    name, _, inner = annotation.replace(" ", "").partition("[")
    parts = _split(inner[:-1]) if inner else []
    name = name.rpartition(".")[2].lower()
    if "|" in _outer(annotation):
        made = [maker(part.strip()) for part in _split(annotation, "|")]
        return lambda random: random.choice(made)(random)
    if name in ("list", "sequence", "iterable", "collection", "set", "frozenset", "deque"):
        item = maker(parts[0]) if parts else _INT
        made_list: Maker = lambda random: [item(random) for _ in range(random.choice(_SIZES))]  # noqa: E731
        return (lambda random: set(made_list(random))) if "set" in name else made_list
    if name in ("dict", "mapping", "counter", "defaultdict"):
        key = maker(parts[0]) if parts else _STR
        value = maker(parts[1]) if len(parts) > 1 else _INT
        return lambda random: {key(random): value(random) for _ in range(random.choice(_SIZES))}
    if name == "tuple":
        if len(parts) == 2 and parts[1] == "...":
            item = maker(parts[0])
            return lambda random: tuple(item(random) for _ in range(random.choice(_SIZES)))
        inside = [maker(p) for p in parts] or [_INT, _INT]
        return lambda random: tuple(make(random) for make in inside)
    if name == "optional" and parts:
        some = maker(parts[0])
        return lambda random: None if random.random() < 0.2 else some(random)
    return _PLAIN.get(name, _INT)


_SIZES = (0, 1, 2, 3, 4, 5, 7)
_INT: Maker = lambda random: random.choice((0, 1, -1, 2, 10, random.randint(-9, 30)))  # noqa: E731
_STR: Maker = lambda random: random.choice(WORDS)  # noqa: E731
_PLAIN: dict[str, Maker] = {
    "int": _INT,
    "str": _STR,
    "bool": lambda random: random.random() < 0.5,
    "float": lambda random: random.choice((0.0, 1.0, -2.5, round(random.uniform(-9, 9), 2))),
    "none": lambda random: None,
    "bytes": lambda random: _STR(random).encode(),
}


def _like(values: Sequence[Any]) -> Maker:
    """Values like the examples', or numbers where there are none."""
    return (lambda random: _near(random.choice(list(values)), random)) if values else _INT


def _near(value: Any, random: Random) -> Any:
    """A neighbour of a value: of the same type, a little different."""
    if isinstance(value, bool):
        return random.random() < 0.5
    if isinstance(value, int):
        return random.choice((value, value + 1, value - 1, 0, -value, value * 2))
    if isinstance(value, float):
        return random.choice((value, value + 0.5, -value, 0.0))
    if isinstance(value, str):
        cut = random.randint(0, len(value))
        return random.choice((value, value[:cut], value[::-1], value + value[:1], value.upper()))
    if isinstance(value, list | tuple):
        items = [_near(item, random) for item in value if random.random() < 0.8]
        items += items[: random.randint(0, 1)]
        return type(value)(items)
    if isinstance(value, dict):
        return {k: _near(v, random) for k, v in value.items() if random.random() < 0.8}
    return value


def _split(text: str, mark: str = ",") -> list[str]:
    """At the marks outside of brackets."""
    parts, depth = [""], 0
    for char in text:
        depth += (char in "[(") - (char in "])")
        if char == mark and depth == 0:
            parts.append("")
        else:
            parts[-1] += char
    return [p for p in parts if p]


def _outer(text: str) -> str:
    """The text without what stands in brackets."""
    found, depth = "", 0
    for char in text:
        depth += char == "["
        found += char if depth == 0 else ""
        depth -= char == "]"
    return found
