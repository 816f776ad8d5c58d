"""Mutated programs and very long lines: the frontend raises nothing, loses nothing, stays linear.

Input number i of a seed is the same wherever a run begins, so 10^6 of them can be done in pieces
(`--first 200000 --inputs 200000`). Each is a window of some lines of a corpus or standard library
file with one to eight changes, read as text or as bytes and as some version of Python. Checked
every time: the text comes back exactly, nodes lie within it, error nodes and diagnostics go
together, `emit` gives text, what is emitted of a valid program is valid, and the acceptor of viable
prefixes (on every tenth) agrees with the parser. `--lines MB` reads long lines of several kinds
instead and compares the time for a quarter of their length with that for the whole.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
import traceback
from pathlib import Path

from neox.compiler import emit, nodes, parse, progress, tokenize, validate, walk
from neox.compiler.viable import Acceptor

CORPORA = Path(__file__).resolve().parents[2] / "shared" / "corpora"
HOT = [
    *"( ) [ ] { } ' \" ''' \"\"\" f' f\" f''' t' rb' b' u' \\ # : , ; = := == != -> ...".split(),
    *". @ * ** / // % + - ~ ! < > |= 0 0x 1e 1_ 1j 1.e x _ if else elif for in while def".split(),
    *"return yield lambda match case type try except finally with as not and or is async".split(),
    *"await import from pass del global nonlocal assert raise None True print exec class".split(),
    *("\n", "\n    ", "\n\t", "\r", "\r\n", "\f", " ", "    ", "\t", "\0", "\x1a", "\\\n", "\xe9"),
    *("\ufeff", "\u2028", "\xa0", "\ud800", "\u017f", "\U0001d41d", "{{", "}}", "{x!r:>{y}}"),
    "# -*- coding: latin-1 -*-\n",
]
KINDS: dict[str, str] = {
    "open brackets": "([{", "closed brackets": "()", "closing": ")", "names": "x", "signs": "-",
    "nots": "not ", "sums": "1+", "powers": "x**", "attributes": "x.", "calls": "f()",
    "pairs": "x:", "tuples": "x,", "assignments": "x=", "lambdas": "lambda:",
    "conditionals": "x if y else ", "quotes": "'", "double triples": '"""', "strings": "'a'",
    "f-strings": "f'{x}'", "open fields": "f'{", "open fields with quotes": 'f\'{"',
    "braces": "{", "fields in a spec": "f'{x:{", "backslashes": "\\\n", "tabs": "\t",
    "feeds": "\x0c ", "nulls": "\x00", "digits": "9", "hex": "0xf", "underscores": "1_",
    "points": ".", "semicolons": "x;", "ats": "@", "stars": "*", "comments": "#",
    "letters": "\xe9", "marks": "!", "surrogates": "\ud800", "comparisons": "x<", "ors": "x or ",
    "subscripts": "x[", "slices": "x[:", "walrus": "(x:=", "defs": "def f(", "ifs": "if x:",
    "matches": "match x: case ", "withs": "with (x as ", "imports": "from x import (",
    "yields": "yield ", "statements": "x = f(a, 'b')\n", "blocks": "if x:\n ",
    "bad dedents": "if x:\n  y\n z\n", "open calls": "f(\n", "tries": "try:\n x\n",
    "decorators": "@x\n", "elses": "else: x\n", "unclosed lines": "x = (1,\n", "errors": "x y ",
    "error lines": "x y\n", "keywords": "for in ",
}  # fmt: skip


def texts() -> list[list[str]]:
    """The lines of all corpus files, and of some of the standard library."""
    files = [*sorted(CORPORA.rglob("*.py*")), *sorted(Path(random.__file__).parent.glob("*.py"))]
    found = []
    for file in files:
        try:
            found.append(file.read_bytes().decode("utf-8").splitlines(keepends=True))
        except UnicodeDecodeError:
            continue
    return [lines for lines in found if lines]


def mutated(rng: random.Random, sources: list[list[str]]) -> str:
    lines = rng.choice(sources)
    at = rng.randrange(len(lines))
    text = "".join(lines[at : at + rng.randrange(1, 14)])[:1500]
    for _ in range(rng.choice((1, 1, 1, 2, 2, 3, 5, 8))):
        i = rng.randrange(len(text) + 1)
        j = min(len(text), i + rng.choice((1, 1, 2, 3, 8, 30)))
        change = rng.randrange(8)
        if change == 0:
            text = text[:i] + text[j:]
        elif change == 1:
            text = text[:i] + rng.choice(HOT) + text[i:]
        elif change == 2:
            text = text[:i] + rng.choice(HOT) + text[j:]
        elif change == 3:
            text = text[:j] + text[i:]
        elif change == 4:
            text = text[:i]
        elif change == 5:
            other = "".join(rng.choice(sources)[:3])[:200]
            text = text[:i] + other[rng.randrange(len(other) + 1) :] + text[j:]
        elif change == 6:
            k = min(len(text), j + (j - i))
            text = text[:i] + text[j:k] + text[i:j] + text[k:]
        else:
            text = text[:i] + rng.choice(HOT) * rng.randrange(2, 40) + text[i:]
    return text


def check(text: str, rng: random.Random, acceptors: dict[int, Acceptor] | None) -> None:
    """Everything that has to hold of any text; an exception if something does not."""
    minor = rng.randrange(8, 15)
    version = (3, minor)
    if rng.random() < 0.3:
        data = text.encode("utf-8", "surrogatepass")
        if rng.random() < 0.2 and data:
            data = data[: rng.randrange(len(data))] + bytes([rng.randrange(256)])
        program = parse(data, version)
        assert program.encoded() == data, "other bytes come back"
    else:
        program = parse(text, version)
        assert program.source() == text, "another text comes back"
    size = len(program.text)
    broken = False
    for node in walk(program.tree):
        assert 0 <= node.start <= node.end <= size, "a node outside of the text"
        broken = broken or isinstance(node, (nodes.ErrorStmt, nodes.ErrorExpr))
    valid = not program.diagnostics
    assert not (valid and broken), "an error node without a diagnostic"
    emitted = emit(program)
    if valid:
        validate(program)
        again = parse(emitted, version)
        assert not again.diagnostics, f"emitted: {again.diagnostics[0]} in {emitted!r}"
    which = rng.random()
    if which < 0.1:
        share = progress(text)
        assert 0.0 <= share <= 1.0, "progress out of bounds"
        assert all(text.find(piece) >= 0 for _, piece in tokenize(text, version)), "a strange token"
    elif which < 0.2 and acceptors is not None and minor in acceptors:
        try:
            data = text.encode()
        except UnicodeEncodeError:
            return
        acceptor = acceptors[minor]
        state = acceptor.read(acceptor.start(), data)
        viable = state is not None and acceptor.complete(state)
        judged = parse(text, version)
        assert viable == (not judged.diagnostics), f"acceptor {viable}: {judged.diagnostics[:1]}"


def fuzz(arguments: argparse.Namespace) -> int:
    sources = texts()
    acceptors = {minor: Acceptor((3, minor)) for minor in (11, 13, 14)}
    failures, slowest, worst = 0, 0.0, 0
    began = time.process_time()
    stop = arguments.first + arguments.inputs
    number = arguments.first
    while number < stop and time.process_time() - began < arguments.seconds:
        rng = random.Random(f"{arguments.seed} {number}")
        text = mutated(rng, sources)
        before = time.process_time()
        try:
            check(text, rng, acceptors)
        except Exception as problem:
            failures += 1
            where = traceback.extract_tb(problem.__traceback__)[-1]
            print(
                f"input {number}: {problem!r} at {where.name}:{where.lineno}: {text!r}", flush=True
            )
        taken = time.process_time() - before
        if taken > slowest:
            slowest, worst = taken, number
        number += 1
        if number % 50_000 == 0:
            print(f"... {number}, {time.process_time() - began:.0f} s", file=sys.stderr, flush=True)
    print(
        f"seed {arguments.seed}, inputs {arguments.first} to {number - 1}: {failures} failures; "
        f"the slowest ({worst}) took {slowest * 1000:.0f} ms; "
        f"{time.process_time() - began:.0f} CPU seconds"
    )
    return failures


def long_lines(megabytes: float, only: str) -> int:
    """Time for a quarter of the length and for all of it: about 1 to 4 where it is linear."""
    failures = 0
    print("| kind | MB | quarter s | whole s | ratio |\n|---|---|---|---|---|")
    for name, unit in KINDS.items():
        if only and only not in name:
            continue
        times = []
        for size in (megabytes / 4, megabytes):
            text = unit * int(size * 1_000_000 / len(unit.encode("utf-8", "surrogatepass")))
            before = time.process_time()
            program = parse(text)
            times.append(time.process_time() - before)
            assert program.source() == text
            del program
        ratio = times[1] / max(times[0], 1e-3)
        failed = ratio > 8 and times[1] > 1
        failures += failed
        mark = " **not linear**" if failed else ""
        print(
            f"| {name} | {megabytes} | {times[0]:.2f} | {times[1]:.2f} | {ratio:.1f}{mark} |",
            flush=True,
        )
    return failures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--inputs", type=int, default=1_000_000)
    parser.add_argument("--first", type=int, default=0, help="number of the first input")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=1e9, help="stop after this CPU time")
    parser.add_argument("--lines", type=float, default=0, metavar="MB", help="long lines instead")
    parser.add_argument(
        "--only", default="", help="the kinds of long lines with this in their name"
    )
    arguments = parser.parse_args()
    failures = long_lines(arguments.lines, arguments.only) if arguments.lines else fuzz(arguments)
    sys.exit(failures > 0)


if __name__ == "__main__":
    main()
