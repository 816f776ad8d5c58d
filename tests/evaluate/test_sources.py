"""Replies from files, models and servers; what has been drawn is not drawn again."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from neox.cli import main

ROWS = [
    {"task_id": f"T/{i}", "prompt": f"def f{i}(a):\n", "entry_point": f"f{i}",
     "canonical_solution": f"    return a + {i}\n",
     "test": f"def check(f):\n    assert f(1) == {1 + i}\n    assert f(5) == {5 + i}\n"}
    for i in range(3)
]  # fmt: skip


@pytest.fixture
def data(tmp_path: Path) -> Path:
    file = tmp_path / "data.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    return file


def evaluate(capsys: pytest.CaptureFixture[str], *argv: str) -> dict[str, Any]:
    assert main(["evaluate", "humaneval", "--format", "json", "--workers", "1", *argv]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_completions_and_whole_solutions_are_judged_alike(
    tmp_path: Path, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    samples = tmp_path / "s.jsonl"
    rows = [
        {"task_id": "T/0", "completion": "    return a\n"},
        {"task_id": "T/1", "solution": "import math\ndef f1(a):\n    return a + 1\n"},
        {"task_id": "T/2", "completion": "    while True: pass\n"},
    ]
    samples.write_text("".join(json.dumps(r) + "\n" for r in rows))
    argv = ["--data", str(data), "--samples", str(samples), "--k", "1", "--timeout", "0.3"]
    summary = evaluate(capsys, *argv)
    assert (summary["passed"], summary["timeouts"]) == (2, 1)
    assert summary["pass@1"] == pytest.approx(2 / 3)
    results = Path(f"{samples}_results.jsonl")
    told = [json.loads(line) for line in results.read_text().splitlines()]
    assert [row["result"] for row in told] == ["passed", "passed", "timed out"]
    assert evaluate(capsys, *argv)["passed"] == 2  # known already


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"task_id": "T/9", "completion": ""}', "unknown task_id 'T/9'"),
        ('{"task_id": "T/0", "completion": ""}', "2 tasks have no sample"),
        ('{"task_id": "T/0"}', "no text in `completion`"),
        ('{"completion": ""}', "the row has no task_id"),
        ("{", "not JSON"),
    ],
)
def test_a_bad_file_of_samples_is_one_message(
    tmp_path: Path, data: Path, capsys: pytest.CaptureFixture[str], line: str, message: str
) -> None:
    samples = tmp_path / "s.jsonl"
    samples.write_text(line + "\n")
    argv = ["evaluate", "humaneval", "--data", str(data), "--samples", str(samples)]
    assert main(argv) == 2
    assert message in capsys.readouterr().err


def test_data_that_is_not_shipped_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", "mbpp+", "--canonical"]) == 2
    assert "MbppPlus.jsonl.gz of evalplus" in capsys.readouterr().err


class Stub(BaseHTTPRequestHandler):
    """An OpenAI-compatible server that knows the answers of tasks 0 and 1, and dies if told."""

    asked: ClassVar[list[dict[str, Any]]] = []
    dies_at: ClassVar[int] = -1

    def do_GET(self) -> None:
        self._say({"data": [{"id": "stub"}]})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if len(self.asked) == self.dies_at:
            self.send_error(503)
            return
        self.asked.append(body)
        number = next(i for i in range(3) if f"f{i}(" in body["prompt"])
        text = f"    return a + {min(number, 1)}\n\ndef other(): pass"
        self._say({"choices": [{"text": text}] * body["n"]})

    def _say(self, answer: dict[str, Any]) -> None:
        data = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[str]:
    Stub.asked[:], Stub.dies_at = [], -1
    with ThreadingHTTPServer(("127.0.0.1", 0), Stub) as made:
        thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{made.server_port}/v1"
        made.shutdown()
        thread.join()


def test_a_server_is_asked_once_per_problem_even_across_a_crash(
    tmp_path: Path, data: Path, server: str, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "out.jsonl"
    argv = ["--data", str(data), "--server", server, "--n", "2", "--k", "1,2"]
    argv += ["--output", str(output)]
    Stub.dies_at = 2
    assert main(["evaluate", "humaneval", *argv]) == 2
    assert "503" in capsys.readouterr().err
    Stub.dies_at = -1
    summary = evaluate(capsys, *argv)
    assert (summary["passed"], summary["samples"], summary["source"]) == (4, 6, "server")
    assert len(Stub.asked) == 3
    assert Stub.asked[0]["n"] == 2
    assert len(Stub.asked[0]["stop"]) == 4
    rows = [json.loads(line) for line in output.read_text().splitlines()]
    assert rows[0]["completion"] == "    return a + 0\n"  # cut at "\ndef "


def test_killed_at_any_moment_it_ends_with_the_same_file(tmp_path: Path, data: Path) -> None:
    rows = [
        {"task_id": f"T/{i % 3}", "completion": f"    return a + {i % 3 if i % 4 else 9}  # {i}\n"}
        for i in range(300)
    ]
    text = "".join(json.dumps(r) + "\n" for r in rows)

    def judge(name: str, seconds: float | None) -> Path:
        """The results; cut short where it was killed after `seconds` of judging."""
        samples = tmp_path / f"{name}.jsonl"
        samples.write_text(text)
        output = tmp_path / f"{name}.jsonl_results.jsonl"
        command = [sys.executable, "-m", "neox", "evaluate", "humaneval", "--workers", "1"]
        command += ["--data", str(data), "--samples", str(samples), "--k", "1"]
        child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        if seconds is not None:
            assert child.stderr is not None
            child.stderr.readline()  # judging has begun
            time.sleep(seconds)
            child.kill()
            child.wait()
            child.stderr.close()
            return output
        child.communicate()
        assert child.returncode == 0
        return output

    whole = judge("whole", None).read_bytes()
    assert whole.count(b"\n") == 300
    cut = [judge("killed", 0.01 * number).stat().st_size for number in range(3)]
    assert 0 < cut[0] < len(whole)
    assert judge("killed", None).read_bytes() == whole
