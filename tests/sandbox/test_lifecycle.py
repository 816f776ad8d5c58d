"""Nothing is lost when a zygote dies, and nothing is left behind, however the end comes."""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from neox.sandbox import Asserts, Call, Limits, Sandbox, SandboxUnavailable, lane, sandbox

pytestmark = pytest.mark.slow


ADD = "def add(a, b):\n    return a + b\n"
JOB = Call(ADD, "add", [[1, 2]], [3])
SLOW = Call(
    "import time\ndef add(a, b):\n    time.sleep(0.3)\n    return a + b\n", "add", [[1, 2]], [3]
)
TEST = Asserts(ADD, "assert add(1, 2) == 3", "add", separate=True)


def descendants(pid: int) -> list[int]:
    parents: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = stat.read_text().rpartition(")")[2].split()
            if fields[0] != "Z":
                parents.setdefault(int(fields[1]), []).append(int(stat.parent.name))
    found, todo = [], [pid]
    while todo:
        children = parents.get(todo.pop(), [])
        found += children
        todo += children
    return found


def alive(pids: list[int]) -> list[int]:
    left = []
    for pid in pids:
        with contextlib.suppress(OSError):
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
            if state != "Z":
                left.append(pid)
    return left


def gone(pids: list[int], within_s: float = 5.0) -> bool:
    deadline = time.monotonic() + within_s
    while alive(pids) and time.monotonic() < deadline:
        time.sleep(0.01)
    return not alive(pids)


def open_files() -> int:
    gc.collect()
    return len(os.listdir("/proc/self/fd"))


def test_outcomes_come_in_the_order_of_the_jobs() -> None:
    jobs = [SLOW, *(Call(ADD, "add", [[n, 0]], [n]) for n in range(9)), TEST, SLOW]
    with Sandbox(workers=2) as box:
        assert [o.verdict for o in box.map(jobs)] == ["pass"] * len(jobs)


def test_jobs_come_from_any_thread() -> None:
    verdicts: list[str] = []
    with Sandbox(workers=2) as box:
        threads = [
            threading.Thread(
                target=lambda: verdicts.extend(box.run(j).verdict for j in [JOB, TEST] * 10)
            )
            for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert verdicts == ["pass"] * 80


def test_submitting_is_cheap() -> None:
    with Sandbox(workers=1) as box:
        first = box.submit(SLOW)
        started = time.thread_time()
        futures = [box.submit(JOB) for _ in range(200)]
        each = (time.thread_time() - started) / 200
        assert first.result().verdict == "pass"
        assert {f.result().verdict for f in futures} == {"pass"}
    assert each < 200e-6


def test_nothing_grows_over_hundreds_of_jobs() -> None:
    with Sandbox(workers=2) as box:
        list(box.map([JOB, TEST] * 4))
        files, processes = open_files(), len(descendants(os.getpid()))
        inside = [len(os.listdir(f"/proc/{pid}/fd")) for pid in sorted(descendants(os.getpid()))]
        list(box.map([JOB] * 400 + [TEST] * 40))
        assert open_files() == files
        assert len(descendants(os.getpid())) == processes
        pids = sorted(descendants(os.getpid()))
        assert [len(os.listdir(f"/proc/{pid}/fd")) for pid in pids] == inside


def test_closing_leaves_nothing() -> None:
    before, temporary = open_files(), set(os.listdir("/tmp"))
    for job in (JOB, TEST):
        with Sandbox(workers=2) as box:
            box.run(job)
            pids = descendants(os.getpid())
            assert pids
        assert gone(pids)
    assert open_files() == before
    assert not {name for name in set(os.listdir("/tmp")) - temporary if "neox" in name}


def test_closing_fails_what_is_not_done() -> None:
    with Sandbox(workers=1) as box:
        futures = [box.submit(SLOW) for _ in range(5)]
    for future in futures:
        with pytest.raises(SandboxUnavailable, match="closed"):
            future.result(timeout=5)


@pytest.mark.parametrize(
    "job", [SLOW, Asserts(SLOW.code, TEST.test, "add", separate=True)], ids=["call", "test"]
)
def test_a_killed_zygote_loses_no_job(job: Call | Asserts) -> None:
    with Sandbox(workers=1) as box:
        box.run(job)
        futures = [box.submit(job) for _ in range(4)]
        time.sleep(0.1)
        for pid in descendants(os.getpid()):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        assert [f.result().verdict for f in futures] == ["pass"] * 4


def test_a_zygote_that_stands_still_loses_no_job(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lane, "STUCK_S", 0.2)
    monkeypatch.setattr(sandbox, "LOOK_S", 0.1)
    short = Call(ADD, "add", [[1, 2]], [3], limits=Limits(1, 1))
    with Sandbox(workers=1) as box:
        box.run(short)
        for pid in descendants(os.getpid()):
            os.kill(pid, signal.SIGSTOP)
        assert [o.verdict for o in box.map([short] * 3)] == ["pass"] * 3


def test_a_job_that_loses_two_zygotes_is_unavailable_and_no_verdict() -> None:
    stop = threading.Event()

    def kill_all() -> None:
        while not stop.wait(0.02):
            for pid in descendants(os.getpid()):
                with contextlib.suppress(OSError):
                    name = Path(f"/proc/{pid}/stat").read_text()
                    if "python" in name and len(descendants(pid)) >= 2:  # a job is running
                        os.kill(pid, signal.SIGKILL)

    endless = Call("while True: pass", "f", [[]], [1], limits=Limits(cpu_s=20, wall_s=20))
    with Sandbox(workers=1) as box:
        killer = threading.Thread(target=kill_all)
        killer.start()
        try:
            with pytest.raises(SandboxUnavailable, match="died twice"):
                box.run(endless)
        finally:
            stop.set()
            killer.join()
        assert box.run(JOB).verdict == "pass"


def test_a_cancelled_job_is_not_run() -> None:
    with Sandbox(workers=1) as box:
        running = [box.submit(SLOW) for _ in range(3)]
        last = box.submit(JOB)
        assert last.cancel()
        assert [f.result().verdict for f in running] == ["pass"] * 3


PARENT = """
import sys, time
import signal
from neox.sandbox import *
signal.signal(signal.SIGINT, signal.default_int_handler)  # a background shell ignores it
code = "import time\\ndef f(): time.sleep(60)"
with Sandbox(workers=2) as box:
    futures = [box.submit(Call(code, "f", [[]], [1], limits=Limits(9, 99))) for _ in range(2)]
    slow = Limits(9, 99)
    tests = box.submit(Asserts(code, "assert f() is None", "f", limits=slow, separate=True))
    time.sleep(0.3)
    print("ready", flush=True)
    time.sleep(99)
"""


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL, signal.SIGTERM])
def test_no_process_survives_its_parent(how: signal.Signals) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", PARENT],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    pids = descendants(process.pid)
    assert len(pids) >= 4
    process.send_signal(how)
    process.wait()
    process.stdout.close()
    assert gone(pids), [Path(f"/proc/{p}/cmdline").read_text()[:60] for p in alive(pids)]


def test_a_parent_that_never_closes_still_ends() -> None:
    code = PARENT.replace("with Sandbox(workers=2) as box:", "box = Sandbox(workers=2)\nif True:")
    code = code.replace("    time.sleep(99)\n", "")
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=30)
    assert process.returncode == 0, process.stderr
