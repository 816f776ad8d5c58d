"""The pool: jobs in, outcomes out, from any thread.

Each worker thread owns one zygote. A zygote that dies is replaced and its job run once more; if
that fails too, the job's future raises `SandboxUnavailable`, which is not a verdict.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from types import TracebackType

from neox.sandbox import judge
from neox.sandbox.jobs import Job
from neox.sandbox.outcome import Limits, Outcome, SandboxUnavailable
from neox.sandbox.worker import Worker, WorkerDied

REQUIRED = ("rlimits", "no_new_privs", "seccomp", "landlock")
Item = tuple[Job, "Future[Outcome]"]


class Sandbox:
    """A context manager. `limits` hold for jobs that bring none of their own.

    strict refuses to run anything unless every layer in REQUIRED stands; with strict=False the
    sandbox runs with what there is, and each Outcome lists it.
    """

    def __init__(
        self, workers: int = 2, limits: Limits | None = None, *, strict: bool = True
    ) -> None:
        if workers < 1:
            raise ValueError("a sandbox needs at least one worker")
        self.limits = limits or Limits()
        self._strict = strict
        self._queue: queue.SimpleQueue[Item | None] = queue.SimpleQueue()
        self._closed = False
        first: queue.SimpleQueue[Exception | None] = queue.SimpleQueue()
        self._threads = [
            threading.Thread(target=self._work, args=(i, first), name=f"sandbox-{i}", daemon=True)
            for i in range(workers)
        ]
        for thread in self._threads:
            thread.start()
        problems = [p for p in (first.get() for _ in self._threads) if p is not None]
        if problems:
            self.close()
            raise problems[0]

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End all workers; jobs not yet begun raise `SandboxUnavailable`."""
        if self._closed:
            return
        self._closed = True
        for _ in self._threads:
            self._queue.put(None)
        for thread in self._threads:
            thread.join()

    def submit(self, job: Job) -> Future[Outcome]:
        """Queue a job."""
        if self._closed:
            raise SandboxUnavailable("the sandbox is closed")
        future: Future[Outcome] = Future()
        self._queue.put((job, future))
        return future

    def run(self, job: Job) -> Outcome:
        return self.submit(job).result()

    def map(self, jobs: Iterable[Job]) -> Iterator[Outcome]:
        """Outcomes in the order of the jobs."""
        for future in [self.submit(job) for job in jobs]:
            yield future.result()

    def _work(self, index: int, first: queue.SimpleQueue[Exception | None]) -> None:
        try:
            worker = self._open(index)
        except Exception as error:  # handed to the constructor, which raises it
            first.put(error)
            return
        first.put(None)
        try:
            while (item := self._queue.get()) is not None:
                job, future = item
                if self._closed:
                    future.set_exception(SandboxUnavailable("the sandbox was closed"))
                elif future.set_running_or_notify_cancel():
                    worker = self._serve(index, worker, job, future)
        finally:
            worker.close()

    def _serve(self, index: int, worker: Worker, job: Job, future: Future[Outcome]) -> Worker:
        """Run one job, on a fresh worker if this one dies; returns the worker to go on with."""
        limits = job.limits or self.limits
        for _ in range(2):
            try:
                future.set_result(judge.run(job, worker, limits))
                return worker
            except WorkerDied:
                worker.close()
                try:
                    worker = self._open(index)
                except Exception as error:
                    future.set_exception(error)
                    raise
            except Exception as error:
                future.set_exception(error)
                return worker
        future.set_exception(SandboxUnavailable("the sandbox's worker died twice on one job"))
        return worker

    def _open(self, index: int) -> Worker:
        worker = Worker(index)
        missing = [n for n in REQUIRED if not worker.layers.get(n, (False, ""))[0]]
        if self._strict and missing:
            worker.close()
            why = "; ".join(f"{n}: {worker.layers.get(n, (False, 'absent'))[1]}" for n in missing)
            raise SandboxUnavailable(
                f"required layers are missing ({why}); strict=False (sandbox.strict=false) "
                "runs without them, on your own responsibility"
            )
        return worker
