"""The forge's promises: right references, tests that bite, no leaks, and the same bytes again."""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from hashlib import sha256
from itertools import pairwise
from typing import Any

import pytest

from neox.datasets.forge import FAMILIES, LEVELS, Forge, parse_name, tasks_from_name, to_humaneval
from neox.datasets.forge.behaviour import arguments
from neox.datasets.forge.text import body
from neox.datasets.forge.trials import habit_sets, single_mutants
from neox.datasets.jobs import job
from neox.datasets.task import CallTest, Task, from_json
from neox.sandbox import Limits, Sandbox

FORGE = Forge(seed=0)
TRAIN = FORGE.tasks("train", 900)
TEST = FORGE.tasks("test", 120)


def compiled(source: str) -> Callable[..., Any]:
    """The function of a program that the forge itself wrote."""
    space: dict[str, Any] = {}
    exec(source, space)
    found: Callable[..., Any] = space["f"]
    return found


def passes(task: Task, completion: str) -> bool:
    made = compiled(task.program(completion))
    for test in task.tests:
        assert isinstance(test, CallTest)
        try:
            if made(*test.args) != test.expected:
                return False
        except (ValueError, IndexError, KeyError, ZeroDivisionError, RecursionError, TypeError):
            return False
    return True


def behaviour(task: Task) -> str:
    """The key, from the rendered source and not from the tree's nodes."""
    program = FORGE.program(task.task_id)
    made = compiled(task.program(task.reference or ""))
    outputs = [made(*arguments(program, index)) for index in range(64)]
    if program.gives == "dict":
        outputs = [sorted(output.items()) for output in outputs]
    return sha256(f"{program.takes},{program.extra}:{outputs!r}".encode()).hexdigest()


def test_references_pass_their_tests_and_examples() -> None:
    for task in TRAIN + TEST:
        made = compiled(task.program(task.reference or ""))
        for example in task.examples:
            assert made(*example.args) == example.expected, task.prompt
        assert passes(task, task.reference or ""), task.prompt
        assert len(task.examples) == 3
        assert 1 <= len(task.tests) <= 12


def test_references_pass_in_the_sandbox() -> None:
    some = TRAIN[::30]
    with Sandbox(workers=1, limits=Limits(cpu_s=5, wall_s=10, memory_mb=256, output_kb=64)) as box:
        verdicts = list(box.map([job(task, task.reference or "") for task in some]))
    assert {outcome.verdict for outcome in verdicts} == {"pass"}


def test_tests_and_examples_do_not_share_inputs() -> None:
    for task in TRAIN + TEST:
        shown = {repr(example.args) for example in task.examples}
        hidden = [repr(test.args) for test in task.tests if isinstance(test, CallTest)]
        assert len(set(hidden)) == len(hidden)
        assert shown.isdisjoint(hidden)


def test_every_single_mutant_fails() -> None:
    for task in TRAIN[::3]:
        program = FORGE.program(task.task_id)
        for place, node in enumerate(program.nodes):
            for variant in single_mutants(node):
                forms = [(0,) * len(other.parts) for other in program.nodes]
                forms[place] = variant
                mutant = body(program, tuple(forms))
                assert not passes(task, mutant), f"{task.prompt}{task.reference}{mutant}"


def test_tests_judge_habits_as_behaviour_does() -> None:
    for task in TRAIN[::9]:
        program = FORGE.program(task.task_id)
        for variants in habit_sets(program):
            completion = body(program, variants)
            same = passes(task, completion)
            if same:
                made, right = (
                    compiled(task.program(c)) for c in (completion, task.reference or "")
                )
                cases = [arguments(program, index) for index in range(64)]
                assert all(made(*case) == right(*case) for case in cases), completion


def caller_key(task: Task) -> str:
    """What a caller of the function can see: its signature, and its outputs on inputs that every
    function with this signature takes. Found by running the rendered reference.
    """
    program = FORGE.program(task.task_id)
    made = compiled(task.program(task.reference or ""))
    cases = [arguments(program, index) for index in range(64)]
    if program.takes in ("small", "nat", "int"):
        cases = [(n, *case[1:]) for n, case in zip(range(31), cases, strict=False)]
    signature = task.prompt.splitlines()[1]
    return f"{signature}{[made(*case) for case in cases]!r}"


def test_no_test_function_computes_what_a_training_function_computes() -> None:
    validation = FORGE.tasks("validation", 120)
    other = Forge(seed=7).tasks("test", 60)
    split_by_key: dict[str, str] = {}
    for task in TRAIN + TEST + validation + other:
        assert behaviour(task) == task.meta["behaviour"]
        assert split_by_key.setdefault(caller_key(task), task.split) == task.split
    trained = {task.prompt for task in TRAIN}
    assert trained.isdisjoint(task.prompt for task in TEST + validation + other)


def test_behaviours_and_prompts_are_distinct_within_a_list() -> None:
    for tasks in (TRAIN, TEST):
        assert len({task.prompt for task in tasks}) == len(tasks)
        assert len({task.meta["behaviour"] for task in tasks}) == len(tasks)


def test_no_reference_is_a_constant_or_the_identity() -> None:
    for task in TRAIN:
        program = FORGE.program(task.task_id)
        made = compiled(task.program(task.reference or ""))
        cases = [arguments(program, index) for index in range(64)]
        outputs = [made(*case) for case in cases]
        assert len({repr(output) for output in outputs}) > 1
        assert outputs != [case[0] for case in cases]


@pytest.mark.slow
def test_all_operations_of_the_test_split_are_trained() -> None:
    trained = {part for task in Forge(0).tasks("train", 3000) for part in task.meta["parts"]}
    assert {part for task in TEST for part in task.meta["parts"]} <= trained


def test_tasks_spread_evenly_over_families_and_levels() -> None:
    counts = Counter((task.family, task.level) for task in TRAIN)
    assert {family for family, _ in counts} == set(FAMILIES)
    above = [counts[family, level] for family in FAMILIES for level in (1, 2, 3)]
    assert max(above) - min(above) <= 1
    for task in TRAIN:
        assert len(task.meta["parts"]) == task.level + 1


def test_a_longer_list_extends_a_shorter_one_whatever_was_asked_before() -> None:
    fresh = Forge(seed=0)
    assert fresh.tasks("train", 50) == TRAIN[:50]
    assert FORGE.tasks("train", 90) == TRAIN[:90]
    assert {t.prompt for t in Forge(seed=1).tasks("train", 90)} != {t.prompt for t in TRAIN[:90]}


def test_another_process_gives_the_same_bytes() -> None:
    script = (
        "import json; from neox.datasets.forge import Forge\n"
        "from neox.datasets.task import to_json\n"
        "print(json.dumps([to_json(t) for t in Forge(3).tasks('train', 40)]))"
    )
    ran = [
        subprocess.run(
            [sys.executable, "-c", script],
            env={"PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    ]
    assert ran[0] == ran[1]
    assert [from_json(row) for row in json.loads(ran[0])] == Forge(3).tasks("train", 40)


@pytest.mark.parametrize("split", ["train", "test"])
def test_a_family_and_a_level_can_be_asked_for(split: str) -> None:
    tasks = tasks_from_name("forge:recursion/3", split, 12)
    assert len(tasks) == 12
    assert {(task.family, task.level, task.split) for task in tasks} == {("recursion", 3, split)}
    assert all("f(" in (task.reference or "") for task in tasks)


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("forge", (None, None)),
        ("forge:fold", (("fold",), None)),
        ("forge:fold/3", (("fold",), (3,))),
        ("forge:/0", (None, (0,))),
    ],
)
def test_names(name: str, found: object) -> None:
    assert parse_name(name) == found


@pytest.mark.parametrize(
    "name", ["forge:bread", "forge:fold/4", "forge:fold/x", "anvil", "forges:fold"]
)
def test_other_names_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="names no forge tasks"):
        parse_name(name)


@pytest.mark.parametrize(
    "arguments_",
    [("exam", 1, LEVELS, None), ("train", 1, (9,), None), ("train", 1, (0,), ("bread",))],
)
def test_unknown_splits_levels_and_families_are_refused(arguments_: tuple[Any, ...]) -> None:
    with pytest.raises(ValueError, match="splits are train, validation, test"):
        Forge().tasks(*arguments_)


def test_a_small_supply_ends() -> None:
    tasks = Forge().tasks("train", 10_000, levels=(0,), families=("fold",))
    assert 3 < len(tasks) < 100


def test_prompts_and_completions_are_short() -> None:
    lengths = sorted(len(task.reference or "") for task in TRAIN)
    assert lengths[len(lengths) // 2] <= 110
    assert lengths[-1] <= 220
    assert max(len(task.prompt) for task in TRAIN) <= 240


def test_contracts_are_cost_classes() -> None:
    known = {None, "O(1)", "O(n)", "O(n log n)", "O(n^2)"}
    found = {task.contract for task in TRAIN}
    assert found == known


def test_humaneval_export_runs() -> None:
    for task in TRAIN[::10]:
        row = to_humaneval(task)
        space: dict[str, Any] = {}
        source = row["prompt"] + row["canonical_solution"] + "\n" + row["test"]
        exec(f"{source}\ncheck({row['entry_point']})", space)
        assert row["prompt"].count(">>> f(") == 3


def test_humaneval_export_bites() -> None:
    task = TRAIN[0]
    row = to_humaneval(task)
    with pytest.raises(AssertionError):
        exec(f"{row['prompt']}    return None\n{row['test']}\ncheck(f)", {})


def test_foreign_ids_are_refused() -> None:
    for name in ("HumanEval/0", "forge0/0/fold/1/3", "forge1/0/bread/1/3"):
        with pytest.raises(ValueError, match="is not a task of forge version"):
            FORGE.program(name)


def test_programs_fit_their_types() -> None:
    for task in TRAIN:
        program = FORGE.program(task.task_id)
        for before, after in pairwise(program.nodes):
            rank = {"small": 0, "nat": 1, "int": 2}
            if before.op.gives in rank:
                assert rank[before.op.gives] <= rank[after.op.takes]
            else:
                assert before.op.gives == after.op.takes
