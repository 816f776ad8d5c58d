"""The lexer's part for strings: prefixes, where literals end, and the insides of f-strings.

An f-string becomes FSTART, FMIDDLE for each literal part, the tokens of its fields between braces,
and FEND. Up to Python 3.11 its end is found first, as for a plain string; from 3.12 on (PEP 701)
its fields may hold any tokens. One that does not work out is taken back whole: one ERROR token.
"""

from __future__ import annotations

from neox.compiler import tokens as t
from neox.compiler.scan import encode, line_end
from neox.compiler.tokens import Tokens

MAX_FSTRINGS = 149
MAX_RETRIES = 16  # f-strings given up before they are all read by the rule of 3.11
_PLAIN = frozenset("r u b br rb R U B bR Br BR rB Rb RB".split())


class Frame:
    """An f-string that is being read: its quotes, where it began, its open fields."""

    __slots__ = ("bracket", "close", "index", "levels", "limit", "raw", "start", "template")

    def __init__(self, start: int, index: int, bracket: int, close: str, limit: int) -> None:
        self.start = start
        self.index = index  # of its first token
        self.bracket = bracket  # how many brackets were open before it
        self.close = close
        self.limit = limit  # where it must end at the latest
        self.levels: list[int] = []  # bracket depth of each open field; more than one in specs
        self.raw = False


class Fields:
    def __init__(self, text: str, version: tuple[int, int]) -> None:
        self.text = text
        self.size = len(text)
        self.codes, self.classes = encode(text)
        self.modern = version >= (3, 12)
        self.nested = self.modern  # whether fields may hold any tokens
        self.templates = version >= (3, 14)
        self.returns = "\r" in text
        self.out = Tokens()
        self.brackets: list[int] = []  # the token of each open bracket
        self.indents: list[int] = [0]
        self.alternates: list[int] = [0]  # the same columns with tabs counted as one
        self.frames: list[Frame] = []
        self.level = 0  # how many brackets are open in the current field, its brace included
        self.retries = 0
        self.counted = 0  # how far line ends have been counted, and how many there were
        self.passed = 0
        self.lines = -1  # the number of the last line, once it is asked for

    def is_prefix(self, start: int, quote: int) -> bool:
        """Is the word before a quote the prefix of a string literal?"""
        return quote - start <= 2 and (
            self.text[start:quote] in _PLAIN or self.is_formatted(start, quote)
        )

    def is_formatted(self, start: int, quote: int) -> bool:
        word = self.text[start:quote].lower()
        return word in ("f", "rf", "fr") or (self.templates and word in ("t", "rt", "tr"))

    def last_line(self) -> int:
        """The number of the last line, as CPython counts where a literal never ends."""
        if self.lines < 0:
            self.lines = self.text.count("\n") + (0 if self.text.endswith("\n") else 1)
        return self.lines

    def line_of(self, i: int) -> int:
        """The number of the line of `i`; cheap for one place after another."""
        if i >= self.counted:
            self.passed += self.text.count("\n", self.counted, i)
        else:
            self.passed -= self.text.count("\n", i, self.counted)
        self.counted = i
        return self.passed + 1

    def end_of_line(self, i: int) -> int:
        """Where the line that holds `i` ends, before its line end."""
        stop = self.text.find("\n", i)
        if stop < 0:
            stop = self.size
        if self.returns:
            first = self.text.find("\r", i, stop)
            if first >= 0:
                stop = first
        return stop

    def comment(self, i: int) -> int:
        if self.frames and not self.nested:
            return self.give_up("f-string expression part cannot include '#'", i)
        return self.end_of_line(i)

    def plain_end(self, i: int, close: str) -> int:
        """Where a literal without fields ends, from inside its quotes; -1 if it never does."""
        text, width = self.text, len(close)
        if width == 1:
            # The quote first: the next one is near, where a text has many of these literals.
            stop = text.find(close, i)
            if stop >= 0 and text.find("\\", i, stop) < 0 and self.one_line(i, stop):
                return stop + 1
            size = self.size
            while i < size:
                c = text[i]
                if c == close:
                    return i + 1
                if c == "\\":
                    i = line_end(text, i + 1)
                elif c == "\n" or c == "\r":
                    return -1
                else:
                    i += 1
            return -1
        stop = text.find(close, i)
        while stop >= 0:
            escape = text.find("\\", i, stop)
            if escape < 0:
                return stop + width
            i = escape + 2
            if i > stop:
                stop = text.find(close, i)
        return -1

    def one_line(self, i: int, stop: int) -> bool:
        text = self.text
        if text.find("\n", i, stop) >= 0:
            return False
        return not self.returns or text.find("\r", i, stop) < 0

    def end_of_string_line(self, i: int) -> int:
        """Where an unterminated literal ends: at the first line end without a backslash."""
        while i < self.size and self.text[i] not in "\r\n":
            i = min(line_end(self.text, i + 1), self.size) if self.text[i] == "\\" else i + 1
        return i

    def begin_fstring(self, start: int, quote: int) -> int:
        text = self.text
        mark = text[quote]
        close = mark * 3 if text.startswith(mark * 3, quote) else mark
        inside = quote + len(close)
        limit = self.size
        if not self.nested:
            stop = self.plain_end(inside, close)
            limit = stop - len(close)
            if stop < 0 or (self.frames and stop > self.frames[-1].limit):
                return self._unterminated(start, inside, close)
        frame = Frame(start, len(self.out.kinds), len(self.brackets), close, limit)
        frame.raw = "r" in text[start:quote] or "R" in text[start:quote]
        self.frames.append(frame)
        if len(self.frames) > MAX_FSTRINGS:
            return self.give_up("too many nested f-strings", start)
        self.out.add(t.FSTART, start, inside)
        self.level = 0
        return self.literal(inside)

    def _unterminated(self, start: int, inside: int, close: str) -> int:
        frame = Frame(start, len(self.out.kinds), len(self.brackets), close, self.size)
        self.frames.append(frame)
        return self.give_up("", inside)

    def literal(self, i: int) -> int:
        """A literal part, up to the field or the end that follows; where the loop goes on."""
        text, out = self.text, self.out
        frame = self.frames[-1]
        close, limit = frame.close, frame.limit
        mark, triple = close[0], len(close) == 3
        begin = i
        while i < limit or (i == limit and i < self.size):
            c = text[i]
            if c == "\\":
                i = self._escape(i + 1, frame.raw)
            elif c == "{":
                if not frame.levels and text.startswith("{", i + 1):
                    i += 2
                    continue
                self._middle(begin, i)
                self.brackets.append(len(out.kinds))
                out.add(t.LBRACE, i, i + 1)
                self.level = len(self.brackets)
                frame.levels.append(self.level)
                if self.level > 200:
                    return self.give_up("f-string: expressions nested too deeply", i)
                return i + 1
            elif c == "}":
                if frame.levels:
                    self._middle(begin, i)
                    self._end_brace(i)
                    begin = i + 1
                elif text.startswith("}", i + 1):
                    i += 1
                else:
                    out.add_error("f-string: single '}' is not allowed", i, i + 1)
                i += 1
            elif c == mark and (not triple or text.startswith(close, i)):
                if frame.levels:
                    return self.give_up("f-string: expecting '}'", i)
                self._middle(begin, i)
                out.add(t.FEND, i, i + len(close))
                self.frames.pop()
                outer = self.frames[-1] if self.frames else None
                self.level = outer.levels[-1] if outer is not None and outer.levels else 0
                return i + len(close)
            elif not triple and (c == "\n" or c == "\r"):
                break
            else:
                i += 1
        return self.give_up("", i)

    def _escape(self, i: int, raw: bool) -> int:
        """After a backslash: braces count even there, a \\N{...} is one escape."""
        text = self.text
        if i >= self.size or text[i] in "{}":
            return i
        if not raw and text.startswith("N{", i):
            close = text.find("}", i)
            return close + 1 if close >= 0 else self.size
        return line_end(text, i)

    def _middle(self, begin: int, end: int) -> None:
        if end > begin:
            self.out.add(t.FMIDDLE, begin, end)

    def _end_brace(self, i: int) -> None:
        frame = self.frames[-1]
        self.brackets.pop()
        frame.levels.pop()
        self.level = frame.levels[-1] if frame.levels else 0
        self.out.add(t.RBRACE, i, i + 1)

    def end_field(self, i: int) -> int:
        """The `}` that ends a field; the literal part around it goes on."""
        self._end_brace(i)
        return self.literal(i + 1)

    def is_mark(self, i: int) -> bool:
        """Does this end the expression of a field? `!=` does not, `:=` does."""
        c = self.text[i]
        return c == ":" or (c == "!" and not self.text.startswith("=", i + 1))

    def mark(self, i: int) -> int:
        """`:` or `!` in a field: the first begins a format spec, which is literal text."""
        if self.text[i] == "!":
            self.out.add(t.EXCLAM, i, i + 1)
            return i + 1
        self.out.add(t.COLON, i, i + 1)
        return self.literal(i + 1)

    def give_up(self, message: str, at: int) -> int:
        """Take the outermost f-string back and make it one ERROR token; where to go on."""
        frame = self.frames[0]
        self.out.truncate(frame.index)
        del self.brackets[frame.bracket :]
        self.frames.clear()
        self.level = 0
        self.retries += 1
        if self.retries > MAX_RETRIES:
            self.nested = False
        inside = self.text.find(frame.close, frame.start) + len(frame.close)
        stop = self.plain_end(inside, frame.close)
        if stop < 0:
            stop = self.end_of_string_line(inside) if len(frame.close) == 1 else self.size
        if not message:
            triple = len(frame.close) == 3
            kind = "triple-quoted " if triple else ""
            kind += "f-string" if self.modern else "string"
            line = self.last_line() if triple else self.line_of(frame.start)
            message = f"unterminated {kind} literal (detected at line {line})"
        self.out.add_error(message, frame.start, stop)
        return stop
