"""Plants what an attack file asks for, runs it through a sandbox, and looks at every probe.

An unknown header key is an error, not a skip: a probe that nobody enforces proves nothing.
"""

from __future__ import annotations

import contextlib
import glob
import json
import os
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from neox.sandbox import Call, Limits, Outcome, Sandbox

SECRET = "NEOXSECRET" + "7f3a9c"
HEADER_KEYS = {
    "name", "category", "attempts", "verdict", "breach_if_pass", "probe", "setup", "limits",
    "open_without",
}  # fmt: skip
WALL_SLACK_S = 4.0  # for a busy machine


def crowding() -> float:
    """How many tasks share a processor, at least 1: wall time grows by as much."""
    return max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


def read_header(path: Path) -> dict[str, Any]:
    return parse_header(path.read_text())


def parse_header(text: str) -> dict[str, Any]:
    header: dict[str, Any] = {}
    for line in text.splitlines():
        if not line.startswith("# "):
            break
        key, value = line[2:].split(": ", 1)
        try:
            header[key] = json.loads(value)
        except ValueError:
            header[key] = value
    assert set(header) <= HEADER_KEYS, f"unknown header keys {set(header) - HEADER_KEYS}"
    return header


@dataclass
class Run:
    """Everything the probes may ask about."""

    outcomes: list[Outcome]
    wall_s: float
    disk_delta_mb: float
    listened: set[int]
    zygotes: set[int]
    touched: int = 0


class Listener:
    """A planted stream socket that counts the connections it gets."""

    def __init__(self, family: socket.AddressFamily, address: Any) -> None:
        self.touched = 0
        self._stop = False
        self._socket = socket.socket(family, socket.SOCK_STREAM)
        if family == socket.AF_INET:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind(address)
        self._socket.listen()
        self._socket.settimeout(0.05)
        self._thread = threading.Thread(target=self._loop, daemon=True)
        self._thread.start()

    def _loop(self) -> None:
        while not self._stop:
            with contextlib.suppress(OSError):
                self._socket.accept()[0].close()
                self.touched += 1

    def close(self) -> int:
        self._stop = True
        self._thread.join()
        self._socket.close()
        return self.touched


@contextlib.contextmanager
def planted(setup: dict[str, Any]) -> Iterator[list[Listener]]:
    """The host as the attack wants to find it."""
    listeners, files = [], []
    known = {"file", "secret_file", "secret_env", "tcp_listener", "unix_listener"}
    assert set(setup) <= known, f"unknown set-up {set(setup) - known}"
    for key, text, mode in (("file", "original", 0o666), ("secret_file", SECRET, 0o644)):
        if key in setup:
            Path(setup[key]).write_text(text)
            os.chmod(setup[key], mode)
            files.append(setup[key])
    if "secret_env" in setup:
        os.environ[setup["secret_env"]] = SECRET
    if "tcp_listener" in setup:
        listeners.append(Listener(socket.AF_INET, ("127.0.0.1", setup["tcp_listener"])))
    if "unix_listener" in setup:
        remove(setup["unix_listener"])
        listeners.append(Listener(socket.AF_UNIX, setup["unix_listener"]))
        files.append(setup["unix_listener"])
    try:
        yield listeners
    finally:
        for path in files:
            remove(path)
        os.environ.pop(setup.get("secret_env", ""), None)


def remove(path: str) -> None:
    with contextlib.suppress(OSError, ValueError):  # an abstract socket has no path
        os.remove(path)


def listening_ports() -> set[int]:
    ports = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with contextlib.suppress(OSError):
            for row in Path(table).read_text().splitlines()[1:]:
                parts = row.split()
                if parts[3] == "0A":
                    ports.add(int(parts[1].rsplit(":", 1)[1], 16))
    return ports


def processes_named(name: str) -> list[int]:
    found = []
    for comm in glob.glob("/proc/[0-9]*/comm"):
        with contextlib.suppress(OSError):
            if Path(comm).read_text().strip() == name:
                found.append(int(comm.split("/")[2]))
    return found


def zygotes() -> set[int]:
    """The processes of this process's sandboxes that outlive an execution."""
    found, todo = set(), [os.getpid()]
    while todo:
        for path in glob.glob(f"/proc/{todo.pop()}/task/*/children"):
            with contextlib.suppress(OSError):
                children = [int(pid) for pid in Path(path).read_text().split()]
                found.update(children)
                todo += children
    return found


def stopped(pids: set[int]) -> bool:
    states = []
    for pid in pids:
        with contextlib.suppress(OSError):
            states.append(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0])
    return any(state in "tTZX" for state in states) or len(states) < len(pids)


def outputs(run: Run) -> list[str]:
    return [outcome.stdout + outcome.detail + repr(outcome.tests) for outcome in run.outcomes]


def as_list(value: Any) -> list[str]:
    return [os.path.expanduser(v) for v in ([value] if isinstance(value, str) else value)]


def canary_after(value: Any) -> bool:
    time.sleep(value[0])
    return not os.path.exists(value[1])


def no_process(name: str) -> bool:
    return not processes_named(name)


def no_sysv(key: str) -> bool:
    rows = Path("/proc/sysvipc/shm").read_text().splitlines()[1:]
    return not any(row.split()[0] == str(int(key, 16)) for row in rows)


# probe -> does the host look as it must? given the header's value and the run
PROBES: dict[str, Callable[[Any, Run], bool]] = {
    "canary": lambda value, run: not any(os.path.exists(p) for p in as_list(value)),
    "canary_after_s": lambda value, run: canary_after(value),
    "leftovers": lambda value, run: not any(glob.glob(pattern) for pattern in value),
    "unchanged": lambda value, run: Path(value).read_text() == "original",
    "no_process_named": lambda value, run: no_process(value),
    "listener_untouched": lambda value, run: run.touched == 0,
    "no_listener_on": lambda value, run: value not in run.listened | listening_ports(),
    "secret_not_in_output": lambda value, run: not any(SECRET in text for text in outputs(run)),
    "parent_alive": lambda value, run: zygotes() == run.zygotes and not stopped(run.zygotes),
    "benign_after": lambda value, run: True,  # asserted for every file
    "wall_max_s": lambda value, run: run.wall_s <= (value + WALL_SLACK_S) * crowding(),
    "rss_max_mb": lambda value, run: all(0 < o.peak_mb < value for o in run.outcomes),
    "disk_delta_max_mb": lambda value, run: run.disk_delta_mb < value,
    "stored_output_max_kb": lambda value, run: all(
        len(o.stdout.encode()) <= value << 10 for o in run.outcomes
    ),
    "no_sysv_key": lambda value, run: no_sysv(value),
    "repeat": lambda value, run: len(run.outcomes) == value,
    "repeat_equal_output": lambda value, run: (
        len({o.stdout for o in run.outcomes}) == 1 and run.outcomes[0].stdout != ""
    ),
    "reported_cpu_min_s": lambda value, run: all(o.cpu_s >= value for o in run.outcomes),
}


def run_attack(box: Sandbox, task: dict[str, Any], code: str, header: dict[str, Any]) -> list[str]:
    """What was wrong: an unaccepted verdict, a probe that fired; empty when the walls held."""
    probe, given = header["probe"], header["limits"]
    assert set(probe) <= set(PROBES), f"unknown probes {set(probe) - set(PROBES)}"
    limits = Limits(given["cpu_s"], given["wall_s"], given["mem_mb"], given["output_kb"])
    job = Call(code, task["entry"], task["inputs"], task["expected"], limits=limits)
    for path in as_list(probe.get("canary", [])) + probe.get("canary_after_s", [0])[1:]:
        remove(path)
    for pattern in probe.get("leftovers", []):
        for path in glob.glob(pattern):
            remove(path)
    times = probe.get("repeat", probe.get("repeat_equal_output", 1))
    with planted(header["setup"]) as listeners:
        before = zygotes()
        free, started = shutil.disk_usage("/tmp").free, time.monotonic()
        pending = [box.submit(job) for _ in range(times)]
        listened: set[int] = set()
        while not all(future.done() for future in pending):
            listened |= listening_ports() if "no_listener_on" in probe else set()
            time.sleep(0.005)
        done = [future.result() for future in pending]
        wall = (time.monotonic() - started) / times
        run = Run(done, wall, (free - shutil.disk_usage("/tmp").free) / 2**20, listened, before)
        time.sleep(0.06 if listeners else 0)
        run.touched = sum(listener.close() for listener in listeners)
        bad = [name for name, value in probe.items() if not PROBES[name](value, run)]
    last = done[-1]
    if last.verdict not in header["verdict"]:
        bad.append(f"verdict {last.verdict} ({last.detail})")
    return bad
