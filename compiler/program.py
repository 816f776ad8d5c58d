"""Text to `Program`: the tree of any text, with what is wrong with it.

A broken text is a `Program` too; nothing a person or a model can write raises an exception here.
"""

from __future__ import annotations

from typing import Any, NoReturn

from neox.compiler import nodes as n
from neox.compiler.cursor import ParseError
from neox.compiler.headroom import Headroom
from neox.compiler.lexer import Lexer
from neox.compiler.source import EncodingError, Lines, decode
from neox.compiler.statements import Statements
from neox.compiler.tokens import NAMES

Version = tuple[int, int]
OLDEST: Version = (3, 8)
LATEST: Version = (3, 14)


class Frozen:
    """Slots that are set once, by `__init__`; without the import time of dataclasses."""

    __slots__ = ()

    def __setattr__(self, name: str, value: Any) -> NoReturn:
        raise AttributeError(f"{type(self).__name__}.{name} cannot be set")

    __delattr__ = None  # type: ignore[assignment]


class Diagnostic(Frozen):
    """Something wrong: line from 1, column from 0 (UTF-8 bytes), character offsets, a message."""

    __slots__ = ("column", "end", "line", "message", "start")

    line: int
    column: int
    message: str
    start: int
    end: int

    def __init__(self, line: int, column: int, message: str, start: int, end: int) -> None:
        put = object.__setattr__
        put(self, "line", line)
        put(self, "column", column)
        put(self, "message", message)
        put(self, "start", start)
        put(self, "end", end)

    def _key(self) -> tuple[int, int, str, int, int]:
        return (self.line, self.column, self.message, self.start, self.end)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Diagnostic) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def __repr__(self) -> str:
        return f"Diagnostic(line={self.line}, column={self.column}, message={self.message!r})"


class Program(Frozen):
    """A syntax tree with its text and diagnostics; an empty `diagnostics` means the text parses.

    `reached` is the offset of the first character that no program could have there, as far as the
    parser saw.
    """

    __slots__ = ("_data", "_lines", "diagnostics", "reached", "text", "tree", "version")

    tree: n.Module
    diagnostics: tuple[Diagnostic, ...]
    text: str
    reached: int
    version: Version
    _data: bytes | None
    _lines: Lines

    def __init__(
        self,
        tree: n.Module,
        diagnostics: tuple[Diagnostic, ...],
        text: str,
        reached: int,
        version: Version,
        data: bytes | None,
        lines: Lines,
    ) -> None:
        put = object.__setattr__
        put(self, "tree", tree)
        put(self, "diagnostics", diagnostics)
        put(self, "text", text)
        put(self, "reached", reached)
        put(self, "version", version)
        put(self, "_data", data)
        put(self, "_lines", lines)

    def __repr__(self) -> str:
        body, wrong = len(self.tree.body), len(self.diagnostics)
        return f"<Program: {body} statements, {wrong} diagnostics>"

    def source(self) -> str:
        """The exact text that was read."""
        return self.text

    def encoded(self) -> bytes:
        """The exact bytes that were read; UTF-8 where text was given."""
        if self._data is not None:
            return self._data
        return self.text.encode("utf-8", "surrogatepass")

    def location(self, node: n.Node) -> tuple[int, int, int, int]:
        """lineno, col_offset, end_lineno, end_col_offset as CPython gives them."""
        return (*self._lines.locate(node.start), *self._lines.locate(node.end))

    def locate(self, offset: int) -> tuple[int, int]:
        """The line, from 1, and the column, from 0 in UTF-8 bytes, of a character."""
        return self._lines.locate(offset)

    def diagnostic(self, message: str, start: int, end: int) -> Diagnostic:
        """A diagnostic about these characters of the text."""
        line, column = self._lines.locate(start)
        return Diagnostic(line, column, message, start, end)


def parse(source: str | bytes, version: Version = LATEST) -> Program:
    """The program of any text or bytes, by the grammar of this version of Python (3.8 to 3.14).

    >>> parse("x = 1").diagnostics
    ()
    >>> parse("x = = 1").diagnostics[0].message
    'invalid syntax'
    """
    if isinstance(source, bytes):
        try:
            text = decode(source)
        except EncodingError as error:
            text = source.decode("latin-1")
            tree = n.Module([n.ErrorStmt([], 0, len(text))], 0, len(text))
            wrong = Diagnostic(1, 0, str(error), 0, len(text))
            return Program(tree, (wrong,), text, 0, version, source, Lines(text))
        return _program(text, source, version)
    return _program(source, None, version)


def _program(text: str, data: bytes | None, version: Version) -> Program:
    try:
        tree, errors = _read(text, version)
    except RecursionError:
        with Headroom():
            tree, errors = _read(text, version)
    lines = Lines(text)
    if not errors:
        return Program(tree, (), text, len(text), version, data, lines)
    found: list[Diagnostic] = []
    reached = len(text)
    for wrong in errors:
        line, column = lines.locate(wrong.start)
        found.append(Diagnostic(line, column, wrong.message, wrong.start, wrong.end))
        reached = min(reached, wrong.reached)
    return Program(tree, tuple(found), text, reached, version, data, lines)


def _read(text: str, version: Version) -> tuple[n.Module, list[ParseError]]:
    lexer = Lexer(text, version)
    lexer.run()
    parser = Statements(lexer, version)
    tree = parser.module()
    if "\0" in text:
        _hidden_null(text.index("\0"), parser.errors)
    return tree, parser.errors


def _hidden_null(at: int, errors: list[ParseError]) -> None:
    """No text with a NUL is a program; in a comment or a string it is no token of its own."""
    message = "source code cannot contain null bytes"
    if any(one.message == message for one in errors):
        return
    later = (i for i, one in enumerate(errors) if one.start > at)
    errors.insert(next(later, len(errors)), ParseError(message, at, at + 1, at))


def spans(text: str, version: Version = LATEST) -> list[tuple[str, int, int]]:
    """Name of the kind, start and end of each token; a word or an operator is its own kind."""
    found = Lexer(text, version).run()
    return [
        (NAMES.get(kind, "error"), start, end)
        for kind, start, end in zip(found.kinds, found.starts, found.ends, strict=True)
    ]


def tokenize(source: str, version: Version = LATEST) -> list[tuple[str, str]]:
    """Kind and text of each token, for people.

    >>> tokenize("x = 1")[:3]
    [('name', 'x'), ('=', '='), ('number', '1')]
    """
    return [(kind, source[start:end]) for kind, start, end in spans(source, version)]
