"""Which tasks a step trains on: a function of the seed and the step."""

from __future__ import annotations

from collections import Counter

from neox.config import CurriculumConfig
from neox.datasets.task import Task
from neox.train.curriculum import Curriculum

TASKS = [
    Task(task_id=f"{level}/{i}", prompt="p", entry_point="f", tests=(), level=level)
    for level in range(3)
    for i in range(10)
]
STRATIFIED = CurriculumConfig(kind="stratified")


def test_proportional_draws_every_task_once_an_epoch() -> None:
    curriculum = Curriculum(TASKS, CurriculumConfig(kind="proportional"), seed=1)
    drawn = [t.task_id for step in range(5) for t in curriculum.draw(step, 6)]
    assert len(set(drawn)) == 30
    assert [t.task_id for t in curriculum.draw(5, 6)] != drawn[:6]


def test_stratified_draws_every_level_equally_and_every_task_once_an_epoch() -> None:
    curriculum = Curriculum(TASKS, STRATIFIED, seed=1)
    drawn = [t for step in range(5) for t in curriculum.draw(step, 6)]
    assert Counter(t.level for t in drawn) == {0: 10, 1: 10, 2: 10}
    assert len({t.task_id for t in drawn}) == 30


def test_drawing_needs_no_memory() -> None:
    first, second = (Curriculum(TASKS, STRATIFIED, seed=1) for _ in range(2))
    for step in range(3):
        first.draw(step, 6)
    assert first.draw(3, 6) == second.draw(3, 6)
    assert first.draw(3, 6) != Curriculum(TASKS, STRATIFIED, seed=2).draw(3, 6)


def test_promotion_opens_the_next_level_and_replays_the_earlier() -> None:
    config = CurriculumConfig(kind="promote", window=8, promote_at=0.7, replay=0.5)
    curriculum = Curriculum(TASKS, config, seed=0)
    tasks = curriculum.draw(0, 4)
    assert {t.level for t in tasks} == {0}
    assert not curriculum.record(tasks, [1, 1, 1, 1])  # the window is not full yet
    assert curriculum.record(tasks, [1, 0.5, 0.5, 1])
    levels = Counter(t.level for step in range(10) for t in curriculum.draw(step, 4))
    assert set(levels) == {0, 1}
    restored = Curriculum(TASKS, config, seed=0)
    restored.restore(curriculum.state())
    assert restored.draw(5, 4) == curriculum.draw(5, 4)


def test_a_low_pass_rate_promotes_nobody() -> None:
    config = CurriculumConfig(kind="promote", window=4, promote_at=0.7)
    curriculum = Curriculum(TASKS, config, seed=0)
    assert not curriculum.record(curriculum.draw(0, 4), [0.6] * 4)
