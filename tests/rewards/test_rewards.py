"""Rewards: what they pay, what they refuse, and that a failure is never a zero."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest

from neox.datasets.task import CallTest, Task
from neox.rewards import Attempt, Failed, Rewards, Score, Scored, Tests, similarity, syntax
from neox.sandbox import Limits, Sandbox

PROMPT = "# Add one.\ndef f(n: int) -> int:\n"
TASK = Task(
    task_id="t",
    prompt=PROMPT,
    entry_point="f",
    tests=tuple(CallTest((n,), n + 1) for n in (0, 1, 5)),
    starter_code=PROMPT,
    reference="    return n + 1\n",
)


@pytest.fixture(scope="module")
def box() -> Iterator[Sandbox]:
    with Sandbox(workers=1, limits=Limits(cpu_s=0.5, wall_s=3), strict=False) as sandbox:
        yield sandbox


def attempt(completion: str, task: Task = TASK) -> Attempt:
    return Attempt(task, completion)


NOT_SOLUTIONS = {
    "wrong": "    return n\n",
    "printing": "    print(n + 1)\n",
    "exit 0": "    raise SystemExit(0)\n",
    "hard exit": "    import os\n    os._exit(0)\n",
    "exit at import": "    return n + 1\nimport sys\nsys.exit(0)\n",
    "raising": "    raise AssertionError\n",
    "equal to all": (
        "    class Yes(int):\n        def __eq__(self, other): return True\n"
        "        __hash__ = int.__hash__\n    return Yes(7)\n"
    ),
    "patched comparison": (
        "    import builtins\n    builtins.all = lambda *a: True\n    return n\n"
    ),
    "forged answers": (
        "    import os\n    for fd in range(64):\n        try:\n"
        "            os.write(fd, b'\\x10\\x00\\x00\\x00[\"r\",[[true,1]]]')\n"
        "        except OSError:\n            pass\n    return n\n"
    ),
    "reads the caller": (
        "    import sys\n    frame = sys._getframe()\n    while frame:\n"
        "        for value in frame.f_locals.values():\n"
        "            if isinstance(value, dict) and 'expected' in value:\n"
        "                return value['expected'][0]\n        frame = frame.f_back\n    return n\n"
    ),
    "endless": "    while True:\n        pass\n",
    "does not parse": "    return n +\n",
}


@pytest.mark.parametrize("completion", NOT_SOLUTIONS.values(), ids=NOT_SOLUTIONS)
def test_the_tests_reward_cannot_be_won_without_solving(box: Sandbox, completion: str) -> None:
    (score,) = Tests(box)([attempt(completion)])
    assert score == Scored(0.0, {"tests": 0.0})


def test_the_reference_wins_and_equal_programs_run_once(box: Sandbox) -> None:
    tests = Tests(box)
    good = attempt("    return n + 1\n")
    assert [s.value for s in tests([good, good]) if isinstance(s, Scored)] == [1.0, 1.0]
    assert tests.begin(good) is tests.begin(attempt("    return n + 1\n"))


def test_the_fraction_counts_the_tests_that_pass(box: Sandbox) -> None:
    (score,) = Tests(box, "fraction")([attempt("    return 1 if n == 0 else 0\n")])
    assert isinstance(score, Scored)
    assert score.value == pytest.approx(1 / 3)


def test_a_task_without_tests_is_unscorable_not_zero(box: Sandbox) -> None:
    bare = Task(task_id="x", prompt="p", entry_point="f", tests=())
    (score,) = Tests(box)([attempt("pass\n", bare)])
    assert isinstance(score, Failed)
    assert score.kind == "unscorable"


def raises(attempts: Sequence[Attempt]) -> list[Score]:
    raise RuntimeError("broken reward")


def not_a_number(attempts: Sequence[Attempt]) -> list[Score]:
    return [Scored(float("nan")) for _ in attempts]


def too_few(attempts: Sequence[Attempt]) -> list[Score]:
    return [Scored(1.0)]


@pytest.mark.parametrize(
    ("reward", "kind", "detail"),
    [
        (raises, "error", "broken reward"),
        (not_a_number, "non_finite", "nan"),
        (too_few, "error", "returned 1 scores for 2 attempts"),
    ],
)
def test_a_broken_reward_is_failed_and_says_why(box: Sandbox, reward, kind, detail) -> None:  # type: ignore[no-untyped-def]
    rewards = Rewards({"tests": 1.0, "mine": 1.0}, Tests(box), extra={"mine": reward})
    scores = rewards([attempt("    return n + 1\n"), attempt("    return 0\n")])
    assert [type(s) for s in scores] == [Failed, Failed]
    first = scores[0]
    assert isinstance(first, Failed)
    assert first.kind == kind
    assert detail in first.detail


def test_weights_add_up_and_parts_are_reported_by_themselves(box: Sandbox) -> None:
    rewards = Rewards({"tests": 1.0, "similarity": 0.5}, Tests(box), log=["syntax"])
    (score,) = rewards([attempt("    return n + 1\n")])
    assert isinstance(score, Scored)
    assert score.value == pytest.approx(1.5)
    assert dict(score.parts) == {"tests": 1.0, "syntax": 1.0, "similarity": 1.0}


def test_structure_and_complexity_pay_nothing_for_a_wrong_program(box: Sandbox) -> None:
    rewards = Rewards({"tests": 1.0, "structure": 1.0, "complexity": 1.0}, Tests(box))
    (score,) = rewards([attempt("    return n\n")])
    assert isinstance(score, Scored)
    assert score.value == 0.0


def test_an_unknown_part_is_refused(box: Sandbox) -> None:
    with pytest.raises(ValueError, match="no reward part"):
        Rewards({"beauty": 1.0}, Tests(box))


@pytest.mark.parametrize(
    ("completion", "low", "high"),
    [
        ("    return n + 1\n", 1.0, 1.0),
        ("    return n + (1\n", 0.85, 0.999),
        ("    return n + + * 1\n", 0.5, 0.9),
        (")))\n", 0.0, 0.1),
    ],
)
def test_syntax_is_how_far_the_completion_parses(completion: str, low: float, high: float) -> None:
    (score,) = syntax([attempt(completion)])
    assert isinstance(score, Scored)
    assert low <= score.value <= high


def test_similarity_is_one_for_the_reference_and_needs_one() -> None:
    scores = similarity(
        [
            attempt("    return n + 1\n"),
            attempt("    return n + 2\n"),
            attempt("x", Task(task_id="y", prompt="p", entry_point="f", tests=())),
        ]
    )
    values = [s.value for s in scores if isinstance(s, Scored)]
    assert values[0] == 1.0
    assert 0.9 < values[1] < 1.0
    assert values[2] == 0.0
