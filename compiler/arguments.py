"""Arguments of calls and classes, in the order CPython allows."""

from __future__ import annotations

from neox.compiler import nodes as n
from neox.compiler.atoms import Atoms
from neox.compiler.tokens import (
    ASYNC,
    COMMA,
    DOUBLESTAR,
    EQUAL,
    FALSE,
    FOR,
    NAME,
    NONE,
    RPAR,
    STAR,
    TRUE,
    WALRUS,
)


class Arguments(Atoms):
    # A production of a file above this one in the grammar, which overrides it.

    def tolerant_arguments(self, args: list[n.expr], keywords: list[n.keyword]) -> None:
        raise NotImplementedError

    def call(self, func: n.expr, start: int) -> n.expr:
        args: list[n.expr] = []
        keywords: list[n.keyword] = []
        if self.kinds[self.i + 1] == RPAR:
            self.i += 2
        else:
            self.arguments(args, keywords)
        return n.Call(func, args, keywords, start, self.ends[self.i - 1])

    def arguments(self, args: list[n.expr], keywords: list[n.keyword]) -> None:
        """'(' arguments ')' into the two lists."""
        if self.tolerant:
            self.tolerant_arguments(args, keywords)
            return
        kinds, starts = self.kinds, self.starts
        opened = starts[self.i]
        self.i += 1
        unpacked = False  # a `**` has been seen
        while True:
            i = self.i
            kind = kinds[i]
            if kind == RPAR:
                break
            if kind == NAME and kinds[i + 1] == EQUAL:
                self._keyword(keywords)
            elif kind == DOUBLESTAR:
                self.i = i + 1
                value = self.expression()
                keywords.append(n.keyword(None, value, starts[i], self.ends[self.i - 1]))
                unpacked = True
            elif kind == STAR:
                if unpacked:
                    self.fail("iterable argument unpacking follows keyword argument unpacking")
                self.i = i + 1
                value = self.expression()
                args.append(n.Starred(value, "Load", starts[i], self.ends[self.i - 1]))
            else:
                value = self.expression()
                kind = kinds[self.i]
                if kind != COMMA and kind != RPAR:
                    value = self._special(value, i, opened, args, keywords)
                if keywords:
                    self._out_of_order(unpacked, value)
                args.append(value)
            if kinds[self.i] != COMMA:
                break
            self.i += 1
        self.close(RPAR)
        if args and isinstance(args[0], n.GeneratorExp) and args[0].start == opened:
            args[0].end = self.ends[self.i - 1]

    def _keyword(self, keywords: list[n.keyword]) -> None:
        """NAME '=' expression"""
        start = self.starts[self.i]
        name = self.name()
        self.i += 1
        kind = self.kinds[self.i]
        if kind in (COMMA, RPAR):
            self.fail("expected argument value expression")
        value = self.expression()
        if self.kinds[self.i] == FOR:
            message = "invalid syntax. Maybe you meant '==' or ':=' instead of '='?"
            self.fail_at(message, start, self.ends[self.i - 1])
        keywords.append(n.keyword(name, value, start, self.ends[self.i - 1]))

    def _special(
        self,
        value: n.expr,
        first: int,
        opened: int,
        args: list[n.expr],
        keywords: list[n.keyword],
    ) -> n.expr:
        """A positional argument that goes on: walrus, bare generator, or a mistake."""
        kind = self.kinds[self.i]
        if kind == WALRUS:
            self.i = first
            value = self.named_expression()
            kind = self.kinds[self.i]
        if kind in (FOR, ASYNC):
            generators = self.comprehensions(value)
            if args or keywords or self.kinds[self.i] == COMMA:
                message = "Generator expression must be parenthesized"
                self.fail_at(message, value.start, self.ends[self.i - 1])
            return n.GeneratorExp(value, generators, opened, self.ends[self.i - 1])
        if kind == EQUAL:
            before = self.kinds[first]
            end = self.ends[self.i]
            if first + 1 == self.i and before in (TRUE, FALSE, NONE):
                word = self.text[self.starts[first] : self.ends[first]]
                self.fail_at(f"cannot assign to {word}", self.starts[first], end)
            message = 'expression cannot contain assignment, perhaps you meant "=="?'
            self.fail_at(message, self.starts[first], end)
        return value

    def _out_of_order(self, unpacked: bool, value: n.expr) -> None:
        kind = "keyword argument unpacking" if unpacked else "keyword argument"
        self.fail_at(f"positional argument follows {kind}", value.start, value.end)
