"""Inputs, clusters, confidence, repair, and the command that uses them."""

from __future__ import annotations

import importlib.util
import json
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from neox.cli import main
from neox.generate.behaviour import Behaviour, Example, behaviours
from neox.generate.confidence import Evidence, confidence
from neox.generate.inputs import maker, probes, signature
from neox.generate.rank import choose, medoid, rank
from neox.generate.repair import feedback, repair
from neox.sandbox import Sandbox

SUM = "def f(a: list[int]) -> int:\n    return sum(a)\n"
LOOP = "def f(a: list[int]) -> int:\n    t = 0\n    for v in a:\n        t += v\n    return t\n"
MAX = "def f(a: list[int]) -> int:\n    return max(a)\n"
BROKEN = "def f(a: list[int]) -> int:\n    return a +\n"
HANGS = "def f(a: list[int]) -> int:\n    while True:\n        pass\n"


@pytest.fixture(scope="module")
def box() -> Iterator[Sandbox]:
    with Sandbox(workers=1) as box:
        yield box


@pytest.mark.parametrize(
    ("annotation", "kind"),
    [("int", int), ("list[str]", list), ("dict[str, int]", dict), ("tuple[int, str]", tuple),
     ("set[int]", set), ("float", float), ("typing.List[int]", list), ("bool", bool)],
)  # fmt: skip
def test_values_have_the_annotated_type(annotation: str, kind: type) -> None:
    make, chance = maker(annotation), random.Random(0)
    assert all(type(make(chance)) is kind for _ in range(20))


def test_unions_nest_and_unknown_names_are_numbers() -> None:
    make, chance = maker("list[int | None] | str"), random.Random(0)
    assert {type(make(chance)) for _ in range(40)} == {list, str}
    assert type(maker("Widget")(chance)) is int


def test_probes_are_distinct_repeatable_and_begin_with_the_examples() -> None:
    signed = signature("def g(x): pass\ndef f(a: list[int], k: int): pass\n")
    assert signed == ("f", ["list[int]", "int"])
    found = probes(signed[1], [[[9], 9]])
    assert found[0] == [[9], 9]
    assert found == probes(signed[1], [[[9], 9]])
    assert all(found.count(one) == 1 for one in found)
    by_example = probes([None], [["abc"], ["xyz"]])
    assert all(isinstance(x, str) for (x,) in by_example)
    assert signature("x = 1\n") is None


def test_programs_that_do_the_same_are_one_cluster(box: Sandbox) -> None:
    programs = [MAX, SUM, LOOP, BROKEN, SUM, HANGS]
    found = rank(box, programs)
    assert found.clusters[0].members == (1, 2, 4)
    assert found.best in (1, 4)  # the medoid: most of its siblings are its twins
    troubles = {c.members: c.trouble.partition(":")[0] for c in found.clusters}
    assert troubles[(3,)] == "syntax"
    assert troubles[(5,)] == "timeout"


def test_examples_come_before_the_majority(box: Sandbox) -> None:
    found = rank(box, [SUM, SUM, MAX], examples=[Example(([1, 2],), 2)])
    assert found.best == 2
    assert found.evidence.passed == 1.0
    assert rank(box, [BROKEN, BROKEN]).best is None if signature(BROKEN) else True


def test_order_in_sets_and_dictionaries_is_no_behaviour(box: Sandbox) -> None:
    one = "def f(n):\n    return {'a': n, 'b': {1, 2}}\n"
    two = "def f(n):\n    return {'b': {2, 1}, 'a': n}\n"
    other = "def f(n):\n    return {'a': n, 'b': {1}}\n"
    keys = [b.key for b in behaviours(box, [one, two, other], "f", [[1], [2]])]
    assert keys[0] == keys[1] != keys[2]


def test_a_simpler_program_wins_among_equals() -> None:
    slow = "def f(a):\n    return [x for x in a for y in a]\n"
    fast = "def f(a):\n    return [x for x in a for y in b]\n"
    assert medoid([slow, fast], (7, 8)) in (7, 8)
    assert medoid([LOOP, SUM], (0, 1)) == 1


def test_confidence_grows_with_mass_and_examples() -> None:
    def sure(mass: float, passed: float | None) -> float:
        return confidence(Evidence(mass, mass, mass, passed, 0.0))

    assert sure(0.1, None) < sure(0.5, None) < sure(1.0, None)
    assert sure(0.5, 0.0) < sure(0.5, 1.0)
    nothing = choose([BROKEN], [Behaviour("! syntax", (), "syntax")])
    assert (nothing.best, nothing.confidence) == (None, 0.0)


def test_repair_tells_what_failed_and_stops_when_it_passes(box: Sandbox) -> None:
    examples = [Example(([1, 2],), 3)]
    assert "f([1, 2]) must be 3" in feedback(box, MAX, "f", examples)
    assert feedback(box, SUM, "f", examples) == ""
    assert feedback(box, BROKEN, "f", examples).startswith("syntax")
    prompt, asked = "def f(a: list[int]) -> int:\n", []

    def write(text: str, turn: int) -> tuple[str, int]:
        asked.append(text)
        return (MAX if turn == 0 else SUM).removeprefix(prompt), 5

    done = repair(box, write, prompt, "f", examples, 3)
    assert [t.program for t in done] == [MAX, SUM]
    assert asked[1].startswith(MAX.rstrip())
    assert "# Wrong: f([1, 2]) must be 3" in asked[1]
    assert asked[1].endswith(prompt)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("model")
    spec = importlib.util.spec_from_file_location("models", Path(__file__).parent / "models.py")
    assert spec is not None
    assert spec.loader is not None
    models = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(models)
    models.policy(5).save(path)
    return str(path)


def command(capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[int, str, str]:
    status = main(["generate", *argv])
    out, err = capsys.readouterr()
    return status, out, err


def test_every_strategy_writes(folder: str, capsys: pytest.CaptureFixture[str]) -> None:
    base = ["--model", folder, "--max-new-tokens", "10", "--format", "json", "def f(a):"]
    texts = {}
    for name in ("sample", "lookup", "beam", "contrastive"):
        status, out, _ = command(capsys, "--strategy", name, *base)
        assert status == 0
        texts[name] = json.loads(out)["samples"][0]
    assert texts["sample"] == texts["lookup"]
    assert texts["beam"]["logprob"] >= texts["sample"]["logprob"] - 1e-3
    assert (
        command(capsys, "--strategy", "beam", "--beams", "1", *base)[1]
        == (command(capsys, *base)[1])
    )


def test_a_streamed_text_is_the_text(folder: str, capsys: pytest.CaptureFixture[str]) -> None:
    base = ["--model", folder, "--max-new-tokens", "10", "def f(a):"]
    whole = json.loads(command(capsys, "--format", "json", *base)[1])
    expected = whole["prompt"] + whole["samples"][0]["text"]
    assert command(capsys, *base)[1].rstrip("\n") == expected.rstrip("\n")


def test_rank_abstains_below_the_asked_confidence(
    folder: str, capsys: pytest.CaptureFixture[str]
) -> None:
    base = ["--model", folder, "--constrained", "--rank", "--n", "4", "--temperature", "1",
            "--max-new-tokens", "8", "def f(a):\n    return "]  # fmt: skip
    status, out, _ = command(capsys, *base, "--format", "json")
    told = json.loads(out)
    assert status == (1 if told["abstained"] else 0)
    status, out, err = command(capsys, *base, "--min-confidence", "1")
    assert (status, out) == (1, "")
    assert "abstains" in err


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["--rank", "--n", "4", "x"], "at temperature 0"),
        (["--alpha", "2", "x"], "--alpha"),
        (["--min-p", "-1", "x"], "--min-p"),
        (["--example", "f(x)", "x"], "not a call with a known result"),
        (["--strategy", "bean", "x"], "bean"),
        (["--constrained", "nowhere.json", "def f():"], "nowhere.json"),
        (["--constrained", "python", "please say"], "not the beginning"),
    ],
)
def test_mistakes_are_one_message(
    folder: str, capsys: pytest.CaptureFixture[str], argv: list[str], message: str
) -> None:
    status, out, err = command(capsys, "--model", folder, *argv)
    assert (status, out) == (2, "")
    assert message in err


def test_chat_continues_what_is_typed(
    folder: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import io

    typed = "def f(a):\n\n/python\n/tokens 6\nx = 1\n\nsay hi\n\n/what\n/quit\n"
    monkeypatch.setattr("sys.stdin", io.StringIO(typed))
    assert main(["chat", "--model", folder, "--max-new-tokens", "8"]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("def f(a):\n")
    assert "x = 1\n" in out
    assert "programs only" in err
    assert "not the beginning" in err
