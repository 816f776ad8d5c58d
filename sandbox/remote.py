"""A client of services that run a program for us: POST /run_code, as SandboxFusion has it.

The service gets code and inputs, never an expected value; what it prints is a claim like any other
and is judged here. A `Call` travels as one program: our codec, the solution, and the inputs; its
claims come back as a last line of text. How well the program is walled in is the service's affair:
`Outcome.layers` is ("remote",), wall time is what the service says, CPU time is not known.
"""

from __future__ import annotations

import base64
import binascii
import json
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from types import TracebackType
from typing import Any

from neox.sandbox import judge, streams, wire
from neox.sandbox.convert import as_call
from neox.sandbox.jobs import Asserts, Call, Job, Script
from neox.sandbox.outcome import Limits, Outcome, SandboxUnavailable
from neox.sandbox.streams import Progress
from neox.sandbox.zygotes import Reply, source

MARK = "neox-claims:"
ATTEMPTS = 2
_GRACE_S = 30.0  # for the service's queue
_ANSWER_BYTES = 16 << 20
_MODULES = ("wire", "codec", "inside.solution")
_PROGRAM = """
import base64, fcntl, json, marshal, os, sys, tempfile, types
for name in ("neox", "neox.sandbox", "neox.sandbox.inside"):
    sys.modules[name] = package = types.ModuleType(name)
    package.__path__ = []
for name, text in json.loads({modules!r}):
    sys.modules[name] = module = types.ModuleType(name)
    setattr(sys.modules[name.rpartition(".")[0]], name.rpartition(".")[2], module)
    exec(compile(text, "<" + name + ">", "exec"), module.__dict__)
out = fcntl.fcntl(1, fcntl.F_DUPFD, 100)
printed, claims = tempfile.TemporaryFile(), tempfile.TemporaryFile()
os.dup2(printed.fileno(), 1)
os.dup2(claims.fileno(), {pipe})
module.call(marshal.loads(base64.b64decode({payload!r})))
said = os.pread({pipe}, {most}, 0)
os.write(out, b"\\n" + {mark!r} + base64.b64encode(said) + b"\\n")
os._exit(0)
"""


class RemoteExecutor:
    """`url` is the service's root. Up to `workers` requests are under way at a time.

    `Call` and `Script` jobs are sent; `Asserts` where its test can be read as data. What a service
    cannot do raises SandboxUnavailable, as does a service that fails or answers nonsense twice.
    """

    def __init__(self, url: str, workers: int = 8, limits: Limits | None = None) -> None:
        self._url = url.rstrip("/") + "/run_code"
        self._limits = limits or Limits()
        self._pool = ThreadPoolExecutor(workers, "neox-remote")

    def __enter__(self) -> RemoteExecutor:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        self._pool.shutdown(cancel_futures=True)

    def submit(self, job: Job) -> Future[Outcome]:
        return self._pool.submit(self._carry_out, job)

    def run(self, job: Job) -> Outcome:
        return self.submit(job).result()

    def map(self, jobs: Iterable[Job], progress: Progress | None = None) -> Iterator[Outcome]:
        return streams.in_order(self.submit, jobs, progress)

    def _carry_out(self, job: Job) -> Outcome:
        limits = job.limits or self._limits
        simple = as_call(job) if isinstance(job, Asserts) and not job.separate else job
        if not isinstance(simple, Call | Script):
            raise SandboxUnavailable("a service runs calls and scripts only; use a local sandbox")
        if isinstance(simple, Call):
            code, stdin = _program(simple), ""
        else:
            code, stdin = simple.code, simple.stdin
        reply = _reply(simple, self._post(code, stdin, limits), limits)
        return replace(judge.of(simple, reply, limits, ("remote",)), near_limit=False)

    def _post(self, code: str, stdin: str, limits: Limits) -> dict[str, Any]:
        body = {
            "code": code,
            "language": "python",
            "stdin": stdin,
            "run_timeout": limits.wall_s,
            "memory_limit_MB": limits.memory_mb,
        }
        request = urllib.request.Request(
            self._url, json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        why = ""
        for _ in range(ATTEMPTS):
            try:
                with urllib.request.urlopen(request, timeout=limits.wall_s + _GRACE_S) as response:
                    answer = json.loads(response.read(_ANSWER_BYTES))
            except (OSError, ValueError, urllib.error.URLError) as error:
                why = f"{type(error).__name__}: {error}"
                continue
            if isinstance(answer, dict) and isinstance(answer.get("run_result"), dict):
                return answer
            why = str(answer.get("message") if isinstance(answer, dict) else answer)[:200]
        raise SandboxUnavailable(f"{self._url} does not answer: {why}")


def _program(job: Call) -> str:
    return _PROGRAM.format(
        modules=source(_MODULES).decode("ascii"),
        pipe=4,
        most=wire.PIPE_BYTES,
        mark=MARK.encode(),
        payload=base64.b64encode(judge.payload_of(job)).decode("ascii"),
    )


def _reply(job: Call | Script, answer: dict[str, Any], limits: Limits) -> Reply:
    """The service's words in the shape of a zygote's; anything odd becomes a missing claim."""
    result = answer["run_result"]
    printed = result.get("stdout")
    printed = printed if isinstance(printed, str) else ""
    used = result.get("execution_time")
    seconds = float(used) if isinstance(used, int | float) else 0.0
    late = result.get("status") == "TimeLimitExceeded"
    flags = wire.DEADLINE if late else 0
    if isinstance(job, Script):
        ended = result.get("return_code") == 0 and answer.get("status") == "Success"
        claims = wire.FRAME.pack(0, wire.END) if ended else b""
        most = limits.output_kb << 10
        text = printed.encode("utf-8", "replace")
        flags |= wire.OVERFLOW if len(text) >= most else 0
        return Reply(0, flags, 0, 0.0, seconds, 0, claims, text[:most])
    _, mark, last = printed.rpartition(MARK)
    try:
        claims = base64.b64decode(last.strip(), validate=True) if mark else b""
    except (binascii.Error, ValueError):
        claims = b""
    return Reply(0, flags, 0, 0.0, seconds, 0, claims, b"")
