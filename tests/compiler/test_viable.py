"""The acceptor against CPython: no dead ends, and no program it would not let be written."""

import ast
import itertools
import random
import sys
import warnings

import pytest

from neox.compiler import parse
from neox.compiler.viable import Acceptor, State
from neox.compiler.viable import kinds as k

RUNNING = sys.version_info[:2]
# Pieces that walks are made of, so that they reach all corners of the grammar.
PIECES = [
    *"x y _ match case type f( ( [ { ) ] } , : = := . ... -> * ** + - ~ @ / | < == != +=".split(),
    *"0 1j 0x1f 1e5 1. 'a' b'c' f'{ {{ }} !r \\ # \\n \\x41 \\N{DIGIT' \"\"\" f\"\"\"".split(),
    *"lambda if else elif for in is not and or await async def class return yield from".split(),
    *"import as with try except finally while pass del global assert raise True None é".split(),
    *(" ", "  ", "\n", "\n ", "\n    ", "\t", "\r", "\f", "\n\n"),
]


@pytest.fixture(scope="module")
def acceptor() -> Acceptor:
    return Acceptor(RUNNING)


@pytest.fixture(scope="module")
def latest() -> Acceptor:
    return Acceptor()


def accepted(text: str) -> bool:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            ast.parse(text)
        except (SyntaxError, ValueError):
            return False
    return True


def finished(acceptor: Acceptor, state: State, text: bytes) -> bytes:
    """The text with the end that the costs lead to."""
    while acceptor.cost(state) > 0:
        before = acceptor.cost(state)
        for byte in range(255, 8, -1):
            after = acceptor.advance(state, byte)
            if after is not None and acceptor.cost(after) < before:
                break
        else:
            raise AssertionError(f"a dead end after {text!r}")
        state, text = after, text + bytes([byte])
    return text


def walk(acceptor: Acceptor, rng: random.Random, steps: int) -> tuple[State, bytes]:
    state, text = acceptor.start(), b""
    for _ in range(steps):
        piece = rng.choice(PIECES).encode() if rng.random() < 0.8 else bytes([rng.randrange(256)])
        after = acceptor.read(state, piece)
        if after is not None:
            state, text = after, text + piece
    return state, text


def test_walks_end_in_programs(acceptor: Acceptor) -> None:
    rng = random.Random(1)
    for _ in range(60):
        text = finished(acceptor, *walk(acceptor, rng, rng.randrange(60))).decode()
        assert accepted(text), text


@pytest.mark.parametrize("version", [(3, 12), (3, 14)])
def test_walks_end_in_programs_of_their_version(version: tuple[int, int]) -> None:
    acceptor, rng = Acceptor(version), random.Random(2)
    for _ in range(30):
        text = finished(acceptor, *walk(acceptor, rng, rng.randrange(50))).decode()
        assert not parse(text, version).diagnostics, text


def test_the_cost_is_enough_and_falls(latest: Acceptor) -> None:
    rng = random.Random(3)
    for _ in range(60):
        state, text = walk(latest, rng, rng.randrange(40))
        assert len(finished(latest, state, text)) - len(text) <= latest.cost(state)


@pytest.mark.parametrize(
    ("before", "symbols"),
    [
        ("", "x=(),:*."),
        ("", "x\n :\\#"),
        ("", "[]{}:,*x"),
        ("", "0_e.jx1f"),
        ("f'{", "f'{}!:=x"),
        ("f'{x", "f'{}!:=x"),
        ("f'{x:", "f'{}!:=x"),
        ("f'{", "#x}' f\n"),
        ("f'{\"", "\"#x}'"),
        ("f'{f\"", "\"#x}'"),
        ("if x:\n ", "\\\n x#\t"),
        ("if x: #", "\n x\t"),
        ('f"""{x', "f\"'}!r\n#"),
    ],
)
def test_small_scope(acceptor: Acceptor, before: str, symbols: str) -> None:
    """A text of up to three symbols is viable exactly if it is a program or one goes on so."""
    for size in range(4):
        for letters in itertools.product(symbols, repeat=size):
            text = before + "".join(letters)
            state = acceptor.read(acceptor.start(), text.encode())
            assert (state is not None and acceptor.complete(state)) == accepted(text), text
            if state is not None:
                assert accepted(finished(acceptor, state, text.encode()).decode()), text


VALID = """
match = type = case = 1
match x:
    case [a, *_] | {"k": -1 + 2j, **rest} if a: pass
    case A.B(c, d=_): pass
match[a]: int = 1
match (a, b): 
  case _: 0
type(x), match(y), print(f"{x!r:>{width}}", rb'\\x', 1if a else 2, sep='')
with (open(a) as b, c as (d, *e),): pass
with (a, b) as c, (d): pass
async def f(a, /, b: int = 1, *args, c, d=2, **kw) -> (yield): await x; return *a, b
try:
\tx
except* (A, B) as e: 0
else:\n\t0
for (a+b).c, [d, *e] in x, *y: del (a, [b]), c.d
x = lambda *a, b=lambda: 1, **k: (yield)
a[1:2, ::3, *b, c:=1] = *d, e = {**f, 'a': 1}
from .... import (a as b, c,)
x: (y) = yield\\
  z
if x:
        a
elif y: b
# the end
"""


def test_programs_are_viable_to_their_end(latest: Acceptor) -> None:
    assert not parse(VALID).diagnostics
    for text in (VALID, VALID.replace("\n", "\r"), VALID.replace("\n", "\r\n")):
        state = latest.read(latest.start(), text.encode())
        assert state is not None
        assert latest.complete(state)


@pytest.mark.parametrize(
    ("text", "dead"),
    [
        ("f(a=1, b", ")"),
        ("x = y ", ":"),
        ("try:\n  x\n", "y"),
        ("for a ", "+"),
        ("'\\N{DIGIT ON", "X"),
        ("f'{lambda", " "),
        ("b'", "é"),
        ("if x:\n  y\n ", "z"),
        ("1_", "x"),
        ("class A(x ", "for"),
        ("x = (1 ", "# comment\n]"),
        ("if x ", "#"),
        ("def f(a=1, b", ")"),
        ("'a' ", "b"),
        ("f(**a, *", "b"),
        ("del ", "*"),
    ],
)
def test_what_no_program_goes_on_with(latest: Acceptor, text: str, dead: str) -> None:
    state = latest.read(latest.start(), text.encode())
    assert state is not None
    assert latest.read(state, dead.encode()) is None


def test_limits_of_nesting(latest: Acceptor) -> None:
    assert latest.read(latest.start(), b"(" * 200) is not None
    assert latest.read(latest.start(), b"(" * 201) is None
    blocks = b"".join(b" " * i + b"if x:\n" for i in range(100))
    assert latest.read(latest.start(), blocks[:-105] + b" " * 99 + b"y") is not None
    assert latest.read(latest.start(), blocks + b" " * 100 + b"y") is None


def test_forced_bytes(latest: Acceptor) -> None:
    state = latest.read(latest.start(), b"match x:\n c")
    assert state is not None
    assert latest.forced(state) == b"ase"


@pytest.mark.parametrize("minor", range(8, 15))
def test_every_state_of_the_grammar_leads_to_an_end(minor: int) -> None:
    machine = Acceptor((3, minor)).machine
    for state, row in enumerate(machine.costs()):
        if not machine.returns[state]:
            assert min(size for size, _ in row) < 1000, (state, k.KINDS)
