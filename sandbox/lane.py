"""One worker of the pool: its zygotes, and the jobs it has been given.

A lane has a zygote for solutions and, from the first asserts on, one for checkers; both answer in
the order they were asked. Lives in the supervising thread; knows nothing about the queue.
"""

from __future__ import annotations

import secrets
import select
import socket
import time
from collections import deque
from concurrent.futures import Future
from dataclasses import dataclass, field, replace

from neox.sandbox import judge, monitor, wire
from neox.sandbox.jobs import Asserts, Call, Count, Evaluate, Job
from neox.sandbox.outcome import Limits, Outcome, SandboxUnavailable
from neox.sandbox.zygotes import Reply, Zygote, ZygoteDied

DEPTH = 2  # jobs in a lane: one that runs and one that waits
START_S = 60.0
CHECKER_GRACE_S = 1.0  # the checker may live a little longer than what it checks
MAX_ATTEMPTS = 1000
STUCK_S = 30.0  # no answer so long after the last limit: the zygote is stopped, or worse
ASLEEP, BUSY = 0.02, 0.8  # shares of a processor: waits for itself, or was never kept waiting
SOLUTION, CHECKER = 0, 1


@dataclass(slots=True, eq=False)
class Item:
    """A job on its way, with what has come back of it."""

    job: Job
    future: Future[Outcome]
    limits: Limits
    number: int = 0
    attempts: int = 0
    nonce: str = ""
    replies: list[Reply | None] = field(default_factory=lambda: [None, None])
    tried: dict[str, int] = field(default_factory=dict)
    first: Outcome | None = None  # of a run whose verdict was close to a limit: now alone

    @property
    def roles(self) -> tuple[int, ...]:
        """The zygotes this job needs."""
        if isinstance(self.job, Asserts):
            return (SOLUTION, CHECKER)
        return (CHECKER,) if isinstance(self.job, Count | Evaluate) else (SOLUTION,)


def is_close(outcome: Outcome, limits: Limits, crowded: bool) -> bool:
    """Would a second run, alone, decide better? Not of what ran into a limit at full speed, nor of
    what has had all the patience there is, unless it is us who crowd the machine.
    """
    if not outcome.near_limit or outcome.verdict in ("memory", "output_limit", "violation"):
        return False
    if outcome.verdict == "timeout":
        if outcome.wall_s > wire.PATIENCE * limits.wall_s and not crowded:
            return False
        share = outcome.cpu_s / outcome.wall_s
        return outcome.cpu_s < limits.cpu_s and ASLEEP < share < BUSY
    return outcome.cpu_s > judge.NEAR_TIME * limits.cpu_s or (
        outcome.wall_s > judge.NEAR_TIME * limits.wall_s
    )


class Lane:
    """Up to DEPTH jobs at a time; what needs the checker's zygote comes by itself, in order."""

    def __init__(self, index: int, without: frozenset[str], inside: tuple[str, ...] = ()) -> None:
        self._index, self._without, self._inside = index, without, inside
        self.zygotes: list[Zygote | None] = [None, None]
        self.items: deque[Item] = deque()
        self._since = 0.0  # when the first item began to be the first
        self.served = 0
        self.names: tuple[str, ...] = ()

    def has_room(self, item: Item) -> bool:
        if item.roles != (SOLUTION,):
            return not self.items
        return len(self.items) < DEPTH and all(i.roles == (SOLUTION,) for i in self.items)

    def start(self, role: int) -> Zygote:
        """The zygote, begun but perhaps not yet serving."""
        found = self.zygotes[role]
        if found is None:
            number = 2 * self._index + role
            found = Zygote(number, role == CHECKER, self._without, self._inside)
            self.zygotes[role] = found
        return found

    def join(self, poller: select.epoll, role: int) -> Zygote:
        """Wait until a zygote serves. SandboxUnavailable when it does not."""
        zygote = self.start(role)
        deadline = time.monotonic() + START_S
        try:
            while not zygote.layers:
                left = deadline - time.monotonic()
                if left <= 0 or not select.select([zygote.replies], [], [], left)[0]:
                    raise ZygoteDied("no answer")
                zygote.receive()
        except ZygoteDied as error:
            why = zygote.why()
            self.close()
            raise SandboxUnavailable(
                f"the sandbox's interpreter did not start ({error}: {why}); "
                "`neox doctor` shows what is missing"
            ) from None
        poller.register(zygote.replies, select.EPOLLIN)
        if zygote.listener >= 0:
            poller.register(zygote.listener, select.EPOLLIN)
        if role == SOLUTION:
            self.names = tuple(name for name, (active, _) in zygote.layers.items() if active)
        return zygote

    def close(self) -> None:
        """End the zygotes; the items stay, for their owner to decide about."""
        for zygote in self.zygotes:
            if zygote is not None:
                zygote.close()
        self.zygotes = [None, None]
        self.served = 0

    def send(self, item: Item, number: int) -> bool:
        """Give the job to its zygotes; False when there is no room now. ZygoteDied."""
        job, limits = item.job, item.limits
        item.number, item.replies, item.tried = number, [None, None], {}
        solution = self.start(SOLUTION)
        if isinstance(job, Count):
            done = self.start(CHECKER).send(number, wire.COUNT, judge.count_payload(job), limits)
        elif isinstance(job, Evaluate):
            payload = judge.evaluate_payload(job)
            done = self.start(CHECKER).send(number, wire.EVALUATE, payload, limits)
        elif isinstance(job, Asserts):
            item.nonce = secrets.token_hex(16)
            grace = limits.wall_s + CHECKER_GRACE_S
            longer = Limits(grace, grace, limits.memory_mb, limits.output_kb)
            payload, test = judge.serve_payload(job), judge.check_payload(job, item.nonce)
            near, far = socket.socketpair()
            with near, far:
                done = solution.send(number, wire.SERVE, payload, limits, near.fileno())
                if done and not self.start(CHECKER).send(
                    number, wire.CHECK, test, longer, far.fileno()
                ):
                    raise ZygoteDied("the checker takes no job")
        elif isinstance(job, Call):
            done = solution.send(number, wire.CALL, judge.call_payload(job), limits)
        else:
            done = solution.send(number, wire.SCRIPT, judge.script_payload(job), limits)
        if done:
            self._since = self._since if self.items else time.monotonic()
            self.items.append(item)
        return done

    def is_stuck(self) -> bool:
        """Has the first item had all the time there is, and then some?"""
        if not self.items:
            return False
        most = wire.PATIENCE * self.items[0].limits.wall_s + STUCK_S
        return time.monotonic() - self._since > most

    def take(self, role: int, reply: Reply) -> Item | None:
        """Note a reply; the item it completes, if any. ZygoteDied when it answers no job."""
        item = self.items[0] if self.items else None
        if item is None or item.number != reply.number:
            raise ZygoteDied("a reply to no job")
        item.replies[role] = reply
        if any(item.replies[needed] is None for needed in item.roles):
            return None
        self.served += 1
        self._since = time.monotonic()
        return self.items.popleft()

    def refuse(self, role: int) -> None:
        """Answer an attempt to get out, and note it with the job that is running.

        What a test's own process tries is not the program's doing. One that tries without end is
        killed: each attempt costs this process time.
        """
        zygote, item = self.zygotes[role], self.items[0] if self.items else None
        if zygote is None:
            return
        ours = item is not None and role == item.roles[0]
        last = item is not None and ours and sum(item.tried.values()) >= MAX_ATTEMPTS
        name = monitor.refuse(zygote.listener, last)
        if item is not None and ours and name is not None:
            item.tried[name] = item.tried.get(name, 0) + 1

    def outcome(self, item: Item) -> Outcome:
        """Judge a completed item, with what it tried."""
        outcome = self._judge(item)
        if not item.tried:
            return outcome
        tried = {**item.tried, **outcome.violations}
        if sum(item.tried.values()) <= MAX_ATTEMPTS:
            return replace(outcome, violations=tried)
        detail = f"over {MAX_ATTEMPTS} attempts to get out"
        return replace(outcome, violations=tried, verdict="violation", detail=detail)

    def _judge(self, item: Item) -> Outcome:
        job, limits, names = item.job, item.limits, self.names
        served, checked = item.replies
        if isinstance(job, Count | Evaluate):
            assert checked is not None
            return judge.value_of(checked, limits, names)
        assert served is not None
        if isinstance(job, Call):
            return judge.call(job, served, limits, names)
        if isinstance(job, Asserts):
            assert checked is not None
            return judge.asserts(item.nonce, served, checked, limits, names)
        return judge.script(job, served, limits, names)
