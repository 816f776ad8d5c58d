"""One job to one outcome: what to spawn, and what the claims are worth.

The only place where expected values meet claimed ones. First matching rule wins: violation,
timeout, memory, output limit, error, fail, pass; a missing or malformed claim never passes.
"""

from __future__ import annotations

import os
import secrets
import signal
import socket
import time
from typing import Any

from neox.sandbox.codec import CodecError, decode
from neox.sandbox.compare import equal, same_words
from neox.sandbox.inside import zygote as protocol
from neox.sandbox.jobs import Asserts, Call, Job, Script
from neox.sandbox.outcome import Limits, Outcome, TestResult, Verdict
from neox.sandbox.worker import Exit, Result, Worker, memory_file

NEAR = 0.8  # of a limit: the verdict may differ on another day


def run(job: Job, worker: Worker, limits: Limits) -> Outcome:
    """Run a job to its end. WorkerDied passes through."""
    started = time.perf_counter()
    if isinstance(job, Call):
        verdict, tests, detail, exit_, stdout = _call(job, worker, limits)
    elif isinstance(job, Script):
        verdict, tests, detail, exit_, stdout = _script(job, worker, limits)
    else:
        verdict, tests, detail, exit_, stdout = _asserts(job, worker, limits)
    wall = time.perf_counter() - started
    near = exit_.cpu_s > NEAR * limits.cpu_s or wall > NEAR * limits.wall_s
    layers = tuple(name for name, (active, _) in worker.layers.items() if active)
    return Outcome(verdict, tests, exit_.cpu_s, wall, exit_.peak_mb, stdout, near, layers, detail)


Parts = tuple[Verdict, tuple[TestResult, ...], str, Exit, str]


def _call(job: Call, worker: Worker, limits: Limits) -> Parts:
    try:
        result = _one(
            worker,
            "call",
            {"code": job.code, "entry": job.entry, "inputs": [list(i) for i in job.inputs]},
            limits,
        )
    except CodecError as error:  # surrogates in the code, say: it cannot even be sent
        return "error", (), f"not runnable: {error}", Exit(0, protocol.BY_ITSELF, 0, 0), ""
    verdict, detail = _ended_badly(result, limits)
    if verdict is not None:
        return verdict, _all(job, verdict), detail, result.exit, ""
    claim = _decode(result.frame)
    if not _is_claim(claim, len(job.expected)):
        detail = _claimed_error(claim)
        verdict = "memory" if detail.startswith("MemoryError") else "error"
        return verdict, _all(job, verdict), detail, result.exit, ""
    tests = tuple(
        _compare(expected, one, job) for expected, one in zip(job.expected, claim[1], strict=True)
    )
    return _worst(tests), tests, _first_detail(tests), result.exit, ""


def _compare(expected: Any, claim: Any, job: Call) -> TestResult:
    if not isinstance(claim, list) or len(claim) != 2:
        return TestResult("error", "malformed claim")
    ok, value = claim
    if ok is not True:
        text = _text(value)
        return TestResult("memory" if text.startswith("MemoryError") else "error", text)
    if equal(expected, value, job.compare):
        return TestResult("pass")
    return TestResult("fail", f"got {repr(value)[:120]}")


def _script(job: Script, worker: Worker, limits: Limits) -> Parts:
    source, sink = memory_file(job.stdin.encode()), memory_file()
    try:
        try:
            result = _one(worker, "script", {"code": job.code}, limits, [source, sink])
        except CodecError as error:
            return "error", (), f"not runnable: {error}", Exit(0, protocol.BY_ITSELF, 0, 0), ""
        size = os.fstat(sink).st_size
        printed = os.pread(sink, limits.output_kb << 10, 0).decode("utf-8", "replace")
    finally:
        os.close(source)
        os.close(sink)
    verdict, detail = _ended_badly(result, limits)
    if verdict is None and size >= limits.output_kb << 10:
        verdict, detail = "output_limit", f"{limits.output_kb} KiB printed"
    if verdict is None:
        claim = _decode(result.frame)
        if claim != ["r"]:
            verdict, detail = "error", _claimed_error(claim)
        elif same_words(job.expected_stdout, printed):
            verdict = "pass"
        else:
            verdict, detail = "fail", f"printed {printed[:120]!r}"
    return verdict, (TestResult(verdict, detail),), detail, result.exit, printed


def _asserts(job: Asserts, worker: Worker, limits: Limits) -> Parts:
    """The solution serves calls in one process; the test runs in another, with a nonce."""
    nonce = secrets.token_hex(16)
    near, far = (end.detach() for end in socket.socketpair())
    read, write = os.pipe()
    try:
        solution = worker.spawn("serve", {"code": job.code, "entry": job.entry}, [near], limits)
        test = {"test": job.test, "prelude": job.prelude, "entry": job.entry, "nonce": nonce}
        checker = worker.spawn("check", test, [write, far], limits)
        for fd in (near, far, write):
            os.close(fd)
        near = far = write = -1
        result = worker.collect(checker, read, limits.output_kb << 10)
        served = worker.wait(solution)
    except CodecError as error:
        return "error", (), f"not runnable: {error}", Exit(0, protocol.BY_ITSELF, 0, 0), ""
    finally:
        for fd in (near, far, write, read):
            if fd >= 0:
                os.close(fd)
    both = Exit(
        served.status,
        max(served.reason, result.exit.reason)
        if served.reason != protocol.KILLED
        else result.exit.reason,
        served.cpu_s + result.exit.cpu_s,
        max(served.peak_mb, result.exit.peak_mb),
    )
    verdict, detail = _judge_checker(result, served, nonce, limits)
    return verdict, (TestResult(verdict, detail),), detail, both, ""


def _judge_checker(result: Result, served: Exit, nonce: str, limits: Limits) -> tuple[Verdict, str]:
    for exit_ in (served, result.exit):
        if exit_.reason in (protocol.CPU, protocol.WALL):
            return "timeout", "over the time limit"
    verdict, detail = _ended_badly(result, limits)
    if verdict is not None:
        return verdict, detail
    claim = _decode(result.frame)
    if not (isinstance(claim, list) and len(claim) == 4 and claim[0] == nonce):
        return "error", "the checker gave no answer"
    _, kind, name, text = claim
    if kind == "r":
        return "pass", ""
    if kind == "fail":
        return "fail", f"{name}: {text}"
    if name == "MemoryError":
        return "memory", f"{name}: {text}"
    return "error", f"{name}: {text}"


def _one(
    worker: Worker, kind: str, job: Any, limits: Limits, fds: list[int] | None = None
) -> Result:
    read, write = os.pipe()
    try:
        try:
            number = worker.spawn(kind, job, [write, *(fds or [])], limits)
        finally:
            os.close(write)
        return worker.collect(number, read, limits.output_kb << 10)
    finally:
        os.close(read)


def _ended_badly(result: Result, limits: Limits) -> tuple[Verdict | None, str]:
    """The verdict that the exit alone decides, if any."""
    exit_ = result.exit
    signalled = os.WTERMSIG(exit_.status) if os.WIFSIGNALED(exit_.status) else 0
    if signalled == signal.SIGSYS:
        return "violation", "a forbidden system call"
    if exit_.reason == protocol.CPU or signalled == signal.SIGXCPU:
        return "timeout", f"over {limits.cpu_s} s of CPU time"
    if exit_.reason == protocol.WALL:
        return "timeout", f"over {limits.wall_s} s of wall time"
    if result.too_long:
        return "output_limit", f"over {limits.output_kb} KiB returned"
    if result.frame is None:
        if signalled in (signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS) and (
            exit_.peak_mb > NEAR * limits.memory_mb
        ):
            return "memory", f"died near {limits.memory_mb} MiB"
        how = f"killed by signal {signalled}" if signalled else "ended without an answer"
        return "error", how
    return None, ""


def _decode(frame: bytes | None) -> Any:
    try:
        return decode(frame or b"")
    except CodecError as error:
        return ["x", str(error)]


def _is_claim(claim: Any, count: int) -> bool:
    return (
        isinstance(claim, list)
        and len(claim) == 2
        and claim[0] == "r"
        and isinstance(claim[1], list)
        and len(claim[1]) == count
    )


def _claimed_error(claim: Any) -> str:
    if isinstance(claim, list) and claim and claim[0] in ("m", "x"):
        return _text(claim[1:])
    return "malformed claim"


def _text(value: Any) -> str:
    """A short text for people out of anything."""
    if isinstance(value, list):
        return ": ".join(str(v) for v in value)[:300]
    return str(value)[:300]


def _all(job: Call, verdict: Verdict) -> tuple[TestResult, ...]:
    return tuple(TestResult(verdict) for _ in job.expected)


def _worst(tests: tuple[TestResult, ...]) -> Verdict:
    order: tuple[Verdict, ...] = ("memory", "error", "fail")
    verdicts = {t.verdict for t in tests}
    return next((v for v in order if v in verdicts), "pass")


def _first_detail(tests: tuple[TestResult, ...]) -> str:
    return next((t.detail for t in tests if t.verdict != "pass"), "")
