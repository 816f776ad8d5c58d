"""One program per verdict, and what comes with it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from neox.sandbox import Call, Limits, Sandbox, SandboxUnavailable, Script

pytestmark = pytest.mark.slow


TIGHT = Limits(cpu_s=1, wall_s=1.5, memory_mb=256, output_kb=16)


@pytest.fixture(scope="module")
def box() -> Iterator[Sandbox]:
    with Sandbox(workers=1) as sandbox:
        yield sandbox


def call(code: str, inputs: Any = ((1, 2),), expected: Any = (3,), mode: Any = "eq") -> Call:
    return Call(code, "solve", inputs, expected, mode, TIGHT)


def body(text: str) -> str:
    return "def solve(a, b):\n    " + text.replace("\n", "\n    ")


@pytest.mark.parametrize(
    ("code", "verdict"),
    [
        (body("return a + b"), "pass"),
        (body("return a - b"), "fail"),
        (body("return None"), "fail"),
        (body("return solve"), "fail"),
        (body("return 1 / 0"), "error"),
        (body("raise SystemExit(0)"), "error"),
        ("import sys; sys.exit(0)", "error"),
        ("import os; os._exit(0)", "error"),
        ("x = 1", "error"),
        ("def solve(a, b:", "error"),
        ("solve = 3", "error"),
        ("\ud800", "error"),
        ("x = '\\0'\x00", "error"),
        (body("return solve(a, b)"), "error"),
        (body("while True: pass"), "timeout"),
        (body("return sum(range(10**12))"), "timeout"),
        (body("import time; time.sleep(9)"), "timeout"),
        (body("x = [0] * 10**9"), "memory"),
        (body("x = bytearray(1 << 40)"), "memory"),
        (body("import sys; sys.stdout.write('x' * 10**6); return a + b"), "output_limit"),
        (body("return 'x' * (2 << 20)"), "fail"),
        (body("import ctypes; return ctypes.CDLL(None).syscall(0x40000029, 2, 1, 0)"), "violation"),
        (body("import ctypes; return ctypes.string_at(0)"), "error"),
    ],
)
def test_the_verdict_of_a_call(box: Sandbox, code: str, verdict: str) -> None:
    outcome = box.run(call(code))
    assert outcome.verdict == verdict, outcome


def test_every_test_is_reported_in_order(box: Sandbox) -> None:
    code = body("if a == 3: raise KeyError(a)\nreturn a + b if a != 2 else 0")
    outcome = box.run(call(code, [[1, 1], [2, 2], [3, 3], [4, 4]], [2, 4, 6, 8]))
    assert [t.verdict for t in outcome.tests] == ["pass", "fail", "error", "pass"]
    assert outcome.verdict == "error"
    assert "KeyError" in outcome.detail


def test_tests_that_ended_before_a_timeout_are_kept(box: Sandbox) -> None:
    code = body("while a == 2: pass\nreturn a + b")
    outcome = box.run(call(code, [[1, 1], [2, 2], [3, 3]], [2, 4, 6]))
    assert outcome.verdict == "timeout"
    assert [t.verdict for t in outcome.tests] == ["pass"]


def test_an_expected_exception(box: Sandbox) -> None:
    code = "class Mine(ValueError): pass\n" + body("raise Mine(a)")
    assert box.run(call(code, expected=["ValueError"], mode="raises")).verdict == "pass"
    assert box.run(call(code, expected=["KeyError"], mode="raises")).verdict == "error"
    assert box.run(call(body("return 1"), expected=["KeyError"], mode="raises")).verdict == "fail"


def test_values_of_every_kind_go_in_and_come_back(box: Sandbox) -> None:
    value = [None, True, 1 << 70_000, 1.5, float("inf"), 2j, "é\ud800", b"\0", (1, {2: {3}}), [[]]]
    outcome = box.run(Call("def f(x): return x", "f", [[value]], [value], "exact"))
    assert outcome.verdict == "pass", outcome


def test_large_inputs_and_results(box: Sandbox) -> None:
    numbers = list(range(100_000))
    job = Call("def f(x): return x[::-1]", "f", [[numbers]], [numbers[::-1]])
    assert box.run(job).verdict == "pass"
    many = Call("def f(n): return list(range(n))", "f", [[60_000]] * 4, [list(range(60_000))] * 4)
    assert box.run(many).verdict == "output_limit"


def test_an_input_that_is_no_plain_data_is_the_callers_mistake(box: Sandbox) -> None:
    with pytest.raises(ValueError, match="unmarshallable"):
        box.run(call(body("return 1"), [[object(), 1]]))
    assert box.run(call(body("return a + b"))).verdict == "pass"


def test_what_was_used_is_measured_from_outside(box: Sandbox) -> None:
    code = body(
        "import time, resource\ntime.process_time = time.time = lambda: 0\n"
        "x = bytearray(60 << 20)\nfor i in range(3 * 10**6): pass\nreturn a + b"
    )
    outcome = box.run(call(code))
    assert outcome.verdict == "pass"
    assert 0.02 < outcome.cpu_s < 1
    assert outcome.wall_s >= outcome.cpu_s * 0.9
    assert 60 < outcome.peak_mb < 256
    assert not box.run(call(body("return 3"))).near_limit
    assert box.run(call(body("import time; time.sleep(1.3); return 3"))).near_limit


def test_fractions_of_a_cpu_second_count(box: Sandbox) -> None:
    code = body("import time\nwhile time.process_time() < 0.4: pass\nreturn a + b")
    job = Call(code, "solve", [[1, 2]], [3], limits=Limits(cpu_s=0.2, wall_s=5))
    assert box.run(job).verdict == "timeout"


def test_printing_is_kept_and_cut(box: Sandbox) -> None:
    outcome = box.run(call("print('hello')\n" + body("print(a); return a + b")))
    assert (outcome.verdict, outcome.stdout) == ("pass", "hello\n1\n")
    flood = box.run(call(body("print('x' * 10**6)")))
    assert len(flood.stdout) <= TIGHT.output_kb << 10


def test_the_world_is_the_same_each_time(box: Sandbox) -> None:
    code = """
import os, random, sys, time
print(hash("neox"), {"a", "b", "c"}, random.random(), sorted(os.environ), os.getcwd(), sys.argv)
print(time.strftime("%Z"), os.getpid(), os.uname().nodename, os.sched_getaffinity)
def solve(a, b): return a + b
""".replace(", os.sched_getaffinity", "")
    with Sandbox(workers=1) as other:
        outcomes = [b.run(call(code)) for b in (box, box, other)]
    assert len({outcome.stdout for outcome in outcomes}) == 1
    assert outcomes[0].stdout.count("\n") == 2


@pytest.mark.parametrize(
    ("code", "stdin", "want", "verdict"),
    [
        ("print(int(input()) + 1)", "41\n", "42\n", "pass"),
        ("import sys\nprint(sum(map(int, sys.stdin)))", "1\n" * 50_000, "50000", "pass"),
        ("print(1)", "", "1 2 3", "fail"),
        ("print(1, 2, 3)", "", "1", "fail"),
        ("", "", "\nx", "fail"),
        ("print('1  2')", "", "1 2\n", "pass"),
        ("print(42)\nraise SystemExit", "", "42", "pass"),
        ("print(42)\nraise SystemExit(1)", "", "42", "error"),
        ("print(42)\nimport os; os._exit(0)", "", "42", "error"),
        ("import os; os.write(1, b'42'); os.write(4, b'\\0' * 5)", "", "42", "error"),
        ("print(input())", "", "", "error"),
        ("if __name__ == '__main__': print('main')", "", "main", "pass"),
        ("while True: print('x')", "", "x", "output_limit"),
        ("while True: pass", "", "", "timeout"),
        ("x = bytearray(1 << 40)", "", "", "memory"),
        ("import threading as t, time\nprint(42)\nt.Thread(target=time.sleep, args=(9,)).start()",
         "", "42", "pass"),
    ],
)  # fmt: skip
def test_the_verdict_of_a_script(
    box: Sandbox, code: str, stdin: str, want: str, verdict: str
) -> None:
    outcome = box.run(Script(code, stdin, want, limits=TIGHT))
    assert outcome.verdict == verdict, outcome


def test_scripts_compare_lines_and_rounded_numbers(box: Sandbox) -> None:
    from neox.sandbox import Approx

    assert box.run(Script("print('a  b')", "", "a b", "lines")).verdict == "fail"
    assert box.run(Script("print('a  b ')\nprint()", "", "a  b", "lines")).verdict == "pass"
    assert box.run(Script("print(0.1 + 0.2)", "", "0.3", Approx())).verdict == "pass"
    assert box.run(Script("print(0.1 + 0.2)", "", "0.3")).verdict == "fail"
    assert box.run(Script("print('nope')", "", "0.3", Approx(rtol=9))).verdict == "fail"


def test_what_no_job_can_be() -> None:
    with pytest.raises(ValueError, match="1 inputs but 2"):
        Call("", "f", [[1]], [1, 2])
    with pytest.raises(ValueError, match="at least one"):
        Call("", "f", [], [])
    with pytest.raises(ValueError, match="positive"):
        Limits(cpu_s=0)
    with pytest.raises(ValueError, match="worker"):
        Sandbox(workers=0)


def test_a_closed_sandbox_takes_nothing(box: Sandbox) -> None:
    with Sandbox(workers=1) as other:
        pass
    with pytest.raises(SandboxUnavailable, match="closed"):
        other.run(call(body("return 3")))


@pytest.mark.parametrize("read", ["input()", "sys.stdin.read()", "os.read(0, 9)"])
def test_a_call_has_no_input_to_read(box: Sandbox, read: str) -> None:
    code = f"import os, sys\ndef solve(a, b):\n    {read}\n    return a + b"
    outcome = box.run(call(code))
    assert (outcome.verdict, outcome.detail[:3]) in (("error", "OSE"), ("error", "EOF")), outcome
