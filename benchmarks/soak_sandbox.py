"""Many executions, some hostile, while the sandbox's interpreters are killed at random.

    python benchmarks/soak_sandbox.py [--executions 100000] [--hostile 0.02] [--seed 0]

Every program's verdict is known beforehand. Says how many were wrong, lost or unavailable, and what
grew: processes, descriptors, files in the temporary folder, resident memory of this process (at a
tenth of the way and at the end) and of the zygotes. Exit status 1 if anything did.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from neox.sandbox import Asserts, Call, Job, Limits, Sandbox, SandboxUnavailable, Script

LIMITS = Limits(cpu_s=2, wall_s=8)
SHORT = Limits(cpu_s=0.2, wall_s=8, memory_mb=128, output_kb=16)
HEAD = "import os, struct, sys, socket, threading, time\n"
# program -> accepted verdicts; each answers right only if it gets out
HOSTILE: dict[str, set[str]] = {
    "def f(n):\n    os.fork()\n    return n + 1": {"error"},
    "def f(n):\n    os.kill(-1, 9)\n    return n + 1": {"error"},
    "def f(n):\n    socket.socket()\n    return n + 1": {"error"},
    "def f(n):\n    open('/tmp/neox_soak', 'w')\n    return n + 1": {"error"},
    "os._exit(0)": {"error"},
    "os.write(4, struct.pack('<IB', 0, 5))\nf = abs": {"error"},
    "os.write(4, b'[' * 65 + b'\"' + b'\\\\\"' * 99999)\nos._exit(0)": {"error"},
    "class E:\n    def __eq__(s, o): return True\ndef f(n): return E()": {"fail"},
    "def f(n):\n    x = []\n    for _ in range(99999): x = [x]\n    return x": {"fail"},
    "def f(n):\n    return bytearray(1 << 30) and n + 1": {"memory"},
    "while True: os.write(1, b'x' * 4096)": {"error", "output_limit"},
    "while True: pass": {"timeout"},
    "threading.Thread(target=time.sleep, args=(60,)).start()\nos.close(4)": {"error"},
    "a, b = socket.socketpair()\nsocket.send_fds(a, [b'x'], [0, 1, 4, a.fileno(), b.fileno()])\n"
    "os._exit(0)": {"error"},
}


def jobs(count: int, hostile: float, seed: int) -> Iterator[tuple[Job, set[str]]]:
    draw = random.Random(seed)
    programs = sorted(HOSTILE)
    for number in range(count):
        if draw.random() < hostile:
            code = draw.choice(programs)
            yield Call(HEAD + code, "f", [[number]], [number + 1], limits=SHORT), HOSTILE[code]
            continue
        kind = draw.random()
        if kind < 0.6:
            code = f"def f(n):\n    return [n + {number % 7}] * 3\n"
            yield Call(code, "f", [[number]], [[number + number % 7] * 3], limits=LIMITS), {"pass"}
        elif kind < 0.75:
            yield Call("def f(n):\n    return n\n", "f", [[number]], [-1], limits=LIMITS), {"fail"}
        elif kind < 0.85:
            yield Call("def f(n):\n    return n[0]\n", "f", [[1]], [1], limits=LIMITS), {"error"}
        elif kind < 0.98:
            code, answer = "print(int(input()) * 2)", str(number * 2)
            yield Script(code, str(number), answer, limits=LIMITS), {"pass"}
        else:
            test = "for n in range(3): assert f(n) == n"
            yield Asserts("def f(n): return n", test, "f", limits=LIMITS), {"pass"}


def below(pid: int) -> list[int]:
    found, todo = [], [pid]
    while todo:
        for path in Path(f"/proc/{todo.pop()}/task").glob("*/children"):
            with contextlib.suppress(OSError):
                children = [int(child) for child in path.read_text().split()]
                found += children
                todo += children
    return found


def resident_kb(pid: int | str) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4
    except OSError:
        return 0


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--executions", type=int, default=100_000)
    parser.add_argument("--hostile", type=float, default=0.02)
    parser.add_argument("--kill-every", type=int, default=500, help="executions, on average")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--minutes", type=float, default=1e9, help="stop after so long")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    started, draw = time.monotonic(), random.Random(args.seed + 1)
    files, descriptors = set(os.listdir(tempfile.gettempdir())), len(os.listdir("/proc/self/fd"))
    found: Counter[str] = Counter()
    wrong: list[str] = []
    early_kb = 0
    with Sandbox(workers=args.workers) as box:
        work = jobs(args.executions, args.hostile, args.seed)
        pending = []
        for number, (job, accepted) in enumerate(work, 1):
            pending.append((box.submit(job), job, accepted))
            if len(pending) < 64 and number < args.executions:
                continue
            for future, done, right in pending:
                try:
                    outcome = future.result(timeout=600)
                except SandboxUnavailable:
                    found["unavailable"] += 1
                    continue
                found["done"] += 1
                found[outcome.verdict] += 1
                if outcome.verdict not in right:
                    wrong.append(f"{outcome.verdict} {outcome.detail} of {done.code!r}"[:300])
            pending.clear()
            if draw.random() < 64 / args.kill_every and (victims := below(os.getpid())):
                with contextlib.suppress(OSError):
                    os.kill(draw.choice(victims), signal.SIGKILL)
                    found["killed"] += 1
            if not early_kb and found["done"] > args.executions / 10:
                early_kb = resident_kb("self")
            if time.monotonic() - started > 60 * args.minutes:
                break
        zygotes_kb = [resident_kb(pid) for pid in below(os.getpid())]
        late_kb = resident_kb("self")
    deadline = time.monotonic() + 10
    while below(os.getpid()) and time.monotonic() < deadline:
        time.sleep(0.1)
    left = {
        "processes": len(below(os.getpid())),
        "descriptors": len(os.listdir("/proc/self/fd")) - descriptors,
        "files": len([f for f in set(os.listdir(tempfile.gettempdir())) - files if "neox" in f]),
    }
    report = {
        "executions": number, "outcomes": dict(found), "wrong": len(wrong), "left": left,
        "lost": number - found["done"] - found["unavailable"],
        "resident_kb": {"early": early_kb, "late": late_kb, "zygotes": zygotes_kb},
        "seconds": round(time.monotonic() - started), "seed": args.seed, "load": os.getloadavg(),
    }  # fmt: skip
    print(*wrong[:20], sep="\n")
    print(json.dumps(report))
    return int(bool(wrong or report["lost"] or any(left.values()) or found["unavailable"]))


if __name__ == "__main__":
    raise SystemExit(main())
