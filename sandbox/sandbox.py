"""The pool: jobs in, outcomes out, from any thread.

One supervising thread owns all zygotes and per job only sends a packet, reads a reply and
compares values, so it leaves the caller's processor and interpreter lock nearly alone. Each zygote
has up to DEPTH jobs waiting, so that it never idles while this process is busy. A zygote that dies
is replaced, the job it was on runs once more, and the others lose nothing. A verdict close to a
limit is found again by a run of the job alone.
"""

from __future__ import annotations

import contextlib
import logging
import os
import select
import threading
from collections import deque
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import replace
from types import TracebackType

from neox.sandbox import proof, streams
from neox.sandbox.convert import as_call
from neox.sandbox.jobs import Asserts, Job
from neox.sandbox.lane import DEPTH, SOLUTION, Item, Lane, is_close
from neox.sandbox.outcome import Limits, Outcome, SandboxUnavailable
from neox.sandbox.streams import Progress
from neox.sandbox.zygotes import ZygoteDied

REQUIRED = ("rlimits", "no_new_privs", "seccomp")
FILES = ("landlock", "mount_namespace")  # at least one of them
ATTEMPTS = 2
RECYCLE_AFTER = 20_000  # executions of one zygote
LOOK_S = 5.0  # how often, while nothing happens, it is asked whether something should have

log = logging.getLogger(__name__)


class Sandbox:
    """A context manager. `limits` hold for jobs that bring none of their own.

    strict refuses to run anything unless the layers of REQUIRED and one of FILES stand;
    `development=True` (or strict=False) runs with what there is, says so in the log at every start,
    and every Outcome lists its layers. `inside` is a command that runs another, such as `bwrap
    --ro-bind / / --dev /dev --unshare-all --die-with-parent`: the interpreters start below it.
    Raises SandboxUnavailable when it cannot start.
    """

    def __init__(
        self,
        workers: int = 2,
        limits: Limits | None = None,
        *,
        strict: bool = True,
        development: bool = False,
        required: Iterable[str] = (),
        without: Iterable[str] = (),
        inside: Sequence[str] = (),
    ) -> None:
        if workers < 1:
            raise ValueError("a sandbox needs at least one worker")
        if not hasattr(select, "epoll"):
            raise SandboxUnavailable("the local sandbox needs Linux")
        self.limits = limits or Limits()
        self.layers: dict[str, tuple[bool, str]] = {}
        self._refuted: dict[str, str] = {}
        self._strict = strict and not development
        self._required = (*REQUIRED, *required)
        out, around = frozenset(without), tuple(inside)
        self._lanes = [Lane(index, out, around) for index in range(workers)]
        self._queue: deque[Item] = deque()
        self._number = 0
        self._closing = False
        self._sleeping = False
        self._wake = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._lock = threading.Lock()
        self._closed = threading.Event()
        started: Future[None] = Future()
        self._thread = threading.Thread(
            target=self._supervise, args=(started,), name="neox-sandbox", daemon=True
        )
        self._thread.start()
        try:
            started.result()
            self._prove()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End every process; jobs that are not done raise `SandboxUnavailable`."""
        with self._lock:
            first, self._closing = not self._closing, True
            if first:
                os.eventfd_write(self._wake, 1)
        self._thread.join()
        with self._lock:
            if self._wake >= 0:
                os.close(self._wake)
                self._wake = -1

    def submit(self, job: Job) -> Future[Outcome]:
        """Queue a job; costs microseconds and never waits."""
        future: Future[Outcome] = Future()
        simplest = job
        if isinstance(job, Asserts) and not job.separate:
            simplest = as_call(job) or job
        with self._lock:
            if self._closing:
                raise SandboxUnavailable("the sandbox is closed")
            self._queue.append(Item(simplest, future, job.limits or self.limits))
            if self._sleeping:
                self._sleeping = False
                os.eventfd_write(self._wake, 1)
        return future

    def run(self, job: Job) -> Outcome:
        """One job, start to end."""
        return self.submit(job).result()

    def map(self, jobs: Iterable[Job], progress: Progress | None = None) -> Iterator[Outcome]:
        """Outcomes in the order of the jobs, which may be a generator of any length.

        progress(done, outcome) is called in this thread, before each outcome is handed out.
        """
        return streams.in_order(self.submit, jobs, progress)

    def as_completed(
        self, jobs: Iterable[Job], progress: Progress | None = None
    ) -> Iterator[tuple[int, Outcome]]:
        """Pairs of a job's place in `jobs` and its outcome, the first to be done first."""
        return streams.as_they_come(self.submit, jobs, progress)

    async def arun(self, job: Job) -> Outcome:
        """`run` for an event loop. Cancelled before the job has begun, it never begins."""
        return await streams.awaited(self.submit(job))

    def amap(self, jobs: Iterable[Job], progress: Progress | None = None) -> AsyncIterator[Outcome]:
        """`map` for an event loop: `async for outcome in box.amap(jobs)`."""
        return streams.in_order_async(self.submit, jobs, progress)

    def _prove(self) -> None:
        """Try the walls; refuse to go on, or say so, when a required one does not hold."""
        self._refuted = proof.refuted(self.run(proof.JOB))
        for name, why in self._refuted.items():
            if self.layers.get(name, (False,))[0]:
                self.layers[name] = (False, why)
        for lane in self._lanes:
            lane.names = self._standing(lane.names)
        missing = [name for name in self._required if not self.layers.get(name, (False,))[0]]
        if not any(self.layers.get(name, (False,))[0] for name in FILES):
            missing.append(" or ".join(FILES))
        why = "; ".join(f"{n}: {self.layers.get(n, (False, 'absent'))[1]}" for n in missing)
        if missing and self._strict:
            raise SandboxUnavailable(
                f"required layers are missing ({why}); development=True (sandbox.strict=false) "
                "runs without them, on your own responsibility"
            )
        if missing:
            log.warning("the sandbox runs without required layers (%s)", why)

    def _standing(self, names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(name for name in names if name not in self._refuted)

    # Everything below runs in the supervising thread.

    def _supervise(self, started: Future[None]) -> None:
        poller = select.epoll()
        poller.register(self._wake, select.EPOLLIN)
        try:
            try:
                self._open_all(poller)
            except BaseException as error:  # handed to the constructor, which raises it
                started.set_exception(error)
                return
            started.set_result(None)
            while not self._closing:
                for lane in filter(Lane.is_stuck, self._lanes):
                    self._bury(lane)
                self._dispatch(poller)
                with self._lock:
                    if self._queue and not any(lane.items for lane in self._lanes):
                        continue  # it came after the dispatch, and no reply is due to wake us
                    self._sleeping = not self._queue or self._full()
                for fd, _ in poller.poll(LOOK_S if any(la.items for la in self._lanes) else None):
                    self._sleeping = False
                    if fd == self._wake:
                        with contextlib.suppress(BlockingIOError):
                            os.eventfd_read(self._wake)
                    else:
                        self._receive(fd)
        except BaseException as error:
            log.exception("the sandbox's supervisor failed")
            self._fail_all(error)
        finally:
            with self._lock:
                self._closing = True
            poller.close()
            for lane in self._lanes:
                lane.close()
            self._fail_all(SandboxUnavailable("the sandbox was closed"))

    def _full(self) -> bool:
        return all(len(lane.items) >= DEPTH for lane in self._lanes)

    def _fail_all(self, error: BaseException) -> None:
        left = [item for lane in self._lanes for item in lane.items]
        for item in (*left, *self._queue):
            if not item.future.done():
                item.future.set_exception(error)
        for lane in self._lanes:
            lane.items.clear()
        self._queue.clear()

    def _open_all(self, poller: select.epoll) -> None:
        """Start all zygotes at once, then wait for each to say what stands."""
        for lane in self._lanes:
            lane.start(SOLUTION)
        for lane in self._lanes:
            self.layers = dict(lane.join(poller, SOLUTION).layers)

    def _dispatch(self, poller: select.epoll) -> None:
        while self._queue:
            item, lane = self._queue[0], min(self._lanes, key=lambda lane: len(lane.items))
            worn = lane.served >= RECYCLE_AFTER
            if not lane.has_room(item) or (worn and lane.items):
                return
            running = [other for each in self._lanes for other in each.items]
            if running and (item.first or running[0].first):
                return  # one whose verdict was close to a limit runs alone
            self._queue.popleft()
            if not item.future.running() and not item.future.set_running_or_notify_cancel():
                continue
            if worn:
                lane.close()
            self._number += 1
            try:
                for role in item.roles:
                    if lane.zygotes[role] is None:
                        lane.join(poller, role)
                        lane.names = self._standing(lane.names)
                if not lane.send(item, self._number):
                    self._queue.appendleft(item)
                    return
            except (ValueError, TypeError, SandboxUnavailable) as error:  # cannot be sent, or run
                item.future.set_exception(error)
            except ZygoteDied:
                lane.items.append(item)
                self._bury(lane)

    def _receive(self, fd: int) -> None:
        for lane in self._lanes:
            for role, zygote in enumerate(lane.zygotes):
                if zygote is None or fd not in (zygote.replies.fileno(), zygote.listener):
                    continue
                try:  # replies first: an attempt belongs to the job after the last one answered
                    for reply in zygote.receive():
                        item = lane.take(role, reply)
                        if item is not None and not self._finish(lane, item):
                            self._queue.appendleft(item)
                    if fd == zygote.listener:
                        lane.refuse(role)
                except ZygoteDied:
                    self._bury(lane)
                return

    def _bury(self, lane: Lane) -> None:
        """Replace what died: its first job has one try less, the others lose nothing."""
        lane.close()
        items, lane.items = lane.items, deque()
        if items:
            items[0].attempts += 1
            if items[0].attempts >= ATTEMPTS:
                error = SandboxUnavailable("the sandbox's worker died twice on one job")
                items.popleft().future.set_exception(error)
        self._queue.extendleft(reversed(items))

    def _finish(self, lane: Lane, item: Item) -> bool:
        """Hand out the outcome. False when it is close to a limit and to be found again, alone."""
        crowded = len(self._lanes) > len(os.sched_getaffinity(0))
        try:
            outcome = lane.outcome(item)
            if item.first is None and is_close(outcome, item.limits, crowded):
                item.first = outcome
                return False
            if item.first is not None:
                completed = item.first if outcome.verdict == "timeout" else outcome
                outcome = replace(completed, near_limit=True)
        except Exception as error:  # an expected value that is not plain data: the caller's to see
            item.future.set_exception(error)
        else:
            item.future.set_result(outcome)
        return True
