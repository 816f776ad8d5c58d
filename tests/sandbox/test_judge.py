"""The judge spends little on claims that cannot be right, however they are made."""

from __future__ import annotations

import time

import pytest

from neox.sandbox import Call, Limits, Outcome, Script, judge, wire
from neox.sandbox.jobs import Approx
from neox.sandbox.zygotes import Reply

MERSENNE = (1 << 61) - 1  # integers are hashed modulo this


def frame(kind: int, body: bytes = b"") -> bytes:
    return wire.FRAME.pack(len(body), kind) + body


END = frame(wire.END)


def judged(claims: bytes, job: Call) -> tuple[Outcome, float]:
    reply = Reply(1, 0, 0, 0.01, 0.01, 10_000, claims, b"")
    started = time.process_time()
    outcome = judge.call(job, reply, Limits(), ())
    return outcome, time.process_time() - started


ONE = Call("", "f", [[1]], [1])
COLLIDING = ",".join(str(MERSENNE * n) for n in range(40_000)).encode()


@pytest.mark.parametrize(
    ("claims", "verdict"),
    [
        (frame(wire.VALUE, b"1") + END, "pass"),
        (frame(wire.VALUE, b" 1.0") + END, "pass"),
        (frame(wire.VALUE, b"[" + b"1," * 400_000 + b"1]") + END, "fail"),
        (frame(wire.VALUE, b'[{"t":[]}' + b',{"t":[]}' * 100_000 + b"]") + END, "fail"),
        (frame(wire.VALUE, b'{"s":[' + COLLIDING + b"]}") + END, "fail"),
        (frame(wire.RAISED, b'["x",{"s":[' + COLLIDING + b"]}]") + END, "error"),
        (frame(wire.RAISED, b'[["' + b"A" * 900_000 + b'"],""]') + END, "error"),
        (frame(wire.RAISED, b"[]") * 130_000, "error"),
        (frame(wire.VALUE) * 200_000, "error"),
        (frame(wire.VALUE, b"1") + END + END, "error"),
        (frame(wire.VALUE, b"1") * 2 + END, "error"),
    ],
)
def test_a_claim_costs_the_judge_little(claims: bytes, verdict: str) -> None:
    outcome, seconds = judged(claims, ONE)
    assert outcome.verdict == verdict
    assert seconds < 0.1
    assert len(outcome.detail) < 400


def test_a_long_right_answer_is_right() -> None:
    answer = [0.1 + n for n in range(4000)]
    longest = [complex(n) for n in range(4000)]
    for claim, expected, mode in (
        (answer, answer, "exact"),
        (longest, list(range(4000)), "eq"),
        ([n + 1e-12 for n in range(4000)], list(range(4000)), Approx()),
        ("x" * 500_000, True, "truth"),
        ("x" * 500_000, ["y", "x" * 500_000], "any_of"),
    ):
        claims = frame(wire.VALUE, judge.encode(claim)) + END
        job = Call("", "f", [[1]], [expected], mode)  # type: ignore[arg-type]
        assert judged(claims, job)[0].verdict == "pass", mode


@pytest.mark.parametrize(("printed", "right"), [("10", True), ("10.0", True), ("1_0", False)])
def test_numbers_are_read_as_people_write_them(printed: str, right: bool) -> None:
    job = Script("", "", "10", Approx())
    assert judge.same_text(printed, job.expected_stdout, job.compare) is right
