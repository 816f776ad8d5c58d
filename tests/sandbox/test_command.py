"""`neox sandbox run`: its screen, its JSON, its exit status."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from neox.cli import main
from neox.commands.sandbox import visible

pytestmark = pytest.mark.slow

ADD = "def helper(): pass\ndef add(a, b):\n    return a + b if a < 5 else 0\n"
HELLO = "import os\nprint('\\x1b[31mhello', int(input()) + 1)\nos.getpid()\n"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name, text in {
        "add.py": ADD,
        "hello.py": HELLO,
        "empty.py": "",
        "in.txt": "41\n",
        "out.txt": "\x1b[31mhello   42",
        "right.py": "assert add(1, 2) == 3\n",
        "wrong.py": "assert add(1, 2) == 3\nassert add(7, 1) == 8\n",
        "check.py": "def check(f):\n    for n in range(3): assert f(n, n) == 2 * n\n",
        "data.json": '[{"input": [1, 2], "expected": 3}, {"input": [2, 2], "expected": 4}]',
        "bad.json": '[{"input": [1, 2]}]',
        "worse.json": "[\n{",
        "unfinished.py": "assert add(1, 2) ==\n",
        "endless.py": "while True: pass\n",
    }.items():
        (tmp_path / name).write_text(text)
    return tmp_path


@pytest.mark.parametrize(
    ("argv", "status", "shown"),
    [
        ("add.py", 0, "add.py: ended by itself"),
        ("add.py --tests right.py", 0, "add.py: pass"),
        ("add.py --tests wrong.py", 1, "add.py: fail, 1 of 2 tests passed\n    1  pass\n"),
        ("add.py --tests check.py", 0, "add.py: pass"),
        ("add.py --tests data.json", 0, "add.py: pass, 2 of 2 tests passed"),
        ("add.py --tests data.json --entry helper", 1, "add.py: error"),
        ("hello.py --stdin in.txt", 0, "  | \\x1b[31mhello 42\nhello.py: ended by itself"),
        ("hello.py --stdin in.txt --expect out.txt", 0, "hello.py: pass"),
        ("hello.py --stdin in.txt --expect in.txt", 1, "hello.py: fail"),
        ("hello.py", 1, "hello.py: error, EOFError"),
        ("endless.py --timeout 0.3", 1, "endless.py: timeout, over 0."),
    ],
)
def test_the_screen(
    here: Path, capsys: pytest.CaptureFixture[str], argv: str, status: int, shown: str
) -> None:
    assert main(["sandbox", "run", *argv.split()]) == status
    text = capsys.readouterr().out
    assert shown in text
    assert "\x1b" not in text
    assert "  CPU " in text
    assert "  layers: " in text


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        ("nothing.py", "nothing.py: No such file"),
        ("add.py --tests bad.json", "bad.json: not a list of tests"),
        ("add.py --tests worse.json", "worse.json:2: not JSON"),
        ("add.py --tests unfinished.py", "unfinished.py:1: invalid syntax"),
        ("add.py --tests right.py --stdin in.txt", "--tests calls functions"),
        ("empty.py --tests check.py", "empty.py: no function to call"),
        ("add.py --timeout 0", "limit cpu_s must be positive"),
        ("add.py --momory 3", "perhaps you meant --memory"),
    ],
)
def test_what_cannot_be_done_is_one_message(
    here: Path, capsys: pytest.CaptureFixture[str], argv: str, message: str
) -> None:
    assert main(["sandbox", "run", *argv.split()]) == 2
    captured = capsys.readouterr()
    assert message in captured.err
    assert captured.out == ""


def test_the_json(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "out.py").write_text("import os\ntry: os.fork()\nexcept OSError: pass\nprint(1)\n")
    assert main(["sandbox", "run", "out.py", "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["verdict"], found["stdout"]) == ("pass", "1\n")
    assert "seccomp" in found["layers"]
    if "monitor" in found["layers"]:
        assert found["violations"] == {"clone": 1}


def test_untrusted_text_moves_no_cursor() -> None:
    assert visible("a\x1b[2Jb\r\x07\u202e") == "a\\x1b[2Jb\\x0d\\x07\\x202e"
    assert len(visible("x" * 10_000)) == 100
