"""Completions as they come from models, and worse: about a hundred kinds, made from the references.

`make(problems, per_task, seed)` gives (kind, task_id, completion) rows; a completion follows on its
task's prompt. Kinds that take seconds are given to a few tasks only. All are harmless to run.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple


class Source(NamedTuple):
    """A problem to be odd about: its prompt, its function, a body that is right."""

    id: str
    prompt: str
    entry: str
    body: str


Maker = Callable[[Source, random.Random], str]

SWAPS = [
    ("==", "!="), ("<", "<="), (">", ">="), ("+", "-"), ("-", "+"), ("*", "+"), (" 0", " 1"),
    (" 1", " 2"), ("True", "False"), ("False", "True"), (" and ", " or "), (" not ", " "),
    ("max", "min"), ("[]", "[0]"), ('""', '"x"'), ("range(", "range(1, 1 + "), ("sorted", "list"),
]  # fmt: skip


def swapped(source: Source, chance: random.Random) -> str:
    """The body with one operator, constant or name changed where there is one to change."""
    places = [(m.start(), a, b) for a, b in SWAPS for m in re.finditer(re.escape(a), source.body)]
    if not places:
        return source.body
    at, old, new = chance.choice(places)
    return source.body[:at] + new + source.body[at + len(old) :]


def cut(source: Source, chance: random.Random) -> str:
    return source.body[: chance.randrange(len(source.body))]


def without_a_line(source: Source, chance: random.Random) -> str:
    lines = source.body.splitlines(keepends=True)
    del lines[chance.randrange(len(lines))]
    return "".join(lines)


def two_lines_swapped(source: Source, chance: random.Random) -> str:
    lines = source.body.splitlines(keepends=True)
    a, b = chance.randrange(len(lines)), chance.randrange(len(lines))
    lines[a], lines[b] = lines[b], lines[a]
    return "".join(lines)


def letter_lost(source: Source, chance: random.Random) -> str:
    at = chance.randrange(len(source.body))
    return source.body[:at] + source.body[at + 1 :]


def before(text: str) -> Maker:
    """Statements in front of the body, one level in."""
    block = "".join(f"    {line}\n" for line in text.splitlines())
    return lambda source, _: block + source.body


def after(text: str) -> Maker:
    """Module code behind the function."""
    return lambda source, _: f"{source.body.rstrip()}\n\n{text}\n".replace("ENTRY", source.entry)


def instead(text: str) -> Maker:
    block = "".join(f"    {line}\n" for line in text.splitlines())
    return lambda source, _: block.replace("ENTRY", source.entry)


def wrapped(text: str) -> Maker:
    """The right function under another name, and code that uses it as RIGHT."""

    def make(source: Source, _: random.Random) -> str:
        code = text.replace("ENTRY", source.entry).replace("RIGHT", "right_of_" + source.entry)
        return f"{source.body.rstrip()}\n\nright_of_{source.entry} = {source.entry}\n{code}\n"

    return make


KINDS: Mapping[str, Maker] = {
    "right": lambda s, _: s.body,
    "right, no final newline": lambda s, _: s.body.rstrip(),
    "right, blank lines and spaces": lambda s, _: s.body.replace("\n", "   \n\n"),
    "right, carriage returns": lambda s, _: s.body.replace("\n", "\r\n"),
    "right, comments": before("# a comment\n'''a string\n\n    of lines'''"),
    "right, unicode": before("größe = 'ß∂ƒ 漢字 🎈'\nĳ = größe.upper()"),
    "right, form feed": lambda s, _: "    pass\n\f\n" + s.body,
    "right, tabs": lambda s, _: re.sub(
        "^(    )+", lambda m: "\t" * (len(m[0]) // 4), s.body, flags=re.M
    ),
    "right, tabs within spaces": lambda s, _: "    if True:\n    \tpass\n" + s.body,
    "right, eight spaces": lambda s, _: re.sub("^    ", "        ", s.body, flags=re.M),
    "right, repeated whole": lambda s, _: f"    pass\n\n{s.prompt}{s.body}",
    "right, a second function": after("def other(x):\n    return x / 0"),
    "right, main guard": after("if __name__ == '__main__':\n    raise SystemExit(3)"),
    "right, imports inside": before("import math, sys, re, collections\nfrom typing import *"),
    "right, cached": wrapped(
        "import functools\ndef ENTRY(*a):\n    return functools.lru_cache(lambda: RIGHT(*a))()"
    ),
    "right, a class": wrapped(
        "class Solution:\n    def run(self, *a):\n        return RIGHT(*a)\nENTRY = Solution().run"
    ),
    "right, lambda": wrapped("ENTRY = lambda *a: RIGHT(*a)"),
    "right, prints": before("print('called', flush=True)"),
    "right, prints much": before("print('x' * 20000)"),
    "right, writes to stderr": before("import sys\nsys.stderr.write('warning')"),
    "right, warns": before("import warnings\nwarnings.warn('old')"),
    "right, thread": before(
        "import threading\nt = threading.Thread(target=int)\nt.start()\nt.join()"
    ),
    "right, a deeper stack": before("import sys\nsys.setrecursionlimit(5000)"),
    "right, seeds": before("import random\nrandom.seed(1)"),
    "right, swallows": lambda s, _: (
        "    try:\n"
        + re.sub("^(?=.)", "    ", s.body.rstrip() + "\n", flags=re.M)
        + "    except ZeroDivisionError:\n        raise\n"
    ),
    "empty": lambda s, _: "",
    "pass": instead("pass"),
    "ellipsis": instead("..."),
    "returns nothing": instead("return None"),
    "returns its arguments": instead("return locals()"),
    "returns True": instead("return True"),
    "returns 0": instead("return 0"),
    "not implemented": instead("raise NotImplementedError('soon')"),
    "one change": swapped,
    "another change": swapped,
    "one more change": swapped,
    "cut": cut,
    "cut elsewhere": cut,
    "a line lost": without_a_line,
    "two lines swapped": two_lines_swapped,
    "a letter lost": letter_lost,
    "three spaces": lambda s, _: re.sub("^    ", "   ", s.body, count=1),
    "not indented": lambda s, _: re.sub("^    ", "", s.body, flags=re.M),
    "fenced": lambda s, _: f"```python\n{s.prompt}{s.body}```\n",
    "a fence behind": lambda s, _: f"{s.body.rstrip()}\n```\n\nThis function works.\n",
    "prose behind": lambda s, _: f"{s.body.rstrip()}\n\nThis function works.\n",
    "prose in front": lambda s, _: f"Here is the function:\n{s.body}",
    "a null byte": lambda s, _: s.body.rstrip() + "  # \0\n",
    "print statement": before("print 'hello'"),
    "a name that is missing": before("unknown_name"),
    "reads input": before("input()"),
    "reads stdin": before("import sys\nsys.stdin.read()"),
    "reads stdin at the end": after("import sys\nassert not sys.stdin.read()"),
    "exits": before("import sys\nsys.exit(0)"),
    "exits with quit": before("raise SystemExit"),
    "exits at the end": after("raise SystemExit(0)"),
    "interrupts": before("raise KeyboardInterrupt"),
    "raises what nobody catches": after("class Odd(BaseException):\n    pass\nraise Odd()"),
    "fails at the end": after("assert False, 'not yet'"),
    "tests itself": after("def test():\n    assert callable(ENTRY)\ntest()"),
    "redefines check": after("def check(candidate):\n    return True"),
    "redefines itself": after("def ENTRY(*args):\n    return None"),
    "deletes itself": after("del ENTRY"),
    "a string instead": after("ENTRY = 'not a function'"),
    "arguments lost": wrapped("def ENTRY():\n    return RIGHT()"),
    "a generator": wrapped("def ENTRY(*a):\n    yield RIGHT(*a)"),
    "a coroutine": wrapped("async def ENTRY(*a):\n    return RIGHT(*a)"),
    "a tuple": wrapped("def ENTRY(*a):\n    return (RIGHT(*a),)"),
    "lists as tuples": wrapped(
        "def ENTRY(*a):\n    r = RIGHT(*a)\n    return tuple(r) if isinstance(r, list) else r"
    ),
    "numbers as floats": wrapped(
        "def ENTRY(*a):\n    r = RIGHT(*a)\n    return float(r) if type(r) is int else r"
    ),
    "truth as numbers": wrapped(
        "def ENTRY(*a):\n    r = RIGHT(*a)\n    return int(r) if type(r) is bool else r"
    ),
    "numbers as text": wrapped("def ENTRY(*a):\n    return str(RIGHT(*a))"),
    "almost": wrapped(
        "def ENTRY(*a):\n    r = RIGHT(*a)\n    return r + 1e-9 if type(r) is float else r"
    ),
    "not a number": wrapped(
        "def ENTRY(*a):\n    r = RIGHT(*a)\n    return float('nan') if type(r) is float else r"
    ),
    "subclasses": wrapped(
        "class S(str): pass\nclass L(list): pass\nclass I(int): pass\n"
        "def ENTRY(*a):\n    r = RIGHT(*a)\n"
        "    for new, old in ((S, str), (L, list), (I, int)):\n"
        "        if type(r) is old: return new(r)\n    return r"
    ),
    "ordered": wrapped(
        "import collections\ndef ENTRY(*a):\n    r = RIGHT(*a)\n"
        "    return collections.OrderedDict(r) if type(r) is dict else r"
    ),
    "right the first time": wrapped(
        "calls = []\ndef ENTRY(*a):\n    calls.append(a)\n"
        "    return RIGHT(*a) if len(calls) == 1 else None"
    ),
    "remembers": wrapped(
        "seen = []\ndef ENTRY(*a):\n    seen.append(a)\n    return RIGHT(*seen[0])"
    ),
    "empties its arguments": wrapped(
        "def ENTRY(*a):\n    r = RIGHT(*a)\n"
        "    for x in a:\n        if isinstance(x, list): x.clear()\n    return r"
    ),
    "recursion without end": instead("return ENTRY(*([None] * ENTRY.__code__.co_argcount))"),
    "a million deep": before("x = []\nfor _ in range(1000000): x = [x]\nrepr(x)"),
    "a module that is missing": before("import numpie"),
    "a module at the end": after("import this_is_missing"),
    "exits hard": after("import os\nos._exit(0)"),
    "leaves with a return": after("return 0"),
    "yields outside": after("yield 0"),
    "nonlocal": before("nonlocal nothing"),
    "walrus": before("if (n := 10) > 5: pass"),
    "match": before("match 3:\n    case 3: pass"),
    "type parameters": after("def generic[T](x: T) -> T:\n    return x"),
    "an assertion": before("assert 1 == 1, 'fine'"),
    "a global": before("global state\nstate = 1"),
}
"""Every kind by name."""

SLOW: Mapping[str, Maker] = {
    "loops": instead("while True: pass"),
    "loops at the end": after("while True: pass"),
    "sleeps": before("import time\ntime.sleep(30)"),
    "grows": instead("x = 3\nwhile True: x = x * x % 10**4000 + 1"),
    "a slow right one": before("import time\ntime.sleep(0.01)"),
}


def make(problems: Sequence[Source], per_task: int, seed: int) -> Iterator[tuple[str, str, str]]:
    """`per_task` kinds for each problem in turn, and every slow kind for four of them."""
    names = list(KINDS)
    at = 0
    for problem in problems:
        for _ in range(per_task):
            kind = names[at % len(names)]
            at += 1
            chance = random.Random(f"{seed}/{problem.id}/{kind}")
            yield kind, problem.id, KINDS[kind](problem, chance)
    for number, (kind, maker) in enumerate(SLOW.items()):
        for problem in problems[number :: len(problems) // 4][:4]:
            yield kind, problem.id, maker(problem, random.Random(0))
