"""What happens after an error: where the parser goes on, and what it keeps of the broken text.

An error ends the logical line it is in, no more: the block below a broken header is still read, and
a bracket that was never closed gives its lines back (the lexer starts again at the first one that
is not deeper than the statement). One diagnostic for each logical line.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from neox.compiler import nodes as n
from neox.compiler import tokens as t
from neox.compiler.cursor import ParseError
from neox.compiler.lexer import Lexer
from neox.compiler.patterns import Patterns
from neox.compiler.scan import columns
from neox.compiler.tokens import COLON, DEDENT, END, ERROR, INDENT, NEWLINE

_OPENERS = (t.LPAR, t.LSQB, t.LBRACE)
_CLOSERS = (t.RPAR, t.RSQB, t.RBRACE)
_CLAUSES = (t.ELIF, t.ELSE, t.EXCEPT, t.FINALLY)
_HEADERS = (
    t.IF, t.ELIF, t.ELSE, t.FOR, t.WHILE, t.WITH, t.TRY, t.EXCEPT, t.FINALLY, t.DEF, t.CLASS,
    t.ASYNC,
)  # fmt: skip
_MAX_RESTARTS = 50  # of the lexer, each of which may read the whole rest of the text again
_MAX_BLOCKS = 100


class Recovery(Patterns):
    def __init__(self, lexer: Lexer, version: tuple[int, int]) -> None:
        super().__init__(lexer.text, lexer.out, version)
        self.lexer = lexer
        self.errors: list[ParseError] = []
        self.reported = -1  # the last token of the line of the last error
        self.restarts = 0
        self.blocks = 0

    if TYPE_CHECKING:  # the grammar above this file

        def statement(self, body: list[n.stmt]) -> None: ...

    def statements(self, body: list[n.stmt]) -> None:
        """Statements up to the end of the block or text, whatever they contain."""
        kinds = self.kinds
        while True:
            kind = kinds[self.i]
            if kind in (DEDENT, END):
                return
            if kind == NEWLINE:
                self.i += 1
                continue
            first, before, nesting = self.i, len(body), self.blocks
            try:
                self.statement(body)
            except ParseError as error:
                self.nesting, self.blocks = 0, nesting
                parts: list[n.Node] = list(body[before:])
                del body[before:]
                body.append(self._broken(first, error, parts))

    def recover_cases(self, cases: list[n.match_case]) -> None:
        """The blocks of a match statement; a broken one loses its pattern, not its statements."""
        while not (self.at(DEDENT) or self.at(END)):
            first, start = self.i, self.here()
            try:
                if not self.at_word("case"):
                    self.fail()
                cases.append(self.case_block())
            except ParseError as error:
                broken = self._broken(first, error, [])
                wildcard = n.MatchAs(None, None, start, start)
                cases.append(n.match_case(wildcard, None, [broken], start, broken.end))

    def report(self, error: ParseError) -> None:
        """Keep the first error of a logical line."""
        if self.i > self.reported:
            self.errors.append(error)
        i = self.i
        while self.kinds[i] != NEWLINE and self.kinds[i] != END:
            i += 1
        self.reported = max(self.reported, i)

    def complain(self, message: str, start: int, end: int) -> None:
        """Report something missing at this token, and go on as if it were there."""
        self.report(ParseError(message, start, end, self.here()))

    def suite(self, what: str, line: int) -> list[n.stmt]:
        """':' block; `what` begins at offset `line` and is named where something is missing."""
        kinds = self.kinds
        if kinds[self.i] == COLON:
            self.i += 1
        else:
            self._no_colon()
        body: list[n.stmt] = []
        if kinds[self.i] != NEWLINE:
            self.simple_statements(body)
            return body
        self.i += 1
        if kinds[self.i] == ERROR and self.starts[self.i] == self.ends[self.i]:
            self._layout_error()
        if kinds[self.i] != INDENT:
            at = self.here()
            self.missing_block(what, line)
            body.append(n.ErrorStmt([], at, at))
            return body
        self._block(body)
        return body

    if TYPE_CHECKING:

        def simple_statements(self, body: list[n.stmt]) -> None: ...

    def _block(self, body: list[n.stmt]) -> None:
        """INDENT statement+ DEDENT"""
        self.i += 1
        self.blocks += 1
        if self.blocks > _MAX_BLOCKS:
            self._skip_block(body)
        else:
            self.statements(body)
        self.blocks -= 1
        if self.kinds[self.i] == DEDENT:
            self.i += 1

    def missing_block(self, what: str, start: int) -> None:
        """No INDENT where a block has to begin: complain, naming the header."""
        i = self.i
        if self.kinds[i] == ERROR:
            self.fail()
        line = self.text.count("\n", 0, start) + 1
        message = f"expected an indented block after {what} on line {line}"
        self.complain(message, self.starts[i], self.ends[i])

    def _no_colon(self) -> None:
        """A header without its colon: complain, and skip what stands before the block."""
        i = self.i
        while self.kinds[i] != NEWLINE and self.kinds[i] != END:
            i += 1
        if self.kinds[i] != NEWLINE or self.kinds[i + 1] != INDENT or self.at(ERROR):
            self.fail("expected ':'" if self._expects_colon() else "")
        if self.at(NEWLINE):
            self.complain("expected ':'", self.here(), self.ends[self.i])
            return
        message = "expected ':'" if self._expects_colon() else "invalid syntax"
        self.complain(message, self.here(), self.ends[self.i])
        self.i = i

    def _expects_colon(self) -> bool:
        return self.at(NEWLINE) or not self.begins_expression()

    def _layout_error(self) -> None:
        """An ERROR token of no width is about indentation: report it and read the line."""
        i = self.i
        message = self.tokens.messages.get(i, "invalid syntax")
        start = self.starts[i]
        self.report(ParseError(message, start, start, start))
        self.i = i + 1

    def _broken(self, first: int, error: ParseError, parts: list[n.Node]) -> n.ErrorStmt:
        """The statement from token `first` on as an ErrorStmt; its blocks are read and kept."""
        kinds = self.kinds
        start = self.starts[first]
        if kinds[first] == ERROR and start == self.ends[first]:
            self.i = first
            self._layout_error()
            return n.ErrorStmt(parts, start, start)
        if kinds[first] == INDENT:
            self.i = first
            self.report(error)
            return self._error_block(start, parts)
        opened = self._open_bracket(first)
        if opened >= 0:
            error = self._never_closed(opened, error)
        self.report(error)
        if opened < 0 or not self._give_lines_back(first, opened):
            while kinds[self.i] != NEWLINE and kinds[self.i] != END:
                self.i += 1
            if kinds[self.i] == NEWLINE:
                self.i += 1
        self.reported = self.i - 1
        if kinds[self.i] == INDENT:
            self._error_block(start, parts)
        while kinds[self.i] in _CLAUSES and kinds[first] in _HEADERS:
            self._orphan(parts)
        return n.ErrorStmt(parts, start, max(start, self.solid_end()))

    def _error_block(self, start: int, parts: list[n.Node]) -> n.ErrorStmt:
        inner: list[n.stmt] = []
        self._block(inner)
        parts.extend(inner)
        return n.ErrorStmt(parts, start, max(start, self.solid_end()))

    def _orphan(self, parts: list[n.Node]) -> None:
        """A clause whose statement was broken: its header is dropped, its block is kept."""
        while self.kinds[self.i] != NEWLINE and self.kinds[self.i] != END:
            self.i += 1
        if self.kinds[self.i] == NEWLINE:
            self.i += 1
        if self.kinds[self.i] == INDENT:
            self._error_block(0, parts)

    def _skip_block(self, body: list[n.stmt]) -> None:
        """A block that is nested too deeply to be read."""
        start = self.here()
        self.complain("too many statically nested blocks", start, start)
        depth = 1
        while self.kinds[self.i] != END:
            depth += (self.kinds[self.i] == INDENT) - (self.kinds[self.i] == DEDENT)
            if depth == 0:
                break
            self.i += 1
        self.reported = max(self.reported, self.i)
        body.append(n.ErrorStmt([], start, max(start, self.solid_end())))

    # Brackets that were never closed ----------------------------------------------------------

    def _open_bracket(self, first: int) -> int:
        """The token of the innermost bracket open at the error, or -1."""
        opened: list[int] = []
        for i in range(first, self.i):
            kind = self.kinds[i]
            if kind in _OPENERS:
                opened.append(i)
            elif kind in _CLOSERS and opened:
                opened.pop()
        return opened[-1] if opened else -1

    def _never_closed(self, opened: int, error: ParseError) -> ParseError:
        """A vague error on a later line than an open bracket is about the bracket."""
        start = self.starts[opened]
        vague = error.message.startswith("invalid syntax")
        if vague and (self._line_break(start, error.start) or error.start >= len(self.text)):
            message = f"'{self.text[start]}' was never closed"
            return ParseError(message, start, start + 1, error.reached)
        return error

    def _line_break(self, start: int, end: int) -> bool:
        return self.text.find("\n", start, end) >= 0 or self.text.find("\r", start, end) >= 0

    def _give_lines_back(self, first: int, opened: int) -> bool:
        """Lex again from the first line in the bracket that looks like the next statement."""
        if self.restarts >= _MAX_RESTARTS:
            return False
        kinds, starts, ends = self.kinds, self.starts, self.ends
        width = self._column(starts[first])
        i = opened + 1
        while kinds[i] != NEWLINE and kinds[i] != END:
            if self._line_break(ends[i - 1], starts[i]) and kinds[i] not in _CLOSERS:
                header = kinds[i - 1] == COLON and kinds[first] in _HEADERS
                if header or self._column(starts[i]) <= width:
                    break
            i += 1
        if kinds[i] == NEWLINE or kinds[i] == END:
            return False
        self.restarts += 1
        begin = starts[i]
        while begin > 0 and self.text[begin - 1] not in "\r\n":
            begin -= 1
        indents = self._indents(first)
        self.lexer.resume(begin, i, indents)
        self.i = i
        return True

    def _column(self, at: int) -> int:
        begin = at
        while begin > 0 and self.text[begin - 1] not in "\r\n":
            begin -= 1
        return columns(self.text, begin)[1]

    def _indents(self, first: int) -> list[tuple[int, int]]:
        """The columns of the blocks that are open at a token."""
        found = [(0, 0)]
        for i in range(first):
            if self.kinds[i] == DEDENT:
                found.pop()
            elif self.kinds[i] == INDENT:
                begin = self.starts[i]
                while begin > 0 and self.text[begin - 1] not in "\r\n":
                    begin -= 1
                _, column, alternate = columns(self.text, begin)
                found.append((column, alternate))
        return found
