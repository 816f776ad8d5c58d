"""Health, metrics, the tokenizer's endpoints, draining, and `neox evaluate` against the server."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("fastapi", reason="the extra `serve` is not installed")


def call(url: str, body: Any = None, key: str = "secret") -> tuple[int, str]:
    data = None if body is None else json.dumps(body).encode()
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data, headers)) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def test_health_ready_metrics_and_page_ask_for_no_key(running: Any) -> None:
    for path in ("/health", "/ready", "/metrics", "/"):
        assert call(running.url + path, key="wrong")[0] == 200
    assert call(running.url + "/v1/models", key="wrong")[0] == 401


def test_metrics_are_prometheus_text(running: Any) -> None:
    body = {"model": "small", "prompt": "a", "max_tokens": 3}
    assert call(running.url + "/v1/completions", body)[0] == 200
    text = call(running.url + "/metrics")[1]
    line = re.compile(
        r"# (HELP|TYPE) neox_\w+ .+|neox_\w+(\{\w+=\"[^\"]*\"(,\w+=\"[^\"]*\")*\})? \S+"
    )
    values = {}
    for row in text.splitlines():
        assert line.fullmatch(row), row
        if not row.startswith("#"):
            name, _, value = row.rpartition(" ")
            values[name] = float(value)
    assert values['neox_requests_total{route="/v1/completions",status="200"}'] >= 1
    assert values["neox_requests_running"] == 0
    assert values["neox_tokens_total"] >= 3
    for name in ("neox_inter_token_seconds", "neox_time_to_first_token_seconds"):
        buckets = [v for k, v in values.items() if k.startswith(f"{name}_bucket")]
        assert buckets == sorted(buckets)
        assert buckets[-1] == values[f"{name}_count"] > 0


def test_unicode_survives_the_tokenizer(running: Any) -> None:
    chance = random.Random(0)
    info = json.loads(call(running.url + "/tokenizer_info")[1])
    assert info["eos_token"] == "<eos>"
    for size in range(1, 30):
        ranges = [(32, 127), (0x80, 0xD800), (0x1F300, 0x1F600)]
        text = "".join(chr(chance.randrange(*chance.choice(ranges))) for _ in range(size))
        ids = json.loads(call(running.url + "/tokenize", {"prompt": text})[1])["tokens"]
        assert json.loads(call(running.url + "/detokenize", {"tokens": ids})[1])["prompt"] == text
    special = json.loads(call(running.url + "/tokenize", {"prompt": "<eos>"})[1])["tokens"]
    assert special == [running.host.policy.tokenizer.eos]
    assert call(running.url + "/detokenize", {"tokens": [10**6]})[0] == 400


def test_evaluate_judges_the_server_as_it_judges_the_model(
    running: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    from neox.cli import main

    policy = running.host.policy
    (tmp_path / "model").mkdir()
    policy.save(tmp_path / "model")
    tasks = [
        {"task_id": f"t{i}", "prompt": f"def f{i}(a):\n", "entry_point": f"f{i}",
         "starter_code": f"def f{i}(a):\n",
         "tests": [{"kind": "call", "args": [1], "expected": None}]}
        for i in range(4)
    ]  # fmt: skip
    data = tmp_path / "tasks.jsonl"
    data.write_text("".join(json.dumps(t) + "\n" for t in tasks))
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    found = []
    for source in (["--model", str(tmp_path / "model")], ["--server", running.url]):
        output = tmp_path / f"{source[0]}.jsonl"
        assert (
            main(["evaluate", "tasks", "--data", str(data), *source, "--temperature", "0",
                  "--max-new-tokens", "12", "--output", str(output), "--format", "json"]) == 0
        )  # fmt: skip
        summary = json.loads(capsys.readouterr().out)
        lines = (tmp_path / f"{output.name}.samples").read_text().splitlines()
        found.append((summary["pass@1"], [json.loads(line) for line in lines[1:]]))
    assert found[0] == found[1]


def test_sigterm_lets_a_running_text_end(policy: Any, tmp_path: Path) -> None:
    """A process of its own: 503 while it loads, then a stream that survives the signal."""
    policy.save(tmp_path)
    port = 20000 + os.getpid() % 20000
    server = subprocess.Popen(
        [sys.executable, "-m", "neox", "serve", "--model", str(tmp_path), "--name", "m",
         "--port", str(port)],
        stderr=subprocess.PIPE,
    )  # fmt: skip
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(3000):
            try:
                if call(url + "/ready")[0] == 200:
                    break
            except OSError:
                assert server.poll() is None
            time.sleep(0.02)
        lines: list[bytes] = []
        body = {"model": "m", "prompt": "x = ", "max_tokens": 180, "temperature": 1, "stream": True,
                "seed": 1, "logit_bias": {str(policy.tokenizer.eos): -100}}  # fmt: skip
        request = urllib.request.Request(
            url + "/v1/completions", json.dumps(body).encode(), {"Content-Type": "application/json"}
        )

        def read() -> None:
            with urllib.request.urlopen(request) as answer:
                for line in answer:
                    lines.append(line)

        reader = threading.Thread(target=read)
        reader.start()
        while len(lines) < 4:
            time.sleep(0.005)
        server.send_signal(signal.SIGTERM)
        reader.join(60)
        assert lines[-2] == b"data: [DONE]\n"
        assert b'"finish_reason": "length"' in lines[-4]
        assert server.wait(60) == 0
    finally:
        server.kill()
        server.wait()
        assert server.stderr is not None
        server.stderr.close()
