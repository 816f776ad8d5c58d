"""`neox compile`: tokens, tree and canonical text, as text and as JSON; status 2 for bad input."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from neox.cli import main

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "a.py"
    path.write_text("x=[1 ,'é']  # one\n", encoding="utf-8")
    return path


def test_canonical_source(file: Path, capsys: Capture) -> None:
    assert main(["compile", str(file)]) == 0
    assert capsys.readouterr() == ("x = [1, 'é']\n", "")


def test_tokens(file: Path, capsys: Capture) -> None:
    assert main(["compile", str(file), "--show", "tokens"]) == 0
    rows = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    assert rows[:3] == [["1:0", "name", "'x'"], ["1:1", "=", "'='"], ["1:2", "[", "'['"]]
    assert [kind for _, kind, _ in rows[-2:]] == ["newline", "end of text"]


def test_tree(file: Path, capsys: Capture) -> None:
    assert main(["compile", str(file), "--show", "tree"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "Module 1:0-2:0",
        "  body[0]: Assign 1:0-1:11",
        "    targets[0]: Name 1:0-1:1 id='x' ctx=Store",
        "    value: List 1:2-1:11 ctx=Load",
        "      elts[0]: Constant 1:3-1:4 value=1",
        "      elts[1]: Constant 1:6-1:10 value='é'",
    ]


def test_json(file: Path, capsys: Capture) -> None:
    for show in ("source", "tokens", "tree", "diagnostics"):
        assert main(["compile", str(file), "--show", show, "--format", "json"]) == 0
        found = json.loads(capsys.readouterr().out)
        assert found["diagnostics"] == []
        assert found["python"] == "3.14"
        assert show in found
    main(["compile", str(file), "--show", "tree", "--format", "json"])
    tree = json.loads(capsys.readouterr().out)["tree"]
    assert tree["body"][0]["value"]["elts"][1] == {
        "node": "Constant",
        "location": [1, 6, 1, 10],
        "value": "'é'",
        "kind": None,
    }


@pytest.mark.parametrize(
    ("text", "version", "message"),
    [
        ("x = = 1\n", "3.14", ":1:5: invalid syntax"),
        ("return\n", "3.14", ":1:1: 'return' outside function"),
        ("f(a := (yield))[b := 1]\n", "3.9", ":1:19: invalid syntax"),
    ],
)
def test_a_broken_file(
    tmp_path: Path, capsys: Capture, text: str, version: str, message: str
) -> None:
    path = tmp_path / "b.py"
    path.write_text(text)
    assert main(["compile", str(path), "--python", version]) == 2
    out, err = capsys.readouterr()
    assert err.splitlines() == [f"{path}{message}"]
    assert out  # what could be understood is still shown


@pytest.mark.parametrize(
    "argv", [["nowhere.py"], ["."], [__file__, "--python", "3.7"], [__file__, "--python", "x"]]
)
def test_what_cannot_be_read_is_one_message(argv: list[str], capsys: Capture) -> None:
    assert main(["compile", *argv]) == 2
    out, err = capsys.readouterr()
    assert err.startswith("neox: ")
    assert out == ""


def test_deep_trees_and_lone_surrogates(tmp_path: Path, capsys: Capture) -> None:
    path = tmp_path / "c.py"
    path.write_text("x = a" + ".b" * 5000 + "\n'\\ud800'\n")
    for show in ("source", "tokens", "tree", "diagnostics"):
        for form in ("text", "json"):
            assert main(["compile", str(path), "--show", show, "--format", form]) == 0
    assert capsys.readouterr().err == ""
