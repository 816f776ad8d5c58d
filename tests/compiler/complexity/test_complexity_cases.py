"""Our own known answers: what is solved stays solved, and nothing claimed is wrong."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

FOLDER = Path(__file__).parent
SOLVED = 363  # of the 431 cases


def _module(path: Path) -> ModuleType:
    """A module beside this file: test folders are no packages."""
    spec = importlib.util.spec_from_file_location(f"beside_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
def test_known_answers() -> None:
    known = _module(FOLDER / "known.py")
    found = {case.name: known.verdict(case) for case in known.load()}
    assert len(found) >= 100
    assert {k: v for k, v in found.items() if v.startswith("wrong")} == {}
    assert sum(v == "right" for v in found.values()) >= SOLVED


@pytest.mark.slow
@pytest.mark.parametrize("aside", [False, True])
def test_programs_are_told_apart(aside: bool) -> None:
    """The half set aside was never looked at while the analyser was tuned."""
    from neox.compiler import parse
    from neox.compiler.complexity import analyze

    half = [p for p in _module(FOLDER / "programs" / "programs.py").load() if p.aside is aside]
    bounds = [(p, analyze(parse(p.code))[-1]) for p in half]
    assert len(half) >= 100
    assert all(b.function == "<module>" for _, b in bounds)
    right = sum(b.label == p.label for p, b in bounds)
    covered = [(p, b) for p, b in bounds if b.theta is not None]
    sure = sum(b.label == p.label for p, b in covered)
    assert right / len(half) >= 0.75
    assert len(covered) / len(half) >= 0.60
    assert sure / len(covered) >= 0.88


def test_the_judge_can_say_wrong() -> None:
    known = _module(FOLDER / "known.py")
    code = "def f(a):\n    for x in a:\n        pass\n"
    assert known.verdict(known.Case("x", "y", code, {"theta": "n"})) == "right"
    assert known.verdict(known.Case("x", "y", code, {"theta": "n**2"})).startswith("wrong")
    assert known.verdict(known.Case("x", "y", code, {"theta": "unknown"})).startswith("wrong")
