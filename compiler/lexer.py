"""Text to tokens: one loop over classes of characters.

Indentation is exact (tabs count to 8 and to 1 and must agree), brackets and backslashes join lines,
and f-strings are cut into literal parts and the tokens of their fields (fields.py). Whatever is no
token becomes an ERROR token with CPython's wording; nothing is ever raised. A statement keyword
that begins a line closes all open brackets, because no program has one there. Knows no grammar.
"""

from __future__ import annotations

from neox.compiler import tokens as t
from neox.compiler.fields import Fields
from neox.compiler.numbers import number_end
from neox.compiler.scan import (
    BACKSLASH,
    BLANK,
    CLOSE,
    DIGIT,
    DOT,
    HASH,
    LINE,
    OPEN,
    OPERATOR,
    OTHER,
    QUOTE,
    SINGLE,
    WORD,
    bad_character,
    columns,
    line_end,
    triple_recovery,
    word_end,
)
from neox.compiler.tokens import ERROR, KEYWORDS, NAME, NEWLINE, NUMBER, OPERATORS, Tokens

MAX_BRACKETS = 200
MAX_INDENTS = 99
OPENERS = {")": "(", "]": "[", "}": "{"}
CHARACTER_KINDS = [OPERATORS.get(chr(code), ERROR) for code in range(128)]

# Keywords that no bracket can contain: at the start of a line they end what was left open.
_STATEMENT_WORDS = (
    "assert break class continue def del elif except finally global import nonlocal pass raise "
    "return try while with"
).split()
ENDS_BRACKETS = [False] * t.KINDS
for _word in _STATEMENT_WORDS:
    ENDS_BRACKETS[KEYWORDS[_word]] = True


class Lexer(Fields):
    """The tokens of a text; `resume` lexes again from the start of a line."""

    def run(self) -> Tokens:
        return self._lines(0)

    def resume(self, at: int, index: int, indents: list[tuple[int, int]]) -> None:
        """Forget the tokens from `index` on and go on at the line that starts at `at`."""
        self.out.truncate(index)
        self.brackets.clear()
        self.frames.clear()
        self.level = 0
        self.indents = [column for column, _ in indents]
        self.alternates = [alternate for _, alternate in indents]
        self._lines(at)

    def _lines(self, i: int) -> Tokens:
        text, codes, classes = self.text, self.codes, self.classes
        out, brackets = self.out, self.brackets
        kinds, starts, ends = out.kinds, out.starts, out.ends
        fresh = True  # at the start of a logical line
        while True:
            if fresh:
                i = self._indentation(i)
                fresh = False
            c = classes[i]
            while c == BLANK:
                i += 1
                c = classes[i]
            if c == WORD:
                j = i + 1
                while classes[j] <= DIGIT:
                    j += 1
                if classes[j] >= OTHER:
                    if classes[j] == QUOTE and self.is_prefix(i, j):
                        i = self._string(i, j)
                        continue
                    j = word_end(text, j)
                kind = KEYWORDS.get(text[i:j], NAME)
                if kind != NAME and brackets and ENDS_BRACKETS[kind]:
                    begin = self._line_start(i)
                    if begin >= 0:
                        i, fresh = self._close_all(begin), True
                        continue
                kinds.append(kind)
                starts.append(i)
                ends.append(j)
                i = j
            elif c == SINGLE:
                kinds.append(CHARACTER_KINDS[codes[i]])
                starts.append(i)
                i += 1
                ends.append(i)
            elif c == OPEN:
                if len(brackets) >= MAX_BRACKETS:
                    out.add_error("too many nested parentheses", i, i + 1)
                    brackets.append(len(kinds) - 1)
                else:
                    brackets.append(len(kinds))
                    kinds.append(CHARACTER_KINDS[codes[i]])
                    starts.append(i)
                    ends.append(i + 1)
                i += 1
            elif c == CLOSE:
                i = self._close(i)
            elif c == DOT:
                if classes[i + 1] == DIGIT:
                    i = self._number(i)
                    continue
                j = i + 3 if text.startswith("...", i) else i + 1
                kinds.append(t.ELLIPSIS if j > i + 1 else t.DOT)
                starts.append(i)
                ends.append(j)
                i = j
            elif c == OPERATOR:
                if self.level and len(brackets) == self.level and self.is_mark(i):
                    i = self.mark(i)
                    continue
                j = i + 1
                kind = CHARACTER_KINDS[codes[i]]
                if classes[j] == OPERATOR:
                    longer = OPERATORS.get(text[i : i + 2])
                    if longer is not None:
                        kind, j = longer, i + 2
                        if classes[j] == OPERATOR:
                            longer = OPERATORS.get(text[i : i + 3])
                            if longer is not None:
                                kind, j = longer, i + 3
                if kind == ERROR:
                    out.messages[len(kinds)] = "invalid syntax"
                kinds.append(kind)
                starts.append(i)
                ends.append(j)
                i = j
            elif c == QUOTE:
                i = self._string(i, i)
            elif c == LINE:
                j = line_end(text, i)
                if not brackets:
                    kinds.append(NEWLINE)
                    starts.append(i)
                    ends.append(j)
                    fresh = True
                i = j
            elif c == DIGIT:
                j = i + 1
                while classes[j] == DIGIT:
                    j += 1
                c = classes[j]
                if c in (WORD, DOT) or c >= OTHER or (codes[i] == 48 and j > i + 1):
                    i = self._number(i)
                    continue
                if j - i > 4300:
                    i = self._number(i)
                    continue
                kinds.append(NUMBER)
                starts.append(i)
                ends.append(j)
                i = j
            elif c == HASH:
                i = self.comment(i)
            elif c == BACKSLASH:
                i = self._backslash(i)
            elif c == OTHER:
                if text[i].isidentifier():
                    j = word_end(text, i)
                    out.add(NAME, i, j)
                    i = j
                else:
                    out.add_error(bad_character(text[i]), i, i + 1)
                    i += 1
            elif i < self.size:
                out.add_error("source code cannot contain null bytes", i, i + 1)
                i += 1
            elif self.frames:
                i = self.give_up("f-string: expecting '}'", i)
            else:
                break
        self._finish(i)
        return out

    def _finish(self, i: int) -> None:
        out = self.out
        if out.kinds and out.kinds[-1] != NEWLINE:
            out.add(NEWLINE, i, i)
        for _ in range(len(self.indents) - 1):
            out.add(t.DEDENT, i, i)
        out.add(t.END, i, i)

    def _indentation(self, i: int) -> int:
        """Skip blank lines and the blanks that begin the next one; INDENT or DEDENT tokens."""
        codes, size = self.codes, self.size
        while True:
            begin = i
            while codes[i] == 32:
                i += 1
            code = codes[i]
            if code == 10 or code == 13:
                i = line_end(self.text, i)
                continue
            if code == 35:
                i = self.end_of_line(i)
                continue
            column = alternate = i - begin
            if code == 9 or code == 12 or code == 92:
                i, column, alternate = columns(self.text, begin)
                if i < size and codes[i] in b"\r\n#":
                    continue
                if i >= size and self.text[size - 1] in "\r\n":  # a joined line without a next one
                    self.out.add_error("unexpected EOF while parsing", i, i)
            if i >= size:
                return size
            if column != self.indents[-1] or alternate != self.alternates[-1]:
                self._block(i, column, alternate)
            return i

    def _block(self, at: int, column: int, alternate: int) -> None:
        out, indents, alternates = self.out, self.indents, self.alternates
        mixed = "inconsistent use of tabs and spaces in indentation"
        if column > indents[-1]:
            if alternate <= alternates[-1]:
                out.add_error(mixed, at, at)
            if len(indents) > MAX_INDENTS:
                out.add_error("too many levels of indentation", at, at)
            indents.append(column)
            alternates.append(alternate)
            out.add(t.INDENT, at, at)
            return
        while column < indents[-1]:
            indents.pop()
            alternates.pop()
            out.add(t.DEDENT, at, at)
        if column != indents[-1]:
            out.add_error("unindent does not match any outer indentation level", at, at)
        elif alternate != alternates[-1]:
            out.add_error(mixed, at, at)

    def _line_start(self, i: int) -> int:
        """Where the line begins if only blanks stand before `i`, else -1."""
        begin = i
        while begin > 0 and self.text[begin - 1] in " \t\f":
            begin -= 1
        return begin if begin > 0 and self.text[begin - 1] in "\r\n" else -1

    def _close_all(self, begin: int) -> int:
        if self.frames:
            self.give_up("f-string: expecting '}'", begin)
        self.brackets.clear()
        self.out.add(NEWLINE, begin - 1, begin)
        return begin

    def _close(self, i: int) -> int:
        """A closing bracket: of a bracket, of the field of an f-string, or of nothing."""
        c, out, brackets = self.text[i], self.out, self.brackets
        if self.level and len(brackets) == self.level:
            if c == "}":
                return self.end_field(i)
            return self.give_up(f"f-string: unmatched '{c}'", i)
        if not brackets:
            out.add_error(f"unmatched '{c}'", i, i + 1)
            return i + 1
        opener = self.text[out.starts[brackets[-1]]]
        if opener == OPENERS[c]:
            brackets.pop()
            out.add(CHARACTER_KINDS[ord(c)], i, i + 1)
            return i + 1
        message = f"closing parenthesis '{c}' does not match opening parenthesis '{opener}'"
        if self.frames:
            return self.give_up("f-string: " + message, i)
        line = self.line_of(out.starts[brackets[-1]])
        if line != self.line_of(i):
            message += f" on line {line}"
        while len(brackets) > 1 and self.text[out.starts[brackets[-1]]] != OPENERS[c]:
            brackets.pop()
        if self.text[out.starts[brackets[-1]]] == OPENERS[c]:
            brackets.pop()
        out.add_error(message, i, i + 1)
        return i + 1

    def _backslash(self, i: int) -> int:
        after = i + 1
        if self.frames and not self.nested:
            return self.give_up("f-string expression part cannot include a backslash", i)
        if after < self.size and self.text[after] in "\r\n":
            after = line_end(self.text, after)
            if after < self.size:
                return after
        elif after < self.size:
            message = "unexpected character after line continuation character"
            self.out.add_error(message, i, after)
            return after
        self.out.add_error("unexpected EOF while parsing", i, after)
        return after

    def _number(self, start: int) -> int:
        stop, message = number_end(self.text, start, self.size)
        if message:
            self.out.add_error(message, start, stop)
        else:
            self.out.add(NUMBER, start, stop)
        return stop

    def _string(self, start: int, quote: int) -> int:
        """A string literal whose prefix starts at `start` and whose quotes start at `quote`."""
        text = self.text
        if quote > start and self.is_formatted(start, quote):
            return self.begin_fstring(start, quote)
        mark = text[quote]
        if self.frames and not self.nested and quote >= self.frames[-1].limit:
            return self.give_up("f-string: expecting '}'", start)
        triple = text.startswith(mark * 3, quote)
        stop = self.plain_end(quote + (3 if triple else 1), mark * 3 if triple else mark)
        if stop >= 0 and not (self.frames and stop > self.frames[-1].limit):
            self.out.add(t.STRING, start, stop)
            return stop
        if self.frames:
            return self.give_up("f-string: expecting '}'", start)
        if triple:
            stop = triple_recovery(text, quote + 3)
            message = (
                f"unterminated triple-quoted string literal (detected at line {self.last_line()})"
            )
        else:
            stop = self.end_of_string_line(quote + 1)
            line = self.line_of(start)
            message = f"unterminated string literal (detected at line {line})"
        self.out.add_error(message, start, stop)
        return stop
