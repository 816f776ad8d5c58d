"""Atoms and what may follow them: names, literals, brackets, calls, subscripts, attributes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from neox.compiler import nodes as n
from neox.compiler import tokens as t
from neox.compiler.cursor import Cursor
from neox.compiler.strings import StringError, number_value, one_newline, unescape
from neox.compiler.tokens import KEYWORDS, OPERATORS

_SINGLETONS = {KEYWORDS["None"]: None, KEYWORDS["True"]: True, KEYWORDS["False"]: False}
_TRAILERS = frozenset(OPERATORS[x] for x in ("(", "[", "."))


class Atoms(Cursor):
    if TYPE_CHECKING:  # the grammar above this file

        def expression(self) -> n.expr: ...
        def named_expression(self) -> n.expr: ...
        def star_named_expression(self) -> n.expr: ...
        def star_expressions(self) -> n.expr: ...
        def starred(self) -> n.Starred: ...
        def binary(self, least: int) -> n.expr: ...
        def disjunction(self) -> n.expr: ...
        def yield_(self) -> n.expr: ...
        def target_list(self) -> n.expr: ...
        def parameters(self, close: str, annotated: bool) -> n.arguments: ...
        def formatted(self, start: int, end: int) -> list[n.expr]: ...

    def primary(self) -> n.expr:
        """primary: atom (call | subscript | attribute)*, as a loop."""
        start = self.start
        node = self.atom()
        while self.kind in _TRAILERS:
            if self.eat("."):
                name = self.name()
                node = n.Attribute(node, name, "Load", start, self.last_end)
            elif self.at("("):
                args, keywords = self.call_arguments()
                node = n.Call(node, args, keywords, start, self.last_end)
            else:
                self.advance()
                self.enter()
                index = self.slices()
                self.leave()
                self.expect("]")
                node = n.Subscript(node, index, "Load", start, self.last_end)
        return node

    def atom(self) -> n.expr:
        start, kind = self.start, self.kind
        if kind == t.NAME:
            return n.Name(self.name(), "Load", start, self.last_end)
        if kind == t.NUMBER:
            value = number_value(self.word())
            self.advance()
            return n.Constant(value, None, start, self.last_end)
        if kind == t.STRING:
            return self.strings()
        if kind in _SINGLETONS:
            self.advance()
            return n.Constant(_SINGLETONS[kind], None, start, self.last_end)
        if self.at("..."):
            self.advance()
            return n.Constant(..., None, start, self.last_end)
        if self.at("(") or self.at("[") or self.at("{"):
            self.enter()
            node = self._bracketed()
            self.leave()
            return node
        self.fail()

    def _bracketed(self) -> n.expr:
        if self.at("("):
            return self._parenthesised()
        if self.at("["):
            return self._list()
        return self._braces()

    def _parenthesised(self) -> n.expr:
        start = self.start
        self.advance()
        if self.eat(")"):
            return n.Tuple([], "Load", start, self.last_end)
        if self.at("yield"):
            inner = self.yield_()
            self._close(")", start)
            return inner
        first = self.star_named_expression()
        if self.at("for") or self.at("async"):
            generators = self.comprehensions(first)
            self._close(")", start)
            return n.GeneratorExp(first, generators, start, self.last_end)
        if not self.at(","):
            if isinstance(first, n.Starred):
                self.fail_at("cannot use starred expression here", first.start, first.end)
            self._close(")", start)
            return first
        items = self._more(first, ")")
        self._close(")", start)
        return n.Tuple(items, "Load", start, self.last_end)

    def _list(self) -> n.expr:
        start = self.start
        self.advance()
        if self.eat("]"):
            return n.List([], "Load", start, self.last_end)
        first = self.star_named_expression()
        if self.at("for") or self.at("async"):
            generators = self.comprehensions(first)
            self._close("]", start)
            return n.ListComp(first, generators, start, self.last_end)
        items = self._more(first, "]")
        self._close("]", start)
        return n.List(items, "Load", start, self.last_end)

    def _more(self, first: n.expr, close: str) -> list[n.expr]:
        items = [first]
        while self.eat(","):
            if self.at(close):
                break
            items.append(self.star_named_expression())
        return items

    def _close(self, text: str, opened: int) -> None:
        if self.kind == t.END and not self.tokens.messages.get(self.i):
            opener = self.text[opened]
            self.fail_at(f"'{opener}' was never closed", self.start, self.start)
        if not self.at(text):
            self.fail("invalid syntax. Perhaps you forgot a comma?" if self._operand() else "")
        self.advance()

    def _operand(self) -> bool:
        return self.kind in (t.NAME, t.NUMBER, t.STRING)

    def _braces(self) -> n.expr:
        start = self.start
        self.advance()
        if self.eat("}"):
            return n.Dict([], [], start, self.last_end)
        if self.at("**"):
            return self._dict(start, None, None)
        if self.at("*"):
            first: n.expr = self.starred()
        else:
            first = self.named_expression()
            if self.eat(":"):
                return self._dict(start, first, self.expression())
        if self.at("for") or self.at("async"):
            generators = self.comprehensions(first)
            self._close("}", start)
            return n.SetComp(first, generators, start, self.last_end)
        items = self._more(first, "}")
        self._close("}", start)
        return n.Set(items, start, self.last_end)

    def _dict(self, start: int, key: n.expr | None, value: n.expr | None) -> n.expr:
        """A dict display after its first `key: value`, or from its first `**`."""
        keys: list[n.expr | None] = []
        values: list[n.expr] = []
        if key is not None and value is not None:
            if self.at("for") or self.at("async"):
                generators = self.comprehensions(key)
                self._close("}", start)
                return n.DictComp(key, value, generators, start, self.last_end)
            keys.append(key)
            values.append(value)
            if not self.eat(","):
                self._close("}", start)
                return n.Dict(keys, values, start, self.last_end)
        while not self.at("}"):
            if self.eat("**"):
                keys.append(None)
                values.append(self.binary(1))
            else:
                keys.append(self.expression())
                if not self.eat(":"):
                    self.fail("':' expected after dictionary key")
                values.append(self.expression())
            if not self.eat(","):
                break
        self._close("}", start)
        return n.Dict(keys, values, start, self.last_end)

    def comprehensions(self, element: n.expr) -> list[n.comprehension]:
        """for_if_clauses: (['async'] 'for' targets 'in' disjunction ('if' disjunction)*)+"""
        if isinstance(element, n.Starred):
            message = "iterable unpacking cannot be used in comprehension"
            self.fail_at(message, element.start, element.end)
        found = []
        while self.at("for") or (self.at("async") and self.peek() == KEYWORDS["for"]):
            start = self.start
            is_async = int(self.eat("async"))
            self.advance()
            target = self.target_list()
            if not self.eat("in"):
                self.fail()
            iterable = self.disjunction()
            tests = []
            while self.eat("if"):
                tests.append(self.disjunction())
            found.append(n.comprehension(target, iterable, tests, is_async, start, self.last_end))
        if not found:
            self.fail()
        return found

    def call_arguments(self) -> tuple[list[n.expr], list[n.keyword]]:
        """'(' arguments ')': positional and starred, then keywords, as CPython orders them."""
        opened = self.start
        self.advance()
        self.enter()
        args: list[n.expr] = []
        keywords: list[n.keyword] = []
        unpacked = False
        while not self.at(")"):
            start = self.start
            if self.eat("**"):
                value = self.expression()
                keywords.append(n.keyword(None, value, start, self.last_end))
                unpacked = True
            elif self.at("*"):
                if unpacked:
                    self.fail("iterable argument unpacking follows keyword argument unpacking")
                self.advance()
                value = self.expression()
                args.append(n.Starred(value, "Load", start, self.last_end))
            elif self.kind == t.NAME and self.peek() == OPERATORS["="]:
                name = self.name()
                self.advance()
                value = self.expression()
                keywords.append(n.keyword(name, value, start, self.last_end))
            else:
                value = self.named_expression()
                if self.at("for") or self.at("async"):
                    value = self._bare_generator(value, opened, bool(args or keywords))
                elif self.at("="):
                    self.fail_at(
                        'expression cannot contain assignment, perhaps you meant "=="?',
                        value.start,
                        value.end,
                    )
                if keywords:
                    kind = "keyword argument unpacking" if unpacked else "keyword argument"
                    self.fail_at(f"positional argument follows {kind}", value.start, value.end)
                args.append(value)
            if not self.eat(","):
                break
        self.leave()
        self._close(")", opened)
        if args and isinstance(args[0], n.GeneratorExp) and args[0].start == opened:
            args[0].end = self.last_end
        return args, keywords

    def _bare_generator(self, element: n.expr, opened: int, others: bool) -> n.expr:
        """A generator without brackets of its own; it must be the only argument."""
        generators = self.comprehensions(element)
        if others or not self.at(")"):
            message = "Generator expression must be parenthesized"
            self.fail_at(message, element.start, self.last_end)
        return n.GeneratorExp(element, generators, opened, self.last_end)

    def slices(self) -> n.expr:
        start = self.start
        first = self._slice()
        if not self.at(","):
            if isinstance(first, n.Starred):
                return n.Tuple([first], "Load", start, self.last_end)
            return first
        items = [first]
        while self.eat(","):
            if self.at("]"):
                break
            items.append(self._slice())
        return n.Tuple(items, "Load", start, self.last_end)

    def _slice(self) -> n.expr:
        if self.at("*"):
            return self.starred()
        start = self.start
        lower = None if self.at(":") else self.named_expression()
        if not self.at(":"):
            assert lower is not None
            return lower
        self.advance()
        upper = step = None
        if not (self.at(":") or self.at("]") or self.at(",")):
            upper = self.expression()
        if self.eat(":") and not (self.at("]") or self.at(",")):
            step = self.expression()
        return n.Slice(lower, upper, step, start, self.last_end)

    def strings(self) -> n.expr:
        """Adjacent literals are one: all bytes, or str with f-strings joined in."""
        start = self.start
        parts: list[n.expr] = []  # Constant and FormattedValue, in order
        formatted = template = False
        kinds: set[bool] = set()
        first_kind: str | None = None
        while self.kind == t.STRING:
            begin, end = self.start, self.tokens.ends[self.i]
            text = self.text[begin:end]
            quote = min(i for i in (text.find("'"), text.find('"')) if i >= 0)
            prefix = text[:quote].lower()
            width = 3 if text[quote : quote + 3] in ("'''", '"""') else 1
            kinds.add("b" in prefix)
            if begin == start and prefix == "u":
                first_kind = "u"
            if "f" in prefix or "t" in prefix:
                formatted = True
                template = template or "t" in prefix
                parts += self.formatted(begin, end)
            else:
                parts.append(self._plain(text[quote + width : -width], prefix, begin, end))
            self.advance()
        if len(kinds) > 1:
            self.fail_at("cannot mix bytes and nonbytes literals", start, self.last_end)
        if True in kinds:
            values = [p.value for p in parts if isinstance(p, n.Constant)]
            joined = b"".join(v for v in values if isinstance(v, bytes))
            return n.Constant(joined, None, start, self.last_end)
        merged = _merge(parts)
        if formatted:
            kind = n.TemplateStr if template else n.JoinedStr
            return kind(merged, start, self.last_end)
        value = merged[0].value if merged and isinstance(merged[0], n.Constant) else ""
        return n.Constant(value, first_kind, start, self.last_end)

    def _plain(self, body: str, prefix: str, start: int, end: int) -> n.Constant:
        body = one_newline(body)
        is_bytes = "b" in prefix
        if is_bytes and not body.isascii():
            self.fail_at("bytes can only contain ASCII literal characters", start, end)
        try:
            value = body if "r" in prefix else unescape(body, is_bytes)
        except StringError as error:
            self.fail_at(str(error), start, end)
        return n.Constant(value.encode("latin-1") if is_bytes else value, None, start, end)


def _merge(parts: list[n.expr]) -> list[n.expr]:
    """Join neighbouring constants, and drop empty ones."""
    merged: list[n.expr] = []
    for part in parts:
        last = merged[-1] if merged else None
        if (
            isinstance(part, n.Constant)
            and isinstance(last, n.Constant)
            and isinstance(part.value, str)
            and isinstance(last.value, str)
        ):
            merged[-1] = n.Constant(last.value + part.value, None, last.start, part.end)
        else:
            merged.append(part)
    return [p for p in merged if not (isinstance(p, n.Constant) and p.value == "")]
