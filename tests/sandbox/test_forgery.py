"""Rewards cannot be won by anything but right answers."""

from __future__ import annotations

import struct
from collections.abc import Iterator

import pytest

from neox.sandbox import Asserts, Call, Limits, Sandbox, wire

pytestmark = pytest.mark.slow


FAST = Limits(cpu_s=1, wall_s=2)
INPUTS, ANSWERS = [[1, 2], [30, 4]], [3, 34]
TEST = "def check(candidate):\n    assert candidate(1, 2) == 3\n    assert candidate(30, 4) == 34\n"


def frame(kind: int, body: bytes = b"") -> bytes:
    return struct.pack("<IB", len(body), kind) + body


RIGHT = frame(wire.VALUE, b"3") + frame(wire.VALUE, b"34")
EVIL = {
    "prints success": "print('pass 4 passed OK')\ndef solve(a, b): return 0",
    "exits at import": "import sys; sys.exit(0)",
    "exits hard": "import os; os._exit(0)",
    "exits with a subclass": "class E(SystemExit): code = 0\ndef solve(a, b): raise E(0)",
    "raises a success": "class Passed(Exception): pass\ndef solve(a, b): raise Passed('pass')",
    "raises AssertionError": "def solve(a, b): raise AssertionError",
    "always equal": """
class E:
    def __eq__(self, other): return True
    def __ne__(self, other): return False
    __hash__ = None
def solve(a, b): return E()""",
    "always equal int": """
class E(int):
    def __eq__(self, other): return True
    def __ne__(self, other): return False
    __hash__ = int.__hash__
def solve(a, b): return E(7)""",
    "a list that lies": """
class L(list):
    def __eq__(self, other): return True
    def __iter__(self): return iter([3])
def solve(a, b): return L()""",
    "patches builtins": """
import builtins, json, marshal, os, sys
for name in ("all", "any", "len", "isinstance", "zip", "type", "iter", "sum"):
    setattr(builtins, name, lambda *a, **k: True)
json.dumps = json.loads = lambda *a, **k: "3"
builtins.AssertionError = type("AssertionError", (Exception,), {})
def solve(a, b): return 0""",
    "patches the harness": """
import gc, types
for f in gc.get_objects():
    if isinstance(f, types.FunctionType) and f.__module__ and "sandbox" in f.__module__:
        try: f.__code__ = (lambda *a, **k: b"3").__code__
        except ValueError: pass
def solve(a, b): return 0""",
    "searches the stack": """
import sys
def solve(a, b):
    frame = sys._getframe()
    while frame:
        for d in (frame.f_locals, frame.f_globals):
            for k, v in list(d.items()):
                if k in ("expected", "answers", "want"): return a + b
                if isinstance(v, (list, tuple)) and 34 in v: return a + b
        frame = frame.f_back""",
    "searches the heap": """
import gc
def solve(a, b):
    for o in gc.get_objects():
        if isinstance(o, list) and len(o) == 2 and o[1] == 34: return a + b
        if isinstance(o, str) and "candidate(30, 4)" in o: return a + b""",
    "searches its memory": """
import ctypes, os
def solve(a, b):
    needle = b"candidate(30," + b" 4) == 3"
    here = id(object()) & ~0xfffff
    return a + b if needle in ctypes.string_at(here, 1 << 19) else 0""",
    "forges frames": f"import os\nos.write(4, {RIGHT + frame(wire.END)!r}[:7])\nos._exit(0)",
    "forges an end": f"import os\nos.write(4, {frame(wire.END)!r})\ndef solve(a, b): return 0",
    "adds one answer": f"""
import os
def solve(a, b):
    os.write(4, {frame(wire.VALUE, b"3")!r})
    return a + b""",
    "writes after the end": f"""
import os, threading, time
def later():
    while True: os.write(4, {frame(wire.VALUE, b"34")!r})
def solve(a, b):
    if a == 30: threading.Thread(target=later, daemon=True).start(); time.sleep(0.1)
    return a + b""",
    "writes everywhere": """
import os
for fd in range(64):
    for text in (b"pass", b'["pass"]', b"\\0" * 16):
        try: os.write(fd, text)
        except OSError: pass
os._exit(0)""",
    "forks to answer": """
import os
if os.fork() == 0: pass
def solve(a, b): return a + b""",
    "reads files of tests": """
import glob
def solve(a, b):
    seen = glob.glob("/proc/*/fd/*") + glob.glob("/tmp/*") + glob.glob("/**/test_*.py")
    return a + b if seen else 0""",
}  # fmt: skip


@pytest.fixture(scope="module")
def box() -> Iterator[Sandbox]:
    with Sandbox(workers=1) as sandbox:
        yield sandbox


@pytest.mark.parametrize("code", EVIL.values(), ids=EVIL)
def test_a_call_is_not_won(box: Sandbox, code: str) -> None:
    assert box.run(Call(code, "solve", INPUTS, ANSWERS, limits=FAST)).verdict != "pass"


@pytest.mark.parametrize("name", EVIL)
def test_asserts_are_not_won(box: Sandbox, name: str) -> None:
    if name in ("adds one answer", "writes after the end"):
        pytest.skip("descriptor 4 carries no answers here, so these programs are honest")
    honest = Asserts("def solve(a, b): return a + b", TEST, "solve", limits=FAST, separate=True)
    assert box.run(honest).verdict == "pass"
    assert box.run(Asserts(EVIL[name], TEST, "solve", limits=FAST, separate=True)).verdict != "pass"


def test_frames_that_are_right_and_whole_are_just_right_answers(box: Sandbox) -> None:
    """Forging the channel is answering: there is nothing to gain that solving would not."""
    code = f"import os\nos.write(4, {RIGHT + frame(wire.END)!r})\nos._exit(0)"
    assert box.run(Call(code, "solve", INPUTS, ANSWERS, limits=FAST)).verdict == "pass"
    assert box.run(Call(code, "solve", INPUTS, [3, 35], limits=FAST)).verdict == "fail"


def test_one_execution_leaves_nothing_for_the_next(box: Sandbox) -> None:
    """Neither in memory that was freed, nor in flags of a shared open file."""
    secret = "needle-" + "4711"
    first = f"import fcntl, os, sys\nx = '{secret}' * 1000\nprint(x[:5000])\n"
    first += "for fd in (0, 1, 2): fcntl.fcntl(fd, fcntl.F_SETFL, os.O_NONBLOCK | os.O_APPEND)\n"
    first += "def solve(a, b): return x"
    box.run(Call(first, "solve", INPUTS, ANSWERS, limits=FAST))
    second = """
import ctypes, fcntl, gc, os
def solve(a, b):
    flags = [fcntl.fcntl(fd, fcntl.F_GETFL) & (os.O_NONBLOCK | os.O_APPEND) for fd in (0, 1, 2)]
    here = id(object()) & ~0xfffff
    # backwards: what it looks for must not itself stand in the memory that it reads
    return [flags, b"1174-eldeen" in ctypes.string_at(here, 1 << 20)[::-1]]"""
    outcome = box.run(Call(second, "solve", [[1, 2]], [[[0, 0, 0], False]], limits=FAST))
    assert outcome.verdict == "pass", outcome
