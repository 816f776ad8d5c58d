"""Variations: each kind of rewrite on its own, and that what changes meaning is not accepted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from random import Random

import pytest

from neox.compiler import Program, nodes, parse, walk
from neox.datasets.rewrites import C1, REWRITES, Edit, Rewrite
from neox.datasets.task import CallTest, Task
from neox.datasets.variations import Variations, inputs, mutated, varied
from neox.sandbox import Limits, Sandbox
from neox.topology import features

KINDS = {r.name: r for r in REWRITES}
PROMPT = "def f(a: list, k: int):\n"


def invariants(program: Program) -> Mapping[str, float]:
    return features(program).scalars()


@pytest.fixture(scope="module")
def box() -> Iterator[Sandbox]:
    with Sandbox(workers=1, limits=Limits(cpu_s=1, wall_s=20), strict=False) as sandbox:
        yield sandbox


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("flip comparison", "    return k < 3\n", "    return 3 > k\n"),
        ("flip comparison", "    return f(a, k) < f(a, k)\n", None),  # calls stay in their order
        (
            "swap branches",
            "    if k in a:\n        return 1\n    else:\n        return 2\n",
            "    if k not in a:\n        return 2\n    else:\n        return 1\n",
        ),
        ("swap branches", "    return 1 if k else 2\n", "    return 2 if not k else 1\n"),
        (
            "de Morgan",
            "    if a and not k:\n        return 1\n",
            "    if not (not a or k):\n        return 1\n",
        ),
        ("de Morgan", "    return a and k\n", None),  # the value of an operand, not its truth
        (
            "double negation",
            "    while k:\n        k -= 1\n",
            "    while not not k:\n        k -= 1\n",
        ),
        ("take += apart", "    k += 1\n    return k\n", "    k = k + 1\n    return k\n"),
        ("take += apart", "    a += [k]\n    return a\n", None),  # a list changes in place
        ("commute", "    return 2 * k\n", "    return k * 2\n"),
        ("commute", "    return [1] + a\n", None),
        (
            "else after return",
            "    if k:\n        return 1\n    return 2\n",
            "    if k:\n        return 1\n    else:\n        return 2\n",
        ),
        (
            "no else after return",
            "    if k:\n        return 1\n    else:\n        return 2\n",
            "    if k:\n        return 1\n    return 2\n",
        ),
        (
            "ternary to branches",
            "    return 1 if k else 2\n",
            "    if k:\n        return 1\n    else:\n        return 2\n",
        ),
        (
            "while to while True",
            "    while k > 0:\n        k -= 1\n",
            "    while True:\n        if not k > 0:\n            break\n        k -= 1\n",
        ),
        ("while to while True", "    while True:\n        return 1\n", None),
        ("reorder", "    x = 1\n    y = k\n", "    y = k\n    x = 1\n"),
        ("reorder", "    x = 1\n    y = x\n", None),
        ("for to while", "    for x in a:\n        pass\n", None),
        ("rename", "    return a\n", None),  # a parameter may be passed by its name
        ("rename", "    global x\n    x = 1\n", None),
    ],
)
def test_what_a_rewrite_does(name: str, before: str, after: str | None) -> None:
    found = varied(PROMPT + before, KINDS[name], Random(0))
    assert found == (None if after is None else PROMPT + after)


@pytest.mark.parametrize("seed", range(3))
def test_new_names_stand_nowhere_else_and_are_the_same_for_the_same_seed(seed: int) -> None:
    code = PROMPT + "    total = 0\n    for x in a:\n        total += x\n    return total\n"
    first = varied(code, KINDS["rename"], Random(seed))
    assert first == varied(code, KINDS["rename"], Random(seed)) != code
    assert first is not None
    assert len(first.split("\n")) == len(code.split("\n"))


BODY = """    out = []
    total = 0
    for i in range(len(a)):
        if a[i] == 0 and k > 1:
            continue
        total += 1
        out.append(2 * a[i] if a[i] < k else a[i])
    while len(out) > k:
        out.pop()
    if total > k:
        return [x for x in out if x]
    else:
        return out
"""
TASK = Task(
    "t",
    PROMPT,
    "f",
    (CallTest(([1, 2, 0, 3], 2), [2, 2]), CallTest(([], 0), []), CallTest(([5, 1], 9), [10, 2])),
    starter_code=PROMPT,
)


def test_true_variations_are_accepted_and_named_invariants_hold(box: Sandbox) -> None:
    found = list(Variations(box, invariants).of(TASK, BODY))
    assert {v.rewrite for v in found if v.verdict == "accepted"} >= {
        "rename", "flip comparison", "swap branches", "de Morgan", "double negation",
        "take += apart", "while to while True", "for to while", "comprehension to loop",
    }  # fmt: skip
    before = invariants(parse(TASK.program(BODY)))
    for one in found:
        assert one.verdict == "accepted", one
        after = invariants(parse(one.program))
        assert all(after[k] == before[k] for k in KINDS[one.rewrite].keeps)
    assert found == list(Variations(box, invariants).of(TASK, BODY))


def minus_swapped(tree: nodes.Module, random: Random) -> list[Edit]:
    """Wrong on purpose: a - b becomes b - a."""
    found: list[Edit] = []
    for node in walk(tree):
        if isinstance(node, nodes.BinOp) and node.op == "Sub":

            def edit(node: nodes.BinOp = node) -> None:
                node.left, node.right = node.right, node.left

            found.append(edit)
    return found


def one_more_branch(tree: nodes.Module, random: Random) -> list[Edit]:
    """Right, and not what it promises: a branch more."""

    def edit() -> None:
        function = tree.body[0]
        assert isinstance(function, nodes.FunctionDef)
        no = nodes.Constant(False, None, 0, 0)
        function.body.insert(0, nodes.If(no, [nodes.Pass(0, 0)], [], 0, 0))

    return [edit]


WRONG = Rewrite("wrong", C1, minus_swapped)


@pytest.mark.parametrize(
    ("rewrite", "tests", "verdict"),
    [
        (WRONG, (CallTest(([], 5), 4),), "tests"),
        (WRONG, (CallTest(([], 1), 0),), "fuzzing"),  # the tests alone would have let it pass
        (Rewrite("branch", C1, one_more_branch), (CallTest(([], 1), 0),), "invariants"),
    ],
)
def test_what_is_not_a_variation_is_refused(
    box: Sandbox, rewrite: Rewrite, tests: tuple[CallTest, ...], verdict: str
) -> None:
    task = Task("t", PROMPT, "f", tests, starter_code=PROMPT)
    (found,) = Variations(box, invariants, [rewrite]).of(task, "    return k - 1\n")
    assert found.verdict == verdict


def test_a_change_of_an_argument_counts(box: Sandbox) -> None:
    def in_place(tree: nodes.Module, random: Random) -> list[Edit]:
        def edit() -> None:
            (function,) = tree.body
            assert isinstance(function, nodes.FunctionDef)
            function.body = parse("a.reverse()\nreturn a[::-1]\n").tree.body

        return [edit]

    task = Task("t", PROMPT, "f", (CallTest(([1, 2], 0), [1, 2]),), starter_code=PROMPT)
    (found,) = Variations(box, invariants, [Rewrite("mutates", ("mccabe/total",), in_place)]).of(
        task, "    return a[:]\n"
    )
    assert found.verdict == "fuzzing"


def test_what_is_no_solution_is_refused(box: Sandbox) -> None:
    for completion, why in (("    return (\n", "parse"), ("    return 7\n", "own tests")):
        with pytest.raises(ValueError, match=why):
            list(Variations(box, invariants).of(TASK, completion))
    with pytest.raises(ValueError, match="among the invariants"):
        list(Variations(box, lambda p: {"other": 1}, [KINDS["temporary"]]).of(TASK, BODY))


def test_inputs_are_read_from_tests_and_keep_their_types() -> None:
    rows = inputs(TASK)
    assert rows[0] == [[1, 2, 0, 3], 2]
    for row in mutated(rows, 50, Random(0)):
        assert isinstance(row[0], list)
        assert type(row[1]) is int
    assert rows == inputs(TASK)  # untouched
