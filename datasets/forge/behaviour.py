"""What a program does: its outputs on 64 fixed inputs, the key made of them, and the split made of
the key.

Programs are run here, in process, node by node; only the forge's own constant operations are ever
compiled. Because the split is a function of the key, two programs that behave alike always stand in
the same split.
"""

from collections.abc import Callable
from functools import cache, lru_cache
from hashlib import sha256
from typing import Any

from neox.datasets.forge.chance import Chance
from neox.datasets.forge.grammar import (
    BOOL,
    DICT,
    INT,
    LIST,
    NAT,
    SMALL,
    STR,
    VARIABLE,
    WORDS,
    Node,
    Program,
)
from neox.datasets.forge.text import RIGHT, Variant, node_code

PROBES = 64
SHARED_INTEGERS = 31  # 0 to 30, in the domain of every integer type
LARGEST = 1_000_000
LONGEST = {LIST: 16, STR: 60, WORDS: 16, DICT: 16}

Outputs = list[Any]
_HOLDOUT = {0: "test", 1: "validation"}
_SHARES = 10  # one key in ten for each held-out split


@cache
def probes(kind: str) -> Outputs:
    """The 64 fixed inputs of one type, edges first."""
    chance = Chance(f"probes/{kind}")
    fixed = list(_EDGES[kind])
    shown = {repr(value) for value in fixed}
    while len(fixed) < PROBES:
        value = _MAKERS[kind](chance)
        if repr(value) not in shown:
            shown.add(repr(value))
            fixed.append(value)
    return fixed[:PROBES]


@cache
def extras(name: str) -> Outputs:
    """The 64 fixed values of the second parameter, k or b."""
    chance = Chance(f"probes/{name}")
    if name == "k":
        return [1 + chance.below(6) for _ in range(PROBES)]
    return [
        [chance.below(14) - 3 for _ in range(chance.below(7))] if index else []
        for index in range(PROBES)
    ]


def arguments(program: Program, index: int) -> tuple[Any, ...]:
    """The arguments of probe `index`."""
    first = probes(program.takes)[index]
    return (first,) if program.extra is None else (first, extras(program.extra)[index])


@cache
def function(node: Node, variant: Variant) -> Callable[..., Any]:
    """The node as a function of its input and, where it reads one, of the second parameter."""
    return _compiled(node_code(node, variant), VARIABLE[node.op.takes], node.reads)


@cache
def _compiled(lines: tuple[str, ...], variable: str, extra: str | None) -> Callable[..., Any]:
    *before, result = lines
    head = f"def f({variable}):" if extra is None else f"def f({variable}, {extra}):"
    text = "\n    ".join([head, *before, f"return {result}"])
    space: dict[str, Any] = {}
    exec(compile(text, "<forge>", "exec"), space)  # our own operations, never a completion
    made: Callable[..., Any] = space["f"]
    return made


def apply(node: Node, values: Outputs) -> Outputs:
    """The outputs of a node on one value per probe."""
    made = function(node.silent, (RIGHT,) * len(node.parts))
    if node.reads is None:
        return list(map(made, values))
    return list(map(made, values, extras(node.reads)))


@cache
def first(node: Node) -> Outputs:
    """The outputs of a node on the probes of its type. Programs share their first nodes."""
    return apply(node, probes(node.op.takes))


@lru_cache(maxsize=8)  # a program is looked at again at once, or not at all
def trace(program: Program) -> tuple[Outputs, ...] | None:
    """The probes and the outputs after each node; None if some are too large to go on."""
    values = [probes(program.takes)]
    for node in program.nodes:
        values.append(apply(node, values[-1]) if len(values) > 1 else first(node.silent))
        if node.op.grows and not bounded(node.op.gives, values[-1]):
            return None
    return tuple(values)


Step = tuple[Callable[..., Any], Outputs | None]
"""A node as a function, with the values of the second parameter if it reads one."""


def steps(nodes: tuple[Node, ...], variants: tuple[Variant, ...]) -> list[Step]:
    """The nodes in the given forms, ready to run one after the other."""
    return [
        (function(node.silent, variant), None if node.reads is None else extras(node.reads))
        for node, variant in zip(nodes, variants, strict=True)
    ]


def bounded(kind: str, values: Outputs) -> bool:
    """Whether every value is small enough to be an input or an output of a task."""
    if kind == BOOL:
        return True
    if kind in (SMALL, NAT, INT):
        return bool(min(values) >= -LARGEST and max(values) <= LARGEST)
    if max(map(len, values)) > LONGEST[kind]:
        return False
    if kind == LIST:
        return all(min(value) >= -LARGEST and max(value) <= LARGEST for value in values if value)
    if kind == DICT:
        return all(abs(item) <= LARGEST for value in values for item in value.values())
    return kind == STR or all(len(word) <= LONGEST[STR] for value in values for word in value)


def key(program: Program, outputs: Outputs) -> str:
    """sha256 over the types of the parameters and the outputs on the probes, in hexadecimal."""
    if program.gives == DICT:  # equal dictionaries may differ in order
        outputs = [sorted(value.items()) for value in outputs]
    return sha256(f"{program.takes},{program.extra}:{outputs!r}".encode()).hexdigest()


def split_key(program: Program, outputs: Outputs) -> str:
    """The key that decides the split: coarser than `key`, blind to the domain of an integer.

    The three integer types are one type to whoever calls the function, so programs on them are told
    apart by the inputs that all three share.
    """
    if program.takes not in (SMALL, NAT, INT):
        return key(program, outputs)
    values: Outputs = list(range(SHARED_INTEGERS))
    for node in program.nodes:
        values = apply(node, values)
    return sha256(f"integer,{program.extra}:{values!r}".encode()).hexdigest()


def split_of(behaviour: str) -> str:
    """The split of a `split_key`: 80 % train, 10 % validation, 10 % test."""
    return _HOLDOUT.get(int(behaviour[:8], 16) % _SHARES, "train")


def _natural(chance: Chance) -> int:
    if chance.below(4) == 0:  # palindromes are too rare to be met by accident
        half = str(1 + chance.below(99))
        return int(half + half[::-1])
    return chance.below(chance.pick((100, 1000, 10000)))


def _list(chance: Chance) -> list[int]:
    top = chance.pick((6, 12, 24))
    low = chance.pick((0, top // 3))
    return [chance.below(top) - low for _ in range(1 + chance.below(9))]


_SYLLABLES = ("a", "be", "co", "da", "e", "it", "lo", "mi", "no", "o", "ra", "sun", "tt", "u", "xy")


def _word(chance: Chance) -> str:
    word = "".join(chance.pick(_SYLLABLES) for _ in range(1 + chance.below(3)))
    return chance.pick((word, word, word.capitalize(), word + chance.pick("1379")))


def _words(chance: Chance) -> list[str]:
    some = [_word(chance) for _ in range(1 + chance.below(6))]
    return some + some[:1] if chance.below(3) == 0 else some


def _text(chance: Chance) -> str:
    return " ".join(_word(chance) for _ in range(1 + chance.below(4)))


def _dict(chance: Chance) -> dict[str, int]:
    return {_word(chance): chance.below(16) - 4 for _ in range(1 + chance.below(6))}


_MAKERS: dict[str, Callable[[Chance], Any]] = {
    NAT: _natural,
    INT: lambda chance: chance.below(chance.pick((20, 60, 200))) - chance.pick((5, 30)),
    LIST: _list,
    STR: _text,
    WORDS: _words,
    DICT: _dict,
}
_EDGES: dict[str, tuple[Any, ...]] = {
    SMALL: tuple(range(PROBES)),
    NAT: (*range(13), 16, 27, 97, 100, 101, 990, 1000, 1221),
    INT: (*range(-6, 13), -17, 100),
    LIST: ([], [0], [1], [-1], [7], [2, 2], [1, 2], [3, 1], [0, 0, 1], [5, 5, 5], [1, 2, 3, 4],
           [4, 3, 2, 1], [-2, 5, -2], [2, 4, 6, 8], [1, 3, 5, 7, 9], [-3, -1, -2]),
    STR: ("", "a", "Z", " ", "aa", "ab", "abc", "noon", "Hello", "a b", "see 12 o 3", "level up"),
    WORDS: ([], [""], ["a"], ["a", "a"], ["b", "a"], ["ab", "c", "ab"], ["Sun", "sun"],
            ["aba", "xy"]),
    DICT: ({}, {"a": 0}, {"a": 1}, {"b": 2, "a": 2}, {"a": -1, "b": 3}, {"x": 5, "y": 1, "z": 3}),
}  # fmt: skip
