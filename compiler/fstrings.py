"""The inside of f-strings and t-strings: literal parts, fields, conversions, format specs."""

from __future__ import annotations

from neox.compiler import nodes as n
from neox.compiler import tokens as t
from neox.compiler.expressions import Expressions
from neox.compiler.lexer import Lexer
from neox.compiler.strings import StringError, field_end, one_newline, unescape

_CONVERSIONS = {"s": 115, "r": 114, "a": 97}


class FStrings(Expressions):
    def formatted(self, start: int, end: int) -> list[n.expr]:
        """The parts of the f-string or t-string literal text[start:end]."""
        text = self.text[start:end]
        quote = min(i for i in (text.find("'"), text.find('"')) if i >= 0)
        prefix = text[:quote].lower()
        triple = text[quote : quote + 3] in ("'''", '"""')
        width = 3 if triple else 1
        self._raw, self._mark, self._triple = "r" in prefix, text[quote], triple
        self._template = "t" in prefix
        return self._parts(start + quote + width, end - width, False)

    def _parts(self, i: int, end: int, in_spec: bool) -> list[n.expr]:
        parts: list[n.expr] = []
        literal = i
        text = self.text
        while i < end:
            c = text[i]
            if c == "\\" and not self._raw:
                if text.startswith("N{", i + 1):
                    close = text.find("}", i)
                    i = end if close < 0 or close >= end else close + 1
                elif i + 1 < end and text[i + 1] in "{}":
                    i += 1
                else:
                    i += 2
            elif c == "{" and not (text.startswith("{{", i) and not in_spec):
                self._literal(parts, literal, i)
                i = self._field(parts, i, end)
                literal = i
            elif c == "{":
                i += 2
            elif c == "}":
                if not text.startswith("}}", i) or in_spec:
                    self.fail_at("f-string: single '}' is not allowed", i, i + 1)
                i += 2
            else:
                i += 1
        self._literal(parts, literal, end)
        return parts

    def _literal(self, parts: list[n.expr], start: int, end: int) -> None:
        body = one_newline(self.text[start:end])
        if not body:
            return
        if not self._raw:
            try:
                body = unescape(body, False)
            except StringError as error:
                self.fail_at(str(error), start, end)
        body = body.replace("{{", "{").replace("}}", "}")
        parts.append(n.Constant(body, None, start, end))

    def _field(self, parts: list[n.expr], start: int, end: int) -> int:
        """One {field} at `start`; returns the offset after it."""
        stop = field_end(self.text, start + 1, end, self._mark, self._triple, (3, 14), 1)
        if stop >= end or self.text[stop] != "}":
            self.fail_at("f-string: expecting '}'", start, stop)
        saved = (self.tokens, self.i, self._raw, self._mark, self._triple, self._template)
        self.tokens = Lexer(self.text, start + 1, stop, True, self.version).run()
        self.jump(0)
        self.enter()
        if self.kind == t.END or self.text[self.start] in "!:=":
            self.fail_at("f-string: valid expression required before '}'", start, stop + 1)
        value = self.yield_() if self.at("yield") else self.star_expressions()
        self.leave()
        i = self._skip(self.start if self.kind != t.END else stop)
        self.tokens = saved[0]
        self.jump(saved[1])
        self._raw, self._mark, self._triple, self._template = saved[2:]
        conversion, spec = -1, None
        expression_end = i
        if self.text[i] == "=":
            i = self._skip(i + 1)
            parts.append(n.Constant(one_newline(self.text[start + 1 : i]), None, start + 1, i))
            conversion = 114
        if self.text[i] == "!":
            letter = self.text[i + 1]
            if letter not in _CONVERSIONS:
                message = "f-string: invalid conversion character: expected 's', 'r', or 'a'"
                self.fail_at(message, i, i + 2)
            conversion = _CONVERSIONS[letter]
            i = self._skip(i + 2)
        if self.text[i] == ":":
            if (
                conversion == 114
                and self.text[expression_end] == "="
                and "!" not in (self.text[expression_end:i])
            ):
                conversion = -1
            spec = n.JoinedStr(self._parts(i + 1, stop, True), i, stop)
            i = stop
        if i != stop:
            self.fail_at("f-string: expecting '=', or '!', or ':', or '}'", i, i + 1)
        if self._template:
            source = self.text[start + 1 : expression_end].rstrip()
            parts.append(n.Interpolation(value, source, conversion, spec, start, stop + 1))
        else:
            parts.append(n.FormattedValue(value, conversion, spec, start, stop + 1))
        return stop + 1

    def _skip(self, i: int) -> int:
        while self.text[i] in " \t\f\r\n":
            i += 1
        return i
