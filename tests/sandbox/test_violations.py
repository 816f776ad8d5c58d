"""Attempts to get out and to cheat fail, and are counted by name."""

from __future__ import annotations

import struct
from collections.abc import Iterator

import pytest

from neox.sandbox import Asserts, Call, Limits, Sandbox, Script, wire

pytestmark = pytest.mark.slow

FAST = Limits(cpu_s=1, wall_s=3)
TRY = """
import ctypes, os, signal, socket
libc = ctypes.CDLL(None, use_errno=True)
def quietly(f, *a):
    try: f(*a)
    except OSError: pass
def solve(a, b):
    {}
    return a + b
"""


@pytest.fixture(scope="module")
def box() -> Iterator[Sandbox]:
    with Sandbox(workers=1) as sandbox:
        if not sandbox.layers["monitor"][0]:
            pytest.skip(f"attempts cannot be counted here: {sandbox.layers['monitor'][1]}")
        yield sandbox


@pytest.mark.parametrize(
    ("attempt", "found"),
    [
        ("pass", {}),
        ("open(os.__file__).close(); open('/dev/null').read()", {}),
        ("import threading; t = threading.Thread(target=print); t.start(); t.join()", {}),
        ("import random, subprocess, multiprocessing, asyncio, tempfile, logging", {}),
        ("quietly(os.kill, os.getpid(), 0)", {}),
        ("quietly(os.fork)", {"clone": 1}),
        ("[quietly(os.fork) for _ in range(3)]", {"clone": 3}),
        ("quietly(socket.socket)", {"socket": 1}),
        ("quietly(os.execv, '/bin/true', ['true'])", {"execve": 1}),
        ("quietly(os.kill, -1, 9)", {"kill": 1}),
        ("quietly(os.kill, 0, 9)", {"kill": 1}),
        ("libc.ptrace(0, 0, 0, 0)", {"ptrace": 1}),
        ("libc.unshare(0x10000000)", {"unshare": 1}),
        ("libc.mount(b'none', b'/tmp', b'tmpfs', 0, 0)", {"mount": 1}),
        ("libc.memfd_create(b'x', 0)", {"memfd_create": 1}),
        ("quietly(os.setuid, 0)", {"setuid": 1}),
        ("quietly(os.symlink, '/', '/tmp/x')", {"symlink": 1}),
    ],
)
def test_attempts_are_counted_by_name(box: Sandbox, attempt: str, found: dict[str, int]) -> None:
    code = TRY.format(attempt)
    outcome = box.run(Call(code, "solve", [[1, 2]], [3], limits=FAST))
    assert (outcome.verdict, outcome.violations) == ("pass", found)
    apart = Asserts(code, "assert solve(1, 2) == 3", "solve", limits=FAST, separate=True)
    assert box.run(apart).violations == found


def frame(kind: int, body: bytes = b"") -> bytes:
    return struct.pack("<IB", len(body), kind) + body


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("def solve(a, b): return a + b", {}),
        ("def solve(a, b): return a - b", {}),
        ("def solve(a, b): raise ValueError", {}),
        ("def solve(a, b): return object()", {}),
        ("def solve(a, b): return 'x' * (2 << 20)", {}),
        ("def solve(a, b", {}),
        ("import os; os._exit(0)", {"early_exit": 1}),
        ("import sys; sys.exit(0)", {"early_exit": 1}),
        ("def solve(a, b): raise SystemExit", {"early_exit": 1}),
        (f"import os\nos.write(4, {frame(wire.END)!r})\nsolve = max", {"forged_claim": 1}),
        (f"import os\ndef solve(a, b): os.write(4, {frame(0, b'3')!r})", {"forged_claim": 1}),
        ("import os\ndef solve(a, b): os.write(4, b'pass'); os._exit(0)", {"forged_claim": 1}),
        ("class E:\n    def __eq__(s, o): return True\ndef solve(a, b): return E()",
         {"always_equal": 1}),
        ("class E(int):\n    def __eq__(s, o): return True\ndef solve(a, b): return E()",
         {"always_equal": 1}),
    ],
)  # fmt: skip
def test_cheating_is_counted(box: Sandbox, code: str, found: dict[str, int]) -> None:
    outcome = box.run(Call(code, "solve", [[1, 2]], [3], limits=FAST))
    assert outcome.violations == found, outcome
    assert (outcome.verdict == "pass") == (code == "def solve(a, b): return a + b")


def test_a_script_may_exit_but_not_vanish(box: Sandbox) -> None:
    assert box.run(Script("print(1)\nraise SystemExit(0)", "", "1")).violations == {}
    gone = box.run(Script("print(1, flush=True)\nimport os; os._exit(0)", "", "1"))
    assert (gone.verdict, gone.violations) == ("error", {"early_exit": 1})


def test_what_a_tests_own_process_tries_is_not_the_programs_doing(box: Sandbox) -> None:
    test = "import os\ntry: os.fork()\nexcept OSError: pass\nassert solve(1, 2) == 3"
    outcome = box.run(Asserts("def solve(a, b): return a + b", test, "solve", limits=FAST))
    assert (outcome.verdict, outcome.violations) == ("pass", {})


def test_attempts_without_end_are_ended(box: Sandbox) -> None:
    code = TRY.format("\n    while True: quietly(os.fork)")
    outcome = box.run(Call(code, "solve", [[1, 2]], [3], limits=Limits(20, 30)))
    assert outcome.verdict == "violation"
    assert outcome.violations["clone"] == 1001
    assert box.run(Call(TRY.format("pass"), "solve", [[1, 2]], [3])).violations == {}


def test_attempts_belong_to_their_own_job() -> None:
    bad = Call(TRY.format("quietly(os.fork)"), "solve", [[1, 2]], [3], limits=FAST)
    good = Call(TRY.format("pass"), "solve", [[1, 2]], [3], limits=FAST)
    with Sandbox(workers=2) as box:
        outcomes = list(box.map([bad, good, good] * 30))
    assert [bool(o.violations) for o in outcomes] == [True, False, False] * 30


def test_without_the_monitor_attempts_fail_all_the_same() -> None:
    code = TRY.format(
        "\n    try: os.fork()\n    except PermissionError: return a + b\n    return 0"
    )
    for without in (["monitor"], ["monitor", "pid_namespace"], ["pid_namespace"]):
        with Sandbox(workers=1, without=without) as box:
            outcome = box.run(Call(code, "solve", [[1, 2]], [3], limits=FAST))
            assert (outcome.verdict, outcome.violations) == ("pass", {})
            assert "monitor" not in outcome.layers or "monitor" not in without
