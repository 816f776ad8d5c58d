"""Random walks through the acceptor, each finished by it and then read by CPython's parser.

Walk number i of a seed is the same wherever a run begins, so a long sweep can be done in pieces
(`--first 20000 --walks 20000`). Half of the steps are pieces of programs, the others tokens and
single bytes; what the acceptor refuses is left out. A walk fails if no byte lowers the cost of
finishing, if the end costs more than was said, or if `ast.parse` rejects the text.
"""

from __future__ import annotations

import argparse
import ast
import random
import sys
import time
import warnings

from neox.compiler import parse
from neox.compiler.viable import Acceptor, State

PIECES = [
    piece.encode()
    for piece in [
        *"x y _ match case type f( ( [ { ) ] } , : = := . ... -> * ** + - ~ @ / | < ==".split(),
        *"!= += 0 1j 0x1f 1e5 1. 'a' b'c' f'{ {{ }} !r \\ # \\n \\x41 \\N{DIGIT' t'".split(),
        *'""" f""" rf\' lambda if else elif for in is not and or await async def'.split(),
        *"class return yield from import as with try except finally while pass del".split(),
        *"global assert raise True None é ]: ): except* case_ 0_ 1e \\U0001".split(),
        *(" ", "  ", "\n", "\n ", "\n    ", "\t", "\r", "\f", "\n\n", ":\n  ", " \\\n", "; "),
        *("x = ", "if x: ", "def f(", "class A", "for x in ", "match x:\n case ", "try:\n "),
        *("import a", "from . import ", "lambda x: ", "with (a as b", "x[", "{x: ", "f'{x!r:"),
    ]
]
LIKELY = b"0x)]}:\n '\"=(\t, .sfeinrop{acdlmtuyhkw1NAZ"


def walk(acceptor: Acceptor, rng: random.Random, steps: int) -> tuple[State, bytes]:
    state, text = acceptor.start(), b""
    for _ in range(steps):
        kind = rng.random()
        piece = rng.choice(PIECES)
        if kind > 0.85:
            piece = bytes(
                [rng.choice(b"\n (){}[]'\":=,.x0\\#") if kind < 0.95 else rng.randrange(256)]
            )
        after = acceptor.read(state, piece)
        if after is not None:
            state, text = after, text + piece
    return state, text


def finished(acceptor: Acceptor, state: State, text: bytes, rng: random.Random) -> bytes:
    """The text with an end along which the cost falls; ValueError at a dead end."""
    most = acceptor.cost(state) + len(text)
    order = list(LIKELY)
    rng.shuffle(order)
    while acceptor.cost(state) > 0:
        before = acceptor.cost(state)
        for byte in [*order, *range(256)]:
            after = acceptor.advance(state, byte)
            if after is not None and acceptor.cost(after) < before:
                break
        else:
            raise ValueError(f"a dead end after {text!r}, which should need {before} bytes more")
        assert after is not None
        state, text = after, text + bytes([byte])
    if len(text) > most:
        raise ValueError(f"the end was to take {most - len(text)} bytes fewer: {text!r}")
    return text


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--walks", type=int, default=100_000)
    parser.add_argument("--first", type=int, default=0, help="number of the first walk")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--steps", type=int, default=40, help="at most so many for a walk")
    parser.add_argument(
        "--version", default=f"3.{sys.version_info[1]}", help="another one: NEOX's parser judges"
    )
    arguments = parser.parse_args()
    version = (3, int(arguments.version.split(".")[1]))
    own = version != sys.version_info[:2]
    acceptor = Acceptor(version)
    failures = bytes_read = longest = 0
    before = time.process_time()
    for number in range(arguments.first, arguments.first + arguments.walks):
        rng = random.Random(f"{arguments.seed} {number}")
        try:
            text = finished(acceptor, *walk(acceptor, rng, rng.randrange(arguments.steps + 1)), rng)
            if own:
                if parse(text.decode(), version).diagnostics:
                    raise ValueError(f"rejected: {text!r}")
            else:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    ast.parse(text)
            bytes_read += len(text)
            longest = max(longest, len(text))
        except (SyntaxError, ValueError) as problem:
            failures += 1
            print(f"walk {number}: {problem!r} {text!r}", flush=True)
        if (number + 1) % 10_000 == 0:
            print(
                f"... {number + 1}, {time.process_time() - before:.0f} s",
                file=sys.stderr,
                flush=True,
            )
    judge = "NEOX's parser" if own else "ast.parse"
    print(
        f"version {arguments.version}, seed {arguments.seed}, walks {arguments.first} to "
        f"{arguments.first + arguments.walks - 1}: {failures} failures by {judge}; "
        f"{bytes_read / max(1, arguments.walks):.0f} bytes each, the longest {longest}; "
        f"{time.process_time() - before:.0f} CPU seconds"
    )
    sys.exit(failures > 0)


if __name__ == "__main__":
    main()
