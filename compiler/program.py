"""Text to `Program`: the tree of any text, with what is wrong with it.

A broken text is a `Program` too; nothing a person or a model can write raises an exception here.
"""

from __future__ import annotations

from dataclasses import dataclass

from neox.compiler import nodes as n
from neox.compiler import tokens as t
from neox.compiler.lexer import Lexer
from neox.compiler.source import EncodingError, Lines, decode
from neox.compiler.statements import Statements

Version = tuple[int, int]
LATEST: Version = (3, 14)


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """Something wrong: line from 1, column from 0 (UTF-8 bytes), character offsets, a message."""

    line: int
    column: int
    message: str
    start: int
    end: int


class Program:
    """A syntax tree with its text and diagnostics; an empty `diagnostics` means the text parses."""

    __slots__ = ("_encoding", "_lines", "diagnostics", "text", "tree")

    def __init__(
        self, tree: n.Module, diagnostics: tuple[Diagnostic, ...], text: str, encoding: str | None
    ) -> None:
        self.tree = tree
        self.diagnostics = diagnostics
        self.text = text
        self._encoding = encoding
        self._lines: Lines | None = None

    def source(self) -> str:
        """The exact text that was read."""
        return self.text

    def encoded(self) -> bytes:
        """The exact bytes that were read; UTF-8 where text was given."""
        return self.text.encode(self._encoding or "utf-8", "surrogatepass")

    def location(self, node: n.Node) -> tuple[int, int, int, int]:
        """lineno, col_offset, end_lineno, end_col_offset as CPython gives them."""
        if self._lines is None:
            self._lines = Lines(self.text)
        return (*self._lines.locate(node.start), *self._lines.locate(node.end))


def parse(source: str | bytes, version: Version = LATEST) -> Program:
    """The program of any text or bytes.

    >>> parse("x = 1").diagnostics
    ()
    >>> parse("x = = 1").diagnostics[0].message
    'invalid syntax'
    """
    encoding: str | None = None
    if isinstance(source, bytes):
        try:
            text, encoding = decode(source)
        except EncodingError as error:
            return _hopeless(source.decode("latin-1"), str(error), "latin-1")
    else:
        text = source
    try:
        parser = Statements(text, Lexer(text, 0, len(text), False, version).run(), version)
        tree = parser.module()
    except RecursionError:
        return _hopeless(text, "too complex to parse", encoding)
    lines = Lines(text)
    found = [
        Diagnostic(*lines.locate(wrong.start), wrong.message, wrong.start, wrong.end)
        for wrong in parser.errors
    ]
    return Program(tree, tuple(found), text, encoding)


def _hopeless(text: str, message: str, encoding: str | None) -> Program:
    tree = n.Module([n.ErrorStmt([], 0, len(text))], 0, len(text))
    return Program(tree, (Diagnostic(1, 0, message, 0, len(text)),), text, encoding)


def progress(source: str, version: Version = LATEST) -> float:
    """How far the text is a viable program, 0 to 1; 1 only for one that parses.

    The share of characters before the first error. A text that only ends too early is viable to its
    end, and gets just less than 1.

    >>> progress("x = 1")
    1.0
    >>> progress("f(1,") > 0.7 > progress("x = = 1")
    True
    """
    program = parse(source, version)
    if not program.diagnostics:
        return 1.0
    first = min(program.diagnostics, key=lambda d: d.start)
    size = len(source)
    reached = size if _unfinished(first, source) else first.start
    return min(reached, size) / (size + 1)


def _unfinished(error: Diagnostic, source: str) -> bool:
    """Could more text mend this error?"""
    if error.start >= len(source.rstrip(" \t\n")):
        return True
    return error.message.startswith("unterminated") and error.end >= len(source)


def tokenize(source: str, version: Version = LATEST) -> list[tuple[str, str]]:
    """Kind and text of each token, for people."""
    found = Lexer(source, 0, len(source), False, version).run()
    return [
        (t.NAMES.get(kind, "error"), source[a:b])
        for kind, a, b in zip(found.kinds, found.starts, found.ends, strict=True)
    ]
