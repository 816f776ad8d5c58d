"""Which walls stand on this machine, found out by putting them up and running into them."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass

from neox.sandbox.jobs import Call
from neox.sandbox.outcome import SandboxUnavailable
from neox.sandbox.sandbox import Sandbox
from neox.sandbox.worker import Worker

PROBE = """
def attempt(name):
    try:
        if name == "read /etc/passwd":
            open("/etc/passwd").read()
        elif name == "open a socket":
            import socket
            socket.socket()
        elif name == "start a process":
            import os
            if os.fork() == 0:
                os._exit(0)
        elif name == "write a file":
            open("/tmp/neox-probe", "w").close()
        elif name == "raise a limit":
            import resource
            resource.setrlimit(resource.RLIMIT_CPU, (1, 1))
    except OSError:
        return "refused"
    except ValueError:
        return "refused"
    return "possible"
"""
ATTEMPTS = (
    "read /etc/passwd",
    "write a file",
    "open a socket",
    "start a process",
    "raise a limit",
)


@dataclass(frozen=True, slots=True)
class Layer:
    active: bool
    detail: str


@dataclass(frozen=True, slots=True)
class SandboxReport:
    """Layers by name, what a jailed program could still do, the kernel and the caller's uid."""

    layers: Mapping[str, Layer]
    possible: tuple[str, ...]
    kernel: str
    uid: int


def report() -> SandboxReport:
    """Start a worker, look at its walls, and try to break out in five ordinary ways."""
    worker = Worker(0)
    layers = {name: Layer(active, detail) for name, (active, detail) in worker.layers.items()}
    worker.close()
    with Sandbox(workers=1, strict=False) as box:
        outcome = box.run(
            Call(PROBE, "attempt", [[a] for a in ATTEMPTS], ["refused"] * len(ATTEMPTS))
        )
    if len(outcome.tests) != len(ATTEMPTS):
        raise SandboxUnavailable(f"the probe itself failed: {outcome.detail}")
    possible = tuple(a for a, t in zip(ATTEMPTS, outcome.tests, strict=True) if t.verdict != "pass")
    uid = os.getuid() if hasattr(os, "getuid") else -1
    return SandboxReport(layers, possible, platform.release(), uid)
