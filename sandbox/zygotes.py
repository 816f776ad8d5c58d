"""The supervisor's end of one zygote: start it, hand it jobs, take in replies.

Started by exec with a constructed environment, no descriptors but its own and no sight of this
package's checkout: the few modules it needs are sent as text. Everything read from it is bounded
and checked; anything odd means it is gone. Knows nothing about verdicts.
"""

from __future__ import annotations

import glob
import json
import os
import socket
import subprocess
import sys
import sysconfig
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from neox.sandbox import wire
from neox.sandbox.outcome import Limits, SandboxUnavailable

# In the order they import each other.
MODULES = (
    "wire", "codec", "inside.kernel", "inside.attempts", "inside.seccomp", "inside.files",
    "inside.walls", "inside.solution", "inside.zygote",
)  # fmt: skip
CHECKERS = ("inside.checker", "inside.prices", "inside.counting")
BOOTSTRAP = """
import fcntl, os
high = [fcntl.fcntl(fd, fcntl.F_DUPFD, 32) for fd in {fds}]
os.closerange(3, 32)
os.dup2(high[0], 10)
os.dup2(high[1], 11)
with open(high[2]) as source:
    text = source.read()
os.closerange(32, 64)
import json, sys, types
for name in ("neox", "neox.sandbox", "neox.sandbox.inside"):
    sys.modules[name] = package = types.ModuleType(name)
    package.__path__ = []
for name, text in json.loads(text):
    sys.modules[name] = module = types.ModuleType(name)
    setattr(sys.modules[name.rpartition(".")[0]], name.rpartition(".")[2], module)
    exec(compile(text, "<" + name + ">", "exec"), module.__dict__)
main = sys.modules["neox.sandbox.inside.zygote"].main
del text, name, module, package, types, fcntl, high, source
main()
"""
ENVIRONMENT = {
    "HOME": "/",
    "LANG": "C.UTF-8",
    "OMP_NUM_THREADS": "1",
    "PATH": "/usr/bin:/bin",
    "PYTHONHASHSEED": "0",
    "TZ": "UTC",
}
# Ids that no account has, one for each zygote on this machine, so that a limit on the number of
# processes counts the zygote's own.
_UID_BASE = 1 << 30
_UIDS_PER_PROCESS = 64


class ZygoteDied(Exception):
    """The zygote has gone or makes no sense; its jobs must go to another."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What a zygote saw of one execution. `claims` and `printed` are the execution's own words."""

    number: int
    flags: int
    status: int
    cpu_s: float
    wall_s: float
    peak_kb: int
    claims: bytes
    printed: bytes


@cache
def source(names: tuple[str, ...]) -> bytes:
    """The texts of modules of this package, as a JSON list of [name, text]."""
    folder = resources.files("neox.sandbox")
    texts = []
    for name in names:
        path = folder.joinpath(*(name + ".py").replace(".", "/", name.count(".")).split("/"))
        texts.append([f"neox.sandbox.{name}", path.read_text(encoding="utf-8")])
    return json.dumps(texts).encode("ascii")


@cache
def visible() -> tuple[list[str], list[str]]:
    """Folders an import needs, the interpreter's library first; and what in them is hidden."""
    library = os.path.realpath(sysconfig.get_path("stdlib"))
    base = os.path.join(sys.base_exec_prefix, "lib")
    multiarch = sysconfig.get_config_var("MULTIARCH")
    system = [f"/lib/{multiarch}", f"/usr/lib/{multiarch}"] if multiarch else []
    if not any(os.path.isdir(path) for path in system):
        system = ["/lib64", "/usr/lib64", "/lib", "/usr/lib"]
    own = os.path.join(sys.base_exec_prefix, sys.platlibdir, os.path.basename(library))
    wanted = [library, own, *system, "/usr/share/zoneinfo"]
    wanted += [] if base in ("/usr/lib", "/lib") else [base]
    real = [os.path.realpath(path) for path in dict.fromkeys(wanted) if os.path.isdir(path)]
    trees = [p for p in dict.fromkeys(real) if not _below(p, real)]
    trees.sort(key=lambda path: not (library + "/").startswith(path + "/"))
    packages = ("site-packages", "dist-packages")
    patterns = [
        f"{t}{deep}/{name}" for t in trees for deep in ("", "/python3*") for name in packages
    ]
    hidden = [found for pattern in patterns for found in glob.glob(pattern)]
    return trees, hidden


def _below(path: str, others: Iterable[str]) -> bool:
    return any(path.startswith(other + "/") for other in others)


class Zygote:
    """Use from one thread, which must outlive it: the zygote dies with the thread that made it."""

    def __init__(
        self,
        index: int,
        checker: bool,
        without: Iterable[str] = (),
        inside: Sequence[str] = (),
    ) -> None:
        self._buffer = bytearray()
        self._process: subprocess.Popen[bytes] | None = None
        self.layers: dict[str, tuple[bool, str]] = {}
        self.listener = -1  # of the monitor; -1 where attempts cannot be counted
        self._jobs, jobs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.replies, replies = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        names = (*MODULES[:-1], *CHECKERS, MODULES[-1]) if checker else MODULES
        text, self._log = _memory_file(source(names)), os.memfd_create("log", os.MFD_CLOEXEC)
        fds = (jobs.fileno(), replies.fileno(), text)
        trees, hidden = visible()
        settings = {
            "uid": _UID_BASE + os.getpid() * _UIDS_PER_PROCESS + index % _UIDS_PER_PROCESS,
            "trees": trees,
            "hidden": hidden,
            "without": sorted(without),
            "checker": checker,
        }
        try:
            self._process = subprocess.Popen(
                [*inside, _interpreter(), "-s", "-S", "-B", "-P", "-X", "utf8", "-c",
                 BOOTSTRAP.format(fds=fds)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=self._log,
                env=ENVIRONMENT,
                cwd="/",
                pass_fds=fds,
                start_new_session=True,
            )  # fmt: skip
            self._jobs.setblocking(False)
            self.replies.setblocking(False)
            self._jobs.send(json.dumps(settings).encode())
        except OSError as error:
            self.close()
            what = [*inside, _interpreter()][0]
            raise SandboxUnavailable(f"cannot start {what}: {error}") from error
        finally:
            jobs.close()
            replies.close()
            os.close(text)

    def close(self) -> None:
        """End the zygote and everything below it."""
        self._jobs.close()
        self.replies.close()
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        for fd in (self._log, self.listener):
            if fd >= 0:
                os.close(fd)
        self._log = self.listener = -1

    def why(self) -> str:
        """The last line it wrote before serving: the reason it did not start."""
        text = os.pread(self._log, 1 << 16, 0).decode("utf-8", "replace").strip()
        return text.splitlines()[-1] if text else "no message"

    def send(
        self, number: int, kind: int, payload: bytes, limits: Limits, channel: int | None = None
    ) -> bool:
        """Queue a job; False when there is no room now. ZygoteDied when nobody listens."""
        fds = [] if channel is None else [channel]
        inline = len(payload) <= wire.INLINE
        head = wire.HEADER.pack(
            number,
            limits.wall_s,
            limits.cpu_s,
            limits.memory_mb,
            limits.output_kb << 10,
            len(payload),
            kind,
            len(fds),
            not inline,
        )
        body = -1
        try:
            if inline and not fds:
                self._jobs.send(head + payload)
                return True
            if not inline:
                body = _memory_file(payload)
                fds.insert(0, body)
            socket.send_fds(self._jobs, [head, payload if inline else b""], fds)
        except BlockingIOError:
            return False
        except OSError as error:
            raise ZygoteDied(str(error)) from None
        finally:
            if body >= 0:
                os.close(body)
        return True

    def receive(self) -> list[Reply]:
        """All replies that are here by now; the first ever tells the layers and is not returned."""
        try:
            data = self.replies.recv(1 << 18)
        except BlockingIOError:
            return []
        except OSError as error:
            raise ZygoteDied(str(error)) from None
        if not data:
            raise ZygoteDied("hung up")
        self._buffer += data
        return [reply for reply in self._complete() if not self._is_hello(reply)]

    def _complete(self) -> list[Reply]:
        found, position = [], 0
        size = wire.REPLY.size
        while position + size <= len(self._buffer):
            number, flags, status, cpu, wall, peak, claims, printed = wire.REPLY.unpack_from(
                self._buffer, position
            )
            if claims > 2 * wire.PIPE_BYTES or printed > wire.PIPE_BYTES:
                raise ZygoteDied("malformed reply")
            start, end = position + size, position + size + claims + printed
            if end > len(self._buffer):
                break
            body = bytes(self._buffer[start:end])
            reply = Reply(number, flags, status, cpu, wall, peak, body[:claims], body[claims:])
            found.append(reply)
            position = end
        del self._buffer[:position]
        return found

    def _is_hello(self, reply: Reply) -> bool:
        if self.layers:
            return False
        layers: dict[str, Any] = json.loads(reply.claims)
        self.layers = {name: (bool(on), str(why)) for name, (on, why) in layers.items()}
        if self.layers["monitor"][0]:
            _, fds, _, _ = socket.recv_fds(self._jobs, 64, 1)
            self.listener = fds[0] if fds else -1
        return True


def _interpreter() -> str:
    """The interpreter itself, not a virtual environment's link to it."""
    return getattr(sys, "_base_executable", None) or sys.executable


def _memory_file(data: bytes) -> int:
    fd = os.memfd_create("job", os.MFD_CLOEXEC)
    position = 0
    while position < len(data):
        position += os.pwrite(fd, data[position:], position)
    return fd
