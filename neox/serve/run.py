"""Load a model and serve it until told to stop; SIGTERM lets running texts end."""

from __future__ import annotations

import signal
from pathlib import Path
from types import FrameType

import uvicorn

from neox.policy import load
from neox.serve.app import Service, Settings, create
from neox.serve.host import Host


def make_host(model: str | Path, name: str | None, slots: int, max_waiting: int) -> Host:
    policy = load(model)
    folder = Path(model)
    return Host(policy, name or folder.resolve().name, slots, max_waiting, step(folder))


def step(folder: Path) -> str:
    """Which checkpoint of a run is served, or nothing for a model folder."""
    found = sorted(p.parent.name for p in (folder / "checkpoints").glob("*/neox.json"))
    return found[-1] if found else ""


class Server(uvicorn.Server):
    """Refuses new work from the moment that it is told to stop."""

    def __init__(self, config: uvicorn.Config, service: Service) -> None:
        super().__init__(config)
        self.service = service

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self.service.draining = True
        super().handle_exit(sig, frame)


def serve(
    model: str | Path,
    *,
    name: str | None = None,
    host: str = "127.0.0.1",
    port: int = 8000,
    slots: int = 16,
    max_waiting: int = 256,
    settings: Settings | None = None,
    drain: int = 30,
) -> bool:
    """Serve until SIGTERM or SIGINT; False where the model could not be loaded."""
    app = create(lambda: make_host(model, name, slots, max_waiting), settings)
    config = uvicorn.Config(
        app,
        host,
        port,
        log_level="warning",
        timeout_graceful_shutdown=drain,
        limit_concurrency=1000,
    )
    server = Server(config, app.state.service)
    # uvicorn raises the signal again once all is done, for handlers like this one: it was heard
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    server.run()
    return app.state.service.failure is None
