"""Where jobs are carried out: here, or by a service. Callers know only this interface.

`Sandbox` is the local one. `Sandbox(inside=[...])` starts its interpreters below a container
runtime's command (bubblewrap, nsjail, runsc), so that its walls stand within another's.
`remote.RemoteExecutor` sends programs to a service with SandboxFusion's API.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from typing import Protocol

from neox.sandbox.jobs import Job
from neox.sandbox.outcome import Outcome
from neox.sandbox.streams import Progress


class Executor(Protocol):
    """Answers stay with the caller's process in every implementation."""

    def submit(self, job: Job) -> Future[Outcome]: ...

    def run(self, job: Job) -> Outcome: ...

    def map(self, jobs: Iterable[Job], progress: Progress | None = None) -> Iterator[Outcome]: ...

    def close(self) -> None: ...
