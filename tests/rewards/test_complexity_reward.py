"""The complexity reward: what earns it, and the known ways to game it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from neox.datasets.task import Task
from neox.rewards.complexity import Complexity, complexity
from neox.rewards.score import Attempt, Scored
from neox.sandbox import Sandbox

LINEAR = "O(n), n=len(a)"


@pytest.fixture(scope="module")
def box() -> Iterator[Sandbox]:
    with Sandbox(workers=1) as made:
        yield made


def attempt(code: str, contract: str | None = LINEAR, entry: str = "f") -> Attempt:
    return Attempt(Task("t", "", entry, (), contract=contract), code)


def by_proof(code: str, contract: str | None = LINEAR) -> float:
    [score] = complexity([attempt(code, contract)])
    assert isinstance(score, Scored)
    return score.value


@pytest.mark.parametrize(
    ("code", "value"),
    [
        ("def f(a):\n    s = 0\n    for x in a:\n        s += x\n    return s\n", 1.0),
        ("def f(a):\n    return len(set(a))\n", 1.0),
        ("def f(a):\n    return sorted(a)\n", 0.0),
        ("def f(a):\n    return sum(x in a for x in a)\n", 0.0),
        ("def f(a):\n    return g(a)\n", 0.0),
    ],
)
def test_value_for_a_proof(code: str, value: float) -> None:
    assert by_proof(code) == value


def test_no_contract_no_value() -> None:
    assert by_proof("def f(a):\n    return 1\n", None) == 0.0


GAMES = {
    "a cap that never binds": "def f(n):\n    for i in range(min(n, 10 ** 9)):\n        print(i)\n",
    "a constant that is no constant": "def f(n):\n    for i in range(10 ** 9):\n        pass\n",
    "work in an unknown callee": "import helper\ndef f(n):\n    helper.work(n)\n",
    "eval": "def f(n):\n    return eval('sum(range(n))')\n",
    "exec through a name": "e = exec\ndef f(n):\n    e('x')\n",
    "a magic method": (
        "class A:\n    def __add__(self, o):\n        return sum(range(10**6))\n"
        "def f(n):\n    return A() + A()\n"
    ),
    "another function under the name": "def f(n):\n    return n\ndef g(n):\n    pass\nf = g\n",
    "a later definition": "def f(n):\n    return n\ndef f(n):\n    for i in range(n): pass\n",
    "a builtin replaced": "def work(n):\n    pass\nabs = work\ndef f(n):\n    return abs(n)\n",
    "work at import": "T = [i * i for i in range(10 ** 6)]\ndef f(n):\n    return T[n]\n",
    "a cache across calls": (
        "from functools import lru_cache\n@lru_cache(maxsize=2)\ndef f(n):\n"
        "    return n if n < 2 else f(n - 1) + f(n - 2)\n"
    ),
    "an unknown decorator": (
        "def d(g):\n    def h(n):\n        for i in range(n):\n            pass\n"
        "        return g(n)\n    return h\n@d\ndef f(n):\n    return n\n"
    ),
    "a contract of its own": "# neox: O(n)\ndef f(n):\n    for i in range(n):\n        pass\n",
    "a docstring that promises": (
        'def f(n):\n    """Complexity: O(1)"""\n    for i in range(n):\n        pass\n'
    ),
    "raising for control": (
        "def f(n):\n    while True:\n        try:\n            n -= 1\n            if n < 0:\n"
        "                raise ValueError\n        except ValueError:\n            return 1\n"
    ),
    "a text that does not parse": "def f(n):\n    return (\n",
    "work through globals": "def f(n):\n    return globals()['g'](n)\ndef g(n):\n    pass\n",
}


@pytest.mark.parametrize("name", GAMES)
def test_games_earn_nothing(name: str, box: Sandbox) -> None:
    """Against the tightest contract, O(1), by proof and by counts."""
    tried = [attempt(GAMES[name], "O(1)")]
    assert complexity(tried) == Complexity(box)(tried)
    assert by_proof(GAMES[name], "O(1)") == 0.0


def test_counts_pay_what_no_proof_reaches(box: Sandbox) -> None:
    """The bound from above is unknown here, the counts are linear on every family."""
    code = (
        "def f(a):\n    p = [0] * len(a)\n    k = 0\n    for q in range(1, len(a)):\n"
        "        while k > 0 and a[k] != a[q]:\n            k = p[k - 1]\n"
        "        if a[k] == a[q]:\n            k += 1\n        p[q] = k\n    return p\n"
    )
    [proof] = complexity([attempt(code)])
    [counted] = Complexity(box)([attempt(code)])
    assert isinstance(proof, Scored)
    assert isinstance(counted, Scored)
    assert (proof.value, counted.value) == (0.0, 1.0)


def test_counts_see_the_adversarial_input(box: Sandbox) -> None:
    """Linear on random lists, quadratic on equal items: one family is enough to lose."""
    code = (
        "def f(a):\n    c = 0\n    for x in a:\n        if a[0] == a[-1]:\n"
        "            for y in helper(a):\n                c += 1\n    return c\n"
        "def helper(a):\n    return [v for v in a if opaque(v)]\n"
        "def opaque(v):\n    while v > 9:\n        v = v * v % 7\n    return True\n"
    )
    [score] = Complexity(box)([attempt(code)])
    assert isinstance(score, Scored)
    assert score.value == 0.0
