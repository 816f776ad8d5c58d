"""The supervisor's side of one zygote: start it, hand it executions, collect exits and frames.

A worker belongs to one thread, which must outlive it (the zygote dies with that thread). Everything
read from a child is bounded and untrusted. Knows nothing about verdicts.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import socket
import struct
import subprocess
import sys
import sysconfig
import time
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from neox.sandbox.codec import MAX_BYTES, encode
from neox.sandbox.inside import zygote as protocol
from neox.sandbox.outcome import Limits, SandboxUnavailable

START_TIMEOUT_S = 60.0
# After its frame is complete a child normally ends by itself within a millisecond; one that does
# not is killed.
GRACE_S = 0.02
FIRST_UID = 60_100

# The zygote's modules in the order they import each other; sent as text, since the interpreter
# inside sees neither this checkout nor any site-packages.
MODULES = ("codec", "inside.kernel", "inside.run", "inside.zygote")
BOOTSTRAP = """
import json, os, sys, types
size = os.fstat(3).st_size
modules = json.loads(os.pread(3, size, 0))
os.close(3)
for name in ("neox", "neox.sandbox", "neox.sandbox.inside"):
    sys.modules[name] = package = types.ModuleType(name)
    package.__path__ = []
for name, text in modules:
    sys.modules[name] = module = types.ModuleType(name)
    setattr(sys.modules[name.rpartition(".")[0]], name.rpartition(".")[2], module)
    exec(compile(text, name, "exec"), module.__dict__)
sys.modules["neox.sandbox.inside.zygote"].main()
"""
ENVIRONMENT = {
    "PYTHONHASHSEED": "0",
    "TZ": "UTC",
    "LC_ALL": "C.UTF-8",
    "PATH": "/usr/bin:/bin",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
}


class WorkerDied(Exception):
    """The zygote has gone; start another."""


@dataclass(frozen=True, slots=True)
class Exit:
    """How an execution ended: wait status, who ended it (protocol.CPU, ...), and what it used."""

    status: int
    reason: int
    cpu_s: float
    peak_mb: float


@dataclass(frozen=True, slots=True)
class Result:
    """The frame a child wrote, if whole; whether it wrote too much; and its exit."""

    frame: bytes | None
    too_long: bool
    exit: Exit


@cache
def _source() -> bytes:
    folder = resources.files("neox.sandbox")
    texts = []
    for name in MODULES:
        path = folder.joinpath(*name.split(".")[:-1], name.split(".")[-1] + ".py")
        texts.append([f"neox.sandbox.{name}", path.read_text()])
    return json.dumps(texts).encode()


def _readable() -> list[str]:
    """What an import may read: the standard library and the system's shared libraries."""
    wanted = [sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib")]
    wanted += [os.path.join(sys.base_exec_prefix, "lib")]
    wanted += ["/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/share/zoneinfo", "/dev/urandom"]
    found = dict.fromkeys(os.path.realpath(p) for p in wanted if p and os.path.exists(p))
    return list(found)


def memory_file(data: bytes = b"") -> int:
    """A descriptor of an anonymous file that holds `data`."""
    fd = os.memfd_create("job", os.MFD_CLOEXEC)
    if data:
        os.pwrite(fd, data, 0)
    return fd


class Worker:
    """One zygote. Use from the thread that made it."""

    def __init__(self, index: int) -> None:
        self._index = index
        self._number = 0
        self._exits: dict[int, Exit] = {}
        self.layers: dict[str, tuple[bool, str]] = {}
        self._start()

    def _start(self) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        source = memory_file(_source())
        try:
            if source != 3:
                os.set_inheritable(source, True)
            move = f"import os; os.dup2({source}, 3)\n" if source != 3 else ""
            self._process = subprocess.Popen(
                [sys.executable, "-s", "-S", "-B", "-P", "-c", move + BOOTSTRAP],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=ENVIRONMENT,
                cwd="/",
                pass_fds=(source,),
                start_new_session=True,
            )
        finally:
            os.close(source)
            theirs.close()
        self._control = ours
        settings = {
            "uid": FIRST_UID + self._index,
            "readable": _readable(),
            "devices": ["/dev/null"],
        }
        ours.send(json.dumps(settings).encode())
        ours.settimeout(START_TIMEOUT_S)
        try:
            answer = ours.recv(1 << 16)
        except TimeoutError:
            answer = b""
        if not answer:
            self.close()
            raise SandboxUnavailable(
                f"the sandbox's interpreter did not start ({sys.executable} -S); "
                "`neox doctor` shows what is missing"
            )
        ours.settimeout(None)
        self.layers = {name: (state[0], state[1]) for name, state in json.loads(answer).items()}

    def close(self) -> None:
        """End the zygote and everything it runs."""
        self._control.close()
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        self._process.wait()

    def spawn(self, kind: str, job: Any, fds: list[int], limits: Limits) -> int:
        """Start an execution with `fds` after its job; returns its number. Closes nothing."""
        self._number = (self._number + 1) % (1 << 32)
        request = protocol.SPAWN.pack(
            protocol.KINDS.index(kind),
            self._number,
            limits.cpu_s,
            limits.wall_s,
            limits.memory_mb << 20,
            limits.output_kb << 10,
        )
        task = memory_file(encode(job))
        try:
            socket.send_fds(self._control, [request], [task, *fds])
        except OSError as error:
            raise WorkerDied(str(error)) from None
        finally:
            os.close(task)
        return self._number

    def kill(self, number: int) -> None:
        try:
            self._control.send(protocol.KILL.pack(2, number))
        except OSError as error:
            raise WorkerDied(str(error)) from None

    def collect(self, number: int, fd: int, limit: int) -> Result:
        """Read the one frame of execution `number` from `fd`, then wait for its end."""
        reader = _Frame(limit)
        poller = select.poll()
        poller.register(fd, select.POLLIN | select.POLLHUP)
        poller.register(self._control, select.POLLIN)
        while number not in self._exits and not reader.done:
            for ready, _ in poller.poll():
                if ready == fd:
                    reader.feed(os.read(fd, 1 << 16))
                else:
                    self._note_exit()
        if number in self._exits:
            while not reader.done:
                reader.feed(os.read(fd, 1 << 16))
        return Result(reader.frame, reader.too_long, self.wait(number))

    def wait(self, number: int) -> Exit:
        """The exit of an execution that has nothing more to say; killed if it lingers."""
        deadline = time.monotonic() + GRACE_S
        killed = False
        while number not in self._exits:
            left = None if killed else max(0.0, deadline - time.monotonic())
            if select.select([self._control], [], [], left)[0]:
                self._note_exit()
            else:
                self.kill(number)
                killed = True
        return self._exits.pop(number)

    def _note_exit(self) -> None:
        try:
            message = self._control.recv(protocol.EXITED.size)
        except OSError as error:
            raise WorkerDied(str(error)) from None
        if len(message) != protocol.EXITED.size:
            raise WorkerDied("the zygote has gone")
        number, status, reason, cpu_s, peak_mb = protocol.EXITED.unpack(message)
        self._exits[number] = Exit(status, reason, cpu_s, peak_mb)


class _Frame:
    """Assembles one length-prefixed frame; done when whole, too long, or the writer has gone."""

    def __init__(self, limit: int) -> None:
        self._limit = min(limit, MAX_BYTES)
        self._data = b""
        self.done = False
        self.too_long = False
        self.frame: bytes | None = None

    def feed(self, part: bytes) -> None:
        self._data += part
        if not part:
            self.done = True
            return
        if len(self._data) < 4:
            return
        (length,) = struct.unpack("<I", self._data[:4])
        if length > self._limit:
            self.done = self.too_long = True
        elif len(self._data) >= 4 + length:
            self.done = True
            if len(self._data) == 4 + length:  # trailing bytes make it no frame at all
                self.frame = self._data[4:]
