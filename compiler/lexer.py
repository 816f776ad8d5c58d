"""Text to tokens: one loop over characters.

Indentation is exact (tabs count to 8 and to 1 and must agree), brackets join lines, a backslash
joins lines, and an f-string is one token whose fields are lexed later with `inside=True`. Whatever
is no token becomes an ERROR token with CPython's wording; nothing is ever raised.
"""

from __future__ import annotations

from neox.compiler import tokens as t
from neox.compiler.strings import string_end
from neox.compiler.tokens import KEYWORDS, OPERATORS, Tokens

MAX_BRACKETS = 200
MAX_INDENTS = 99
_OPENERS = {"(": ")", "[": "]", "{": "}"}
_CLOSERS = {")": "(", "]": "[", "}": "{"}


class Lexer:
    """Tokens of text[start:end]. `inside` lexes the expression of an f-string field: no lines."""

    def __init__(self, text: str, start: int, end: int, inside: bool, version: tuple[int, int]):
        self.text = text
        self.at = start
        self.end = end
        self.inside = inside
        self.version = version
        self.out = Tokens()
        self.brackets: list[str] = []
        self.indents: list[int] = [0]
        self.alternate: list[int] = [0]  # the same columns with tabs counted as one

    def run(self) -> Tokens:
        out = self.out
        fresh = not self.inside  # at the start of a logical line
        while True:
            if fresh:
                fresh = False
                if not self._indentation():
                    break
            self._blanks()
            if self.at >= self.end:
                break
            c = self.text[self.at]
            if c == "\n" or c == "\r":
                start = self.at
                self.at += 2 if self.text.startswith("\r\n", self.at) else 1
                if not self.brackets and not self.inside:
                    out.add(t.NEWLINE, start, self.at)
                    fresh = True
            else:
                self._token(c)
        if not self.inside:
            if out.kinds and out.kinds[-1] != t.NEWLINE and not self.brackets:
                out.add(t.NEWLINE, self.at, self.at)
            for _ in self.indents[1:]:
                out.add(t.DEDENT, self.at, self.at)
        out.add(t.END, self.end, self.end)
        return out

    def _blanks(self) -> None:
        """Skip blanks, comments and joined lines."""
        text, end, i = self.text, self.end, self.at
        while i < end:
            c = text[i]
            if c == " " or c == "\t" or c == "\f":
                i += 1
            elif c == "#":
                while i < end and text[i] not in "\r\n":
                    i += 1
            elif c == "\\":
                after = i + 1
                if text.startswith("\r\n", after):
                    after += 2
                elif after < end and text[after] in "\r\n":
                    after += 1
                else:
                    message = "unexpected character after line continuation character"
                    if after >= end:
                        message = "unexpected EOF while parsing"
                    self.out.add_error(message, i, i + 1)
                    i = after
                    continue
                if after >= end:
                    self.out.add_error("unexpected EOF while parsing", i, after)
                i = after
            else:
                break
        self.at = i

    def _indentation(self) -> bool:
        """Read the blanks that begin a line, skip blank lines; False at the end of the text."""
        text, end, i = self.text, self.end, self.at
        column = alternate = 0
        while i < end:
            c = text[i]
            if c == " ":
                column += 1
                alternate += 1
            elif c == "\t":
                column = (column // 8 + 1) * 8
                alternate += 1
            elif c == "\f":
                column = alternate = 0
            elif c == "#":
                while i < end and text[i] not in "\r\n":
                    i += 1
                continue
            elif c == "\r" or c == "\n":
                column = alternate = 0
            elif c == "\\" and i + 1 < end and text[i + 1] in "\r\n":
                i += 2 if text.startswith("\r\n", i + 1) else 1
            else:
                break
            i += 1
        self.at = i
        if i >= end:
            return False
        self._block(i, column, alternate)
        return True

    def _block(self, at: int, column: int, alternate: int) -> None:
        """INDENT or DEDENT tokens for a line that starts at this column."""
        out, indents, alternates = self.out, self.indents, self.alternate
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

    def _token(self, c: str) -> None:
        start = self.at
        if c.isidentifier():
            self._name(start)
        elif c in "\"'":
            self._string(start, start)
        elif (c.isascii() and c.isdigit()) or (c == "." and self._digit(start + 1)):
            self._number(start)
        else:
            for size in (3, 2, 1):
                kind = OPERATORS.get(self.text[start : min(start + size, self.end)])
                if kind is not None:
                    self.at = min(start + size, self.end)
                    if self.at - start == 1:
                        self._bracket(c, start)
                    self.out.add(kind, start, self.at)
                    return
            self.at = start + 1
            self.out.add_error(_bad_character(c), start, self.at)

    def _bracket(self, c: str, start: int) -> None:
        if c in _OPENERS:
            if len(self.brackets) >= MAX_BRACKETS:
                self.out.add_error("too many nested parentheses", start, start)
            self.brackets.append(c)
        elif c in _CLOSERS:
            if not self.brackets:
                if not self.inside:
                    self.out.add_error(f"unmatched '{c}'", start, start)
            elif self.brackets.pop() != _CLOSERS[c]:
                message = f"closing parenthesis '{c}' does not match opening parenthesis"
                self.out.add_error(message, start, start)

    def _digit(self, at: int) -> bool:
        return at < self.end and self.text[at] in "0123456789"

    def _name(self, start: int) -> None:
        text, end, i = self.text, self.end, start + 1
        while i < end and (text[i] == "_" or text[i].isalnum() or ("a" + text[i]).isidentifier()):
            i += 1
        if i < end and text[i] in "\"'" and i - start <= 2 and _is_prefix(text[start:i]):
            self._string(start, i)
            return
        self.at = i
        self.out.add(KEYWORDS.get(text[start:i], t.NAME), start, i)

    def _string(self, start: int, quote: int) -> None:
        stop, message = string_end(self.text, start, quote, self.end, self.version)
        self.at = stop
        if message:
            self.out.add_error(message, start, stop)
        else:
            self.out.add(t.STRING, start, stop)

    def _number(self, start: int) -> None:
        stop, message = number_end(self.text, start, self.end)
        self.at = stop
        if message:
            self.out.add_error(message, start, stop)
        else:
            self.out.add(t.NUMBER, start, stop)


def _is_prefix(word: str) -> bool:
    return word.lower() in ("r", "u", "b", "f", "t", "rb", "br", "rf", "fr", "rt", "tr")


def _bad_character(c: str) -> str:
    if c.isascii() and c.isprintable():
        return "invalid syntax"
    if not c.isprintable():
        return f"invalid non-printable character U+{ord(c):04X}"
    return f"invalid character '{c}' (U+{ord(c):04X})"


def _digits(text: str, i: int, end: int, allowed: str) -> int:
    """The end of digits with single underscores between them."""
    while i < end and (
        text[i] in allowed or (text[i] == "_" and i + 1 < end and text[i + 1] in allowed)
    ):
        i += 1
    return i


def number_end(text: str, start: int, end: int) -> tuple[int, str]:
    """Where a number ends, and what is wrong with it."""
    decimal = "0123456789"
    radix = {"x": ("0123456789abcdefABCDEF", "hexadecimal"), "o": ("01234567", "octal")}
    radix["b"] = ("01", "binary")
    second = text[start + 1 : min(start + 2, end)].lower()
    if text[start] == "0" and second in radix:
        allowed, name = radix[second]
        i = start + 2
        if i < end and text[i] == "_":
            i += 1
        stop = _digits(text, i, end, allowed)
        if stop == i:
            return stop, f"invalid {name} literal"
        if stop < end and text[stop] in decimal:
            return stop + 1, f"invalid digit '{text[stop]}' in {name} literal"
        return _tail(text, stop, end, name)
    i = _digits(text, start, end, decimal)
    integer = True
    if i < end and text[i] == ".":
        integer = False
        i = _digits(text, i + 1, end, decimal) if _next_is_digit(text, i, end) else i + 1
    if i < end and text[i] in "eE":
        j = i + 2 if i + 1 < end and text[i + 1] in "+-" else i + 1
        if j < end and text[j] in decimal:
            integer = False
            i = _digits(text, j, end, decimal)
    if i < end and text[i] in "jJ":
        return _tail(text, i + 1, end, "imaginary")
    digits = text[start:i].replace("_", "")
    if integer and digits[0] == "0" and digits.strip("0"):
        return i, (
            "leading zeros in decimal integer literals are not permitted; "
            "use an 0o prefix for octal integers"
        )
    if integer and len(digits) > 4300:
        return i, "Exceeds the limit (4300 digits) for integer string conversion"
    return _tail(text, i, end, "decimal")


def _next_is_digit(text: str, i: int, end: int) -> bool:
    return i + 1 < end and text[i + 1] in "0123456789"


def _tail(text: str, i: int, end: int, name: str) -> tuple[int, str]:
    """A number may be followed by a keyword (1if x else y), but by no other name."""
    if i < end and (text[i] == "_" or text[i].isidentifier()):
        j = i
        while j < end and (text[j] == "_" or text[j].isalnum()):
            j += 1
        word = text[i:j]
        if not any(
            word.startswith(k) for k in ("and", "else", "for", "if", "in", "is", "not", "or")
        ):
            return j, f"invalid {name} literal"
    return i, ""
