"""The warm interpreter that is forked for every execution.

It is started by exec with an empty environment, walls itself in once, and then forks on request.
It never sees a job: the child reads it from its own descriptor. It measures and kills children from
outside. Requests and replies are fixed structs on a SOCK_SEQPACKET socket (descriptor 0).
"""

from __future__ import annotations

import gc
import json
import os
import random
import resource
import select
import signal
import socket
import struct
import sys
import time
from typing import Any, NoReturn

from neox.sandbox.codec import decode, encode
from neox.sandbox.inside import kernel
from neox.sandbox.inside.run import RUNNERS, check

SPAWN = struct.Struct(
    "<BIddQQ"
)  # index in KINDS, id, cpu seconds, wall seconds, memory bytes, file bytes
KILL = struct.Struct("<BI")  # 2, id
EXITED = struct.Struct("<IiBdd")  # id, wait status, reason, cpu seconds, peak MiB
BY_ITSELF, CPU, WALL, KILLED = range(4)
KINDS = ("call", "script", "serve", "check")


class Child:
    """A running execution, watched through its pidfd."""

    def __init__(self, number: int, pid: int, cpu_s: float, wall_s: float) -> None:
        self.number, self.pid, self.cpu_s = number, pid, cpu_s
        self.deadline = time.monotonic() + wall_s
        self.clock = (~pid << 3) | 2  # the process's CPU clock, read from outside it
        self.pidfd = os.pidfd_open(pid)
        self.reason = BY_ITSELF

    def check(self) -> float:
        """Kill if over a limit; returns seconds until the next look."""
        now = time.monotonic()
        try:
            used = time.clock_gettime(self.clock)
        except OSError:
            return 0.001  # it has just ended
        if now >= self.deadline:
            self.kill(WALL)
        elif used >= self.cpu_s:
            self.kill(CPU)
        return max(0.001, min(self.deadline - now, self.cpu_s - used))

    def kill(self, reason: int) -> None:
        if self.reason == BY_ITSELF:
            self.reason = reason
            os.kill(self.pid, signal.SIGKILL)

    def reap(self) -> bytes:
        _, status, usage = os.wait4(self.pid, 0)
        os.close(self.pidfd)
        cpu = usage.ru_utime + usage.ru_stime
        return EXITED.pack(self.number, status, self.reason, cpu, usage.ru_maxrss / 1024)


def wall_in(settings: dict[str, Any]) -> dict[str, Any]:
    """Put up every wall that holds for all executions; returns what stands and what does not."""
    layers: dict[str, Any] = {}

    def attempt(name: str, action: Any) -> None:
        try:
            layers[name] = [True, str(action() or "")]
        except (OSError, AttributeError) as error:
            layers[name] = [False, str(error)]

    if os.getuid() != 0:
        layers["uid"] = [True, f"already unprivileged ({os.getuid()})"]
    elif all(_public(path) for path in settings["readable"]):
        attempt("uid", lambda: _drop(settings["uid"]))
    else:
        layers["uid"] = [False, "root without capabilities: others cannot read the interpreter"]
    attempt("capabilities", kernel.drop_capabilities)
    attempt("die_with_parent", kernel.die_with_parent)
    attempt("rlimits", _limits)
    attempt("no_new_privs", kernel.no_new_privileges)
    attempt("landlock", lambda: f"ABI {kernel.landlock(settings['readable'], settings['devices'])}")
    return layers


def _public(path: str) -> bool:
    """May every user read this file or folder and enter the folders above it?"""
    while os.stat(path).st_mode & 0o5 in (0o5, 0o4):
        if path == "/":
            return True
        path = os.path.dirname(path)
    return False


def _drop(uid: int) -> str:
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)
    return f"uid {uid}"


def _limits() -> str:
    for name, value in (("CORE", 0), ("NOFILE", 64), ("MEMLOCK", 0), ("MSGQUEUE", 0)):
        if hasattr(resource, f"RLIMIT_{name}"):
            resource.setrlimit(getattr(resource, f"RLIMIT_{name}"), (value, value))
    return "address space, CPU, file size, core, descriptors"


def jail(memory: int, file_bytes: int, cpu_s: float, filter_: kernel.Seccomp | None) -> None:
    """The walls of one execution; after the last one nothing that is forbidden may be needed."""
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes, file_bytes))
    seconds = int(cpu_s) + 1  # a second line: the parent watches the exact time
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    if filter_ is not None:
        kernel.undumpable()
        filter_.install()


def child(kind: int, fds: list[int], request: tuple[Any, ...], filter_: Any, null: int) -> NoReturn:
    """Run one job and end.

    fds: the job, its result (or the channel it serves), then by kind stdin and stdout, or a
    channel.
    """
    _, _, cpu_s, _, memory, file_bytes = request
    try:
        name = KINDS[kind]
        standard = fds[2:4] if name == "script" else [null, null]
        kept = [standard[0], standard[1], standard[1], fds[0], fds[1], *fds[2:3]]
        high = [os.dup(fd) for fd in kept]  # out of the way before they are put in their places
        for place, fd in enumerate(high):
            os.dup2(fd, place)
        os.closerange(6, 64)
        job = decode(os.pread(3, os.fstat(3).st_size, 0))
        random.seed(0)
        gc.enable()
        jail(memory, file_bytes, cpu_s, filter_)
        if name == "check":
            check(job, 4, 5)
        else:
            RUNNERS[name](job, 4)
    finally:
        os._exit(0)


def warm_up() -> None:
    """Touch what every execution touches, so that its pages are not copied after the fork."""
    import bisect  # noqa: F401

    text = "def f(a):\n    b = [v for v in a if v > 1]\n    return sorted(b), {1: 'x'}, sum(b)\n"
    for _ in range(50):
        space: dict[str, Any] = {}
        exec(compile(text, "warm.py", "exec"), space)
        decode(encode([[True, space["f"]([1, 2, 3])]]))
    gc.collect()
    gc.freeze()
    gc.disable()


def main() -> NoReturn:
    control = socket.socket(fileno=0)
    settings = json.loads(control.recv(1 << 16))
    layers = wall_in(settings)
    filter_: kernel.Seccomp | None = None
    if layers["no_new_privs"][0]:
        try:
            filter_ = kernel.Seccomp()
            layers["seccomp"] = [True, "allow-list"]
        except OSError as error:
            layers["seccomp"] = [False, str(error)]
    else:
        layers["seccomp"] = [False, "needs no_new_privs"]
    null = os.open("/dev/null", os.O_RDWR)
    warm_up()
    control.send(json.dumps(layers).encode())
    serve(control, filter_, null)


def serve(control: socket.socket, filter_: kernel.Seccomp | None, null: int) -> NoReturn:
    """Fork, watch, kill and report until the supervisor goes away."""
    children: dict[int, Child] = {}
    poller = select.poll()
    poller.register(control, select.POLLIN)
    while True:
        pause = min((c.check() for c in children.values()), default=None)
        for fd, _ in poller.poll(None if pause is None else pause * 1000 + 1):
            if fd != control.fileno():
                done = next(c for c in children.values() if c.pidfd == fd)
                poller.unregister(fd)
                del children[done.number]
                control.send(done.reap())
                continue
            message, fds, _, _ = socket.recv_fds(control, SPAWN.size, 4)
            if not message:
                for left in children.values():
                    left.kill(KILLED)
                os._exit(0)
            if len(message) == KILL.size:
                number = KILL.unpack(message)[1]
                if number in children:
                    children[number].kill(KILLED)
                continue
            request = SPAWN.unpack(message)
            pid = os.fork()
            if pid == 0:
                child(request[0], list(fds), request, filter_, null)
            for handle in fds:
                os.close(handle)
            new = Child(request[1], pid, request[2], request[3])
            children[new.number] = new
            poller.register(new.pidfd, select.POLLIN)


if __name__ == "__main__":
    sys.exit(main())
