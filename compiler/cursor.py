"""The parser's view of the tokens: peek, advance, expect. Knows nothing of the grammar."""

from __future__ import annotations

from typing import NoReturn

from neox.compiler import tokens as t
from neox.compiler.tokens import KEYWORDS, NAMES, OPERATORS, Tokens

MAX_DEPTH = 90  # nested brackets and blocks; each costs about ten interpreter frames


class ParseError(Exception):
    """The first token that no program could have here; start and end are character offsets."""

    def __init__(self, message: str, start: int, end: int) -> None:
        super().__init__(message)
        self.message, self.start, self.end = message, start, end


class Cursor:
    def __init__(self, text: str, tokens: Tokens, version: tuple[int, int]) -> None:
        self.text = text
        self.tokens = tokens
        self.version = version
        self.i = 0
        self.kind: int = tokens.kinds[0]
        self.depth = 0

    def advance(self) -> None:
        if self.i + 1 < len(self.tokens.kinds):
            self.i += 1
        self.kind = self.tokens.kinds[self.i]

    def jump(self, i: int) -> None:
        self.i = i
        self.kind = self.tokens.kinds[i]

    def peek(self, ahead: int = 1) -> int:
        i = self.i + ahead
        return self.tokens.kinds[i] if i < len(self.tokens.kinds) else t.END

    @property
    def start(self) -> int:
        return self.tokens.starts[self.i]

    @property
    def last_end(self) -> int:
        """Where the token before this one ended."""
        return self.tokens.ends[self.i - 1] if self.i else 0

    def solid_end(self) -> int:
        """Where the last token ended that is neither a line end nor indentation."""
        i = self.i - 1
        while i > 0 and self.tokens.kinds[i] <= t.DEDENT:
            i -= 1
        return self.tokens.ends[i]

    def word(self) -> str:
        return self.text[self.tokens.starts[self.i] : self.tokens.ends[self.i]]

    def at(self, text: str) -> bool:
        """Is this token that operator or keyword?"""
        return self.kind == _KIND[text]

    def at_soft(self, word: str) -> bool:
        return self.kind == t.NAME and self.word() == word

    def eat(self, text: str) -> bool:
        if self.kind == _KIND[text]:
            self.advance()
            return True
        return False

    def expect(self, text: str, message: str = "") -> None:
        if self.kind != _KIND[text]:
            self.fail(message or f"expected '{text}'" if text in ":" else message)
        self.advance()

    def name(self) -> str:
        """The text of a name token, which is consumed; NFKC-normalised as CPython does."""
        if self.kind != t.NAME:
            self.fail()
        word = self.word()
        if not word.isascii():
            import unicodedata

            word = unicodedata.normalize("NFKC", word)
        self.advance()
        return word

    def enter(self) -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            self.fail("too many nested parentheses or blocks")

    def leave(self) -> None:
        self.depth -= 1

    def fail(self, message: str = "") -> NoReturn:
        """Raise at this token; a token that is itself an error says what it is."""
        message = self.tokens.messages.get(self.i) or message or self._unexpected()
        raise ParseError(message, self.start, self.tokens.ends[self.i])

    def fail_at(self, message: str, start: int, end: int) -> NoReturn:
        raise ParseError(message, start, end)

    def _unexpected(self) -> str:
        if self.kind == t.INDENT:
            return "unexpected indent"
        if self.kind == t.DEDENT:
            return "unexpected unindent"
        if self.kind == t.END:
            return "unexpected end of text"
        return "invalid syntax"


_KIND = {**OPERATORS, **KEYWORDS}
assert len(_KIND) < len(NAMES)
