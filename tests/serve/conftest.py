"""A server with a small random model, in a thread, on a port of its own."""

from __future__ import annotations

import importlib.util
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("fastapi", reason="the extra `serve` is not installed")

import uvicorn

from neox.serve.app import Settings, create
from neox.serve.host import Host

_spec = importlib.util.spec_from_file_location(
    "models", Path(__file__).parent.parent / "generate" / "models.py"
)
assert _spec is not None
assert _spec.loader is not None
models = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(models)

KEY = "secret"


class Running:
    def __init__(self, host: Host, settings: Settings) -> None:
        self.host = host
        app = create(lambda: host, settings)
        self.listener = socket.socket()
        self.listener.bind(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.server = uvicorn.Server(
            uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=2)
        )
        self.service = app.state.service
        self.thread = threading.Thread(
            target=self.server.run, kwargs={"sockets": [self.listener]}, daemon=True
        )
        self.thread.start()
        while self.service.host is None or not self.server.started:
            time.sleep(0.01)

    def close(self) -> None:
        self.server.should_exit = True
        self.thread.join()
        self.listener.close()


@pytest.fixture(scope="session")
def policy() -> Any:
    return models.policy(5)


@pytest.fixture(scope="session")
def running(policy: Any) -> Iterator[Running]:
    server = Running(
        Host(policy, "small", slots=4, max_waiting=8), Settings([KEY, "other"], 20_000)
    )
    yield server
    server.close()
