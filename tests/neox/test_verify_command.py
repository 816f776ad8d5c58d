"""`neox verify`: formats, statuses, contracts, settings, regressions, hostile files."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from neox.cli import main

QUADRATIC = (
    "# neox: O(n), n=len(items)\n"
    "def twice(items):\n"
    "    for a in items:\n"
    "        for b in items:\n"
    "            print(1)\n"
)
LINEAR = "def once(items):\n    for a in items:\n        print(1)\n"


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEOX_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)


def verify(
    code: str | bytes, *options: str, capsys: pytest.CaptureFixture[str], name: str = "a.py"
) -> tuple[int, str, str]:
    data = code if isinstance(code, bytes) else code.encode()
    Path(name).write_bytes(data)
    status = main(["verify", name, *options])
    out, err = capsys.readouterr()
    return status, out, err


def test_a_broken_contract_is_status_1(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = verify(QUADRATIC, capsys=capsys)
    assert status == 1
    assert "a.py:2: twice  Theta(n**2)  n=len(items)  [proved]" in out
    assert "a.py:2:1: NX001" in out
    assert verify(LINEAR, capsys=capsys)[0] == 0
    assert verify(QUADRATIC, "--exit-zero", capsys=capsys)[0] == 0


def test_concise_prints_findings_only(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = verify(QUADRATIC, "--format", "concise", capsys=capsys)
    assert out.startswith("a.py:2:1: NX001 ")
    assert out.count("\n") == 1
    assert verify(LINEAR, "--format", "concise", capsys=capsys)[1] == ""


def test_the_fields_of_json(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = verify(QUADRATIC, "--format", "json", capsys=capsys)
    [row] = json.loads(out)["functions"]
    wanted = "path function line parameters lower upper theta status notes".split()
    assert list(row)[: len(wanted)] == wanted
    assert row["parameters"] == {"n": "len(items)"}
    assert (row["theta"], row["status"], row["kept"]) == ("n**2", "proved", False)
    unknown = "def f(a, g):\n    for x in a:\n        g(x)\n"
    [row] = json.loads(verify(unknown, "--format", "json", capsys=capsys)[1])["functions"]
    assert (row["upper"], row["theta"], row["status"]) == (None, None, "unknown")


def test_sarif_has_what_the_schema_requires(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = verify(QUADRATIC, "--format", "sarif", capsys=capsys)
    log = json.loads(out)
    [run] = log["runs"]
    rules = run["tool"]["driver"]["rules"]
    [result] = run["results"]
    place = result["locations"][0]["physicalLocation"]
    assert log["version"] == "2.1.0"
    assert run["tool"]["driver"]["name"] == "neox"
    assert rules[result["ruleIndex"]]["id"] == result["ruleId"] == "NX001"
    assert result["level"] in {"none", "note", "warning", "error"}
    assert result["message"]["text"]
    assert place["artifactLocation"]["uri"] == "a.py"
    assert place["region"] == {"startLine": 2, "startColumn": 1}
    assert len({r["id"] for r in rules}) == len(rules)


def test_github_escapes_what_would_end_a_command(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = verify(QUADRATIC, "--format", "github", capsys=capsys, name="a,b.py")
    assert out.startswith("::error file=a%2Cb.py,line=2,col=1,title=NX001::")


@pytest.mark.parametrize(
    "head",
    [
        "# neox: O(n), n=len(a)\ndef f(a):\n",
        "def f(a):  # neox: O(n), n=len(a)\n",
        'def f(a):\n    """Text.\n\n    Complexity: O(n), n=len(a)\n    """\n',
        'import neox\n@neox.bound("n", n="len(a)")\ndef f(a):\n',
        'from neox import bound\n@bound("O(n)", n="len(a)")\ndef f(a):\n',
    ],
)
def test_one_grammar_in_three_places(head: str, capsys: pytest.CaptureFixture[str]) -> None:
    body = "    for x in a:\n        for y in a:\n            print(1)\n"
    status, out, _ = verify(head + body, capsys=capsys)
    assert status == 1
    assert "contract O(n), n=len(a): BROKEN" in out


def test_strict_fails_the_unknown_and_the_open(capsys: pytest.CaptureFixture[str]) -> None:
    code = "# neox: O(n)\ndef f(a, g):\n    for x in a:\n        g(x)\n"
    assert verify(code, capsys=capsys)[0] == 0
    status, out, _ = verify(code, "--strict", capsys=capsys)
    assert status == 1
    assert "NX003" in out


def test_explain_prints_equation_root_and_conditions(capsys: pytest.CaptureFixture[str]) -> None:
    code = "def f(n):\n    if n < 2:\n        return 1\n    return f(n // 2) + f(n // 3)\n"
    out = verify(code, "--explain", capsys=capsys)[1]
    assert "recurrence: T(n) = T(1/2*n" in out
    assert "p: 0.78788491102586978" in out
    assert "the root of (1/2)**p + (1/3)**p = 1" in out
    for number in range(1, 5):
        assert f"Leighton {number}:" in out


def test_habits_are_found_where_selected(capsys: pytest.CaptureFixture[str]) -> None:
    code = (
        "def f(a):\n    out = []\n    for x in a:\n        if x in out:\n            out.pop(0)\n"
        "        out.append(x)\n    return f(a[1:])\n"
    )
    assert "NX1" not in verify(code, capsys=capsys)[1]
    status, out, _ = verify(code, "--select", "NX1", capsys=capsys)
    assert status == 1
    assert [line.split()[1] for line in out.splitlines() if " NX1" in line] == [
        "NX101",
        "NX102",
        "NX103",
    ]
    quiet = code.replace("if x in out:", "if x in out:  # noqa: NX101")
    assert "NX101" not in verify(quiet, "--select", "NX1", capsys=capsys)[1]


@pytest.mark.parametrize("comment", ["# noqa", "# noqa: NX001", "# noqa: E501, NX001"])
def test_noqa_on_the_line(comment: str, capsys: pytest.CaptureFixture[str]) -> None:
    code = QUADRATIC.replace("def twice(items):", f"def twice(items):  {comment}")
    assert verify(code, capsys=capsys)[0] == 0
    other = QUADRATIC.replace("def twice(items):", "def twice(items):  # noqa: NX101")
    assert verify(other, capsys=capsys)[0] == 1


def test_settings_come_from_pyproject(capsys: pytest.CaptureFixture[str]) -> None:
    Path("pyproject.toml").write_text('[tool.neox]\nignore = ["NX001"]\n')
    assert verify(QUADRATIC, capsys=capsys)[0] == 0
    assert verify(QUADRATIC, "--select", "NX001", capsys=capsys)[0] == 1
    Path("pyproject.toml").write_text("[tool.neox]\nstrickt = true\n")
    status, _, err = verify(QUADRATIC, capsys=capsys)
    assert status == 2
    assert "strickt" in err


@pytest.mark.parametrize(
    "text",
    [
        b"def f(:\n",
        b"\xff\xfe\x00",
        b"\x00" * 100,
        b"(" * 20_000,
        b"def f(n):\n    return " + b"-" * 5_000 + b"n\n",
        b"def f(n):\n    return f(" * 500,
        b"# neox: O(f(n\ndef f(n):\n    pass\n",
        b"if x:\n" + b"".join(b" " * i + b"if x:\n" for i in range(1, 200)),
        b"x = " + b"[" * 3_000 + b"]" * 3_000,
        b"# -*- coding: nonsense -*-\n",
    ],
)
def test_a_hostile_file_is_a_diagnostic(text: bytes, capsys: pytest.CaptureFixture[str]) -> None:
    status, _, err = verify(text, capsys=capsys)
    assert status in {0, 2}
    assert "Traceback" not in err
    if status == 2:
        assert "NX900" in err


def test_what_is_not_a_file_is_a_diagnostic(capsys: pytest.CaptureFixture[str]) -> None:
    import os

    os.mkfifo("pipe.py")
    assert main(["verify", "pipe.py"]) == 2
    assert "not a regular file" in capsys.readouterr().err


def test_a_folder_is_walked_in_order_and_cached(capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("pkg/b.py", "pkg/a.py", "pkg/.hidden/c.py", "pkg/__pycache__/d.py"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(LINEAR)
    assert main(["verify", "pkg"]) == 0
    first = capsys.readouterr().out
    assert [line.split(":")[0] for line in first.splitlines()] == ["pkg/a.py", "pkg/b.py"]
    entries = list(Path("cache").rglob("*.json"))
    assert len(entries) == 2
    entries[0].write_text("{broken")
    assert main(["verify", "pkg"]) == 0
    assert capsys.readouterr().out == first


def test_diff_base_fails_on_what_got_worse(capsys: pytest.CaptureFixture[str]) -> None:
    def git(*words: str) -> None:
        identity = ["-c", "user.name=t", "-c", "user.email=t@t"]
        subprocess.run(["git", *identity, *words], check=True, capture_output=True)

    slow = LINEAR.replace("print(1)", "items.count(a)")
    git("init", "-q")
    Path("a.py").write_text(LINEAR)
    Path("old.py").write_text(QUADRATIC)  # was bad before: not our business here
    git("add", "a.py", "old.py")
    git("commit", "-qm", "one")
    assert main(["verify", "a.py", "old.py", "--diff-base", "HEAD"]) == 0
    Path("a.py").write_text(slow)
    capsys.readouterr()
    assert main(["verify", "a.py", "old.py", "--diff-base", "HEAD", "--format", "concise"]) == 1
    out = capsys.readouterr().out
    assert "NX201 once was Theta(n)  n=len(items) at HEAD and is Theta(n**2)" in out
    assert "old.py" not in out
    assert main(["verify", "a.py", "--diff-base", "nowhere"]) == 2


def test_scripts_are_bounded_in_their_input(capsys: pytest.CaptureFixture[str]) -> None:
    code = "n = int(input())\na = list(map(int, input().split()))\nprint(a[0] + n)\n"
    [row] = json.loads(verify(code, "--format", "json", capsys=capsys)[1])["functions"]
    assert (row["function"], row["theta"], row["class"]) == ("<module>", "1", "constant")
    counted = verify(code, "--count-input", "--format", "json", capsys=capsys)[1]
    assert json.loads(counted)["functions"][0]["theta"] != "1"


def test_check_stands_beside_the_proof(capsys: pytest.CaptureFixture[str]) -> None:
    code = "def f(n):\n    c = 0\n    for i in range(n):\n        c += i\n    return c\n"
    status, out, _ = verify(code, "--check", "--format", "json", capsys=capsys)
    [row] = json.loads(out)["functions"]
    assert status == 0
    assert row["status"] == "proved"
    assert row["checked"]["agrees"] is True
    assert len(row["checked"]["sizes"]) >= 5
    assert row["checked"]["operations"] == sorted(row["checked"]["operations"])


def test_a_contradiction_is_loud(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bound that is made wrong on purpose: the counts must say so."""
    from neox.compiler.complexity.growth import ONE
    from neox.verify import check

    real = check.check
    monkeypatch.setattr(check, "check", lambda box, code, f, b, claim: real(box, code, f, b, ONE))
    code = "def f(n):\n    c = 0\n    for i in range(n):\n        c += i\n    return c\n"
    status, _, err = verify(code, "--check", capsys=capsys)
    assert status == 2
    assert "NX301" in err
    assert "CONTRADICTS" in err
