"""Rewards from structure: what they pay, and the cheapest program that would exploit each."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neox.datasets.task import CallTest, Task
from neox.rewards import Attempt, Score, Scored, similarity, structure
from neox.rewards.canonical import canonical, likeness, productions
from neox.rewards.critic_inputs import NAMES, critic_inputs
from neox.rewards.diversity import Diversity
from neox.rewards.score import Failed, scored
from neox.rewards.shaping import over_prefixes, resemblance, shaping, viable

PROMPT = "def f(a):\n"
REFERENCE = "    s = 0\n    for x in a:\n        if x > 0:\n            s += x\n    return s\n"
TASK = Task("t", PROMPT, "f", (CallTest(([1],), 1),), starter_code=PROMPT, reference=REFERENCE)
OTHER = "    return sum(x for x in a if x > 0)\n"


def attempt(completion: str, task: Task = TASK) -> Attempt:
    return Attempt(task, completion)


def all_pass(attempts: Sequence[Attempt]) -> list[Score]:
    return [scored("tests", float("wrong" not in a.completion)) for a in attempts]


def values(scores: Sequence[Score]) -> list[float]:
    return [s.value for s in scores if isinstance(s, Scored)]


# The cheapest ways to look different without being so.
DISGUISES = {
    "copy": REFERENCE,
    "names": REFERENCE.replace("s", "t").replace("x", "y"),
    "layout": REFERENCE.replace("    ", "  ").replace("s = 0", "s  =  0  # start"),
    "docstring": '    """Sum."""\n' + REFERENCE,
    "dead branch": "    if False:\n        return 7\n" + REFERENCE,
    "dead loop": "    while 0:\n        a = []\n" + REFERENCE,
    "code after return": REFERENCE + "    for y in a:\n        print(y)\n    return 3\n",
    "unread variable": "    pad = [1, 2, 3]\n    more = len(pad)\n" + REFERENCE,
    "unused function": REFERENCE + "\ndef g(b):\n    return [c * 2 for c in b]\n",
    "unused inner function": "    def g(b):\n        return b if b else 1\n" + REFERENCE,
    "expression": "    a, 1 + 2, [q for q in a]\n" + REFERENCE,
    "self-assignment": "    a = a\n" + REFERENCE,
    "idle loop": "    for i in range(3):\n        pass\n" + REFERENCE,
    "idle test": "    if a:\n        pass\n    else:\n        pass\n" + REFERENCE,
    "import": "    import math\n    from os import path\n" + REFERENCE,
    "assertion": "    assert True\n" + REFERENCE,
    "temporary": REFERENCE.replace("return s", "t = s\n    return t"),
    "flipped comparison": REFERENCE.replace("x > 0", "0 < x"),
    "swapped branches": REFERENCE.replace(
        "if x > 0:\n            s += x",
        "if not x > 0:\n            pass\n        else:\n            s += x",
    ),
    "annotation": REFERENCE.replace("s = 0", "s: int = 0"),
    "augmented": REFERENCE.replace("s += x", "s = s + x"),
    "empty try": "    try:\n        pass\n    except ValueError:\n        return 1\n" + REFERENCE,
}


@pytest.mark.parametrize("disguised", DISGUISES.values(), ids=DISGUISES)
def test_a_disguised_copy_earns_no_diversity(disguised: str) -> None:
    found = values(Diversity(all_pass)([attempt(REFERENCE), attempt(disguised)]))
    assert found == [0.0, 0.0]


def test_another_way_to_do_it_earns_diversity() -> None:
    same, again, different = values(
        Diversity(all_pass)([attempt(REFERENCE), attempt(REFERENCE), attempt(OTHER)])
    )
    assert same == again
    assert 0.1 < same < different <= 1


def test_only_passing_attempts_of_one_task_are_compared_and_paid() -> None:
    lone = values(Diversity(all_pass)([attempt(REFERENCE), attempt("    return wrong\n")]))
    assert lone == [0.0, 0.0]
    elsewhere = Task("u", PROMPT, "f", TASK.tests, starter_code=PROMPT)
    assert values(Diversity(all_pass)([attempt(REFERENCE), attempt(OTHER, elsewhere)])) == [0, 0]


def test_a_failed_test_run_is_a_failed_diversity() -> None:
    def broken(attempts: Sequence[Attempt]) -> list[Score]:
        return [Failed("sandbox", "gone") for _ in attempts]

    assert Diversity(broken)([attempt(OTHER)]) == [Failed("sandbox", "gone")]


def test_likeness_ignores_names_and_sees_operators() -> None:
    trees = [canonical(PROMPT + f"    return {e}\n", "f") for e in ("a + 1", "a + 2", "a - 1")]
    one, other, third = (productions(t) for t in trees if t is not None)
    assert likeness(one, other) == 1.0
    assert likeness(one, third) < 1.0
    assert canonical("def f(:\n") is None


def test_what_changes_something_stays() -> None:
    code = "    a.append(1)\n    b = g(a)\n    return a\n"
    tree = canonical(PROMPT + code, "f")
    assert tree is not None
    assert productions(tree)["Expr(Call)"] == 1
    assert productions(tree)["Assign(Name,Call)"] == 1


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30), st.floats(0.5, 1))
def test_shaping_adds_up_to_what_the_prompt_fixes(potentials: list[float], gamma: float) -> None:
    """Whatever is generated, padding and dead code included, the sum is -Phi(s0)."""
    total = sum(gamma**t * f for t, f in enumerate(shaping(potentials, gamma)))
    assert total == pytest.approx(-potentials[0], abs=1e-9)


@pytest.mark.parametrize("potential", [viable, resemblance])
def test_no_completion_earns_by_shaping(potential) -> None:  # type: ignore[no-untyped-def]
    sums = set()
    for completion in (REFERENCE, OTHER, "    if False: pass\n" * 5 + REFERENCE, "    ((((\n"):
        ends = list(range(4, len(completion) + 1, 4))
        terms = shaping(over_prefixes(TASK, completion, ends, potential))
        sums.add(round(sum(terms), 9))
    assert len(sums) == 1
    assert over_prefixes(TASK, "", [], potential) == []


def test_resemblance_rises_along_the_reference_and_is_zero_without_one() -> None:
    ends = [i + 1 for i, c in enumerate(REFERENCE) if c == "\n"]
    found = [resemblance(TASK, REFERENCE[:end]) for end in ends]
    assert found[-1] == 1.0
    assert found[0] < found[-2] <= found[-1]
    assert resemblance(Task("x", PROMPT, "f", ()), REFERENCE) == 0.0


def test_the_structure_reward_is_not_raised_by_dead_code_or_padding() -> None:
    plain, dead, padded = values(
        structure(
            [
                attempt(REFERENCE),
                attempt("    if False:\n        pass\n" + REFERENCE),
                attempt("    t = 0\n" * 9 + REFERENCE),
            ]
        )
    )
    assert plain == 1.0
    assert dead < plain
    assert padded <= plain


def test_the_structure_reward_cannot_be_won_by_moving_decisions_out_of_sight() -> None:
    hidden = "    return g(a)\ndef g(a):\n" + REFERENCE + "def h(a):\n    return a and a\n"
    (found,) = values(structure([attempt(hidden)]))
    assert found < 1.0


def test_similarity_is_lowered_by_padding_and_paid_in_full_only_to_a_copy() -> None:
    copied, padded, other = values(
        similarity([attempt(REFERENCE), attempt("    # pad\n" * 5 + REFERENCE), attempt(OTHER)])
    )
    assert copied == 1.0
    assert padded < copied
    assert other < copied


def test_critic_inputs_are_finite_flag_what_does_not_parse_and_ignore_names() -> None:
    found = critic_inputs(
        [attempt(REFERENCE), attempt("    return (\n"), attempt(DISGUISES["names"])]
    )
    assert found.shape == (3, len(NAMES))
    assert np.isfinite(found).all()
    assert found[:, 0].tolist() == [1, 0, 1]
    np.testing.assert_array_equal(found[0], found[2])
    assert not found[1].any()


def test_diversity_is_a_part_that_is_off_and_paid_only_where_the_tests_pass() -> None:
    from neox.config import RewardsConfig
    from neox.rewards import Rewards

    assert RewardsConfig().diversity == 0.0

    class Known:
        def __call__(self, attempts: Sequence[Attempt]) -> list[Score]:
            return all_pass(attempts)

    group = [attempt(REFERENCE), attempt(OTHER), attempt("    return wrong\n")]
    plain = Rewards({"tests": 1.0}, Known())(group)  # type: ignore[arg-type]
    bonus = Rewards({"tests": 1.0, "diversity": 0.1}, Known())(group)  # type: ignore[arg-type]
    assert values(plain) == [1, 1, 0]
    first, second, wrong = values(bonus)
    assert 1 < first <= 1.1
    assert first == second
    assert wrong == 0
