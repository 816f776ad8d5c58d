"""Which walls stand on this machine, found out by putting them up and running into them."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass

from neox.sandbox import proof
from neox.sandbox.sandbox import Sandbox


@dataclass(frozen=True, slots=True)
class Layer:
    """why: the reason a layer is absent; detail: what is known of one that stands."""

    active: bool
    why: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class SandboxReport:
    """Layers by name, what a jailed program could still do, and where this was found out."""

    layers: Mapping[str, Layer]
    possible: tuple[str, ...]
    landlock_abi: int
    kernel: str
    uid: int


def report() -> SandboxReport:
    """Start a sandbox, whatever it has, and try it. SandboxUnavailable when none can start."""
    with Sandbox(workers=1, development=True) as box:
        return describe(box)


def describe(box: Sandbox) -> SandboxReport:
    """The report of a sandbox that is running."""
    layers = {
        name: Layer(True, detail=text) if active else Layer(False, why=text)
        for name, (active, text) in box.layers.items()
    }
    landlock = layers.get("landlock", Layer(False))
    abi = int(landlock.detail.removeprefix("ABI ")) if landlock.active else 0
    left = tuple(proof.possible(box.run(proof.JOB)))
    uid = os.getuid()
    return SandboxReport(layers, left, abi, platform.release(), uid)
