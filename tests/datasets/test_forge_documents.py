"""Documents: clean ones are references; mixed ones are wrong at fixed rates, and said to be."""

from collections import Counter

import pytest

from neox.datasets.forge import Forge
from neox.datasets.forge.documents import habit_rates
from neox.datasets.task import CallTest

FORGE = Forge(seed=0)
TASKS = FORGE.tasks("train", 1500)
MIXED = FORGE.documents(TASKS, "mixed", seed=0)


def passes(source: str, tests: tuple[object, ...]) -> bool:
    space: dict[str, object] = {}
    exec(source, space)
    function = space["f"]
    assert callable(function)
    try:
        return all(
            function(*test.args) == test.expected for test in tests if isinstance(test, CallTest)
        )
    except (ValueError, IndexError, KeyError, ZeroDivisionError, RecursionError, TypeError):
        return False


def test_clean_documents_are_the_references() -> None:
    documents = FORGE.documents(TASKS)
    assert [d.completion for d in documents] == [task.reference for task in TASKS]
    assert [d.prompt for d in documents] == [task.prompt for task in TASKS]
    assert all(document.right for document in documents)


def test_the_share_of_right_documents() -> None:
    shares = [
        sum(d.right for d in FORGE.documents(TASKS, "mixed", seed)) / len(TASKS)
        for seed in range(4)
    ]
    assert sum(shares) / 4 == pytest.approx(0.43, abs=0.02)


def test_right_is_what_the_tests_say() -> None:
    for task, document in zip(TASKS, MIXED, strict=True):
        assert document.task_id == task.task_id
        assert document.right == passes(task.program(document.completion), task.tests)


def test_the_rates_differ_strongly_and_do_not_depend_on_the_seed() -> None:
    rates = habit_rates([tuple(task.meta["parts"]) for task in TASKS], 0.43)
    assert min(rates.values()) < 0.06
    assert max(rates.values()) > 0.7
    assert sum(rate > 0.5 for rate in rates.values()) >= len(rates) / 8
    alone = Forge(seed=0)
    level = alone.tasks("train", 400, levels=(0,))
    made = [
        {d.prompt: d.right for d in alone.documents(level, "mixed", seed)} for seed in range(30)
    ]
    wrong = Counter(prompt for one in made for prompt, right in one.items() if not right)
    own = habit_rates([tuple(task.meta["parts"]) for task in level], 0.43)
    for task in level[:60]:
        assert wrong[task.prompt] / 30 == pytest.approx(own[task.meta["parts"][0]], abs=0.36)


def test_documents_are_repeatable_and_seeds_differ() -> None:
    again = Forge(seed=0).documents(TASKS[:200], "mixed", seed=0)
    assert again == FORGE.documents(TASKS[:200], "mixed", seed=0)
    assert again != FORGE.documents(TASKS[:200], "mixed", seed=1)


def test_other_qualities_are_refused() -> None:
    with pytest.raises(ValueError, match="'clean' and 'mixed'"):
        FORGE.documents(TASKS[:1], "dirty")
