"""progress(): 1 for a program, nearly 1 for what is only unfinished, else where the error is."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from neox.compiler import parse, progress

SHARED = Path(os.environ.get("NEOX_SHARED", Path(__file__).parents[3] / "shared"))

SYNTAX_TOUR = '''f"{a!r:>{w}} {b=} {{x}}" + rb"\\x00"
match x:
    case [1, *_] | {"a": A(b=c)} if y:
        pass
async def f(a, /, b: int = 1, *c, d=2, **e) -> int:
    async with a as b, c: await x
    return [i async for i in x if not i]
class A[T: int = str](B, k=1):
    @d.e
    def g(self): yield from x
try:
    raise A from B
except* (A, B) as e:
    x: int = 0x1F + 1e5 + 0b1 + 1_0j
else:
    del x[1:2, ::3], y.z
finally:
    global q
with (a as b, c as d):
    x = y = lambda *a, k=1: (yield)
    x <<= 1; y //= 2 if a not in b else 3
from ..a import (b as c, d)
assert x is not y, "m"
for i, *j in *a, b: print(*a, **b, c={**a, "b": {k: v for k, v in z}})
x \\
  = "a\\N{DIGIT ONE}" \'b\' """c
d"""
'''


def test_the_tour_is_a_program() -> None:
    assert parse(SYNTAX_TOUR).diagnostics == ()


@pytest.mark.parametrize("text", ["", "x = 1", "def f(): pass\n", "# only a comment"])
def test_a_program_scores_one(text: str) -> None:
    assert progress(text) == 1.0


@pytest.mark.parametrize(
    "text",
    [
        "f(1,", "def f():", "def f():\n", "if a:\n    ", "x = 'abc", 'x = """abc\ndef', "x = (",
        "x = 1 +", "x = a.", "x = f'{a", "try:\n    a\n", "@a\n", "x = \\\n", "x = 0x", "x = 1e",
        "a !", "x = a not i", "for", "from a i", "match x:\n    c", "with (a as b",
    ],
)  # fmt: skip
def test_unfinished_text_scores_just_below_one(text: str) -> None:
    assert len(text) / (len(text) + 1) == pytest.approx(progress(text))
    assert progress(text) < 1.0


@pytest.mark.parametrize(
    ("text", "reached"),
    [
        ("x = = 1", 4),
        ("x = 1\ny z = 2\n", 8),
        ("def f(:\n    pass\n", 6),
        ("x = 'abc\ny = 1\n", 4),
        ("x = )", 4),
        ("return return 1", 7),
        ("x = (1\nimport os\n", 6),
        ("if a:\nb\n", 6),
        ("Sure! Here is the code", 4),
    ],
)
def test_an_error_ends_the_viable_part(text: str, reached: int) -> None:
    assert progress(text) == pytest.approx(reached / (len(text) + 1))


def test_every_prefix_of_a_program_is_viable() -> None:
    for cut in range(len(SYNTAX_TOUR)):
        assert progress(SYNTAX_TOUR[:cut]) >= cut / (cut + 1), SYNTAX_TOUR[:cut]


@pytest.mark.slow
def test_every_prefix_of_human_solutions_is_viable() -> None:
    path = SHARED / "data" / "humaneval" / "HumanEval.jsonl"
    if not path.exists():
        pytest.skip(f"{path} is not there: set NEOX_SHARED")
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    for row in rows[::12]:
        text = row["prompt"] + row["canonical_solution"]
        for cut in range(0, len(text), 3):
            assert progress(text[:cut]) >= cut / (cut + 1), text[:cut]
