"""Runs into every wall on purpose: a layer counts only if a real attempt against it fails.

One job in an ordinary execution makes the attempts and says what it met; the program is ours, so
its claims can be believed. What no execution can see (who it is outside, that privileges cannot
come back) the zygote has tried while it put the walls up.
"""

from __future__ import annotations

from collections.abc import Mapping

from neox.sandbox.inside.files import SEALED
from neox.sandbox.inside.walls import INSIDE_ID
from neox.sandbox.jobs import Call
from neox.sandbox.outcome import Limits, Outcome

PROBE = f"""
import ctypes, errno, mmap, os
libc = ctypes.CDLL(None, use_errno=True)

def code(action, *arguments):
    try:
        action(*arguments)
    except OSError as error:
        return errno.errorcode.get(error.errno, str(error.errno))
    return "done"

def fork():
    if os.fork() == 0:
        os._exit(0)

def call(name, *arguments):
    if getattr(libc, name)(*arguments) < 0:
        raise OSError(ctypes.get_errno(), name)

def attempt(name):
    if name == "allocate past the limit":
        return code(mmap.mmap, -1, 1 << 33)
    if name == "write past the limit":
        return code(os.ftruncate, 1, 1 << 40)
    if name == "open a socket":
        return code(call, "socket", 2, 1, 0)
    if name == "start a process":
        return code(fork)
    if name == "make a namespace":
        return code(call, "unshare", {0x10000000})
    if name == "raise a limit":
        return code(call, "prctl", 4, 1, 0, 0, 0)
    if name == "read outside the libraries":
        path = {SEALED!r}
        return code(open, path if os.path.exists(path) else "/etc/passwd")
    if name == "see the host's files":
        return code(os.stat, "/proc")
    if name == "write a file":
        path = "/tmp/neox-sandbox-probe"
        met = code(open, path, "w")
        if met == "done":
            os.unlink(path)
        return met
    if name == "have the host's user":
        return "own" if os.getuid() == {INSIDE_ID} else str(os.getuid())
    if name == "have the host's processes":
        return "own" if os.getpid() == 1 and os.getppid() == 0 else str(os.getpid())
    if name == "have the host's name":
        return "own" if os.uname().nodename == "sandbox" else os.uname().nodename
"""
# attempt -> (layer it is refused by, what it must meet)
ATTEMPTS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "allocate past the limit": ("rlimits", ("ENOMEM",)),
    "write past the limit": ("rlimits", ("EFBIG",)),
    "open a socket": ("seccomp", ("EPERM",)),
    "start a process": ("seccomp", ("EPERM",)),
    "make a namespace": ("seccomp", ("EPERM",)),
    "raise a limit": ("seccomp", ("EPERM",)),
    "read outside the libraries": ("landlock", ("EACCES",)),
    "see the host's files": ("mount_namespace", ("ENOENT",)),
    "write a file": ("landlock", ("EACCES", "EROFS")),
    "have the host's user": ("user_namespace", ("own",)),
    "have the host's processes": ("pid_namespace", ("own",)),
    "have the host's name": ("uts_namespace", ("own",)),
}
_ACCEPTED = [list(met) for _, met in ATTEMPTS.values()]

JOB = Call(
    PROBE,
    "attempt",
    [[name] for name in ATTEMPTS],
    _ACCEPTED,
    "any_of",
    Limits(cpu_s=10, wall_s=20),
)


def possible(outcome: Outcome) -> dict[str, str]:
    """The attempts that did not fail as they must, with what happened instead."""
    results = dict(zip(ATTEMPTS, outcome.tests, strict=False))
    missing = {name: outcome.detail or outcome.verdict for name in ATTEMPTS if name not in results}
    return missing | {name: t.detail for name, t in results.items() if t.verdict != "pass"}


def refuted(outcome: Outcome) -> dict[str, str]:
    """Layer -> why it does not count."""
    return {ATTEMPTS[name][0]: f"could {name}: {what}" for name, what in possible(outcome).items()}
