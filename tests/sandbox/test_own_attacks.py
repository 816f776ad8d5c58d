"""Attacks on this very design, one table per kind in `attacks/`; see `attack_suite` for the keys.

Nearly every program answers right only if its hostile act worked, so `pass` is the breach. Where
`open_without` is given, the same program must succeed once those layers are left out: an attack
that never works proves nothing.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from neox.sandbox import Asserts, Call, Limits, Sandbox

sys.path.insert(0, str(Path(__file__).parent))
from attack_suite import parse_header, run_attack

sys.path.pop(0)

pytestmark = pytest.mark.slow

INPUTS = [[1, 2], [-1, 1], [10, 5], [123456, 654321]]
TASK = {"entry": "solve", "inputs": INPUTS, "expected": [a + b for a, b in INPUTS]}
TEST = "def check(f):\n" + "".join(f"    assert f({a}, {b}) == {a + b}\n" for a, b in INPUTS)
BENIGN = "def solve(a, b):\n    return a + b\n"
DEFAULTS: dict[str, Any] = {
    "probe": {},
    "setup": {},
    "open_without": [],
    "limits": {"cpu_s": 2, "wall_s": 2, "mem_mb": 512, "output_kb": 64},
}


def programs() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for table in sorted((Path(__file__).parent / "attacks").glob("*.txt")):
        for text in table.read_text().split("# name: ")[1:]:
            header = DEFAULTS | parse_header("# name: " + text)
            yield f"{table.stem}-{header['name']}", text, header


ALL = list(programs())
OPEN = [entry for entry in ALL if entry[2]["open_without"]]
# The others meet the same walls whichever process asks.
SPOKEN = [entry for entry in ALL if entry[0].split("-")[0] in ("channel", "forgery", "resource")]


def as_parameters(entries: list[tuple[str, str, dict[str, Any]]]) -> list[Any]:
    return [pytest.param(text, header, id=name) for name, text, header in entries]


@pytest.fixture(scope="module")
def box() -> Iterator[Sandbox]:
    with Sandbox(workers=1) as sandbox:
        yield sandbox


def test_there_are_enough_of_them() -> None:
    names = [name for name, _, _ in ALL]
    assert len(set(names)) == len(names) > 75


@pytest.mark.parametrize(("text", "header"), as_parameters(ALL))
def test_an_attack_as_call(box: Sandbox, text: str, header: dict[str, Any]) -> None:
    assert run_attack(box, TASK, "# " + text, header) == []
    honest = box.run(Call(BENIGN, "solve", INPUTS, TASK["expected"]))
    assert honest.verdict == "pass", "the next honest job fails"


@pytest.mark.parametrize(("text", "header"), as_parameters(SPOKEN))
def test_an_attack_as_asserts(box: Sandbox, text: str, header: dict[str, Any]) -> None:
    job = Asserts("# " + text, TEST, "solve", limits=Limits(cpu_s=1, wall_s=2), separate=True)
    if "pass" not in header["verdict"]:
        assert box.run(job).verdict != "pass"
    honest = Asserts(BENIGN, TEST, "solve", separate=True)
    assert box.run(honest).verdict == "pass", "the next honest job fails"


@pytest.mark.parametrize(
    "without", sorted({tuple(header["open_without"]) for _, _, header in OPEN}), ids=",".join
)
def test_attacks_succeed_without_their_layers(without: tuple[str, ...]) -> None:
    with Sandbox(workers=1, development=True, without=without) as weak:
        for name, text, header in OPEN:
            if tuple(header["open_without"]) == without:
                bad = run_attack(weak, TASK, "# " + text, header)
                assert any(what.startswith("verdict pass") for what in bad), name
