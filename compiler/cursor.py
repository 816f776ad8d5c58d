"""The parser's view of the tokens: look, take, expect, fail. Knows nothing of the grammar."""

from __future__ import annotations

from typing import NoReturn

from neox.compiler.tokens import DEDENT, ERROR, INDENT, NAME, Tokens


class ParseError(Exception):
    """What is wrong at a place; `reached` is the first character no program could have there."""

    def __init__(self, message: str, start: int, end: int, reached: int) -> None:
        super().__init__(message)
        self.message = message
        self.start = start
        self.end = end
        self.reached = reached


class Cursor:
    def __init__(self, text: str, tokens: Tokens, version: tuple[int, int]) -> None:
        self.text = text
        self.tokens = tokens
        self.kinds = tokens.kinds
        self.starts = tokens.starts
        self.ends = tokens.ends
        self.minor = version[1]
        self.ascii = text.isascii()
        self.i = 0
        self.tolerant = False  # is a broken statement read again, with errors in its brackets?

    def at(self, kind: int) -> bool:
        return self.kinds[self.i] == kind

    def peek(self, ahead: int = 1) -> int:
        i = self.i + ahead
        return self.kinds[i] if i < len(self.kinds) else 0

    def eat(self, kind: int) -> bool:
        if self.kinds[self.i] == kind:
            self.i += 1
            return True
        return False

    def expect(self, kind: int, message: str = "") -> None:
        if self.kinds[self.i] != kind:
            self.fail(message)
        self.i += 1

    def here(self) -> int:
        """Where the next token starts."""
        return self.starts[self.i]

    def last_end(self) -> int:
        """Where the token before this one ended."""
        return self.ends[self.i - 1] if self.i > 0 else 0

    def solid_end(self) -> int:
        """Where the last token ended that is neither a line end nor indentation."""
        i = self.i - 1
        while i > 0 and self.kinds[i] <= DEDENT:
            i -= 1
        return self.ends[i] if i >= 0 else 0

    def word(self) -> str:
        return self.text[self.starts[self.i] : self.ends[self.i]]

    def at_word(self, word: str) -> bool:
        """Is the next token this soft keyword?"""
        return self.kinds[self.i] == NAME and self.word() == word

    def name(self) -> str:
        """The text of a name token, which is taken; NFKC-normalised as CPython does."""
        i = self.i
        if self.kinds[i] != NAME:
            self.fail()
        self.i = i + 1
        word = self.text[self.starts[i] : self.ends[i]]
        return word if self.ascii else normal(word)

    def fail(self, message: str = "") -> NoReturn:
        """Raise at the next token; a token that is itself an error says what it is."""
        i = self.i
        if self.kinds[i] == ERROR:
            message = self.tokens.messages.get(i, "invalid syntax")
        elif not message:
            message = self._unexpected(self.kinds[i])
        start = self.starts[i]
        raise ParseError(message, start, max(start, self.ends[i]), start)

    def fail_at(self, message: str, start: int, end: int) -> NoReturn:
        """Raise for text that was read and cannot stand; a token in error comes first."""
        i = self.i
        if self.kinds[i] == ERROR and self.starts[i] < end:
            self.fail()
        raise ParseError(message, start, end, self.starts[i])

    def _unexpected(self, kind: int) -> str:
        if kind == INDENT:
            return "unexpected indent"
        if kind == DEDENT and self.i + 1 < len(self.kinds) and self.kinds[self.i + 1] != 0:
            return "unexpected unindent"
        return "invalid syntax"


def normal(word: str) -> str:
    """NFKC; the tables are only loaded for a word that needs them."""
    if word.isascii():
        return word
    import unicodedata

    return unicodedata.normalize("NFKC", word)
