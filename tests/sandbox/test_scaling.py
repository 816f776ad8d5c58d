"""Growth is measured as it is: known algorithms, fresh inputs, the same counts every time."""

from __future__ import annotations

import math
from collections.abc import Iterator
from random import Random
from typing import Any

import pytest

from neox.sandbox import (
    Call,
    Count,
    Fit,
    Generator,
    Limits,
    Sandbox,
    Scaling,
    geometric,
    measure_scaling,
)
from neox.sandbox.codec import encode
from neox.sandbox.scaling import Point

SIZES = geometric(16, 512)
LOOP = "def f(a):\n    {before}\n    for x in a:\n        {body}\n    return {after}\n"


def numbers(size: int, random: Random) -> list[Any]:
    return [[random.randrange(10**6) for _ in range(size)]]


@pytest.fixture(scope="module")
def box() -> Iterator[Sandbox]:
    with Sandbox(workers=1) as sandbox:
        yield sandbox


def loop(before: str, body: str, after: str) -> str:
    return LOOP.format(before=before, body=body, after=after)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("code", "exponent"),
    [
        ("def f(a): return a[0]", 0),
        ("f = len", 0),
        (loop("s = 0", "s += x", "s"), 1),
        ("def f(a): return sum(a)", 1),
        ("def f(a): return max(map(abs, a))", 1),
        ("def f(a): return {x: 1 for x in a}", 1),
        ("def f(a):\n    for x in a: yield x", 1),
        (loop("s = set()", "s.add(x)\n        x in s", "s"), 1),
        (loop("s = []", "s.append(x)", "s"), 1),
        ("def f(a):\n    while a: a.pop()", 1),
        ("def f(a):\n    while a: a.pop(0)", 2),
        ("def f(a):\n    while a: del a[0]", 2),
        (loop("s = []", "s.insert(0, x)", "s"), 2),
        (loop("s = ''", "s = s + 'x'", "s"), 2),
        (loop("s = ()", "s += (x,)", "s"), 2),
        (loop("s = 0", "s += a.index(x)", "s"), 2),
        (loop("s = 0", "s += x in a", "s"), 2),
        (loop("s = 0", "s += len(a[:])", "s"), 2),
        (loop("s = 0", "s += len(f'{a}')", "s"), 2),
        ("def f(a): return [min(a) for _ in a]", 2),
        ("def f(a): return [(x, y) for x in a for y in a]", 2),
        ("def f(a): return sum(x * y for x in a for y in a)", 2),
        ("def f(a): return f(a[1:]) + 1 if a else 0", 2),
        (
            "class C:\n    def __init__(self, a): self.a = [*a]\n"
            "def f(a): return [C(a) for _ in a]",
            2,
        ),
    ],
)
def test_the_exponent_of_a_known_algorithm(box: Sandbox, code: str, exponent: int) -> None:
    fit = measure_scaling(box, code, "f", numbers, SIZES, trials=2).slope()
    assert fit is not None
    assert fit.low <= fit.slope <= fit.high
    assert abs(fit.slope - exponent) < 0.12, fit


@pytest.mark.slow
@pytest.mark.parametrize(
    "code",
    [
        "def f(a): return sorted(a)",
        "def f(a): a.sort()",
        "import heapq\ndef f(a):\n    h = []\n    for x in a: heapq.heappush(h, x)",
        "def f(a):\n    return a if len(a) < 2 else f(a[:len(a) // 2]) + f(a[len(a) // 2:])",
    ],
)
def test_a_logarithm_more_than_linear_is_seen(box: Sandbox, code: str) -> None:
    scaling = measure_scaling(box, code, "f", numbers, SIZES, trials=2)
    assert scaling.exceeds(lambda n: n) is True
    assert scaling.exceeds(lambda n: n * math.log(n)) is False
    assert scaling.exceeds(lambda n: n * n) is False


@pytest.mark.slow
def test_counts_are_the_same_every_time_and_inputs_are_fresh(box: Sandbox) -> None:
    code = "def f(a): return [x for x in a if x % 3]\n"
    seen: list[list[int]] = []

    def remember(size: int, random: Random) -> list[Any]:
        seen.append(numbers(size, random)[0])
        return [seen[-1]]

    def counts(seed: int) -> list[int]:
        found = measure_scaling(box, code, "f", remember, SIZES, seed=seed)
        return [p.operations for p in found.points]

    assert counts(1) == counts(1)
    count = len(SIZES) * 3
    assert seen[:count] == seen[count:]
    assert len({tuple(values) for values in seen}) == count
    assert len(counts(2)) == count
    assert not {tuple(values) for values in seen[:count]} & {tuple(v) for v in seen[2 * count :]}


@pytest.mark.slow
def test_inputs_from_a_generator_in_a_jail(box: Sandbox) -> None:
    text = "import random\ndef generate(n, seed):\n    random.seed(seed)\n"
    text += "    return [{random.random(): (i,) for i in range(n)}]"
    code = "def f(table): return sum(len(v) for v in table.values())"
    fit = measure_scaling(box, code, "f", Generator(text), SIZES).slope()
    assert fit is not None
    assert abs(fit.slope - 1) < 0.05
    for bad, why in [
        ("def generate(n, seed): return n", "must return a list"),
        ("def generate(n, seed): return [object()]", "not plain data"),
        ("def generate(n, seed): raise KeyError(n)", "KeyError"),
        ("import os\ndef generate(n, seed): os._exit(0)", "without a complete answer"),
        ("def generate(n, seed): return [open('/etc/passwd').read()]", "Error"),
    ]:
        with pytest.raises(ValueError, match=why):
            measure_scaling(box, code, "f", Generator(bad), SIZES)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("def f(a):\n    while True: pass", "over 10000 operations"),
        ("def f(a):\n    try:\n        while True: pass\n    except BaseException: pass", "over"),
        ("def f(a): return 1 / 0", "ZeroDivisionError"),
        ("def f(a", "SyntaxError"),
        ("def g(a): pass", "KeyError"),
        ("import time\ndef f(a): time.sleep(9)", "timeout"),
    ],
)
def test_what_cannot_be_measured_says_why(box: Sandbox, code: str, why: str) -> None:
    limits = Limits(cpu_s=1, wall_s=0.5)
    found = measure_scaling(box, code, "f", numbers, SIZES, most=10_000, limits=limits)
    assert why in found.stopped
    assert (found.points, found.slope(), found.exceeds(lambda n: n)) == ((), None, None)


@pytest.mark.slow
def test_counting_changes_no_result(box: Sandbox) -> None:
    """The counted program checks itself while it runs; an exception would end the measurement."""
    code = '''
from __future__ import annotations
from dataclasses import dataclass
from functools import lru_cache, reduce
@dataclass(order=True)
class P:
    x: int | None = 0
    def twice(self, *more: int, **named: int) -> int:
        """Doc."""
        return super().__init__() or 2 * self.x + sum(more) + sum(named.values())
    @property
    def half(self): return self.x // 2
class Q(P):
    def __init__(self, *a): super().__init__(*a)
@lru_cache(maxsize=None)
def fib(n): return n if n < 2 else fib(n - 1) + fib(n - 2)
def f(a):
    "Doc."
    global total
    total = 0
    assert f.__doc__ == "Doc." and P.twice.__doc__ == "Doc."
    assert fib(60) == 1548008755920 and Q(3) > Q(2)
    assert P(3).twice(1, *[2], k=4) == 13 and P(9).half == 4
    (b, *c), d = [1, 2, 3], {**{"x": 1}, "y": 2}
    assert c == [2, 3] and d == {"x": 1, "y": 2} and 1 in c + [b] and 7 not in d
    x = [1, 2]; y = x; x += [3]; assert y is x
    x[1:2] = [8, 9]; del x[0]; del x[0:1]; assert x == [9, 3]
    assert 0 < b <= 1 != 2 and f"{b:>{2}}{b!r}" == " 11"
    assert reduce(lambda p, q: p * q, range(1, 6)) == 120 and 2**100 % 7 == 2
    assert [*zip("ab", range(2))] == [("a", 0), ("b", 1)]
    assert sorted("ba", key=str.upper) == ["a", "b"]
    assert next(iter({5})) == 5 and "-".join(c for c in "abc") == "a-b-c"
    assert (w := 3) == 3 and (lambda n=2: n + w)() == 5 and int("12") == 12
    match [b, -1, "k"]:
        case [1, -1, str() as s] if s: total += 1
    try: raise ValueError("no")
    except ValueError as error: assert str(error) == "no"
    def gen():
        got = yield 1
        yield from [got, 3]
    g = gen(); assert next(g) == 1 and g.send(2) == 2 and list(g) == [3]
    assert total == 1
'''
    assert box.run(Call(code, "f", [[[]]], [None])).verdict == "pass", "uncounted"
    found = measure_scaling(box, code, "f", numbers, (16, 32, 64))
    assert found.stopped == ""
    assert {p.operations for p in found.points} == {found.points[0].operations}


@pytest.mark.slow
def test_a_count_that_lies_is_seen_in_the_time(box: Sandbox) -> None:
    """The meter lies in the program's process, so it can be held still; the CPU cannot."""
    code = """
class Still(int):
    def __add__(self, other): return self
    def __iadd__(self, other): return self
def f(a):
    __meter__.count = Still(5)
    s = 0
    for x in a:
        for y in a:
            s += x ^ y
    return s
"""
    found = measure_scaling(box, code, "f", numbers, geometric(128, 1024), trials=2)
    fit = found.slope()
    assert fit is None or found.hidden


@pytest.mark.slow
def test_a_forged_count_is_no_count(box: Sandbox) -> None:
    for claim in (b'"5"', b"[5]", b"true", b"5.5"):
        code = f"""
import os, struct
def f(a):
    os.write(4, struct.pack("<IB", {len(claim)}, 0) + {claim!r} + struct.pack("<IB", 0, 5))
    os._exit(0)"""
        assert measure_scaling(box, code, "f", numbers, SIZES).points == ()
    claim = b"5"
    twice = f"import os\ndef f(a): os.write(4, {claim!r} * 9); os._exit(0)"
    assert box.run(Count(twice, "f", encode([[1]]))).verdict == "error"


def test_the_slope_and_its_interval() -> None:
    points = tuple(Point(n, 3 * n**2, 0.0) for n in (8, 16, 32, 64, 128))
    fit = Scaling(points, "", 0).slope()
    assert isinstance(fit, Fit)
    assert fit.slope == pytest.approx(2)
    assert fit.high - fit.low < 1e-6
    assert fit.points == 3
    noisy = tuple(Point(n, n + 5 * (i % 2), 0.0) for i, n in enumerate((8, 16, 32, 64, 128)))
    wide = Scaling(noisy, "", 0).slope()
    assert wide is not None
    assert wide.low < 1 < wide.high
    assert Scaling(points[:2], "", 0).slope() is None
    with pytest.raises(ValueError, match="positive"):
        Scaling(points, "", 0).slope(lambda n: n - 32)
    assert geometric(4, 20, 1.5) == (4, 6, 9, 14, 20)
    assert geometric(1, 5, 1.01) == (1, 2, 3, 4, 5)
