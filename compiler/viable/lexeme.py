"""States of the byte lexer, kept one of each, and the f-strings they stand in.

A state is an unfinished lexeme (mode and detail), the f-string around it, the brackets open in the
field and, before Python 3.12, how many quotes just passed.
"""

from __future__ import annotations

from typing import Final

from neox.compiler.tokens import NEWLINE
from neox.compiler.viable.kinds import bits


class Context:
    """A literal part of an f-string: what is around it, and what its quotes and braces mean."""

    __slots__ = (
        "depth",
        "id",
        "level",
        "nest",
        "outer",
        "quote",
        "raw",
        "spec",
        "template",
        "triple",
    )

    def __init__(
        self, outer: Context | None, depth: int, quote: str, flags: str, level: int
    ) -> None:
        self.outer = outer
        self.depth = depth  # brackets open around the f-string in its own field
        self.quote = quote
        self.triple = "3" in flags
        self.raw = "r" in flags
        self.template = "t" in flags
        self.spec = "s" in flags
        self.level = level  # how many format specs this is inside of
        self.nest: int = 0 if outer is None else outer.nest + (0 if self.spec else 1)
        self.id = 0


class Lex:
    """One state: what the unfinished lexeme may become, and where each byte leads."""

    __slots__ = (
        "arg", "comment", "context", "depth", "ends", "eof", "extra", "filled", "id", "may",
        "mode", "run", "steps",
    )  # fmt: skip

    def __init__(
        self, number: int, mode: str, arg: str, context: Context, depth: int, run: int
    ) -> None:
        self.id = number
        self.mode = mode
        self.comment = ""  # "code": in a comment behind code, "blank": in one on its own line
        self.arg = arg
        self.context = context
        self.depth = depth
        self.run = run
        self.may = 0  # kinds the lexeme can become; 0: there is none, or it fits for sure
        self.ends: list[tuple[int, int]] = []  # a kind, and the bytes it still needs
        self.extra = 0  # bytes needed besides what the grammar counts
        self.eof: list[int] | None = None  # the events of an end of text here
        self.steps: list[Step | None] = [None] * 256
        self.filled = bytearray(256)


class Step:
    """Where a byte leads, and the events on the way."""

    __slots__ = ("events", "to")

    def __init__(self, to: Lex, events: list[int]) -> None:
        self.to = to
        self.events = events


class Base:
    """The store of states."""

    def __init__(self, minor: int) -> None:
        self.minor = minor
        self.old = minor < 12  # f-strings are strings first, fields second
        self.states: list[Lex] = []
        self.contexts: list[Context] = []
        self._ids: dict[tuple[str, str, int, int, int], Lex] = {}
        self._context_ids: dict[tuple[int, int, str, str, int], Context] = {}
        self.top: Final = self.context(None, 0, "", "", 0)

    def context(
        self, outer: Context | None, depth: int, quote: str, flags: str, level: int
    ) -> Context:
        key = (-1 if outer is None else outer.id, depth, quote, flags, level)
        found = self._context_ids.get(key)
        if found is None:
            found = Context(outer, depth, quote, flags, level)
            found.id = len(self.contexts)
            self.contexts.append(found)
            self._context_ids[key] = found
        return found

    def get(self, mode: str, arg: str, context: Context, depth: int, run: int = 0) -> Lex:
        key = (mode, arg, context.id, depth, run)
        found = self._ids.get(key)
        if found is None:
            found = Lex(len(self.states), mode, arg, context, depth, run)
            self.states.append(found)
            self._ids[key] = found
            around: Context | None = context
            while around is not None:  # the grammar counts one byte for the end of an f-string
                found.extra += 2 if around.triple and not around.spec else 0
                around = around.outer
            self.describe(found)
        return found

    def describe(self, lex: Lex) -> None:
        """Fill in what a new state may become and how it can end."""
        raise NotImplementedError

    def pending(self, lex: Lex, ends: list[tuple[int, int]]) -> None:
        """A lexeme that can become these kinds, with the bytes each still needs."""
        lex.ends = ends
        lex.may = bits(*[kind for kind, _ in ends])
        done = [kind for kind, size in ends if size == 0]
        if done:
            lex.eof = [done[0], NEWLINE]

    def to(self, lex: Lex, mode: str, arg: str = "", events: list[int] | None = None) -> Step:
        """A step to another lexeme in the same place."""
        return Step(self.get(mode, arg, lex.context, lex.depth), events or [])

    def code(self, lex: Lex, c: int, events: list[int]) -> Step | None:
        """A byte in code, with no lexeme begun, after these events."""
        raise NotImplementedError
