"""The same verdicts whoever starts it and whatever the kernel allows; the report says which."""

from __future__ import annotations

import functools
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

HERE = Path(__file__).parent
NAMESPACES = {f"{name}_namespace" for name in ("user", "mount", "net", "ipc", "uts", "pid")}
# mode -> the layers that cannot stand in it
MODES: dict[tuple[str, ...], set[str]] = {
    (): set(),
    ("user",): set(),
    ("no_user_namespaces",): NAMESPACES - {"mount_namespace"},  # root still may mount
    ("no_unshare",): NAMESPACES,
    ("no_user_namespaces", "user"): NAMESPACES,
    ("user", "no_unshare"): NAMESPACES,
}


@functools.cache
def interpreter() -> str:
    """One that every user can read, with the checkout in reach."""
    if os.getuid() != 0:
        pytest.skip("only root can become another user")
    for path in ("/usr/bin/python3", "/usr/local/bin/python3", sys.executable):
        try:
            done = subprocess.run(
                ["setpriv", "--reuid=12345", "--regid=12345", "--clear-groups", path, "-c",
                 "import sys, pathlib; pathlib.Path(sys.argv[1]).read_text(); "
                 "sys.exit(sys.version_info < (3, 11))", str(HERE / "starts.py")],
                capture_output=True, cwd="/",
            )  # fmt: skip
        except FileNotFoundError:
            continue
        if done.returncode == 0:
            return path
    pytest.skip("no interpreter of 3.11 or newer that every user can read")


@functools.cache
def started(*modes: str) -> dict[str, Any]:
    command = [interpreter(), "-S", str(HERE / "starts.py"), *modes]
    done = subprocess.run(command, capture_output=True, text=True, cwd="/", timeout=300)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_the_table_has_every_kind_of_verdict() -> None:
    seen = {verdict for verdict, _ in started()["outcomes"]}
    assert seen >= {"pass", "fail", "error", "timeout", "memory", "output_limit"}


@pytest.mark.parametrize("modes", [mode for mode in MODES if mode], ids="+".join)
def test_a_restricted_start_finds_the_same(modes: tuple[str, ...]) -> None:
    found, free = started(*modes), started()
    assert found["outcomes"] == free["outcomes"]
    assert found["uid"] == (12345 if "user" in modes else 0)


@pytest.mark.parametrize("modes", list(MODES), ids=lambda modes: "+".join(modes) or "root")
def test_the_layers_tell_the_difference(modes: tuple[str, ...]) -> None:
    layers, free = started(*modes)["layers"], started()["layers"]
    down = {name for name, (active, _) in layers.items() if not active}
    missing_anyway = {name for name, (active, _) in free.items() if not active}
    assert down == MODES[modes] | missing_anyway
    assert all(layers[name][1] for name in down), "a missing layer says why"
    assert {"rlimits", "no_new_privs", "seccomp", "landlock"} - missing_anyway <= set(layers) - down
