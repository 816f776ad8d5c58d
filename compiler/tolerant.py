"""Brackets of a broken statement: what stands wrongly in them costs itself, not the statement.

A statement that failed in a bracket is read once more in this way (recovery.py): an element that
cannot be read is an ErrorExpr of its own tokens, a missing comma is overlooked, and a bracket that
nothing closes ends with the logical line. Every loop takes a token or stops; nothing is raised.
"""

from __future__ import annotations

from neox.compiler import nodes as n
from neox.compiler import tokens as t
from neox.compiler.arguments import Arguments
from neox.compiler.cursor import ParseError
from neox.compiler.tokens import COLON, COMMA, DOUBLESTAR, EQUAL, LPAR, LSQB, NAME, RPAR

_OPENERS = (LPAR, LSQB, t.LBRACE, t.FSTART)
_CLOSERS = (RPAR, t.RSQB, t.RBRACE, t.FEND)
_PARTNER = {LPAR: RPAR, LSQB: t.RSQB, t.LBRACE: t.RBRACE}


class Tolerant(Arguments):
    def tolerant_bracket(self, kind: int) -> n.expr:
        """'(', '[' or '{' and whatever follows, up to its partner."""
        start = self.here()
        self.i += 1
        close = _PARTNER[kind]
        if kind == t.LBRACE:
            return self._tolerant_braces(start)
        items: list[n.expr] = []
        comma = False
        while self._goes_on(close):
            if self.eat(COMMA):
                comma = True
                continue
            item = self._element()
            if not items and (self.at(t.FOR) or self.at(t.ASYNC)):
                found = self._generators(item)
                if found is not None:
                    self._end(close)
                    if kind == LPAR:
                        return n.GeneratorExp(item, found, start, self.last_end())
                    return n.ListComp(item, found, start, self.last_end())
            items.append(item)
        self._end(close)
        if kind == LSQB:
            return n.List(items, "Load", start, self.last_end())
        if len(items) == 1 and not comma and not isinstance(items[0], n.Starred):
            return items[0]
        return n.Tuple(items, "Load", start, self.last_end())

    def _tolerant_braces(self, start: int) -> n.expr:
        keys: list[n.expr | None] = []
        values: list[n.expr] = []  # of a dict; as many as keys
        items: list[n.expr] = []  # of a set
        while self._goes_on(t.RBRACE):
            if self.eat(COMMA):
                continue
            if self.eat(DOUBLESTAR):
                keys.append(None)
                values.append(self._element())
                continue
            item = self._element()
            if self.eat(COLON):
                keys.append(item)
                values.append(self._element())
            elif not items and not keys and (self.at(t.FOR) or self.at(t.ASYNC)):
                found = self._generators(item)
                if found is not None:
                    self._end(t.RBRACE)
                    return n.SetComp(item, found, start, self.last_end())
                items.append(item)
            elif keys:
                keys.append(item)
                values.append(n.ErrorExpr([], item.end, item.end))
            else:
                items.append(item)
            if len(keys) == 1 and (self.at(t.FOR) or self.at(t.ASYNC)) and keys[0] is not None:
                found = self._generators(values[0])
                if found is not None:
                    self._end(t.RBRACE)
                    return n.DictComp(keys[0], values[0], found, start, self.last_end())
        self._end(t.RBRACE)
        if items and not keys:
            return n.Set(items, start, self.last_end())
        missing: list[n.expr] = [n.ErrorExpr([], one.end, one.end) for one in items]
        return n.Dict([*items, *keys], missing + values, start, self.last_end())

    def tolerant_arguments(self, args: list[n.expr], keywords: list[n.keyword]) -> None:
        """'(' and whatever follows, into the two lists."""
        opened = self.here()
        self.i += 1
        while self._goes_on(RPAR):
            start = self.here()
            if self.eat(COMMA):
                continue
            if self.at(NAME) and self.peek() == EQUAL:
                name = self.name()
                self.i += 1
                value = self._element()
                keywords.append(n.keyword(name, value, start, max(start, self.last_end())))
            elif self.eat(DOUBLESTAR):
                value = self._element()
                keywords.append(n.keyword(None, value, start, max(start, self.last_end())))
            else:
                item = self._element()
                if not args and (self.at(t.FOR) or self.at(t.ASYNC)):
                    found = self._generators(item)
                    if found is not None:
                        item = n.GeneratorExp(item, found, opened, self.last_end())
                args.append(item)
        self._end(RPAR)

    def tolerant_subscript(self, value: n.expr, start: int) -> n.expr:
        """'[' and whatever follows, as the index of `value`."""
        self.i += 1
        begin = self.here()
        items: list[n.expr] = []
        comma = False
        while self._goes_on(t.RSQB):
            if self.eat(COMMA):
                comma = True
                continue
            items.append(self._element(True))
        end = max(begin, self.last_end())
        self._end(t.RSQB)
        if len(items) == 1 and not comma and not isinstance(items[0], n.Starred):
            index = items[0]
        elif items:
            index = n.Tuple(items, "Load", begin, end)
        else:
            index = n.ErrorExpr([], begin, begin)
        return n.Subscript(value, index, "Load", start, self.last_end())

    def _goes_on(self, close: int) -> bool:
        """Is there more in this bracket? Another bracket's end closes it, too."""
        kind = self.kinds[self.i]
        return kind != close and kind not in _CLOSERS and kind > t.DEDENT

    def _end(self, close: int) -> None:
        if self.kinds[self.i] == close:
            self.i += 1

    def _element(self, index: bool = False) -> n.expr:
        """One element; where it cannot be read, the tokens up to where it failed."""
        first = self.i
        if self.kinds[first] == COMMA or not self._goes_on(RPAR):
            return n.ErrorExpr([], self.last_end(), self.last_end())
        try:
            if index:
                return self.slice_()
            return self.star_named_expression()
        except ParseError:
            return self._unread(first)

    def _generators(self, element: n.expr) -> list[n.comprehension] | None:
        place = self.i
        try:
            return self.comprehensions(element)
        except ParseError:
            self.i = place
            return None

    def _unread(self, first: int) -> n.ErrorExpr:
        """The tokens from `first` to where the parser is, and on while a bracket is open."""
        stop = max(self.i, first + 1)
        self.i = first
        depth = 0
        while self.kinds[self.i] > t.DEDENT:
            kind = self.kinds[self.i]
            if kind in _CLOSERS:
                if depth == 0:
                    break
                depth -= 1
            if depth == 0 and self.i >= stop and kind not in _CLOSERS:
                break
            depth += kind in _OPENERS
            self.i += 1
        return n.ErrorExpr([], self.starts[first], max(self.starts[first], self.last_end()))
