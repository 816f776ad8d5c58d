"""Many jobs at once: in order, as they come, from an event loop; stopped half-way."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from neox.sandbox import Call, Job, Outcome, Sandbox, streams

pytestmark = pytest.mark.slow


def job(n: int, sleep_s: float = 0.0) -> Call:
    code = f"import time\ndef f(n):\n    time.sleep({sleep_s})\n    return n\n"
    return Call(code, "f", [[n]], [n % 3])  # right for 0, 1, 2


@pytest.fixture(scope="module")
def box() -> Iterator[Sandbox]:
    with Sandbox(workers=2) as sandbox:
        yield sandbox


RIGHT = ["pass"] * 3 + ["fail"] * 3


def test_progress_is_told_of_every_outcome(box: Sandbox) -> None:
    told: list[tuple[int, str]] = []
    outcomes = box.map(
        map(job, range(6)), lambda done, outcome: told.append((done, outcome.verdict))
    )
    assert [o.verdict for o in outcomes] == RIGHT
    assert told == list(enumerate(RIGHT, 1))


def test_the_first_to_be_done_comes_first(box: Sandbox) -> None:
    jobs = [job(0, 1.5), job(1), job(5)]
    for _ in range(3):  # a second and a half are no time on a machine that has no processor left
        told: list[int] = []
        came = list(box.as_completed(jobs, lambda done, _: told.append(done)))  # noqa: B023
        if came[0][0] == 1:
            break
    assert came[0][0] == 1
    assert {number: o.verdict for number, o in came} == {0: "pass", 1: "pass", 2: "fail"}
    assert told == [1, 2, 3]


def test_a_generator_is_read_only_so_far_ahead(
    box: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "AHEAD", 4)
    read: list[int] = []

    def endless() -> Iterator[Job]:
        while True:
            read.append(len(read))
            yield job(len(read) % 3)

    for stream in (box.map(endless()), box.as_completed(endless())):
        read.clear()
        for _ in range(3):
            next(stream)
        assert len(read) <= 7
        stream.close()  # type: ignore[union-attr]
    assert box.run(job(1)).verdict == "pass"


def test_an_event_loop_goes_on_meanwhile(box: Sandbox) -> None:
    async def work() -> tuple[list[Outcome], int, Outcome]:
        turns = 0

        async def tick() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0.01)

        ticking = asyncio.create_task(tick())
        outcomes = [o async for o in box.amap([job(0, 0.2), *map(job, range(1, 6))])]
        one = await box.arun(job(2))
        ticking.cancel()
        return outcomes, turns, one

    outcomes, turns, one = asyncio.run(work())
    assert [o.verdict for o in outcomes] == RIGHT
    assert one.verdict == "pass"
    assert turns > 3


def test_a_cancelled_task_leaves_the_sandbox_working(box: Sandbox) -> None:
    async def work() -> None:
        waiting = [asyncio.create_task(box.arun(job(1, 0.1))) for _ in range(20)]
        await asyncio.sleep(0.05)
        for task in waiting:
            task.cancel()
        done = await asyncio.gather(*waiting, return_exceptions=True)
        assert all(isinstance(result, asyncio.CancelledError) for result in done)

    asyncio.run(work())
    assert box.run(job(1)).verdict == "pass"
