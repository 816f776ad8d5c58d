"""Parameters of functions and lambdas, and type parameters."""

from __future__ import annotations

from neox.compiler import nodes as n
from neox.compiler.expressions import Expressions
from neox.compiler.tokens import (
    COLON,
    COMMA,
    DOUBLESTAR,
    EQUAL,
    LPAR,
    LSQB,
    NAME,
    RPAR,
    RSQB,
    SLASH,
    STAR,
    Tokens,
)

_MAX_LAMBDAS = 100  # lambdas in defaults of lambdas; nothing else recurses without a bracket


class Parameters(Expressions):
    def __init__(self, text: str, tokens: Tokens, version: tuple[int, int]) -> None:
        super().__init__(text, tokens, version)
        self.nesting = 0

    def parameters(self, close: int, annotated: bool) -> n.arguments:
        """Everything up to `close`, which is left: positional-only, plain, *, keyword-only, **."""
        kinds = self.kinds
        start = self.starts[self.i]
        self.nesting += 1
        if self.nesting > _MAX_LAMBDAS:
            self.fail("too many nested lambdas")
        positional: list[n.arg] = []
        args: list[n.arg] = []
        defaults: list[n.expr] = []
        keyword_only: list[n.arg] = []
        keyword_defaults: list[n.expr | None] = []
        vararg: n.arg | None = None
        kwarg: n.arg | None = None
        star = False
        while True:
            kind = kinds[self.i]
            if kind == NAME:
                one = self._parameter(annotated, False)
                default: n.expr | None = None
                if kinds[self.i] == EQUAL:
                    default = self._default(close)
                if star:
                    keyword_only.append(one)
                    keyword_defaults.append(default)
                else:
                    args.append(one)
                    if default is not None:
                        defaults.append(default)
                    elif defaults:
                        self._without_default(one)
            elif kind == close:
                break
            elif kind == SLASH:
                self._check_slash(positional, args, star)
                self.i += 1
                positional, args = args, []
            elif kind == STAR:
                if star:
                    self.fail("* argument may appear only once")
                star = True
                self.i += 1
                vararg = self._after_star(close, annotated)
            elif kind == DOUBLESTAR:
                self.i += 1
                kwarg = self._parameter(annotated, False)
                if kinds[self.i] == EQUAL:
                    self.fail("var-keyword argument cannot have default value")
                if kinds[self.i] == COMMA:
                    self.i += 1
                    if kinds[self.i] in (NAME, STAR, DOUBLESTAR, SLASH):
                        self.fail("arguments cannot follow var-keyword argument")
                break
            else:
                self._no_parameter(kind, annotated)
            if kinds[self.i] != COMMA:
                break
            self.i += 1
        self.nesting -= 1
        end = max(start, self.last_end())
        return n.arguments(
            positional, args, vararg, keyword_only, keyword_defaults, kwarg, defaults, start, end
        )

    def _parameter(self, annotated: bool, star: bool) -> n.arg:
        """NAME [':' annotation]; the annotation of *args may be starred (3.11)."""
        start = self.starts[self.i]
        name = self.name()
        annotation: n.expr | None = None
        if annotated and self.kinds[self.i] == COLON:
            self.i += 1
            if star and self.kinds[self.i] == STAR and self.minor >= 11:
                annotation = self.starred()
            else:
                annotation = self.expression()
        return n.arg(name, annotation, start, self.ends[self.i - 1])

    def _default(self, close: int) -> n.expr:
        self.i += 1
        kind = self.kinds[self.i]
        if kind in (close, COMMA):
            self.fail("expected default value expression")
        return self.expression()

    def _after_star(self, close: int, annotated: bool) -> n.arg | None:
        kind = self.kinds[self.i]
        if kind == NAME:
            vararg = self._parameter(annotated, True)
            if self.kinds[self.i] == EQUAL:
                self.fail("var-positional argument cannot have default value")
            return vararg
        if kind == close or (kind == COMMA and self.peek() in (close, DOUBLESTAR)):
            self.fail("named arguments must follow bare *")
        if kind == COMMA and self.peek() == STAR:
            self.i += 1
            self.fail("* argument may appear only once")
        if kind != COMMA:
            self.fail()
        return None

    def _check_slash(self, positional: list[n.arg], args: list[n.arg], star: bool) -> None:
        if positional:
            self.fail("/ may appear only once")
        if star:
            self.fail("/ must be ahead of *")
        if not args:
            self.fail("at least one argument must precede /")

    def _without_default(self, one: n.arg) -> None:
        message = "non-default argument follows default argument"
        if self.minor >= 12:
            message = "parameter without a default follows parameter with a default"
        self.fail_at(message, one.start, one.end)

    def _no_parameter(self, kind: int, annotated: bool) -> None:
        if kind == LPAR:
            i = self.i + 1
            while self.kinds[i] in (NAME, COMMA):
                i += 1
            if self.kinds[i] == RPAR and i > self.i + 1:
                what = "Function" if annotated else "Lambda expression"
                self.fail(f"{what} parameters cannot be parenthesized")
        self.fail()

    def type_parameters(self) -> list[n.type_param]:
        """'[' (NAME [':' bound] | '*' NAME | '**' NAME) ['=' default] ... ']' (PEP 695, 696)"""
        found: list[n.type_param] = []
        if self.kinds[self.i] != LSQB or self.minor < 12:
            return found
        self.i += 1
        if self.at(RSQB):
            self.fail("Type parameter list cannot be empty")
        while not self.at(RSQB):
            start = self.here()
            if self.eat(DOUBLESTAR):
                name = self.name()
                self._no_bound("ParamSpec")
                default = self._type_default(False)
                found.append(n.ParamSpec(name, default, start, self.last_end()))
            elif self.eat(STAR):
                name = self.name()
                self._no_bound("TypeVarTuple")
                default = self._type_default(True)
                found.append(n.TypeVarTuple(name, default, start, self.last_end()))
            else:
                name = self.name()
                bound = self.expression() if self.eat(COLON) else None
                default = self._type_default(False)
                found.append(n.TypeVar(name, bound, default, start, self.last_end()))
            if not self.eat(COMMA):
                break
        self.close(RSQB)
        return found

    def _no_bound(self, what: str) -> None:
        if self.at(COLON):
            self.fail(f"cannot use bound with {what}")

    def _type_default(self, star: bool) -> n.expr | None:
        if self.minor < 13 or not self.eat(EQUAL):
            return None
        if star and self.at(STAR):
            return self.starred()
        return self.expression()
