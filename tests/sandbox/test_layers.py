"""Each wall is proved by an attempt that must fail, and each proof fails without its wall."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from neox.sandbox import Call, Sandbox, SandboxUnavailable, proof, report
from neox.sandbox.inside import seccomp

pytestmark = pytest.mark.slow


ALL = (
    "rlimits", "no_new_privs", "seccomp", "monitor", "landlock", "die_with_parent", "uid",
    "mount_namespace", "user_namespace", "pid_namespace", "net_namespace", "ipc_namespace",
    "uts_namespace",
)  # fmt: skip
FOUND = report()
ADD = Call("def add(a, b):\n    return a + b\n", "add", [[1, 2]], [3])


def need(*names: str) -> None:
    for name in names:
        if not FOUND.layers[name].active:
            pytest.skip(f"{name} does not stand here: {FOUND.layers[name].why}")


def test_the_report_names_every_layer_and_why_one_is_missing() -> None:
    assert set(FOUND.layers) == set(ALL)
    assert all(layer.active or layer.why for layer in FOUND.layers.values())
    assert FOUND.kernel == os.uname().release
    assert FOUND.uid == os.getuid()
    assert (FOUND.landlock_abi > 0) == FOUND.layers["landlock"].active


def test_nothing_is_possible_where_all_layers_stand() -> None:
    need(*ALL)
    assert FOUND.possible == ()


def test_an_outcome_lists_the_layers_that_held() -> None:
    with Sandbox(workers=1, development=True) as box:
        held = {name for name, (active, _) in box.layers.items() if active}
        assert set(box.run(ADD).layers) == held


@pytest.mark.parametrize(
    ("without", "possible"),
    [
        (("rlimits",), "write past the limit"),
        (("seccomp",), "open a socket"),
        (("seccomp",), "start a process"),
        (("seccomp",), "make a namespace"),
        (("seccomp",), "raise a limit"),
        (("landlock",), "read outside the libraries"),
        (("mount_namespace",), "see the host's files"),
        (("mount_namespace", "landlock"), "read outside the libraries"),
        (("pid_namespace",), "have the host's processes"),
        (("uts_namespace",), "have the host's name"),
        (("user_namespace",), "have the host's user"),
    ],
)
def test_a_proof_fails_without_its_wall(without: tuple[str, ...], possible: str) -> None:
    need(*without)
    with Sandbox(workers=1, development=True, without=without) as box:
        assert possible in proof.possible(box.run(proof.JOB))
        assert all(not box.layers[name][0] for name in without)
        assert not set(without) & set(box.run(ADD).layers)
        assert box.run(ADD).verdict == "pass"


@pytest.mark.parametrize("name", ["rlimits", "no_new_privs", "seccomp"])
def test_strict_refuses_to_run_without_a_required_layer(name: str) -> None:
    with pytest.raises(SandboxUnavailable, match=name):
        Sandbox(workers=1, without=[name])


def test_strict_wants_one_wall_around_the_files() -> None:
    with pytest.raises(SandboxUnavailable, match="landlock or mount_namespace"):
        Sandbox(workers=1, without=["landlock", "mount_namespace"])
    with pytest.raises(SandboxUnavailable, match="pid_namespace"):
        Sandbox(workers=1, required=["pid_namespace"], without=["pid_namespace"])


def test_the_least_strict_set_keeps_the_program_in() -> None:
    """What default containers allow: no namespaces, and still no way out."""
    none = [name for name in ALL if name.endswith("_namespace")]
    code = """
import os, socket
def attempt(n):
    try:
        [lambda: open("/etc/passwd"), lambda: os.listdir("/"), lambda: os.kill(os.getppid(), 0),
         lambda: os.kill(-1, 0), os.fork, socket.socket, lambda: os.open("/dev/full", os.O_RDWR),
         lambda: open("/proc/self/environ"), lambda: open(f"/proc/{os.getppid()}/mem"),
         lambda: os.setuid(0), lambda: os.symlink("/", "/tmp/x"), lambda: os.chmod("/tmp", 0),
         lambda: os.execv("/bin/true", ["true"]), lambda: os.setsid()][n]()
    except OSError:
        return "refused"
"""
    with Sandbox(workers=1, without=none) as box:
        outcome = box.run(Call(code, "attempt", [[n] for n in range(14)], ["refused"] * 14))
    assert outcome.verdict == "pass", outcome.tests


def test_installed_packages_are_hidden() -> None:
    """They may hold the data sets whose answers are asked for."""
    code = """
import glob, os, sysconfig
def look(n):
    here = os.path.dirname(os.__file__)
    found = []
    for folder in glob.glob(here + "/*-packages") + glob.glob("/usr/lib/python3*/*-packages"):
        try: found += os.listdir(folder)
        except OSError: pass
    return found"""
    for without in ((), ("landlock",), ("mount_namespace",)):
        with Sandbox(workers=1, development=True, without=without) as box:
            outcome = box.run(Call(code, "look", [[0]], [[]]))
            assert outcome.verdict == "pass", (without, outcome)


def test_the_standard_library_is_at_hand() -> None:
    names = "json ctypes hashlib sqlite3 decimal datetime dataclasses zoneinfo asyncio ssl csv enum"
    code = """
def load(name):
    try: __import__(name)
    except ModuleNotFoundError as error: return error.name == "_" + name
    return True"""
    with Sandbox(workers=1) as box:
        outcome = box.run(Call(code, "load", [[n] for n in names.split()], [True] * 12))
    assert outcome.verdict == "pass", outcome.tests


def test_no_capability_is_left() -> None:
    need("user_namespace")
    code = """
import ctypes, struct
def held(n):
    header = ctypes.create_string_buffer(struct.pack("<Ii", 0x20080522, 0), 8)
    sets = ctypes.create_string_buffer(24)
    assert ctypes.CDLL(None).capget(header, sets) == 0
    return sets.raw == bytes(24)"""
    with Sandbox(workers=1, development=True, without=["seccomp"]) as box:
        assert box.run(Call(code, "held", [[0]], [True])).verdict == "pass"


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_the_filters_are_well_formed(machine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every jump lands inside, every path ends in a return, and the architecture comes first."""
    monkeypatch.setattr(seccomp.platform, "machine", lambda: machine)
    both = (True, False)
    programs = [seccomp.allow_list(own, seen) for own in both for seen in both]
    for program in (*programs, *map(seccomp.monitor, both), seccomp.execution_filter()):
        lines = list(struct.iter_unpack("<HBBI", program))
        for index, (code, yes, no, _) in enumerate(lines):
            if code & 7 == 5:
                assert index + 1 + max(yes, no) < len(lines)
        assert lines[-1][0] == 6
    first = list(struct.iter_unpack("<HBBI", seccomp.allow_list(True, True)))
    assert first[0] == (0x20, 0, 0, 4)
    assert first[2] == (6, 0, 0, 0x80000000)


def test_an_unknown_architecture_has_no_filter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seccomp.platform, "machine", lambda: "riscv64")
    with pytest.raises(OSError, match="no table"):
        seccomp.allow_list(True, True)


AS_USER = """
import os, sys
os.setgroups([])
os.setresgid(12345, 12345, 12345)
os.setresuid(12345, 12345, 12345)
sys.path[:0] = [sys.argv[1]]
sys.dont_write_bytecode = True
from neox.sandbox import Asserts, Call, Sandbox
with Sandbox(workers=1) as box:
    print(sorted(name for name, (active, _) in box.layers.items() if active))
    job = Call("def add(a, b):\\n    return a + b\\n", "add", [[1, 2]], [3])
    assert box.run(job).verdict == "pass"
    test = Asserts("def add(a, b):\\n    return a + b\\n", "assert add(1, 2) == 3", "add")
    assert box.run(test).verdict == "pass"
"""


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user")
def test_an_ordinary_user_has_the_same_walls() -> None:
    readable = "/usr/bin/python3"
    root = Path(__file__).parents[2]
    if not os.path.exists(readable) or os.stat(root).st_mode & 5 != 5:
        pytest.skip("no interpreter that every user can read")
    version = subprocess.run(
        [readable, "-c", "import sys; print(sys.version_info >= (3, 11))"],
        capture_output=True,
        text=True,
        check=True,
    )
    if version.stdout.strip() != "True":
        pytest.skip("the system's interpreter is too old")
    done = subprocess.run(
        [readable, "-S", "-c", AS_USER, str(root)], capture_output=True, text=True, cwd="/"
    )
    assert done.returncode == 0, done.stderr
    for name in ("seccomp", "landlock", "rlimits", "no_new_privs"):
        assert name in done.stdout


def test_this_interpreter_finds_its_zygote_without_the_checkout(tmp_path: Path) -> None:
    code = "from neox.sandbox import *; job = Call('f = abs', 'f', [[-1]], [1])\n"
    code += "with Sandbox(1) as box: print(box.run(job))"
    environment = {"PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, env=environment
    )
    assert "verdict='pass'" in done.stdout, done.stderr
