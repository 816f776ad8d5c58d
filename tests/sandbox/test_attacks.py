"""Hostile programs: none may get a verdict it did not earn, and none may leave a mark."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from neox.sandbox import Asserts, Call, Limits, Sandbox

sys.path.insert(0, str(Path(__file__).parent))
from attack_suite import read_header, run_attack

sys.path.pop(0)

SHARED = Path(os.environ.get("NEOX_SHARED", Path(__file__).parents[2].parent / "shared"))
ATTACKS = SHARED / "cases" / "attacks"
FILES = sorted(ATTACKS.glob("dev/*.py"))
NONE = [pytest.param(None, marks=pytest.mark.skip("no attack suite in the shared folder"))]


@pytest.fixture(scope="module")
def box() -> Iterator[Sandbox]:
    with Sandbox(workers=1) as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def task() -> dict[str, Any]:
    if not (ATTACKS / "task.json").is_file():
        pytest.skip("the shared attack programs are not here")
    loaded: dict[str, Any] = json.loads((ATTACKS / "task.json").read_text())
    return loaded


def test_the_probes_see_a_breach(task: dict[str, Any]) -> None:
    """Control: with the walls around the files gone, the secret of one attack must show."""
    path = ATTACKS / "dev" / "fs_read_secret_file.py"
    if not path.exists():
        pytest.skip("no attack suite in the shared folder")
    open_files = ["landlock", "mount_namespace"]
    with Sandbox(workers=1, development=True, without=open_files) as weak:
        bad = run_attack(weak, task, path.read_text(), read_header(path))
    assert "secret_not_in_output" in bad
    assert any(text.startswith("verdict pass") for text in bad)


def call(task: dict[str, Any], code: str) -> Call:
    return Call(code, task["entry"], task["inputs"], task["expected"])


@pytest.mark.slow
@pytest.mark.parametrize("path", FILES or NONE, ids=lambda p: p.stem if p else "absent")
def test_an_attack_as_call(box: Sandbox, task: dict[str, Any], path: Path) -> None:
    assert run_attack(box, task, path.read_text(), read_header(path)) == []
    assert box.run(call(task, task["benign"])).verdict == "pass", "the next honest job fails"


@pytest.mark.slow
@pytest.mark.parametrize("path", FILES or NONE, ids=lambda p: p.stem if p else "absent")
def test_an_attack_as_asserts(box: Sandbox, task: dict[str, Any], path: Path) -> None:
    """The same programs against a test text in a second jail: `pass` only where it may be."""
    header = read_header(path)
    limits = Limits(cpu_s=1, wall_s=2)
    outcome = box.run(
        Asserts(path.read_text(), task["test"], task["entry"], limits=limits, separate=True)
    )
    if header["breach_if_pass"]:
        assert outcome.verdict != "pass"
    benign = Asserts(task["benign"], task["test"], task["entry"], separate=True)
    assert box.run(benign).verdict == "pass", "the next honest job fails"
