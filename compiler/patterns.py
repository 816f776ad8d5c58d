"""match statements and their patterns (PEP 634).

`match` is a name unless a whole `match subject:` header can be read, so it is tried and taken back.
"""

from __future__ import annotations

from neox.compiler import nodes as n
from neox.compiler import tokens as t
from neox.compiler.cursor import ParseError
from neox.compiler.parameters import Parameters
from neox.compiler.tokens import (
    AS,
    COLON,
    COMMA,
    DEDENT,
    DOT,
    DOUBLESTAR,
    EQUAL,
    FSTART,
    IF,
    INDENT,
    LBRACE,
    LPAR,
    LSQB,
    MINUS,
    NAME,
    NEWLINE,
    NUMBER,
    PLUS,
    RBRACE,
    RPAR,
    RSQB,
    STAR,
    STRING,
    VBAR,
)

_SINGLETONS: dict[int, n.Value] = {t.NONE: None, t.TRUE: True, t.FALSE: False}
# After the name `match` these make no expression: it must be the keyword.
_AFTER_KEYWORD = (NAME, NUMBER, STRING, FSTART, LBRACE, t.NONE, t.TRUE, t.FALSE, t.AWAIT, t.LAMBDA)


class Patterns(Parameters):
    # Productions of the files above this one in the grammar, which override these.

    def suite(self, what: str, line: int) -> list[n.stmt]:
        raise NotImplementedError

    def missing_block(self, what: str, start: int) -> None:
        raise NotImplementedError

    def recover_cases(self, cases: list[n.match_case]) -> None:
        raise NotImplementedError

    def match_statement(self) -> n.stmt | None:
        """'match' subject ':' NEWLINE INDENT case+ DEDENT, or None where `match` is a name."""
        place, start = self.i, self.here()
        kind = self.peek()
        if not (self._may_begin(kind) or kind == STAR):
            return None
        try:
            self.i += 1
            subject = self._subject()
        except ParseError:
            if kind in _AFTER_KEYWORD:
                raise
            self.i = place
            return None
        if not (self.at(COLON) and self.peek() == NEWLINE):
            header = self.at(NEWLINE) and self.peek() == INDENT and self._case_at(self.i + 2)
            if header or (kind in _AFTER_KEYWORD and self.at(NEWLINE)):
                self.fail("expected ':'")
            if kind in _AFTER_KEYWORD:
                self.fail()
            self.i = place
            return None
        self.i += 2
        if not self.at(INDENT):
            self.missing_block("'match' statement", start)
            return n.Match(subject, [], start, self.solid_end())
        if not self._case_at(self.i + 1):
            self.i += 1
            self.fail()
        self.i += 1
        cases: list[n.match_case] = []
        self.recover_cases(cases)
        if self.at(DEDENT):
            self.i += 1
        return n.Match(subject, cases, start, self.solid_end())

    def _may_begin(self, kind: int) -> bool:
        self.i += 1
        found = self.begins_expression()
        self.i -= 1
        return found and kind != IF

    def _case_at(self, i: int) -> bool:
        if self.kinds[i] != NAME:
            return False
        return self.text[self.starts[i] : self.ends[i]] == "case"

    def _subject(self) -> n.expr:
        start = self.here()
        first = self.star_named_expression()
        if not self.at(COMMA):
            if isinstance(first, n.Starred):
                self.fail()
            return first
        items = [first]
        while self.eat(COMMA):
            if self.at(COLON):
                break
            items.append(self.star_named_expression())
        return n.Tuple(items, "Load", start, self.last_end())

    def case_block(self) -> n.match_case:
        """'case' patterns ['if' named_expression] ':' block"""
        start = self.here()
        self.i += 1
        pattern = self._patterns()
        guard = self.named_expression() if self.eat(IF) else None
        body = self.suite("'case' statement", start)
        return n.match_case(pattern, guard, body, start, self.solid_end())

    def _patterns(self) -> n.pattern:
        """A pattern, or several with commas: a sequence without brackets."""
        start = self.here()
        first = self._maybe_star()
        if not self.at(COMMA):
            if isinstance(first, n.MatchStar):
                self.fail()
            return first
        items = [first]
        while self.eat(COMMA):
            if self.at(COLON) or self.at(IF):
                break
            items.append(self._maybe_star())
        return n.MatchSequence(items, start, self.last_end())

    def _maybe_star(self) -> n.pattern:
        if not self.at(STAR):
            return self._as_pattern()
        start = self.here()
        self.i += 1
        name = self.name()
        return n.MatchStar(None if name == "_" else name, start, self.last_end())

    def _as_pattern(self) -> n.pattern:
        """closed_pattern ('|' closed_pattern)* ['as' NAME]"""
        start = self.here()
        pattern = self._closed_pattern()
        if self.at(VBAR):
            options = [pattern]
            while self.eat(VBAR):
                options.append(self._closed_pattern())
            pattern = n.MatchOr(options, start, self.last_end())
        if self.eat(AS):
            if self.at_word("_"):
                self.fail("cannot use '_' as a target")
            if not self.at(NAME):
                self.fail("invalid pattern target")
            pattern = n.MatchAs(pattern, self.name(), start, self.last_end())
        return pattern

    def _closed_pattern(self) -> n.pattern:
        start, kind = self.here(), self.kinds[self.i]
        if kind == NAME:
            return self._name_pattern()
        if kind in _SINGLETONS:
            self.i += 1
            return n.MatchSingleton(_SINGLETONS[kind], start, self.last_end())
        if kind in (NUMBER, STRING, FSTART, MINUS):
            return n.MatchValue(self._literal(), start, self.last_end())
        if kind in (LPAR, LSQB):
            return self._sequence()
        if kind == LBRACE:
            return self._mapping()
        self.fail()

    def _literal(self) -> n.expr:
        """A number with an optional sign, plus or minus an imaginary one; or strings."""
        start = self.here()
        if self.at(STRING) or self.at(FSTART):
            return self.strings()
        left = self._signed()
        if not (self.at(PLUS) or self.at(MINUS)):
            return left
        op = "Add" if self.at(PLUS) else "Sub"
        if _is_imaginary(left):
            self.fail_at("real number required in complex literal", left.start, left.end)
        self.i += 1
        if not self.at(NUMBER):
            self.fail()
        right = self._number()
        if not _is_imaginary(right):
            self.fail_at("imaginary number required in complex literal", right.start, right.end)
        return n.BinOp(left, op, right, start, self.last_end())

    def _signed(self) -> n.expr:
        start = self.here()
        if self.eat(MINUS):
            return n.UnaryOp("USub", self._number(), start, self.last_end())
        return self._number()

    def _number(self) -> n.expr:
        if not self.at(NUMBER):
            self.fail()
        if LPAR <= self.peek() <= DOT:
            self.i += 1
            self.fail()
        return self.primary()

    def _dotted_value(self, start: int) -> n.expr:
        value: n.expr = n.Name(self.name(), "Load", start, self.last_end())
        while self.eat(DOT):
            name = self.name()
            value = n.Attribute(value, name, "Load", start, self.last_end())
        return value

    def _name_pattern(self) -> n.pattern:
        """A capture, the wildcard, a dotted value, or a class."""
        start = self.here()
        if self.peek() != DOT and self.peek() != LPAR:
            name = self.name()
            return n.MatchAs(None, None if name == "_" else name, start, self.last_end())
        value = self._dotted_value(start)
        if self.at(LPAR):
            return self._class_pattern(value)
        return n.MatchValue(value, start, self.last_end())

    def _class_pattern(self, cls: n.expr) -> n.pattern:
        self.i += 1
        patterns: list[n.pattern] = []
        attributes: list[str] = []
        keywords: list[n.pattern] = []
        while not self.at(RPAR):
            start = self.here()
            if self.at(NAME) and self.peek() == EQUAL:
                attributes.append(self.name())
                self.i += 1
                keywords.append(self._as_pattern())
            else:
                patterns.append(self._as_pattern())
                if attributes:
                    message = "positional patterns follow keyword patterns"
                    self.fail_at(message, start, self.last_end())
            if not self.eat(COMMA):
                break
        self.close(RPAR)
        return n.MatchClass(cls, patterns, attributes, keywords, cls.start, self.last_end())

    def _sequence(self) -> n.pattern:
        """'[' patterns ']' | '(' patterns ')'; a single one in round brackets is a group."""
        start = self.here()
        group = self.at(LPAR)
        close = RPAR if group else RSQB
        self.i += 1
        items: list[n.pattern] = []
        while not self.at(close):
            items.append(self._maybe_star())
            if not self.eat(COMMA):
                break
            group = False
        if group and len(items) == 1 and isinstance(items[0], n.MatchStar):
            self.fail()
        self.close(close)
        if group and len(items) == 1:
            return items[0]
        return n.MatchSequence(items, start, self.last_end())

    def _mapping(self) -> n.pattern:
        start = self.here()
        self.i += 1
        keys: list[n.expr | None] = []
        patterns: list[n.pattern] = []
        rest: str | None = None
        while not self.at(RBRACE):
            if self.eat(DOUBLESTAR):
                if self.at_word("_"):
                    self.fail()
                rest = self.name()
                self.eat(COMMA)
                break
            keys.append(self._key())
            if not self.eat(COLON):
                self.fail()
            patterns.append(self._as_pattern())
            if not self.eat(COMMA):
                break
        self.close(RBRACE)
        return n.MatchMapping(keys, patterns, rest, start, self.last_end())

    def _key(self) -> n.expr:
        start, kind = self.here(), self.kinds[self.i]
        if kind in _SINGLETONS:
            self.i += 1
            return n.Constant(_SINGLETONS[kind], None, start, self.last_end())
        if kind != NAME:
            return self._literal()
        if self.peek() != DOT:
            self.i += 1
            self.fail()
        return self._dotted_value(start)


def _is_imaginary(node: n.expr) -> bool:
    if isinstance(node, n.UnaryOp):
        node = node.operand
    return isinstance(node, n.Constant) and isinstance(node.value, complex)
