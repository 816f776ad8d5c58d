"""Broken and hostile sources: the analyser answers for each, in bounded time, and claims nothing
about a function that does not parse.
"""

# ruff: noqa: E501 - a hostile text is easier to read on one line

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from neox.compiler import parse
from neox.compiler.complexity import Bound, analyze

FOLDER = Path(__file__).parent / "cases"
MOST_CPU_S = 20.0  # a hang, not a slow machine
_PIECES = re.compile(r"\w+|\s+|\S")
_WORDS = [
    "while", "for", "in", "return", "yield", "lambda", "not", "or", "if", "else:", "(", ")", "[",
    "]", ":", "=", "**", "//", "%", "0", "1", "n", "a", "f", "-1", "await", "*", "global", ",",
]  # fmt: skip


def answered(code: str) -> list[Bound]:
    start = time.process_time()
    bounds = analyze(parse(code))
    assert time.process_time() - start < MOST_CPU_S
    return bounds


def mutants(count: int) -> Iterator[str]:
    """Programs of the cases with pieces lost, doubled, swapped or replaced; always the same."""
    random = Random(5)
    sources = [
        block.partition("\n")[2]
        for file in sorted(FOLDER.glob("*.txt"))
        for block in file.read_text(encoding="utf-8").split("# case: ")[1:]
    ]
    for _ in range(count):
        pieces = _PIECES.findall(random.choice(sources))
        for _ in range(random.randrange(1, 5)):
            i, j = random.randrange(len(pieces)), random.randrange(len(pieces))
            match random.randrange(4):
                case 0:
                    del pieces[i]
                case 1:
                    pieces.insert(i, pieces[j])
                case 2:
                    pieces[i], pieces[j] = pieces[j], pieces[i]
                case _:
                    pieces[i] = random.choice(_WORDS)
        yield "".join(pieces)


@pytest.mark.slow
def test_mutated_programs_are_answered() -> None:
    for code in mutants(300):
        broken = {d.line for d in parse(code).diagnostics}
        for bound in answered(code):
            assert bound.theta is None or bound.line not in broken


HOSTILE = {
    "deep loops": "def f(n):\n" + "".join(f"{' ' * (i + 1)}for i{i} in range(n):\n" for i in range(90))
    + " " * 91 + "pass\n",
    "deep expressions": "def f(n):\n    return " + "(" * 900 + "n" + ")" * 900 + "\n",
    "long sums": "def f(n):\n    return " + "+".join(["n"] * 4_000) + "\n",
    "many branches": "def f(n):\n" + "".join(f"    if n > {i}:\n        n += {i}\n" for i in range(400)),
    "many calls": "def f(n):\n    return " + " + ".join(["f(n - 1)"] * 500) + "\n",
    "many functions": "".join(f"def f{i}(n):\n    return f{(i + 1) % 300}(n - 1)\n" for i in range(300)),
    "many steps": "def f(n):\n    return " + " + ".join(f"f(n - {i})" for i in range(1, 60)) + "\n",
    "large numbers": f"def f(n):\n    return f(n // {10**60}) + f(n - {10**40}) if n > {10**50} else 1\n",
    "odd fractions": "def f(n):\n    if n < 9: return 1\n    return "
    + " + ".join(f"f(n * {i} // {i + 1})" for i in range(1, 30)) + "\n",
    "powers of powers": "def f(n):\n    for i in range(2 ** 2 ** 2 ** n ** n):\n        pass\n",
    "many parameters": "def f(" + ", ".join(f"p{i}" for i in range(200)) + "):\n"
    + "".join(f"    for x in range(p{i}): pass\n" for i in range(200)),
    "nested functions": "".join(f"{' ' * i}def f{i}(n):\n" for i in range(80)) + " " * 80 + "pass\n",
    "nested comprehensions": "def f(n):\n    return "
    + "[" * 30 + "0" + "".join(f" for i{i} in range(n)]" for i in range(30)) + "\n",
    "a class that calls itself": "class A:\n    def __init__(self):\n        A()\n"
    "    def f(self):\n        return self.f()\n",
    "generators of each other": "def f(n):\n    yield from g(n)\ndef g(n):\n    yield from f(n)\n",
    "loops in else": "def f(n):\n" + "".join(
        f"{'    ' * (i + 1)}while n:\n{'    ' * (i + 2)}n -= 1\n{'    ' * (i + 1)}else:\n" for i in range(20)
    ) + "    " * 21 + "pass\n",
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_programs_are_answered(name: str) -> None:
    assert answered(HOSTILE[name])
