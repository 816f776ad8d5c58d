"""Every operation on its own: total, pure, typed, with a habit that shows and its own wordings."""

import copy
from collections import defaultdict

import pytest

from neox.datasets.forge import FAMILIES, Family, Op
from neox.datasets.forge.behaviour import extras, function, probes
from neox.datasets.forge.grammar import Const, Node, Program, node, register
from neox.datasets.forge.text import HABIT, RIGHT, body, node_words, prompt, right
from neox.datasets.forge.units import EXPRESSIONS, PREDICATES

OPS = [op for family in FAMILIES.values() for op in family.ops]
KINDS = {"int": int, "nat": int, "small": int, "list": list, "str": str, "words": list}
KINDS |= {"dict": dict, "bool": bool}


def fillings(op: Op) -> list[Node]:
    consts: list[Const] = [*op.consts, "k"] if op.k else [*op.consts] or [None]
    return [node(op, const) for const in consts]


def run(item: Node, form: int, index: int) -> object:
    made = function(item, (form,) * len(item.parts))
    value = copy.deepcopy(probes(item.op.takes)[index])
    return made(value) if item.reads is None else made(value, extras(item.reads)[index])


def test_the_forge_is_wide_enough() -> None:
    assert len(FAMILIES) >= 12
    assert len(OPS) >= 110


@pytest.mark.parametrize("op", OPS, ids=lambda op: op.name)
def test_an_operation_is_total_pure_and_typed(op: Op) -> None:
    for item in fillings(op):
        for index in range(64):
            made = function(item, (RIGHT,) * len(item.parts))
            value = copy.deepcopy(probes(op.takes)[index])
            output = made(value) if item.reads is None else made(value, extras(item.reads)[index])
            assert value == probes(op.takes)[index], "the input was changed"
            assert type(output) is KINDS[op.gives]
            if op.gives in ("nat", "small"):
                assert isinstance(output, int)
                assert output >= 0
            if op.gives == "small" and op.takes != "int":
                assert isinstance(output, int)
                assert output <= 63


@pytest.mark.parametrize("op", OPS, ids=lambda op: op.name)
def test_a_habit_is_total_typed_and_shows(op: Op) -> None:
    shown = False
    for item in fillings(op):
        for index in range(64):
            wrong = run(item, HABIT, index)
            assert type(wrong) is KINDS[op.gives]
            shown = shown or wrong != run(item, RIGHT, index)
    assert shown


def test_units_have_habits_that_show() -> None:
    for unit in EXPRESSIONS + PREDICATES:
        for const in unit.consts or (None,):
            codes = [code.replace("{c}", str(const)) for code in (unit.code, unit.wrong)]
            first, second = ([eval(code, {"v": v}) for v in range(-9, 20)] for code in codes)
            assert first != second, unit.name


def test_a_wording_means_one_operation() -> None:
    told: dict[tuple[str, str], set[str]] = defaultdict(set)
    for op in OPS:
        assert len(set(op.words)) == 2
        for item in fillings(op):
            for says in (0, 1):
                spoken = node(item.op, item.const, says=(says, 0, 0))
                variable = prompt(Program((spoken,))).partition("(")[2][0]
                told[variable, node_words(spoken)].add(f"{op.name} {item.const}")
    doubled = {key: ops for key, ops in told.items() if len(ops) > 1}
    assert doubled == {}


@pytest.mark.parametrize(
    ("names", "asked", "completion"),
    [
        (
            [("map mul", 2), ("keep even", None), ("sum", None)],
            "# Multiply each number by 2, keep the numbers that are even and return the sum.\n"
            "def f(a: list[int]) -> int:\n",
            "    a = [v * 2 for v in a]\n    a = [v for v in a if v % 2 == 0]\n    return sum(a)\n",
        ),
        (
            [("map add", "k")],
            "# Add k to each number.\ndef f(a: list[int], k: int) -> list[int]:\n",
            "    return [v + k for v in a]\n",
        ),
        (
            [("keep in", None), ("length", None)],
            "# Keep the numbers that are in b and return the length.\n"
            "def f(a: list[int], b: list[int]) -> int:\n",
            "    a = [v for v in a if v in b]\n    return len(a)\n",
        ),
    ],
)
def test_known_programs(names: list[tuple[str, Const]], asked: str, completion: str) -> None:
    by_name = {op.name: op for op in OPS}
    if any(name not in by_name for name, _ in names):
        by_name["keep in"] = next(
            op for op in OPS if op.words[0] == "keep the numbers that are in b"
        )
    program = Program(tuple(node(by_name[name], const) for name, const in names))
    assert prompt(program) == asked
    assert body(program, right(program)) == completion


def test_slots_nest() -> None:
    op = next(op for op in OPS if op.name == "loop sum")
    square = next(unit for unit in EXPRESSIONS if unit.name == "square")
    above = next(unit for unit in PREDICATES if unit.name == "above")
    program = Program((node(op, None, square, None, above, 3, 5),))
    assert prompt(program).startswith(
        "# Return the sum of the squares of the numbers greater than 3, starting from 5."
    )
    assert body(program, right(program)) == (
        "    n = 5\n    for v in a:\n        if v > 3:\n            n += v * v\n    return n\n"
    )
    assert body(program, ((HABIT, HABIT, HABIT, HABIT),)) == (
        "    n = 4\n    for v in a:\n        if v >= 3:\n            n -= v + v\n    return n\n"
    )


def test_a_family_cannot_be_registered_twice() -> None:
    with pytest.raises(ValueError, match="already registered"):
        register(Family("fold", ()))
    with pytest.raises(ValueError, match="already registered"):
        register(Family("fresh", (OPS[0],)))
