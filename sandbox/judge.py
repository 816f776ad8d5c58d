"""From a job and what was seen of it to an outcome: the only place where answers meet claims.

The evidence is judged in a fixed order, violation, timeout, output limit, memory, error, fail, and
only what is none of these passes; a claim that is missing, malformed or one too many never does.
Knows nothing about sockets.
"""

from __future__ import annotations

import marshal
import os
import signal
from dataclasses import replace
from typing import Any

from neox.sandbox import wire
from neox.sandbox.codec import MAX_BYTES, CodecError, encode, parse
from neox.sandbox.compare import close, matches
from neox.sandbox.jobs import Approx, Asserts, Call, Count, Evaluate, Script
from neox.sandbox.outcome import Limits, Outcome, TestResult, Verdict
from neox.sandbox.zygotes import Reply

NEAR_TIME, NEAR_MEMORY = 0.8, 0.9  # of a limit: on another day it may fall on the other side
AT_LIMIT = 0.8  # of the CPU limit: killed beyond this, it was the limit that killed
_TEXT = 160
_MODEST = 16 << 10  # bytes of a claim that are parsed whatever was expected
_LONGER = 16  # times as long as the expected value's encoding an equal one's may be
_ORDER: tuple[Verdict, ...] = ("memory", "error", "fail")

Finding = tuple[Verdict, tuple[TestResult, ...], str]


def payload_of(job: Call | Script) -> bytes:
    """What the job's execution gets. ValueError when it cannot be sent."""
    return call_payload(job) if isinstance(job, Call) else script_payload(job)


def of(job: Call | Script, reply: Reply, limits: Limits, layers: tuple[str, ...]) -> Outcome:
    """The outcome of a job that needs one execution."""
    if isinstance(job, Call):
        return call(job, reply, limits, layers)
    return script(job, reply, limits, layers)


def call_payload(job: Call) -> bytes:
    """Code, entry and inputs. ValueError when an input is not plain data."""
    return _dumps(job.code, job.entry, [list(arguments) for arguments in job.inputs])


def script_payload(job: Script) -> bytes:
    return _dumps(job.code, job.stdin)


def serve_payload(job: Asserts) -> bytes:
    return _dumps(job.code, job.entry)


def check_payload(job: Asserts, nonce: str) -> bytes:
    return _dumps(job.test, job.prelude, job.entry, nonce)


def evaluate_payload(job: Evaluate) -> bytes:
    return _dumps(job.code, job.entry, list(job.arguments))


def count_payload(job: Count) -> bytes:
    return _dumps(job.code, job.entry, job.arguments, job.most, job.called)


def value_of(reply: Reply, limits: Limits, layers: tuple[str, ...]) -> Outcome:
    """The one value an `Evaluate` or `Count` claims, well-formed but otherwise unread."""
    frames = list(wire.frames(reply.claims, 3))
    early = _ended_badly(reply, limits)
    claim, finding = b"", _no_answer(reply, limits, ())
    if early is not None:
        finding = early[0], (), early[1]
    elif frames and frames[0][0] in (wire.BROKEN, wire.RAISED, wire.NOT_PLAIN):
        names, text = _raised(frames[0][1])
        finding = _memory_or(names, "error"), (), f"{names[0]}: {text}"
    elif frames and frames[0][0] == wire.TOO_LARGE:
        finding = "output_limit", (), "returned too much"
    elif _whole(reply.claims, frames, 2) and frames[0][0] == wire.VALUE:
        try:
            parse(frames[0][1])
        except CodecError as error:
            finding = "error", (), f"malformed claim: {error}"
        else:
            claim, finding = frames[0][1], ("pass", (), "")
    return replace(_outcome(finding, reply, limits, layers), claim=claim)


def call(job: Call, reply: Reply, limits: Limits, layers: tuple[str, ...]) -> Outcome:
    """The claimed values against the expected ones, in order and complete."""
    frames = list(wire.frames(reply.claims, len(job.expected) + 2))
    answers = [frame for frame in frames if frame[0] in (wire.VALUE, wire.RAISED, wire.NOT_PLAIN)]
    tests = tuple(
        _test(job, index, *frame) for index, frame in enumerate(answers[: len(job.expected)])
    )
    finding: Finding
    early = _ended_badly(reply, limits)
    broken = next((body for kind, body in frames if kind == wire.BROKEN), None)
    if early is not None:
        finding = early[0], tests, early[1]
    elif any(kind == wire.TOO_LARGE for kind, _ in frames):
        finding = "output_limit", tests, "returned too much"
    elif broken is not None:
        names, text = _raised(broken)
        finding = _memory_or(names, "error"), tests, f"{names[0]}: {text}"
    elif len(answers) != len(job.expected) or not _whole(reply.claims, frames, len(answers) + 1):
        finding = _no_answer(reply, limits, tests)
    else:
        verdict: Verdict = next((v for v in _ORDER if any(t.verdict == v for t in tests)), "pass")
        finding = verdict, tests, _why(tests, verdict)
    return _outcome(finding, reply, limits, layers, _cheats(reply, frames, len(job.expected)))


def script(job: Script, reply: Reply, limits: Limits, layers: tuple[str, ...]) -> Outcome:
    """A clean end and the whole text, both ways."""
    frames = list(wire.frames(reply.claims, 2))
    printed = reply.printed.decode("utf-8", "replace")
    early = _ended_badly(reply, limits)
    verdict: Verdict
    if early is not None:
        verdict, detail = early
    elif frames and frames[0][0] == wire.BROKEN:
        names, text = _raised(frames[0][1])
        verdict, detail = _memory_or(names, "error"), f"{names[0]}: {text}"
    elif not _whole(reply.claims, frames, 1):
        verdict, _, detail = _no_answer(reply, limits, ())
    elif same_text(printed, job.expected_stdout, job.compare):
        verdict, detail = "pass", ""
    else:
        verdict, detail = "fail", f"printed {printed[:_TEXT]!r}"
    tests = (TestResult(verdict, detail),)
    cheats = {} if early else _cheats(reply, frames, None)
    return _outcome((verdict, tests, detail), reply, limits, layers, cheats)


def asserts(
    nonce: str, served: Reply, checked: Reply, limits: Limits, layers: tuple[str, ...]
) -> Outcome:
    """The checker's word, if it is the checker's; the solution's own end decides before it."""
    claim = _checker_claim(checked, nonce)
    tests = () if claim is None else tuple(_assert_result(*row) for row in claim[2])
    early = _ended_badly(served, limits)
    late = _ended_badly(checked, limits)
    finding: Finding
    if early is not None:
        finding = early[0], tests, early[1]
    elif late is not None:
        finding = late[0], tests, f"the test: {late[1]}"
    elif claim is None:
        finding = "error", tests, "the checker gave no answer"
    elif claim[0] == "gone":
        finding = _no_answer(served, limits, tests)
    elif claim[0] != "end":
        verdict: Verdict = "error" if claim[0] in ("raised", "broken") else "fail"
        verdict = "memory" if "MemoryError" in claim[1] else verdict
        finding = verdict, (*tests, TestResult(verdict, claim[1])), claim[1]
    elif not tests:
        finding = "error", tests, "no assert ran"
    else:
        verdict = next((v for v in _ORDER if any(t.verdict == v for t in tests)), "pass")
        finding = verdict, tests, _why(tests, verdict)
    ended_itself = claim is not None and claim[0] == "gone" and not _signal(served)
    cheats = {"early_exit": 1} if early is None and ended_itself else {}
    return _outcome(finding, served, limits, layers, cheats)


def _dumps(*parts: Any) -> bytes:
    """Towards the jail the standard library's own format will do: the reader trusts us."""
    return marshal.dumps(list(parts))


def same_text(printed: str, expected: str, how: Any) -> bool:
    """All words (or lines) of both, in order, and no more: a prefix never passes."""
    if how == "lines":
        got = [line.rstrip() for line in printed.rstrip().splitlines()]
        return got == [line.rstrip() for line in expected.rstrip().splitlines()]
    got, want = printed.split(), expected.split()
    if not isinstance(how, Approx) or len(got) != len(want):
        return got == want
    return all(a == b or _near(a, b, how) for a, b in zip(got, want, strict=True))


def _near(got: str, want: str, how: Approx) -> bool:
    if "_" in got:  # float() takes 1_0 for ten
        return got == want
    try:
        return close(float(got), float(want), how)
    except ValueError:
        return False


def _test(job: Call, index: int, kind: int, body: bytes) -> TestResult:
    mode, expected = job.mode(index), job.expected[index]
    if kind != wire.VALUE:
        names, text = _raised(body)
        if kind == wire.RAISED and mode == "raises" and expected in names:
            return TestResult("pass")
        if kind == wire.NOT_PLAIN:
            return TestResult("fail", f"not plain data: {text}")
        return TestResult(_memory_or(names, "error"), f"{names[0]}: {text}")
    if mode == "raises":
        return TestResult("fail", f"no {expected} was raised")
    if len(body) > _MODEST and len(body) > _most_bytes(expected, mode):
        return TestResult("fail", f"{len(body)} bytes, more than any right answer has")
    try:
        tree = parse(body)
        if matches(tree, expected, mode):
            return TestResult("pass")
    except CodecError as error:
        return TestResult("error", f"malformed claim: {error}")
    return TestResult("fail", f"got {body[:_TEXT].decode('ascii', 'replace')}")


def _most_bytes(expected: Any, mode: Any) -> int:
    """Beyond this a claim is wrong unread. 3 may come as 3.0, as a complex number, or rounded."""
    try:
        return len(encode(expected)) * _LONGER if mode != "truth" else MAX_BYTES
    except CodecError:  # past the limits of the codec: no claim will equal it
        return 0


def _ended_badly(reply: Reply, limits: Limits) -> tuple[Verdict, str] | None:
    """The verdict that the manner of the end decides alone, whatever was claimed."""
    if _signal(reply) == signal.SIGSYS:
        return "violation", "a forbidden system call"
    if reply.flags & wire.DEADLINE:
        return "timeout", f"over {limits.wall_s} s of wall time"
    killed = _signal(reply) in (signal.SIGKILL, signal.SIGXCPU)
    if reply.cpu_s >= limits.cpu_s * (AT_LIMIT if killed else 1):
        return "timeout", f"over {limits.cpu_s} s of CPU time"
    if reply.flags & wire.OVERFLOW:
        return "output_limit", f"printed {limits.output_kb} KiB"
    return None


def _no_answer(reply: Reply, limits: Limits, tests: tuple[TestResult, ...]) -> Finding:
    """No complete set of claims: dead, gone early, or forged."""
    killed = _signal(reply)
    if killed and killed != signal.SIGKILL:
        if reply.peak_kb > NEAR_MEMORY * limits.memory_mb * 1024:
            return "memory", tests, f"died near {limits.memory_mb} MiB"
        return "error", tests, f"killed by signal {killed}"
    return "error", tests, "ended without a complete answer"


def _cheats(reply: Reply, frames: list[tuple[int, bytes]], count: int | None) -> dict[str, int]:
    """Signs of an attempt to be judged by anything but answers; `count` answers were asked for."""
    found: dict[str, int] = {}
    used = sum(wire.FRAME.size + len(body) for _, body in frames)
    kinds = [kind for kind, _ in frames]
    answers = sum(kind in (wire.VALUE, wire.RAISED, wire.NOT_PLAIN) for kind in kinds)
    alive = not _signal(reply) and not reply.flags
    ended = wire.END in kinds or wire.BROKEN in kinds or wire.TOO_LARGE in kinds
    beyond = wire.END in kinds[:-1] or any(kind > wire.END for kind in kinds)
    if beyond or answers > (count or 0) or (alive and used != len(reply.claims)):
        found["forged_claim"] = 1
    elif alive and not ended:
        found["early_exit"] = 1
    elif ended and count and wire.END in kinds and answers < count:
        found["forged_claim"] = 1
    for kind, body in frames:
        if kind == wire.VALUE:
            continue
        names = _raised(body)[0] if body else []
        if "AlwaysEqual" in names:
            found["always_equal"] = found.get("always_equal", 0) + 1
        if "SystemExit" in names and count is not None:
            found["early_exit"] = found.get("early_exit", 0) + 1
    return found


def _whole(claims: bytes, frames: list[tuple[int, bytes]], count: int) -> bool:
    """Exactly `count` frames, the last an empty END, and no byte beyond them."""
    used = sum(wire.FRAME.size + len(body) for _, body in frames)
    return len(frames) == count and frames[-1] == (wire.END, b"") and used == len(claims)


def _raised(body: bytes) -> tuple[list[str], str]:
    """Type names and text of a claimed exception; something harmless when malformed."""
    try:
        claim = parse(body) if len(body) <= _MODEST else None
    except CodecError:
        claim = None
    if type(claim) is list and len(claim) == 2 and type(claim[0]) is list and claim[0]:
        names, text = claim
        if type(text) is str and all(type(name) is str for name in names):
            return [name[:_TEXT] for name in names], text[:_TEXT]
    return ["unknown"], "malformed claim"


def _memory_or(names: list[str], verdict: Verdict) -> Verdict:
    return "memory" if "MemoryError" in names else verdict


def _checker_claim(reply: Reply, nonce: str) -> tuple[str, str, list[list[Any]]] | None:
    """[how, text, rows] when the frame carries this job's nonce and the right shape."""
    frames = list(wire.frames(reply.claims, 3))
    if not _whole(reply.claims, frames, 2) or frames[0][0] != wire.VALUE:
        return None
    try:
        claim = parse(frames[0][1])
    except CodecError:
        return None
    if type(claim) is not list or len(claim) != 4 or claim[0] != nonce:
        return None
    _, how, text, rows = claim
    if type(how) is not str or type(text) is not str or type(rows) is not list:
        return None
    if not all(type(row) is list and len(row) == 3 for row in rows):
        return None
    return how, text[:_TEXT], rows


def _assert_result(passed: Any, how: str, text: str) -> TestResult:
    if passed is True:
        return TestResult("pass")
    verdict: Verdict = "memory" if how == "memory" else "error" if how == "raised" else "fail"
    return TestResult(verdict, str(text)[:_TEXT])


def _why(tests: tuple[TestResult, ...], verdict: Verdict) -> str:
    """The detail of the first test that decided the verdict."""
    return next((t.detail for t in tests if t.verdict == verdict), "")


def _signal(reply: Reply) -> int:
    return os.WTERMSIG(reply.status) if os.WIFSIGNALED(reply.status) else 0


def _outcome(
    finding: Finding,
    reply: Reply,
    limits: Limits,
    layers: tuple[str, ...],
    cheats: dict[str, int] | None = None,
) -> Outcome:
    verdict, tests, detail = finding
    peak_mb = reply.peak_kb / 1024
    near = (
        reply.cpu_s > NEAR_TIME * limits.cpu_s
        or reply.wall_s > NEAR_TIME * limits.wall_s
        or peak_mb > NEAR_MEMORY * limits.memory_mb
    )
    return Outcome(
        verdict=verdict,
        tests=tests,
        cpu_s=reply.cpu_s,
        wall_s=reply.wall_s,
        peak_mb=peak_mb,
        stdout=reply.printed.decode("utf-8", "replace"),
        near_limit=near,
        layers=layers,
        detail=detail,
        violations=cheats or {},
    )
