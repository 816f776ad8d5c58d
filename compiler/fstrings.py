"""String literals in the tree: adjacent ones joined, f-strings and t-strings with their fields.

Locations and the shape of the parts are those of CPython 3.12 and later, whatever the version.
"""

from __future__ import annotations

from neox.compiler import nodes as n
from neox.compiler.cursor import Cursor
from neox.compiler.strings import StringError, one_newline, unescape
from neox.compiler.tokens import (
    COLON,
    END,
    EQUAL,
    ERROR,
    EXCLAM,
    FEND,
    FMIDDLE,
    FSTART,
    LBRACE,
    LESSEQUAL,
    NAME,
    RBRACE,
    STAR,
    STRING,
    YIELD,
)

_CONVERSIONS = {"s": 115, "r": 114, "a": 97}
_NESTING = 2  # how deep format specs may nest; one more from Python 3.12 on


class Strings(Cursor):
    # Productions of the files above this one in the grammar, which override these.

    def star_expressions(self) -> n.expr:
        raise NotImplementedError

    def yield_(self) -> n.expr:
        raise NotImplementedError

    def strings(self) -> n.expr:
        """One literal, or adjacent ones as one: bytes, or str with f-strings joined in."""
        kinds, i = self.kinds, self.i
        start = self.starts[i]
        if kinds[i] == STRING and kinds[i + 1] != STRING and kinds[i + 1] != FSTART:
            self.i = i + 1
            return self._plain(start, self.ends[i])
        parts: list[n.expr] = []
        plain = formatted = template = as_bytes = False
        while True:
            kind = kinds[self.i]
            if kind == STRING:
                part = self._plain(self.starts[self.i], self.ends[self.i])
                if isinstance(part.value, bytes):
                    as_bytes = True
                else:
                    plain = True
                parts.append(part)
                self.i += 1
            elif kind == FSTART:
                if "t" in self.word().lower():
                    template = True
                else:
                    formatted = True
                self._formatted(parts)
            else:
                break
        end = self.last_end()
        if as_bytes and (plain or formatted or template):
            self.fail_at("cannot mix bytes and nonbytes literals", start, end)
        if template and (plain or formatted):
            self.fail_at("cannot mix t-string literals with string or bytes literals", start, end)
        if as_bytes:
            return n.Constant(b"".join([_bytes(p) for p in parts]), None, start, end)
        kind_of_all = "u" if self.text[start] == "u" else None
        merged = _merge(parts, kind_of_all if self.minor < 12 else None)
        if template:
            return n.TemplateStr(merged, start, end)
        if formatted:
            return n.JoinedStr(merged, start, end)
        return n.Constant("".join([_string(p) for p in parts]), kind_of_all, start, end)

    def _plain(self, start: int, end: int) -> n.Constant:
        text = self.text
        quote = start
        mark = text[quote]
        while mark != '"' and mark != "'":
            quote += 1
            mark = text[quote]
        if end - quote >= 6 and text[quote + 1] == mark and text[quote + 2] == mark:
            body = text[quote + 3 : end - 3]
        else:
            body = text[quote + 1 : end - 1]
        if "\r" in body:
            body = one_newline(body)
        if quote == start:
            if "\\" in body:
                body = self._unescape(body, False, start, end)
            return n.Constant(body, None, start, end)
        prefix = text[start:quote]
        raw = "r" in prefix or "R" in prefix
        if "b" in prefix or "B" in prefix:
            if not body.isascii():
                self.fail_at("bytes can only contain ASCII literal characters", start, end)
            value = body if raw else self._unescape(body, True, start, end)
            return n.Constant(value.encode("latin-1"), None, start, end)
        value = body if raw else self._unescape(body, False, start, end)
        return n.Constant(value, "u" if prefix == "u" else None, start, end)

    def _unescape(self, body: str, is_bytes: bool, start: int, end: int) -> str:
        try:
            return unescape(body, is_bytes)
        except StringError as error:
            self.fail_at(str(error), start, end)

    def _formatted(self, parts: list[n.expr]) -> None:
        """FSTART part* FEND"""
        word = self.word().lower()
        self.i += 1
        self._parts(parts, "r" in word, "t" in word, 0)
        if self.kinds[self.i] != FEND:
            self.fail("f-string: expecting '}'")
        self.i += 1

    def _parts(self, parts: list[n.expr], raw: bool, template: bool, depth: int) -> None:
        """Literal parts and fields, up to what is neither; `depth` counts format specs."""
        kinds = self.kinds
        while True:
            kind = kinds[self.i]
            if kind == FMIDDLE:
                start, end = self.starts[self.i], self.ends[self.i]
                body = one_newline(self.text[start:end])
                if depth == 0:
                    body = body.replace("{{", "{").replace("}}", "}")
                if not raw and "\\" in body:
                    body = self._unescape(body, False, start, end)
                parts.append(n.Constant(body, None, start, end))
                self.i += 1
            elif kind == LBRACE:
                self._field(parts, raw, template, depth)
            else:
                return

    def _field(self, parts: list[n.expr], raw: bool, template: bool, depth: int) -> None:
        """'{' (yield | star_expressions) ['='] ['!' NAME] [':' part*] '}'"""
        start = self.starts[self.i]
        self.i += 1
        kind = self.kinds[self.i]
        if kind in (RBRACE, EXCLAM, COLON, EQUAL):
            self._no_expression(kind)
        if depth >= _NESTING + (self.minor >= 12):
            self.fail("f-string: expressions nested too deeply")
        if kind == STAR and self.minor < 12:
            self.fail("f-string: cannot use starred expression here")
        value = self.yield_() if kind == YIELD else self.star_expressions()
        source_end = self.last_end()
        if self.minor < 12 and self.text.find("\\", start, source_end) >= 0:
            self.fail_at("f-string expression part cannot include a backslash", start, source_end)
        debug = self.eat(EQUAL)
        conversion, spec = -1, None
        if debug:
            stop = self.starts[self.i]
            parts.append(
                n.Constant(one_newline(self.text[start + 1 : stop]), None, start + 1, stop)
            )
            if self.kinds[self.i] != COLON:
                conversion = 114
        if self.kinds[self.i] == EXCLAM:
            conversion = self._conversion()
        if self.kinds[self.i] == COLON:
            colon = self.starts[self.i]
            self.i += 1
            inner: list[n.expr] = []
            self._parts(inner, raw, False, depth + 1)
            spec = n.JoinedStr(_merge(inner, None), colon, self.last_end())
        if self.kinds[self.i] != RBRACE:
            self._no_end(debug, conversion, spec)
        self.i += 1
        end = self.ends[self.i - 1]
        if template:
            source = self.text[start + 1 : source_end]
            parts.append(n.Interpolation(value, source, conversion, spec, start, end))
        else:
            parts.append(n.FormattedValue(value, conversion, spec, start, end))

    def _conversion(self) -> int:
        """'!' and a letter, which must follow at once."""
        self.i += 1
        if self.kinds[self.i] != NAME:
            self.fail("f-string: invalid conversion character")
        word = self.word()
        if self.starts[self.i] != self.ends[self.i - 1]:
            message = "f-string: conversion type must come right after the exclamation mark"
            self.fail(message)
        if word not in _CONVERSIONS:
            self.fail(f"f-string: invalid conversion character '{word}': expected 's', 'r', or 'a'")
        self.i += 1
        return _CONVERSIONS[word]

    def _no_expression(self, kind: int) -> None:
        if self.minor < 12:
            self.fail("f-string: empty expression not allowed")
        self.fail(f"f-string: valid expression required before '{self.word()}'")

    def _no_end(self, debug: bool, conversion: int, spec: n.expr | None) -> None:
        kind = self.kinds[self.i]
        if kind in (ERROR, END, LESSEQUAL):
            self.fail()
        if spec is not None or self.minor < 12:
            self.fail("f-string: expecting '}'")
        if conversion != -1:
            self.fail("f-string: expecting ':' or '}'")
        if debug:
            self.fail("f-string: expecting '!', or ':', or '}'")
        self.fail("f-string: expecting '=', or '!', or ':', or '}'")


def _string(part: n.expr) -> str:
    return part.value if isinstance(part, n.Constant) and isinstance(part.value, str) else ""


def _bytes(part: n.expr) -> bytes:
    return part.value if isinstance(part, n.Constant) and isinstance(part.value, bytes) else b""


def _merge(parts: list[n.expr], kind: str | None) -> list[n.expr]:
    """Neighbouring constants as one, empty ones dropped; `kind` is given to each, if any."""
    merged: list[n.expr] = []
    for part in parts:
        if isinstance(part, n.Constant):
            last = merged[-1] if merged else None
            if isinstance(last, n.Constant):
                value = _string(last) + _string(part)
                merged[-1] = n.Constant(value, last.kind, last.start, part.end)
                continue
            part = n.Constant(part.value, kind or part.kind, part.start, part.end)
        merged.append(part)
    return [p for p in merged if not isinstance(p, n.Constant) or p.value]
