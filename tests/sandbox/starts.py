"""Starts a sandbox in one of the situations it may find itself in, and says what it found there.

Run as a program: `starts.py MODE ...`, each mode one restriction, put on before the sandbox starts;
prints JSON: the layers that stand, and what became of each job of a fixed table.

user: an ordinary user. no_user_namespaces: their number is limited to zero, as some distributions
do. no_unshare: the call is refused, as the default filter of container runtimes does.
"""

from __future__ import annotations

import ctypes
import json
import os
import struct
import sys
from pathlib import Path

UID = 12345
FAST = (1.0, 2.0, 256, 16)  # CPU s, wall s, MiB, KiB
_ALLOW, _EPERM = 0x7FFF0000, 0x00050001
_UNSHARE = {"x86_64": 272, "aarch64": 97}


def user() -> None:
    os.setgroups([])
    os.setresgid(UID, UID, UID)
    os.setresuid(UID, UID, UID)


def no_user_namespaces() -> None:
    """In a user namespace of its own, where every id means what it means outside."""
    libc = ctypes.CDLL(None, use_errno=True)
    wait, done = os.pipe(), os.pipe()
    child = os.fork()
    if child:
        os.read(wait[0], 1)
        for name in ("uid_map", "gid_map"):
            Path(f"/proc/{child}/{name}").write_text(f"0 0 {(1 << 32) - 1}")
        os.write(done[1], b"x")
        os._exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    if libc.unshare(0x10000000):
        raise OSError(ctypes.get_errno(), "unshare")
    os.write(wait[1], b"x")
    os.read(done[0], 1)
    Path("/proc/sys/user/max_user_namespaces").write_text("0")


def no_unshare() -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    number = _UNSHARE[os.uname().machine]
    lines = [(0x20, 0, 0, 0), (0x15, 0, 1, number), (6, 0, 0, _EPERM), (6, 0, 0, _ALLOW)]
    code = ctypes.create_string_buffer(b"".join(struct.pack("<HBBI", *line) for line in lines))
    head = ctypes.create_string_buffer(struct.pack("HxxxxxxP", 4, ctypes.addressof(code)))
    if libc.prctl(38, 1, 0, 0, 0) or libc.prctl(22, 2, head, 0, 0):
        raise OSError(ctypes.get_errno(), "seccomp")


TRY = """
import ctypes, os, resource, signal, socket, threading, time
def solve(a, b):
    try: {}
    except (OSError, ValueError): return a + b
    return "it worked"
"""
ATTEMPTS = (
    "os.fork()",
    "os.kill(-1, 0)",
    "os.kill(os.getppid() or 2, 0)",
    "socket.socket()",
    "open('/etc/passwd')",
    "open('/proc/self/environ')",
    "open('/tmp/neox-starts', 'w')",
    "os.setuid(0)",
    "os.setsid()",
    "os.waitpid(-1, 0)",
    "resource.setrlimit(resource.RLIMIT_AS, (1 << 40, 1 << 40))",
    "resource.prlimit(2, resource.RLIMIT_AS, (1, 1))",
    "socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)",
    "os.ftruncate(1, 1 << 40)",
    "os.execv('/bin/true', ['true'])",
)
PROGRAMS = (
    "def solve(a, b): return a + b",
    "def solve(a, b): return a - b",
    "def solve(a, b): raise ValueError",
    "def solve(a, b): return [0] * (1 << 28)",
    "def solve(a, b): print('x' * 100000); return a + b",
    "import os; os._exit(0)",
    "import time; time.sleep(9)",
    "import threading\ndef solve(a, b):\n"
    "    got = []\n    t = threading.Thread(target=got.append, args=(a + b,))\n"
    "    t.start(); t.join()\n    return got[0]",
    "while True: pass",
    *(TRY.format(attempt) for attempt in ATTEMPTS),
)


def results() -> dict[str, object]:
    from neox.sandbox import Asserts, Call, Limits, Sandbox, Script

    limits = Limits(*FAST)
    test = "assert solve(1, 2) == 3\nfor n in range(3): assert solve(n, n) == 2 * n"
    jobs: list[Call | Script | Asserts] = [
        Call(code, "solve", [[1, 2], [3, 4]], [3, 7], limits=limits) for code in PROGRAMS
    ]
    jobs += [Asserts(code, test, "solve", limits=limits) for code in PROGRAMS[:3]]
    jobs += [Script("print(int(input()) + 1)", "1", answer, limits=limits) for answer in "23"]
    with Sandbox(workers=1) as box:
        outcomes = [[o.verdict, [t.verdict for t in o.tests]] for o in box.map(jobs)]
        layers = {name: [active, why] for name, (active, why) in box.layers.items()}
    return {"uid": os.getuid(), "layers": layers, "outcomes": outcomes}


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    for mode in sys.argv[1:]:
        globals()[mode]()
    sys.path[:0] = [str(Path(__file__).resolve().parents[2])]
    print(json.dumps(results()))
