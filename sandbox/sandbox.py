"""The pool: jobs in, outcomes out, from any thread.

One supervising thread owns all zygotes and per job only sends a packet, reads a reply and
compares values, so it leaves the caller's processor and interpreter lock nearly alone. Each zygote
has up to DEPTH jobs waiting, so that it never idles while this process is busy. A zygote that dies
is replaced, the job it was on runs once more, and the others lose nothing.
"""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import select
import socket
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from types import TracebackType

from neox.sandbox import judge, proof, wire
from neox.sandbox.codec import CodecError
from neox.sandbox.jobs import Asserts, Call, Job, Script
from neox.sandbox.outcome import Limits, Outcome, SandboxUnavailable
from neox.sandbox.zygotes import Reply, Zygote, ZygoteDied

REQUIRED = ("rlimits", "no_new_privs", "seccomp")
FILES = ("landlock", "mount_namespace")  # at least one of them
DEPTH = 2
ATTEMPTS = 2
RECYCLE_AFTER = 20_000  # executions of one zygote
START_S = 60.0
CHECKER_GRACE_S = 1.0

log = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class Item:
    """A job on its way, with what has come back of it."""

    job: Job
    future: Future[Outcome]
    number: int = 0
    attempts: int = 0
    nonce: str = ""
    replies: list[Reply | None] = field(default_factory=lambda: [None, None])


class Lane:
    """One solution zygote, a checker zygote when asserts ask for one, and their jobs."""

    def __init__(self, index: int, without: frozenset[str]) -> None:
        self._index, self._without = index, without
        self.zygotes: list[Zygote | None] = [None, None]  # solutions, checks
        self.items: deque[Item] = deque()
        self.served = 0
        self.names: tuple[str, ...] = ()

    def zygote(self, role: int) -> Zygote:
        found = self.zygotes[role]
        if found is None:
            found = Zygote(2 * self._index + role, role == 1, self._without)
            self.zygotes[role] = found
        return found

    def close(self) -> None:
        for zygote in self.zygotes:
            if zygote is not None:
                zygote.close()
        self.zygotes = [None, None]
        self.served = 0


class Sandbox:
    """A context manager. `limits` hold for jobs that bring none of their own.

    strict refuses to run anything unless the layers of REQUIRED and one of FILES stand;
    `development=True` (or strict=False) runs with what there is, says so in the log at every start,
    and every Outcome lists its layers. Raises SandboxUnavailable when it cannot start.
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
        self._lanes = [Lane(index, frozenset(without)) for index in range(workers)]
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
        with self._lock:
            if self._closing:
                raise SandboxUnavailable("the sandbox is closed")
            self._queue.append(Item(job, future))
            if self._sleeping:
                self._sleeping = False
                os.eventfd_write(self._wake, 1)
        return future

    def run(self, job: Job) -> Outcome:
        """One job, start to end."""
        return self.submit(job).result()

    def map(self, jobs: Iterable[Job]) -> Iterator[Outcome]:
        """Outcomes in the order of the jobs."""
        futures = deque(self.submit(job) for job in jobs)
        while futures:
            yield futures.popleft().result()

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
                self._dispatch(poller)
                with self._lock:
                    self._sleeping = not self._queue or self._full()
                for fd, _ in poller.poll():
                    self._sleeping = False
                    if fd == self._wake:
                        with contextlib.suppress(BlockingIOError):
                            os.eventfd_read(self._wake)
                    else:
                        self._receive(poller, fd)
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
            lane.zygote(0)
        for lane in self._lanes:
            self._join(poller, lane, 0)

    def _join(self, poller: select.epoll, lane: Lane, role: int) -> None:
        """Wait until a started zygote serves. SandboxUnavailable when it does not."""
        zygote = lane.zygote(role)
        deadline = time.monotonic() + START_S
        try:
            while not zygote.layers:
                left = deadline - time.monotonic()
                if left <= 0 or not select.select([zygote.replies], [], [], left)[0]:
                    raise ZygoteDied("no answer")
                zygote.receive()
        except ZygoteDied as error:
            why = zygote.why()
            lane.close()
            raise SandboxUnavailable(
                f"the sandbox's interpreter did not start ({error}: {why}); "
                "`neox doctor` shows what is missing"
            ) from None
        poller.register(zygote.replies, select.EPOLLIN)
        if role == 0:
            self.layers = self.layers or dict(zygote.layers)
            standing = tuple(name for name, (active, _) in zygote.layers.items() if active)
            lane.names = self._standing(standing)

    def _dispatch(self, poller: select.epoll) -> None:
        while self._queue:
            lane = min(self._lanes, key=lambda lane: len(lane.items))
            asserts = isinstance(self._queue[0].job, Asserts)
            room = (
                1 if asserts or (lane.items and isinstance(lane.items[-1].job, Asserts)) else DEPTH
            )
            if len(lane.items) >= room:
                return
            item = self._queue.popleft()
            if not item.future.running() and not item.future.set_running_or_notify_cancel():
                continue
            try:
                if lane.served >= RECYCLE_AFTER and not lane.items:
                    lane.close()
                for role in (0, 1) if asserts else (0,):
                    if lane.zygotes[role] is None:
                        self._join(poller, lane, role)
                if not self._send(lane, item):
                    self._queue.appendleft(item)
                    return
            except (CodecError, ValueError, TypeError) as error:  # not sendable: the caller's fault
                item.future.set_exception(error)
            except SandboxUnavailable as error:
                item.future.set_exception(error)
            except ZygoteDied:
                lane.items.append(item)
                self._bury(lane)

    def _send(self, lane: Lane, item: Item) -> bool:
        job, limits = item.job, item.job.limits or self.limits
        self._number += 1
        item.number, item.replies = self._number, [None, None]
        if isinstance(job, Asserts):
            item.nonce = secrets.token_hex(16)
            grace = limits.wall_s + CHECKER_GRACE_S
            longer = Limits(grace, grace, limits.memory_mb, limits.output_kb)
            near, far = socket.socketpair()
            with near, far:
                payload, test = judge.serve_payload(job), judge.check_payload(job, item.nonce)
                number = item.number
                done = lane.zygote(0).send(number, wire.SERVE, payload, limits, near.fileno())
                if done and not lane.zygote(1).send(number, wire.CHECK, test, longer, far.fileno()):
                    raise ZygoteDied("the checker takes no job")
        elif isinstance(job, Call):
            done = lane.zygote(0).send(item.number, wire.CALL, judge.call_payload(job), limits)
        else:
            done = lane.zygote(0).send(item.number, wire.SCRIPT, judge.script_payload(job), limits)
        if done:
            lane.items.append(item)
        return done

    def _receive(self, poller: select.epoll, fd: int) -> None:
        for lane in self._lanes:
            for role, zygote in enumerate(lane.zygotes):
                if zygote is None or zygote.replies.fileno() != fd:
                    continue
                try:
                    for reply in zygote.receive():
                        self._take(lane, role, reply)
                except ZygoteDied:
                    self._bury(lane)
                return

    def _take(self, lane: Lane, role: int, reply: Reply) -> None:
        item = lane.items[0] if lane.items else None
        if item is None or item.number != reply.number:
            raise ZygoteDied("a reply to no job")
        item.replies[role] = reply
        served, checked = item.replies
        if served is None or (isinstance(item.job, Asserts) and checked is None):
            return
        lane.items.popleft()
        lane.served += 1
        try:
            outcome = self._judge(item, served, checked, lane.names)
        except Exception as error:  # a bug in comparing, or an expected value that is not plain
            item.future.set_exception(error)
        else:
            item.future.set_result(outcome)

    def _judge(
        self, item: Item, served: Reply, checked: Reply | None, names: tuple[str, ...]
    ) -> Outcome:
        job, limits = item.job, item.job.limits or self.limits
        if isinstance(job, Call):
            return judge.call(job, served, limits, names)
        if isinstance(job, Script):
            return judge.script(job, served, limits, names)
        assert checked is not None
        return judge.asserts(item.nonce, served, checked, limits, names)

    def _bury(self, lane: Lane) -> None:
        """Replace what died: its first job has one try less, the others none."""
        lane.close()
        items, lane.items = lane.items, deque()
        if items:
            first = items[0]
            first.attempts += 1
            if first.attempts >= ATTEMPTS:
                items.popleft()
                first.future.set_exception(
                    SandboxUnavailable("the sandbox's worker died twice on one job")
                )
        for item in reversed(items):
            self._queue.appendleft(item)
