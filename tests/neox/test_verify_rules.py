"""The rules beside NX001: when each fires and when not; SARIF's required fields."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from neox.cli import main
from neox.verify.findings import RULES


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEOX_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)


def codes(code: str, capsys: pytest.CaptureFixture[str]) -> list[tuple[str, int]]:
    """(rule, line) of everything that is found."""
    Path("a.py").write_text(code)
    main(["verify", "a.py", "--select", "NX", "--format", "json"])
    return [(f["code"], f["line"]) for f in json.loads(capsys.readouterr().out)["findings"]]


SCAN = "def f(a):\n    for x in a:\n        print(1)\n"


@pytest.mark.parametrize(
    ("contract", "rule"),
    [
        ("O(n**2), n=len(a)", "NX002"),
        ("O(n log n), n=len(a)", "NX002"),
        ("O(2^n), n=len(a)", "NX002"),
        ("O(n), n=len(a)", None),
        ("Theta(n), n=len(a)", None),
        ("Omega(1), n=len(a)", None),  # a lower bound is not an upper one that is loose
        ("O(1)", "NX001"),
        ("Theta(n**2), n=len(a)", "NX001"),
    ],
)
def test_a_loose_contract(
    contract: str, rule: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    found = codes(f"# neox: {contract}\n{SCAN}", capsys)
    assert found == ([] if rule is None else [(rule, 2)])


def test_a_contract_is_not_loose_where_only_one_side_is_known(
    capsys: pytest.CaptureFixture[str],
) -> None:
    early = (
        "# neox: O(n**2), n=len(a)\ndef f(a):\n    for x in a:\n        if g:\n            return\n"
    )
    assert codes(early, capsys) == []


def test_what_cannot_be_verified(capsys: pytest.CaptureFixture[str]) -> None:
    opaque = "# neox: O(n), n=len(a)\ndef f(a, g):\n    for x in a:\n        g(x)\n"
    assert codes(opaque, capsys) == [("NX003", 2)]


@pytest.mark.parametrize(
    ("code", "deep"),
    [
        ("def f(n):\n    if n == 0:\n        return 0\n    return f(n - 1)\n", True),
        ("def f(n):\n    if n < 2:\n        return 0\n    return f(n - 1) + f(n - 2)\n", True),
        ("def f(a, i):\n    if i == len(a):\n        return 0\n    return f(a, i + 1)\n", True),
        ("def f(n):\n    if n < 2:\n        return 0\n    return f(n // 2)\n", False),
        ("def f(n):\n    if n < 2:\n        return 0\n    return f(n // 2) + f(n // 3)\n", False),
        ("def f(n):\n    for i in range(n):\n        print(i)\n", False),
    ],
)
def test_recursion_as_deep_as_the_input(
    code: str, deep: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    assert (("NX004", 1) in codes(code, capsys)) is deep


def test_noqa_silences_one_rule(capsys: pytest.CaptureFixture[str]) -> None:
    deep = "def f(n):  # noqa: NX004\n    if n == 0:\n        return 0\n    return f(n - 1)\n"
    assert codes(deep, capsys) == []
    assert codes(deep.replace("NX004", "NX101"), capsys) == [("NX004", 1)]


def _required(value: Any, fields: dict[str, type]) -> None:
    for name, kind in fields.items():
        assert isinstance(value[name], kind), name


def test_sarif_by_the_published_schema(capsys: pytest.CaptureFixture[str]) -> None:
    """The required properties, enumerations, minima and uniqueness of SARIF 2.1.0, by hand."""
    Path("a b.py").write_text("# neox: O(1)\n" + SCAN)
    Path("c.py").write_text("def f(:\n")
    main(["verify", "a b.py", "c.py", "--select", "NX", "--format", "sarif"])
    log = json.loads(capsys.readouterr().out)
    _required(log, {"version": str, "runs": list})
    assert (log["version"], log["$schema"]) == (
        "2.1.0",
        "https://json.schemastore.org/sarif-2.1.0.json",
    )
    for run in log["runs"]:
        _required(run, {"tool": dict, "results": list})
        driver = run["tool"]["driver"]
        _required(driver, {"name": str, "version": str, "rules": list})
        ids = [rule["id"] for rule in driver["rules"]]
        assert ids == list(RULES)
        assert all(isinstance(r["shortDescription"]["text"], str) for r in driver["rules"])
        assert run["columnKind"] in {"utf16CodeUnits", "unicodeCodePoints"}
        assert {r["ruleId"] for r in run["results"]} == {"NX001", "NX900"}
        for result in run["results"]:
            _required(result, {"message": dict, "ruleId": str, "locations": list})
            assert ids[result["ruleIndex"]] == result["ruleId"]
            assert result["level"] in {"none", "note", "warning", "error"}
            assert result["message"]["text"]
            for place in result["locations"]:
                physical = place["physicalLocation"]
                assert physical["artifactLocation"]["uri"] in {"a%20b.py", "c.py"}
                assert min(physical["region"].values()) >= 1
