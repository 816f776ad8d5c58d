"""What happens after an error: where the parser goes on, and what it keeps of the broken text.

An error ends the logical line it is in, no more: the block below a broken header is still read, and
a bracket that was never closed gives its lines back (the lexer starts again at the first one that
is not deeper than the statement). One diagnostic for each logical line.
"""

from __future__ import annotations

from neox.compiler import nodes as n
from neox.compiler import tokens as t
from neox.compiler.cursor import ParseError
from neox.compiler.lexer import Lexer
from neox.compiler.patterns import Patterns
from neox.compiler.salvage import rebuilt
from neox.compiler.scan import columns
from neox.compiler.tokens import COLON, DEDENT, END, ERROR, INDENT, NAME, NEWLINE

_OPENERS = (t.LPAR, t.LSQB, t.LBRACE)
_CLOSERS = (t.RPAR, t.RSQB, t.RBRACE)
_CLAUSES = (t.ELIF, t.ELSE, t.EXCEPT, t.FINALLY)
_HEADERS = (
    t.IF, t.ELIF, t.ELSE, t.FOR, t.WHILE, t.WITH, t.TRY, t.EXCEPT, t.FINALLY, t.DEF, t.CLASS,
    t.ASYNC,
)  # fmt: skip
# Headers after which CPython asks for the colon whatever stands there instead.
_NEEDS_COLON = (
    "'for' statement",
    "'try' statement",
    "'else' statement",
    "'finally' statement",
    "function definition",
    "class definition",
)
_REBUILT = (t.IF, t.FOR, t.WHILE, t.WITH, t.DEF, t.CLASS)
_MAX_BLOCKS = 100


class Recovery(Patterns):
    def __init__(self, lexer: Lexer, version: tuple[int, int]) -> None:
        super().__init__(lexer.text, lexer.out, version)
        self.lexer = lexer
        self.errors: list[ParseError] = []
        self.reported = -1  # the last token of the line of the last error
        # what restarts of the lexer may read: each may read the whole rest of the text again
        self.allowance = 1_000_000 + 4 * len(lexer.text)
        self.blocks = 0

    # Productions of the files above this one in the grammar, which override these.

    def statement(self, body: list[n.stmt]) -> None:
        raise NotImplementedError

    def simple_statements(self, body: list[n.stmt]) -> None:
        raise NotImplementedError

    def if_(self) -> n.stmt:
        raise NotImplementedError

    def statements(self, body: list[n.stmt]) -> None:
        """Statements up to the end of the block or text, whatever they contain."""
        kinds = self.kinds
        self.tolerant = False
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
                if not self._mended(first, error, body):
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
            self._no_colon(what)
        body: list[n.stmt] = []
        if kinds[self.i] != NEWLINE:
            self.simple_statements(body)
            return body
        self.i += 1
        if kinds[self.i] == ERROR and self.starts[self.i] == self.ends[self.i]:
            self._layout_error()
        if kinds[self.i] != INDENT:
            at = self.solid_end()
            self.missing_block(what, line)
            body.append(n.ErrorStmt([], at, at))
            return body
        self._block(body)
        return body

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

    def _no_colon(self, what: str) -> None:
        """A header without its colon: complain, and skip what stands before the block."""
        i = self.i
        while self.kinds[i] != NEWLINE and self.kinds[i] != END:
            i += 1
        if self.kinds[i] != NEWLINE or self.kinds[i + 1] != INDENT or self.at(ERROR):
            self.fail("expected ':'" if self.at(NEWLINE) or what in _NEEDS_COLON else "")
        if self.at(NEWLINE):
            self.complain("expected ':'", self.here(), self.ends[self.i])
            return
        message = "expected ':'" if what in _NEEDS_COLON else "invalid syntax"
        self.complain(message, self.here(), self.ends[self.i])
        self.i = i

    def _layout_error(self) -> None:
        """An ERROR token of no width is about indentation: report it and read the line."""
        i = self.i
        message = self.tokens.messages.get(i, "invalid syntax")
        start = self.starts[i]
        self.report(ParseError(message, start, start, start))
        self.i = i + 1

    def _broken(self, first: int, error: ParseError, parts: list[n.Node]) -> n.stmt:
        """What can be made of the statement from token `first` on; its blocks are read and kept."""
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
        opened = self._open_brackets(first)
        if opened and self._closes(len(opened)):
            opened.clear()
        if opened:
            error = self._never_closed(opened[-1], error)
        self.report(error)
        if not opened or not self._give_lines_back(first, opened[0]):
            while kinds[self.i] != NEWLINE and kinds[self.i] != END:
                self.i += 1
            if kinds[self.i] == NEWLINE:
                self.i += 1
        self.reported = self.i - 1
        if kinds[self.i] == INDENT:
            if kinds[first] in _REBUILT and not parts:
                found = self._rebuilt(first)
                if found is not None:
                    return found
            self._error_block(start, parts)
        while kinds[self.i] in _CLAUSES and kinds[first] in _HEADERS:
            self._orphan(parts)
        return n.ErrorStmt(parts, start, max(start, self.solid_end()))

    def _mended(self, first: int, error: ParseError, body: list[n.stmt]) -> bool:
        """Read a statement again that failed in a bracket, and overlook what is wrong there.

        Not if a block of it has been read already, nor if lines after it look like statements that
        an open bracket has swallowed.
        """
        place, before = self.i, len(body)
        opened = self._open_brackets(first)
        if not opened or INDENT in self.kinds[first:place]:
            return False
        if not self._closes(len(opened)):
            if self._next_statement(first, opened[0]) >= 0:
                return False
            error = self._never_closed(opened[-1], error)
        nesting, count, reported = self.blocks, len(self.errors), self.reported
        self.report(error)
        self.i = first
        self.tolerant = True
        try:
            self.statement(body)
            return True
        except ParseError:  # something is wrong outside the brackets, too
            del body[before:], self.errors[count:]
            self.nesting, self.blocks, self.reported, self.i = 0, nesting, reported, place
            return False
        finally:
            self.tolerant = False

    def _rebuilt(self, first: int) -> n.stmt | None:
        """A compound statement with a broken header and the block below it."""
        kind, start = self.kinds[first], self.starts[first]
        name = ""
        if self.kinds[first + 1] == NAME:
            name = self.text[self.starts[first + 1] : self.ends[first + 1]]
        if not name and (kind == t.DEF or kind == t.CLASS):
            return None
        begin = self.starts[first + (2 if name else 1)]
        last = self.i - 1
        while last > first and self.kinds[last] in (NEWLINE, COLON):
            last -= 1
        head = max(begin, self.ends[last])
        body: list[n.stmt] = []
        orelse: list[n.stmt] = []
        self._block(body)
        clause, nesting = self.i, self.blocks
        try:
            if self.kinds[clause] == t.ELIF and kind == t.IF:
                orelse.append(self.if_())
            elif self.kinds[clause] == t.ELSE and kind in (t.IF, t.FOR, t.WHILE):
                self.i += 1
                orelse = self.suite("'else' statement", self.starts[clause])
        except ParseError as error:  # the clause is broken, too
            self.nesting, self.blocks = 0, nesting
            orelse = [self._broken(clause, error, [])]
        return rebuilt(kind, name, body, orelse, start, begin, head, self.solid_end())

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

    def _open_brackets(self, first: int) -> list[int]:
        """The tokens of the brackets open at the error, outermost first."""
        opened: list[int] = []
        for i in range(first, self.i):
            kind = self.kinds[i]
            if kind in _OPENERS:
                opened.append(i)
            elif kind in _CLOSERS and opened:
                opened.pop()
        return opened

    def _closes(self, depth: int) -> bool:
        """Does the rest of the logical line close all the open brackets?"""
        i = self.i
        while depth > 0 and self.kinds[i] != NEWLINE and self.kinds[i] != END:
            kind = self.kinds[i]
            depth += (kind in _OPENERS) - (kind in _CLOSERS)
            i += 1
        return depth == 0

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

    def _next_statement(self, first: int, opened: int) -> int:
        """The first token in an open bracket whose line looks like the next statement, or -1."""
        kinds, starts, ends = self.kinds, self.starts, self.ends
        width = self._column(starts[first])
        i = opened + 1
        while kinds[i] != NEWLINE and kinds[i] != END:
            if self._line_break(ends[i - 1], starts[i]) and kinds[i] not in _CLOSERS:
                header = kinds[i - 1] == COLON and kinds[first] in _HEADERS
                if header or self._column(starts[i]) <= width:
                    return i
            i += 1
        return -1

    def _give_lines_back(self, first: int, opened: int) -> bool:
        """Lex again from the first line in the bracket that looks like the next statement."""
        if self.allowance <= 0:
            return False
        i = self._next_statement(first, opened)
        if i < 0:
            return False
        begin = self._line_begin(self.starts[i])
        self.allowance -= len(self.text) - begin
        indents = self._indents(first)
        self.lexer.resume(begin, i, indents)
        self.i = i
        return True

    def _line_begin(self, at: int) -> int:
        while at > 0 and self.text[at - 1] not in "\r\n":
            at -= 1
        return at

    def _column(self, at: int) -> int:
        return columns(self.text, self._line_begin(at))[1]

    def _indents(self, first: int) -> list[tuple[int, int]]:
        """The columns of the blocks that are open at a token."""
        found = [(0, 0)]
        for i in range(first):
            if self.kinds[i] == DEDENT:
                found.pop()
            elif self.kinds[i] == INDENT:
                begin = self._line_begin(self.starts[i])
                _, column, alternate = columns(self.text, begin)
                found.append((column, alternate))
        return found
