"""match statements and their patterns (PEP 634).

`match` is a name unless a whole `match subject:` header can be read, so it is tried and taken back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from neox.compiler import nodes as n
from neox.compiler import tokens as t
from neox.compiler.cursor import ParseError
from neox.compiler.parameters import Parameters
from neox.compiler.tokens import KEYWORDS, OPERATORS, Tokens

_OPENING = ("(", "[", "{", "-", "*", "+", "~", "...")
_NOT_A_SUBJECT = frozenset(
    [t.NEWLINE, t.END]
    + [kind for text, kind in OPERATORS.items() if text not in _OPENING]
    + [KEYWORDS[w] for w in ("in", "is", "and", "or", "if", "else", "as", "for")]
)


class Patterns(Parameters):
    def __init__(self, text: str, tokens: Tokens, version: tuple[int, int]) -> None:
        super().__init__(text, tokens, version)
        self.errors: list[ParseError] = []

    if TYPE_CHECKING:  # the grammar above this file

        def block(self) -> list[n.stmt]: ...
        def suite(self) -> list[n.stmt]: ...

    def match_statement(self) -> n.stmt | None:
        if self.peek() in _NOT_A_SUBJECT:
            return None
        place, depth, start = self.i, self.depth, self.start
        try:
            self.advance()
            subject = self._subject()
            is_match = self.at(":") and self.peek() == t.NEWLINE and self.peek(2) == t.INDENT
        except ParseError:
            is_match = False
        if not is_match or not self._begins_case(3):
            self.depth = depth
            self.jump(place)
            return None
        for _ in range(3):
            self.advance()
        cases = []
        self.enter()
        while self.at_soft("case"):
            cases.append(self._case())
        self.leave()
        if self.kind not in (t.DEDENT, t.END):
            self.fail()
        if self.kind == t.DEDENT:
            self.advance()
        return n.Match(subject, cases, start, self.solid_end())

    def _begins_case(self, ahead: int) -> bool:
        i = self.i + ahead
        return (
            self.peek(ahead) == t.NAME
            and self.text[self.tokens.starts[i] : self.tokens.ends[i]] == "case"
        )

    def _subject(self) -> n.expr:
        start = self.start
        first = self.star_named_expression()
        if not self.at(","):
            if isinstance(first, n.Starred):
                self.fail()
            return first
        items = [first]
        while self.eat(","):
            if self.at(":"):
                break
            items.append(self.star_named_expression())
        return n.Tuple(items, "Load", start, self.last_end)

    def _case(self) -> n.match_case:
        start = self.start
        self.advance()
        pattern = self._open_pattern()
        guard = self.named_expression() if self.eat("if") else None
        body = self.suite()
        return n.match_case(pattern, guard, body, start, self.solid_end())

    def _open_pattern(self) -> n.pattern:
        start = self.start
        first = self._maybe_star()
        if not self.at(","):
            if isinstance(first, n.MatchStar):
                return n.MatchSequence([first], start, self.last_end)
            return first
        items = [first]
        while self.eat(","):
            if self.at(":") or self.at("if"):
                break
            items.append(self._maybe_star())
        return n.MatchSequence(items, start, self.last_end)

    def _maybe_star(self) -> n.pattern:
        if not self.at("*"):
            return self._as_pattern()
        start = self.start
        self.advance()
        name = self.name()
        return n.MatchStar(None if name == "_" else name, start, self.last_end)

    def _as_pattern(self) -> n.pattern:
        start = self.start
        first = self._closed_pattern()
        options = [first]
        while self.eat("|"):
            options.append(self._closed_pattern())
        pattern = first if len(options) == 1 else n.MatchOr(options, start, self.last_end)
        if self.eat("as"):
            if self.at_soft("_"):
                self.fail("cannot use '_' as a target")
            pattern = n.MatchAs(pattern, self.name(), start, self.last_end)
        return pattern

    def _closed_pattern(self) -> n.pattern:
        start = self.start
        if self.at("None") or self.at("True") or self.at("False"):
            value = {"None": None, "True": True, "False": False}[self.word()]
            self.advance()
            return n.MatchSingleton(value, start, self.last_end)
        if self.kind in (t.NUMBER, t.STRING) or self.at("-"):
            return n.MatchValue(self._literal_value(), start, self.last_end)
        if self.kind == t.NAME:
            return self._name_pattern()
        if self.at("(") or self.at("[") or self.at("{"):
            self.enter()
            pattern = self._mapping() if self.at("{") else self._sequence()
            self.leave()
            return pattern
        self.fail()

    def _literal_value(self) -> n.expr:
        """A number with an optional sign, optionally plus or minus an imaginary one, or strings."""
        start = self.start
        if self.kind == t.STRING:
            return self.strings()
        left = self._signed()
        if self.at("+") or self.at("-"):
            op = "Add" if self.at("+") else "Sub"
            self.advance()
            if self.kind != t.NUMBER:
                self.fail("imaginary number required in complex literal")
            right = self.atom()
            left = n.BinOp(left, op, right, start, self.last_end)
        return left

    def _signed(self) -> n.expr:
        start = self.start
        if self.eat("-"):
            if self.kind != t.NUMBER:
                self.fail()
            return n.UnaryOp("USub", self.atom(), start, self.last_end)
        if self.kind != t.NUMBER:
            self.fail()
        return self.atom()

    def _name_pattern(self) -> n.pattern:
        start = self.start
        name = self.name()
        if not (self.at(".") or self.at("(")):
            return n.MatchAs(None, None if name == "_" else name, start, self.last_end)
        value: n.expr = n.Name(name, "Load", start, self.last_end)
        while self.eat("."):
            value = n.Attribute(value, self.name(), "Load", start, self.last_end)
        if self.at("("):
            self.enter()
            pattern = self._class_pattern(value)
            self.leave()
            return pattern
        return n.MatchValue(value, start, self.last_end)

    def _class_pattern(self, cls: n.expr) -> n.pattern:
        self.advance()
        patterns: list[n.pattern] = []
        attributes: list[str] = []
        keywords: list[n.pattern] = []
        while not self.at(")"):
            if self.kind == t.NAME and self.peek() == OPERATORS["="]:
                attributes.append(self.name())
                self.advance()
                keywords.append(self._as_pattern())
            elif attributes:
                self.fail("positional patterns follow keyword patterns")
            else:
                patterns.append(self._as_pattern())
            if not self.eat(","):
                break
        if not self.eat(")"):
            self.fail()
        return n.MatchClass(cls, patterns, attributes, keywords, cls.start, self.last_end)

    def _sequence(self) -> n.pattern:
        start = self.start
        bracket = self.at("[")
        close = "]" if bracket else ")"
        self.advance()
        items: list[n.pattern] = []
        comma = False
        while not self.at(close):
            items.append(self._maybe_star())
            if not self.eat(","):
                break
            comma = True
        if not self.eat(close):
            self.fail()
        if not bracket and len(items) == 1 and not comma and not isinstance(items[0], n.MatchStar):
            return items[0]
        return n.MatchSequence(items, start, self.last_end)

    def _mapping(self) -> n.pattern:
        start = self.start
        self.advance()
        keys: list[n.expr | None] = []
        patterns: list[n.pattern] = []
        rest: str | None = None
        while not self.at("}"):
            if self.eat("**"):
                rest = self.name()
                if rest == "_":
                    self.fail()
                self.eat(",")
                break
            keys.append(self._key())
            if not self.eat(":"):
                self.fail()
            patterns.append(self._as_pattern())
            if not self.eat(","):
                break
        if not self.eat("}"):
            self.fail()
        return n.MatchMapping(keys, patterns, rest, start, self.last_end)

    def _key(self) -> n.expr:
        start = self.start
        if self.at("None") or self.at("True") or self.at("False"):
            return self.atom()
        if self.kind != t.NAME:
            return self._literal_value()
        value: n.expr = n.Name(self.name(), "Load", start, self.last_end)
        while self.eat("."):
            value = n.Attribute(value, self.name(), "Load", start, self.last_end)
        return value
