"""Many jobs through `submit`: in their own order, or as they come; from threads and from asyncio.

Only so many are under way at once, so that the jobs may be a generator of any length. Who stops
listening cancels what has not begun. Knows nothing about how a job is carried out.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from concurrent.futures import Future
from queue import SimpleQueue

from neox.sandbox.jobs import Job
from neox.sandbox.outcome import Outcome

AHEAD = 1024  # jobs that are submitted before the first outcome is asked for
Submit = Callable[[Job], "Future[Outcome]"]
Progress = Callable[[int, Outcome], None]


def in_order(submit: Submit, jobs: Iterable[Job], progress: Progress | None) -> Iterator[Outcome]:
    """Outcomes in the order of the jobs. `progress(done, outcome)` is called before each."""
    source = iter(jobs)
    futures: deque[Future[Outcome]] = deque()
    done = 0
    try:
        while _refill(futures, source, submit):
            outcome = futures.popleft().result()
            done += 1
            if progress is not None:
                progress(done, outcome)
            yield outcome
    finally:
        _cancel(futures)


def as_they_come(
    submit: Submit, jobs: Iterable[Job], progress: Progress | None
) -> Iterator[tuple[int, Outcome]]:
    """Pairs of a job's place in `jobs` and its outcome, the first to be done first."""
    came: SimpleQueue[tuple[int, Future[Outcome]]] = SimpleQueue()
    left: dict[int, Future[Outcome]] = {}
    source = enumerate(jobs)
    done = 0

    def start(number: int, job: Job) -> None:
        left[number] = future = submit(job)
        future.add_done_callback(lambda future: came.put((number, future)))

    try:
        while True:
            while len(left) < AHEAD and (following := next(source, None)) is not None:
                start(*following)
            if not left:
                return
            number, future = came.get()
            del left[number]
            outcome = future.result()
            done += 1
            if progress is not None:
                progress(done, outcome)
            yield number, outcome
    finally:
        _cancel(left.values())


async def awaited(future: Future[Outcome]) -> Outcome:
    """The outcome, without holding up the event loop."""
    import asyncio  # a third of a second on a busy machine, for those who use it

    return await asyncio.wrap_future(future)


async def in_order_async(
    submit: Submit, jobs: Iterable[Job], progress: Progress | None
) -> AsyncIterator[Outcome]:
    """`in_order` for an event loop, which goes on while a job runs."""
    source = iter(jobs)
    futures: deque[Future[Outcome]] = deque()
    done = 0
    try:
        while _refill(futures, source, submit):
            outcome = await awaited(futures.popleft())
            done += 1
            if progress is not None:
                progress(done, outcome)
            yield outcome
    finally:
        _cancel(futures)


def _refill(futures: deque[Future[Outcome]], source: Iterator[Job], submit: Submit) -> bool:
    """Submit as many as may be ahead; False when nothing is left to wait for."""
    while len(futures) < AHEAD:
        try:
            futures.append(submit(next(source)))
        except StopIteration:
            break
    return bool(futures)


def _cancel(futures: Iterable[Future[Outcome]]) -> None:
    for future in futures:
        future.cancel()
