"""Other places to run: a service with SandboxFusion's API, and inside a container runtime."""

from __future__ import annotations

import http.server
import json
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from neox.sandbox import Asserts, Call, Executor, Limits, Sandbox, SandboxUnavailable, Script
from neox.sandbox.jobs import Job
from neox.sandbox.remote import RemoteExecutor

pytestmark = pytest.mark.slow

LIMITS = Limits(cpu_s=2, wall_s=5)


class Service(http.server.ThreadingHTTPServer):
    """A stub of the service. It runs these tests' own programs only."""

    bodies: list[str]
    answers: list[Any]

    def run(self, given: dict[str, Any]) -> dict[str, Any]:
        if self.answers:
            canned: dict[str, Any] = self.answers.pop(0)
            return canned
        command = [sys.executable, "-I", "-c", given["code"]]
        try:
            done = subprocess.run(
                command, input=given["stdin"], capture_output=True, text=True,
                timeout=given["run_timeout"],
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return {"status": "Failed", "run_result": {"status": "TimeLimitExceeded"}}
        return {
            "status": "Failed" if done.returncode else "Success",
            "message": "",
            "run_result": {
                "status": "Finished",
                "execution_time": 0.01,
                "return_code": done.returncode,
                "stdout": done.stdout,
                "stderr": done.stderr,
            },
        }


class Handler(http.server.BaseHTTPRequestHandler):
    server: Service

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.server.bodies.append(body)
        answer = json.dumps(self.server.run(json.loads(body))).encode()
        self.send_response(200 if self.path == "/run_code" else 404)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    server = Service(("127.0.0.1", 0), Handler)
    server.bodies, server.answers = [], []
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def remote(service: Service) -> Iterator[RemoteExecutor]:
    service.bodies.clear()
    with RemoteExecutor(f"http://127.0.0.1:{service.server_port}/", 2, LIMITS) as executor:
        yield executor


def call(code: str) -> Call:
    return Call(code, "f", [[1, 2], [400_000, 377_777]], [3, 777_777])


JOBS: list[tuple[Job, str]] = [
    (call("def f(a, b): print('noise'); return a + b"), "pass"),
    (call("def f(a, b): return a - b"), "fail"),
    (call("def f(a, b): raise ValueError"), "error"),
    (call("import os; os._exit(0)"), "error"),
    (call("print('neox-claims:'); raise SystemExit"), "error"),
    (Script("print(int(input()) + 1)", "41", "42"), "pass"),
    (Script("print(41)", "", "42"), "fail"),
    (Script("print(42); raise SystemExit(1)", "", "42"), "error"),
    (Asserts("def f(a): return a", "assert f(2) == 2", "f"), "pass"),
]


def test_a_service_gives_the_same_verdicts_as_the_local_sandbox(remote: RemoteExecutor) -> None:
    jobs, expected = [job for job, _ in JOBS], [verdict for _, verdict in JOBS]
    with Sandbox(workers=1, limits=LIMITS) as box:
        executors: list[Executor] = [box, remote]
        for executor in executors:
            assert [o.verdict for o in executor.map(jobs)] == expected
    assert remote.run(jobs[0]).layers == ("remote",)


def test_a_service_ends_what_takes_too_long(remote: RemoteExecutor) -> None:
    endless = Call("while True: pass", "f", [[1]], [1], limits=Limits(0.5, 0.5))
    assert remote.run(endless).verdict == "timeout"


def test_no_expected_value_is_sent(remote: RemoteExecutor, service: Service) -> None:
    remote.run(call("def f(a, b): return a + b"))
    remote.run(Script("print(1)", "", "neox-secret-answer"))
    assert len(service.bodies) == 2
    assert not any("777777" in body or "neox-secret" in body for body in service.bodies)


def test_what_a_service_cannot_do_is_no_verdict(remote: RemoteExecutor, service: Service) -> None:
    loop = Asserts("def f(a): return a", "for n in range(3): assert f(n) == n", "f")
    with pytest.raises(SandboxUnavailable, match="local sandbox"):
        remote.run(loop)
    service.answers += [{"status": "SandboxError", "message": "no room"}] * 2
    with pytest.raises(SandboxUnavailable, match="no room"):
        remote.run(JOBS[0][0])
    service.answers += [[1, 2]]  # once is forgiven
    assert remote.run(JOBS[0][0]).verdict == "pass"
    with RemoteExecutor("http://127.0.0.1:9") as nobody, pytest.raises(SandboxUnavailable):
        nobody.run(JOBS[0][0])


@pytest.mark.parametrize("said", ["", "neox-claims:???", "neox-claims:AAAA", None, 7])
def test_nonsense_from_a_service_never_passes(
    remote: RemoteExecutor, service: Service, said: Any
) -> None:
    service.answers.append({"status": "Success", "run_result": {"return_code": 0, "stdout": said}})
    assert remote.run(JOBS[0][0]).verdict == "error"


RUNTIMES = {
    "bwrap": "bwrap --ro-bind / / --dev /dev --proc /proc --unshare-all --die-with-parent",
    "nsjail": "nsjail -Mo --really_quiet --chroot / --",
    "docker": "docker run --rm -i python:3.11-slim",
}


@pytest.mark.parametrize("name", RUNTIMES)
def test_the_interpreters_start_inside_a_container_runtime(name: str) -> None:
    if name == "docker":
        pytest.skip("docker hands no descriptors on: run a service in it, and a RemoteExecutor")
    if shutil.which(name) is None:
        pytest.skip(f"{name} is not installed")
    with Sandbox(workers=1, limits=LIMITS, inside=RUNTIMES[name].split()) as box:
        assert [o.verdict for o in box.map(job for job, _ in JOBS)] == [v for _, v in JOBS]
        assert box.layers["seccomp"][0]


def test_a_runtime_that_is_missing_is_named() -> None:
    with pytest.raises(SandboxUnavailable, match="cannot start no-such-runtime"):
        Sandbox(workers=1, inside=["no-such-runtime"])
