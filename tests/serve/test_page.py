"""Candidates in clusters, and the page that shows them, in a real browser where there is one."""

from __future__ import annotations

import json
import shutil
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("fastapi", reason="the extra `serve` is not installed")

PROMPT = "def f(a):\n    return "


@pytest.fixture(scope="module")
def free(policy: Any) -> Iterator[Any]:
    """The server without keys."""
    import importlib.util

    spec = importlib.util.spec_from_file_location("conf", Path(__file__).parent / "conftest.py")
    assert spec is not None
    assert spec.loader is not None
    conf = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(conf)
    server = conf.Running(conf.Host(policy, "small", 4, 64), conf.Settings())
    yield server
    server.close()


def ask(server: Any, **more: Any) -> Any:
    body = {"model": "small", "prompt": PROMPT, "max_tokens": 8, "temperature": 1.0, "seed": 3,
            "n": 6, "response_format": {"type": "python"}, **more}  # fmt: skip
    request = urllib.request.Request(
        f"{server.url}/v1/neox/candidates", json.dumps(body).encode(), method="POST"
    )
    try:
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return json.load(error)


def test_candidates_come_in_clusters_the_best_first(free: Any) -> None:
    found = ask(free, examples=["f(1) == 1"])
    assert sorted(m for c in found["clusters"] for m in c["members"]) == list(range(6))
    assert sum(c["mass"] for c in found["clusters"]) == pytest.approx(1)
    assert found["entry"] == "f"
    assert all(c["text"].startswith(PROMPT) for c in found["clusters"])
    assert all(set(c["structure"]) for c in found["clusters"])  # all parse
    assert 0 <= found["confidence"] <= 1
    order = [(bool(c["trouble"]), -c["passed"], -c["mass"]) for c in found["clusters"]]
    assert order == sorted(order)


def test_examples_and_prompts_that_make_no_sense_are_named(free: Any) -> None:
    assert ask(free, examples=["f(x) == 1"])["error"]["param"] == "examples"
    assert ask(free, prompt="x = 1\n")["error"]["param"] == "prompt"
    assert ask(free, n=100)["error"]["param"] == "n"


BROWSER = shutil.which("chromium") or shutil.which("chromium-browser")


@pytest.mark.skipif(BROWSER is None, reason="there is no Chromium")
def test_the_page_writes_and_shows_clusters(free: Any) -> None:
    asked = {"prompt": PROMPT, "n": "4", "tokens": "8", "do": "rank"}
    link = f"{free.url}/#{urllib.parse.urlencode(asked, quote_via=urllib.parse.quote)}"
    done = subprocess.run(
        [BROWSER or "", "--headless", "--no-sandbox", "--disable-gpu",
         "--virtual-time-budget=30000", "--dump-dom", link],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert "behaviours of 4 texts" in done.stdout
    assert 'class="cluster' in done.stdout
    assert "small" in done.stdout
