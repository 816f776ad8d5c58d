"""What stands in brackets: tuples, lists, sets, dicts, comprehensions, subscripts.

Brackets are the only recursion here, and the lexer lets at most 200 of them nest.
"""

from __future__ import annotations

from neox.compiler import nodes as n
from neox.compiler.fstrings import Strings
from neox.compiler.tokens import (
    ASYNC,
    COLON,
    COMMA,
    DOUBLESTAR,
    ELSE,
    FOR,
    IF,
    IN,
    LAMBDA,
    LPAR,
    LSQB,
    NAME,
    RBRACE,
    RPAR,
    RSQB,
    STAR,
    STRING,
    YIELD,
)

BIT_OR = 5  # lowest power of an operator in a target, after `*` and after `**`
DISJUNCTION = 1  # lowest power without the conditional expression


class Atoms(Strings):
    # Productions of the files above this one in the grammar, which override these.

    def expression(self, lowest: int = 0) -> n.expr:
        raise NotImplementedError

    def named_expression(self) -> n.expr:
        raise NotImplementedError

    def star_named_expression(self) -> n.expr:
        raise NotImplementedError

    def starred(self) -> n.Starred:
        raise NotImplementedError

    def target_list(self) -> n.expr:
        raise NotImplementedError

    def begins_expression(self) -> bool:
        raise NotImplementedError

    def parameters(self, close: int, annotated: bool) -> n.arguments:
        raise NotImplementedError

    def tolerant_bracket(self, kind: int) -> n.expr:
        raise NotImplementedError

    def tolerant_subscript(self, value: n.expr, start: int) -> n.expr:
        raise NotImplementedError

    def bracketed(self, kind: int) -> n.expr:
        if self.tolerant:
            return self.tolerant_bracket(kind)
        if kind == LPAR:
            return self._parenthesised()
        if kind == LSQB:
            return self._list()
        return self._braces()

    def _parenthesised(self) -> n.expr:
        """tuple | group | genexp"""
        start = self.starts[self.i]
        self.i += 1
        kind = self.kinds[self.i]
        if kind == RPAR:
            self.i += 1
            return n.Tuple([], "Load", start, self.ends[self.i - 1])
        if kind == YIELD:
            inner = self.yield_()
            self.close(RPAR)
            return inner
        first = self.star_named_expression()
        kind = self.kinds[self.i]
        if kind == RPAR:
            if isinstance(first, n.Starred):
                self.fail_at("cannot use starred expression here", first.start, first.end)
            self.i += 1
            return first
        if kind == COMMA:
            items = self._more(first, RPAR)
            self.close(RPAR)
            return n.Tuple(items, "Load", start, self.ends[self.i - 1])
        if kind in (FOR, ASYNC):
            generators = self.comprehensions(first)
            self.close(RPAR)
            return n.GeneratorExp(first, generators, start, self.ends[self.i - 1])
        self.close(RPAR)
        return first

    def _list(self) -> n.expr:
        start = self.starts[self.i]
        self.i += 1
        if self.kinds[self.i] == RSQB:
            self.i += 1
            return n.List([], "Load", start, self.ends[self.i - 1])
        first = self.star_named_expression()
        kind = self.kinds[self.i]
        if kind in (FOR, ASYNC):
            generators = self.comprehensions(first)
            self.close(RSQB)
            return n.ListComp(first, generators, start, self.ends[self.i - 1])
        items = self._more(first, RSQB)
        self.close(RSQB)
        return n.List(items, "Load", start, self.ends[self.i - 1])

    def _more(self, first: n.expr, close: int) -> list[n.expr]:
        kinds = self.kinds
        items = [first]
        while kinds[self.i] == COMMA:
            self.i += 1
            if kinds[self.i] == close:
                break
            items.append(self.star_named_expression())
        return items

    def close(self, kind: int) -> None:
        """The closing bracket; two operands without an operator between want a comma."""
        if self.kinds[self.i] == kind:
            self.i += 1
            return
        if self.begins_expression() and self.kinds[self.i - 1] != COMMA:
            before = self.kinds[self.i - 1]
            word = self.text[self.starts[self.i - 1] : self.ends[self.i - 1]]
            soft = word in ("match", "case", "_", "type")
            text = before == NAME and self.kinds[self.i] == STRING
            if not soft and not text:
                self.fail("invalid syntax. Perhaps you forgot a comma?")
        self.fail()

    def _braces(self) -> n.expr:
        """set | dict | setcomp | dictcomp"""
        start = self.starts[self.i]
        self.i += 1
        kind = self.kinds[self.i]
        if kind == RBRACE:
            self.i += 1
            return n.Dict([], [], start, self.ends[self.i - 1])
        if kind == DOUBLESTAR:
            return self._dict(start, [], [])
        begin = self.starts[self.i]
        first = self.star_named_expression()
        kind = self.kinds[self.i]
        named = isinstance(first, n.NamedExpr) and first.start == begin
        if kind == COLON and not named and not isinstance(first, n.Starred):
            self.i += 1
            value = self._dict_value()
            kind = self.kinds[self.i]
            if kind in (FOR, ASYNC):
                generators = self.comprehensions(first)
                self.close(RBRACE)
                return n.DictComp(first, value, generators, start, self.ends[self.i - 1])
            if kind == COMMA:
                self.i += 1
                return self._dict(start, [first], [value])
            self.close(RBRACE)
            return n.Dict([first], [value], start, self.ends[self.i - 1])
        if kind in (FOR, ASYNC):
            generators = self.comprehensions(first)
            self.close(RBRACE)
            return n.SetComp(first, generators, start, self.ends[self.i - 1])
        items = self._more(first, RBRACE)
        self.close(RBRACE)
        return n.Set(items, start, self.ends[self.i - 1])

    def _dict_value(self) -> n.expr:
        kind = self.kinds[self.i]
        if kind in (RBRACE, COMMA):
            self.fail("expression expected after dictionary key and ':'")
        if kind == STAR:
            self.fail("cannot use a starred expression in a dictionary value")
        return self.expression()

    def _dict(self, start: int, keys: list[n.expr | None], values: list[n.expr]) -> n.expr:
        """The rest of a dict display, after a comma or from its first `**`."""
        kinds = self.kinds
        while kinds[self.i] != RBRACE:
            if kinds[self.i] == DOUBLESTAR:
                self.i += 1
                keys.append(None)
                values.append(self.expression(BIT_OR))
                if kinds[self.i] == FOR:
                    self.fail("dict unpacking cannot be used in dict comprehension")
            else:
                keys.append(self.expression())
                if kinds[self.i] != COLON:
                    self.fail("':' expected after dictionary key")
                self.i += 1
                values.append(self._dict_value())
            if kinds[self.i] != COMMA:
                break
            self.i += 1
        self.close(RBRACE)
        return n.Dict(keys, values, start, self.ends[self.i - 1])

    def comprehensions(self, element: n.expr) -> list[n.comprehension]:
        """for_if_clauses: (['async'] 'for' targets 'in' disjunction ('if' disjunction)*)+"""
        kinds = self.kinds
        if isinstance(element, n.Starred):
            message = "iterable unpacking cannot be used in comprehension"
            self.fail_at(message, element.start, element.end)
        found: list[n.comprehension] = []
        while True:
            kind = kinds[self.i]
            start = self.starts[self.i]
            is_async = 0
            if kind == ASYNC:
                is_async = 1
                self.i += 1
                kind = kinds[self.i]
            if kind != FOR:
                if is_async or not found:
                    self.fail()
                return found
            self.i += 1
            target = self.target_list()
            if kinds[self.i] != IN:
                self.fail()
            self.i += 1
            iterable = self.expression(DISJUNCTION)
            tests: list[n.expr] = []
            while kinds[self.i] == IF:
                self.i += 1
                tests.append(self.expression(DISJUNCTION))
            if kinds[self.i] == ELSE or kinds[self.i] == LAMBDA:
                self.fail()
            end = self.ends[self.i - 1]
            found.append(n.comprehension(target, iterable, tests, is_async, start, end))

    def subscript(self, value: n.expr, start: int) -> n.expr:
        """primary '[' slices ']'"""
        if self.tolerant:
            return self.tolerant_subscript(value, start)
        self.i += 1
        begin = self.starts[self.i]
        index = self.slice_()
        if self.kinds[self.i] == COMMA or isinstance(index, n.Starred):
            items = [index]
            while self.kinds[self.i] == COMMA:
                self.i += 1
                if self.kinds[self.i] == RSQB:
                    break
                items.append(self.slice_())
            index = n.Tuple(items, "Load", begin, self.ends[self.i - 1])
        self.close(RSQB)
        return n.Subscript(value, index, "Load", start, self.ends[self.i - 1])

    def slice_(self) -> n.expr:
        kinds = self.kinds
        kind = kinds[self.i]
        if kind == STAR:
            if self.minor < 11:
                self.fail()
            return self.starred()
        start = self.starts[self.i]
        lower: n.expr | None = None
        if kind != COLON:
            lower = self.named_expression() if self.minor >= 10 else self.expression()
            if kinds[self.i] != COLON:
                return lower
            if isinstance(lower, n.NamedExpr) and lower.start == start:
                self.fail()  # x[a:=1:2]: not without brackets
        self.i += 1
        upper: n.expr | None = None
        step: n.expr | None = None
        kind = kinds[self.i]
        if kind != COLON and kind != RSQB and kind != COMMA:
            upper = self.expression()
            kind = kinds[self.i]
        if kind == COLON:
            self.i += 1
            kind = kinds[self.i]
            if kind != RSQB and kind != COMMA:
                step = self.expression()
        return n.Slice(lower, upper, step, start, self.ends[self.i - 1])
