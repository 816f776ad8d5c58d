"""Wall limits are for programs that sleep; a verdict close to a limit is found again, alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from neox.datasets.task import CallTest, Task
from neox.rewards.score import Attempt
from neox.rewards.tests import Tests
from neox.sandbox import Call, Limits, Outcome, Sandbox, wire, zygotes
from neox.sandbox.lane import Lane, is_close

pytestmark = pytest.mark.slow

LIMITS = Limits(cpu_s=2, wall_s=0.5)
ADD = "def f(a, b):\n    return a + b\n"


def during(work: str, seconds: float) -> Call:
    """A program that works, or sleeps, for so much time on the wall clock."""
    code = f"""
import time
def f():
    until = time.monotonic() + {seconds}
    while time.monotonic() < until: {work}
    return 1
"""
    return Call(code, "f", [[]], [1], limits=LIMITS)


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Makes zygotes believe that the machine is, or is not, overloaded."""
    original = zygotes.source

    def believing(overloaded: bool) -> None:
        old, new = (
            "def overloaded() -> bool:\n",
            f"def overloaded() -> bool:\n    return {overloaded}\n",
        )

        def changed(names: tuple[str, ...]) -> bytes:
            text = original(names).decode("ascii")
            assert text.count(old.replace("\n", "\\n")) == 1
            return text.replace(old.replace("\n", "\\n"), new.replace("\n", "\\n")).encode("ascii")

        monkeypatch.setattr(zygotes, "source", changed)

    return believing


@pytest.mark.parametrize(
    ("overloaded", "work", "seconds", "verdict"),
    [
        (False, "pass", 0.8, "timeout"),
        (True, "pass", 0.8, "pass"),  # it computes: up to four times the wall limit
        (True, "time.sleep(9)", 0.8, "timeout"),
        (True, "pass", 30.0, "timeout"),
    ],
)
def test_what_computes_gets_more_wall_time_on_a_loaded_machine(
    machine: Any, overloaded: bool, work: str, seconds: float, verdict: str
) -> None:
    machine(overloaded)
    with Sandbox(workers=1) as box:
        outcome = box.run(during(work, seconds))
    assert outcome.verdict == verdict, outcome
    most = wire.PATIENCE if overloaded and work == "pass" else 1
    assert outcome.wall_s < most * LIMITS.wall_s + 1.5  # the kill itself may come late


@pytest.mark.parametrize(
    ("outcome", "again"),
    [
        (Outcome("pass", cpu_s=0.1, wall_s=0.1), False),
        (Outcome("pass", cpu_s=1.7, wall_s=0.4, near_limit=True), True),
        (Outcome("fail", cpu_s=0.1, wall_s=0.45, near_limit=True), True),
        (Outcome("pass", cpu_s=0.1, wall_s=0.1, near_limit=True), False),  # near in memory only
        (Outcome("timeout", cpu_s=0.3, wall_s=0.6, near_limit=True), True),  # half a processor
        (Outcome("timeout", cpu_s=0.0, wall_s=0.6, near_limit=True), False),  # asleep
        (Outcome("timeout", cpu_s=0.59, wall_s=0.6, near_limit=True), False),  # at full speed
        (Outcome("timeout", cpu_s=2.1, wall_s=2.2, near_limit=True), False),  # its CPU time
        (Outcome("timeout", cpu_s=0.9, wall_s=2.1, near_limit=True), False),  # had all patience
        (Outcome("memory", cpu_s=1.7, wall_s=0.4, near_limit=True), False),
        (Outcome("violation", cpu_s=1.7, wall_s=0.4, near_limit=True), False),
    ],
)
def test_which_outcomes_are_found_again(outcome: Outcome, again: bool) -> None:
    assert is_close(outcome, LIMITS, crowded=False) is again


def test_a_crowd_of_our_own_is_a_reason_to_run_again() -> None:
    outcome = Outcome("timeout", cpu_s=0.9, wall_s=2.1, near_limit=True)
    assert is_close(outcome, LIMITS, crowded=True)


@pytest.mark.parametrize(
    ("first", "second", "final"),
    [("timeout", "pass", "pass"), ("pass", "timeout", "pass"), ("timeout", "timeout", "timeout")],
)
def test_the_second_run_is_alone_and_marked(
    monkeypatch: pytest.MonkeyPatch, first: Any, second: Any, final: str
) -> None:
    """The two runs of one job come out as told; which jobs are under way is noted at each start."""
    real, told = Lane.outcome, {"runs": 0, "beside": -1}

    def outcome(self: Lane, item: Any) -> Outcome:
        found = real(self, item)
        if item.job is not job:
            return found
        told["runs"] += 1
        verdict = first if told["runs"] == 1 else second
        return replace(found, verdict=verdict, cpu_s=0.3, wall_s=0.6, near_limit=True)

    send = Lane.send

    def noted(self: Lane, item: Any, number: int) -> bool:
        if item.job is job and item.first is not None:
            told["beside"] = sum(len(lane.items) for lane in box._lanes)
        return send(self, item, number)

    monkeypatch.setattr(Lane, "outcome", outcome)
    monkeypatch.setattr(Lane, "send", noted)
    job = Call(ADD, "f", [[1, 2]], [3], limits=LIMITS)
    other = Call("import time\ntime.sleep(0.05)\n" + ADD, "f", [[1, 2]], [3])
    with Sandbox(workers=2) as box:
        outcomes = list(box.map([other, other, job, other, other]))
    assert told == {"runs": 2, "beside": 0}
    assert (outcomes[2].verdict, outcomes[2].near_limit) == (final, True)
    assert [o.verdict for o in outcomes if o is not outcomes[2]] == ["pass"] * 4


def test_the_share_of_attempts_that_cheat_is_counted_once() -> None:
    task = Task("t/1", "", "f", (CallTest((1, 2), 3),))
    programs = [
        ADD,
        "def f(a, b): return 0",
        "import os\nos._exit(0)",
        "import socket\ndef f(a, b):\n    try: socket.socket()\n    except OSError: return a + b",
    ]
    with Sandbox(workers=1) as box:
        reward = Tests(box)
        reward([Attempt(task, program) for program in programs])
        counted = 2 if box.layers["monitor"][0] else 1
        assert reward.violation_frac() == counted / 4
        assert reward.violation_frac() == 0.0  # since it was last asked
        reward([Attempt(task, ADD)])
        assert reward.violation_frac() == 0.0
