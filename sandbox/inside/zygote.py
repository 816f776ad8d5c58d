"""The warm interpreter that is forked once for every execution.

It is started by exec with an empty environment and walls itself in once. It never holds a job: the
child takes it from the socket itself, and the child's claims pass through memory that no later
child inherits, so no execution can find traces of another. It measures and kills from outside.
"""

from __future__ import annotations

import _socket
import array
import fcntl
import gc
import json
import marshal
import mmap
import os
import resource
import select
import signal
import sys
import time
from collections.abc import Callable
from typing import Any, NoReturn

from neox.sandbox import wire
from neox.sandbox.codec import encode
from neox.sandbox.inside import kernel, seccomp, solution
from neox.sandbox.inside.walls import Layers, Walls

JOBS, REPLIES, INPUT = 10, 11, 12
_PRELOADED = (
    "bisect", "collections", "copy", "functools", "heapq", "itertools", "math", "operator", "re",
    "random", "string", "typing",
)  # fmt: skip
_KEPT = 6  # descriptors 0..5 belong to the execution
_BODY = wire.HEADER.size
_COMPUTING = 0.02  # of the time on a processor: what sleeps uses less
_loads = marshal.loads  # what the supervisor sends can be trusted; what comes back is not


class Zygote:
    """One loop: wait for a job, fork, watch, kill, measure, reply."""

    def __init__(self, layers: Layers, runners: dict[int, Callable[[Any], None]]) -> None:
        self._runners = runners
        self._jobs = _socket.socket(fileno=JOBS)
        self._limited = layers["rlimits"][0]
        self._fresh_pids = layers.get("pid_namespace", [False])[0]
        self._fork = kernel.Fork(seccomp.fork_flags(self._fresh_pids))
        self._filter: seccomp.Filter | None = None
        self._no_capabilities = kernel.NoCapabilities()
        # Not inherited by any child: what one execution said is not there for the next.
        self._claims = mmap.mmap(-1, 2 * wire.PIPE_BYTES)
        self._claims.madvise(mmap.MADV_DONTFORK)
        self._view = memoryview(self._claims)
        self._last = -1
        # Nothing but a hang-up of the pipe wakes it: the pipe holds all the claims there may be.
        poller = select.poll()
        poller.register(3, 0)
        self._waiter = poller.poll

    def open_files(self) -> None:
        """Descriptors 0 to 2 of all executions, and what a script's input is put into.

        No call makes a memory file once the filter stands, so these are emptied and used again.
        """
        os.closerange(0, _KEPT)
        os.open("/dev/null", os.O_WRONLY)  # only a script has input: to read is an error elsewhere
        os.memfd_create("output", 0)
        os.open("/dev/null", os.O_RDWR)
        spare = os.memfd_create("input", 0)
        os.dup2(spare, INPUT)
        os.close(spare)

    def run(self, filtered: bool) -> NoReturn:
        """Serve until the supervisor hangs up. `filtered`: executions get a filter of their own."""
        if filtered and not self._fresh_pids:
            self._filter = seccomp.Filter(seccomp.execution_filter())
        while True:
            head = self._jobs.recv(wire.HEADER.size, _socket.MSG_PEEK)
            if len(head) != wire.HEADER.size:
                os._exit(0)
            header = wire.HEADER.unpack(head)
            if header[0] == self._last:
                os._exit(3)  # the last child never took its job
            self._last = header[0]
            self._execute(header)

    def _execute(self, header: tuple[Any, ...]) -> None:
        number, wall_ms = header[0], header[1] * 1000
        close, waiter = os.close, self._waiter
        os.pipe()  # 3 to read, 4 to write
        fcntl.fcntl(solution.PIPE, fcntl.F_SETPIPE_SZ, wire.PIPE_BYTES)
        started = time.monotonic()
        pid = self._fork()
        if pid == 0:
            self._child(header)
        # Until the child is gone, every page written here is a page copied: do nothing but wait.
        close(4)
        ended = waiter(min(wall_ms, header[2] * 1000))
        late = not ended and self._over(pid, started, header)
        os.kill(pid, signal.SIGKILL)
        _, status, usage = os.wait4(pid, 0)
        wall = time.monotonic() - started
        self._reply(number, wire.DEADLINE if late else 0, status, usage, wall, header[4])
        close(3)
        if header[6] == wire.SCRIPT:
            os.ftruncate(INPUT, 0)
            os.lseek(INPUT, 0, os.SEEK_SET)
        for fd in (0, 1, 2, INPUT):  # flags stay with the open file: nothing of one for the next
            fcntl.fcntl(fd, fcntl.F_SETFL, 0)

    def _over(self, pid: int, started: float, header: tuple[Any, ...]) -> bool:
        """Wait for the end or a limit; True for the wall limit. CPU time is read from outside.

        The wall limit is for programs that sleep. One that computes is judged by its CPU time, and
        gets more wall time where the machine has more to do than it can.
        """
        clock = (~pid << 3) | 2  # CPUCLOCK_SCHED of the process
        until, seen, most = header[1], 0.0, header[1] * wire.PATIENCE
        while True:
            used = time.clock_gettime(clock)
            wall_left = until - (time.monotonic() - started)
            cpu_left = header[2] - used
            if cpu_left <= 0:
                return False
            if wall_left <= 0:
                if until >= most or used - seen < _COMPUTING * header[1] or not kernel.overloaded():
                    return True
                until, seen = until + header[1], used
                continue
            if self._waiter(min(wall_left, cpu_left) * 1000 + 1):
                return False

    def _reply(
        self, number: int, flags: int, status: int, usage: Any, wall: float, limit: int
    ) -> None:
        view, size = self._view, 0
        while size < wire.PIPE_BYTES and (count := os.readv(3, [view[size:]])):
            size += count
        printed = os.lseek(1, 0, os.SEEK_END)
        if printed:
            if printed >= limit:
                flags |= wire.OVERFLOW
            printed = min(printed, limit, wire.PIPE_BYTES - wire.REPLY.size)
            printed = os.preadv(1, [view[size : size + printed]], 0)
        os.ftruncate(1, 0)  # always: the file's times must not tell the next who printed, and when
        os.lseek(1, 0, os.SEEK_SET)
        cpu = usage.ru_utime + usage.ru_stime
        head = wire.REPLY.pack(number, flags, status, cpu, wall, usage.ru_maxrss, size, printed)
        whole = len(head) + size + printed
        sent = os.writev(REPLIES, [head, view[: size + printed]])
        while sent < whole:
            sent += os.write(REPLIES, view[sent - len(head) : size + printed])

    def _child(self, header: tuple[Any, ...]) -> NoReturn:
        try:
            _, _, cpu_s, memory_mb, output, size, kind, fds, by_fd = header
            if fds or by_fd:
                payload = self._take(by_fd)
            else:
                payload = _loads(self._jobs.recv(_BODY + size)[_BODY:])
            os.close(3)
            if kind == wire.SCRIPT:
                _feed(payload)
            os.closerange(_KEPT if fds else solution.CHANNEL, 64)
            # A backstop: the kernel counts ticks for it, which can run ahead of the time used.
            seconds = int(cpu_s) + (cpu_s > int(cpu_s)) + 1
            if self._limited:
                set_limit = resource.setrlimit
                set_limit(resource.RLIMIT_CPU, (seconds, seconds))  # PID 1 only feels the hard one
                set_limit(resource.RLIMIT_AS, (memory_mb << 20, memory_mb << 20))
                set_limit(resource.RLIMIT_FSIZE, (output, output))
            if not self._fresh_pids:
                kernel.prctl(kernel.PR_SET_PDEATHSIG, kernel.SIGKILL)
            self._no_capabilities()
            if self._filter is not None:
                self._filter.install()
            gc.enable()
            self._runners[kind](payload)
            solution.flush()
        finally:
            os._exit(0)

    def _take(self, by_fd: int) -> Any:
        """A packet that came with descriptors: a large payload, a channel to keep, or both."""
        room = wire.HEADER.size + wire.INLINE
        data, ancillary, _, _ = self._jobs.recvmsg(room, _socket.CMSG_SPACE(8))
        fds = array.array("i")
        for _, _, part in ancillary:
            fds.frombytes(part[: len(part) - len(part) % fds.itemsize])
        text = data[_BODY:]
        if by_fd:
            body = fds.pop(0)
            text = os.pread(body, os.fstat(body).st_size, 0)
        if fds:
            os.dup2(os.dup(fds[0]), solution.CHANNEL)  # it may already be there, or in the way
        return _loads(text)


def _feed(payload: Any) -> None:
    """Standard input as a file at offset 0, written before a limit on file sizes stands."""
    solution.write(INPUT, payload[1].encode("utf-8", "surrogateescape"))
    os.lseek(INPUT, 0, os.SEEK_SET)
    os.dup2(INPUT, 0)


def preload() -> None:
    """Import what programs commonly import."""
    for name in _PRELOADED:
        __import__(name)


def warm() -> None:
    """Do what every execution does, so that its pages are not first written after the fork."""
    text = (
        "from typing import List\n"
        "def f(a: List[int], n=3) -> dict:\n"
        "    b = [v * n for v in a if v > 1]\n"
        "    return sorted(b), {1: 'x', 'y': None}, sum(b), f'{n}', max(b), 2.5 / n\n"
    )
    for _ in range(50):
        space: dict[str, Any] = {}
        exec(compile(text, "warm.py", "exec"), space)
        encode(space["f"]([1, 2, 3], 4))
        solution.describe(ValueError("warm"))


def main() -> NoReturn:
    """Take settings from the first packet, wall in, warm up, say what stands, and serve."""
    settings = json.loads(_socket.socket(fileno=os.dup(JOBS)).recv(1 << 16))
    walls = Walls(settings)
    runners: dict[int, Callable[[Any], None]] = {
        wire.CALL: solution.call, wire.SCRIPT: solution.script, wire.SERVE: solution.serve,
    }  # fmt: skip
    preload()
    walls()
    if settings["checker"]:
        from neox.sandbox.inside import checker, counting

        runners = {
            wire.CHECK: checker.main, wire.COUNT: counting.count, wire.EVALUATE: counting.evaluate,
        }  # fmt: skip
        checker.warm()
    warm()
    sys.modules["random"].seed(0)  # after the walls: their fork gave it a state of its own
    zygote = Zygote(walls.layers, runners)
    zygote.open_files()
    kernel.prctl(kernel.PR_SET_DUMPABLE, 0)  # inherited
    walls.seal(JOBS)
    hello = json.dumps(walls.layers).encode()
    for name in [name for name in sys.modules if name.partition(".")[0] == "neox"]:
        del sys.modules[name]  # nothing of ours answers an import in there
    gc.collect()
    gc.freeze()
    gc.disable()
    os.write(REPLIES, wire.REPLY.pack(0, 0, 0, 0.0, 0.0, 0, len(hello), 0) + hello)
    zygote.run(walls.layers["seccomp"][0])
