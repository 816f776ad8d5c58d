"""The compiled build is compiled: run by `make compiled`, which sets NEOX_COMPILED."""

from __future__ import annotations

import importlib
import os
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

import pytest

from neox.compiler import literal, nodes, parse

SETUP = Path(__file__).parents[2] / "setup.py"


def hot() -> list[str]:
    """The modules that setup.py compiles, read and not run."""
    for one in parse(SETUP.read_bytes()).tree.body:
        if isinstance(one, nodes.Assign) and getattr(one.targets[0], "id", "") == "HOT":
            return [path.removesuffix(".py").replace("/", ".") for path in literal(one.value)]
    return []


def test_hot_modules_exist() -> None:
    assert {"neox.compiler.lexer", "neox.compiler.statements", "neox.compiler.emitter"} < {*hot()}
    for name in hot():
        importlib.import_module(name)


@pytest.mark.skipif("NEOX_COMPILED" not in os.environ, reason="a plain build: see make compiled")
def test_every_hot_module_is_compiled() -> None:
    files = [str(importlib.import_module(name).__file__) for name in hot()]
    assert [f for f in files if not f.endswith(tuple(EXTENSION_SUFFIXES))] == []
