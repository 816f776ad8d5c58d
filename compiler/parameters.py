"""Parameters of functions and lambdas, and type parameters."""

from __future__ import annotations

from neox.compiler import nodes as n
from neox.compiler import tokens as t
from neox.compiler.fstrings import FStrings


class Parameters(FStrings):
    def parameters(self, close: str, annotated: bool) -> n.arguments:
        """Everything up to `close`, which is left: positional-only, plain, *, keyword-only, **."""
        start = self.start
        positional: list[n.arg] = []
        args: list[n.arg] = []
        defaults: list[n.expr] = []
        keyword_only: list[n.arg] = []
        keyword_defaults: list[n.expr | None] = []
        vararg: n.arg | None = None
        kwarg: n.arg | None = None
        star = False
        while not self.at(close):
            if self.at("/"):
                if positional or star or not args:
                    self.fail(
                        "/ must be ahead of *" if star else "at least one argument must precede /"
                    )
                self.advance()
                positional, args = args, []
            elif self.at("**"):
                self.advance()
                kwarg = self._parameter(annotated, False)
                self.eat(",")
                if not self.at(close):
                    self.fail("arguments cannot follow var-keyword argument")
                break
            elif self.at("*"):
                if star:
                    self.fail("* argument may appear only once")
                star = True
                self.advance()
                if self.at(","):
                    if self.peek() not in (t.NAME,):
                        self.fail("named arguments must follow bare *")
                elif self.at(close):
                    self.fail("named arguments must follow bare *")
                else:
                    vararg = self._parameter(annotated, True)
            else:
                one = self._parameter(annotated, False)
                default = self.expression() if self.eat("=") else None
                if star:
                    keyword_only.append(one)
                    keyword_defaults.append(default)
                else:
                    if default is not None:
                        defaults.append(default)
                    elif defaults:
                        message = "non-default argument follows default argument"
                        self.fail_at(message, one.start, one.end)
                    args.append(one)
            if not self.eat(","):
                break
        return n.arguments(
            positional,
            args,
            vararg,
            keyword_only,
            keyword_defaults,
            kwarg,
            defaults,
            start,
            max(start, self.last_end),
        )

    def _parameter(self, annotated: bool, star: bool) -> n.arg:
        start = self.start
        name = self.name()
        annotation = None
        if annotated and self.eat(":"):
            annotation = self.starred() if star and self.at("*") else self.expression()
        return n.arg(name, annotation, start, self.last_end)

    def type_parameters(self) -> list[n.type_param]:
        """'[' (NAME [':' bound] | '*' NAME | '**' NAME) ['=' default] ... ']' (PEP 695, 696)"""
        found: list[n.type_param] = []
        if not self.at("[") or self.version < (3, 12):
            return found
        self.advance()
        while not self.at("]"):
            start = self.start
            if self.eat("**"):
                name = self.name()
                default = self._default()
                found.append(n.ParamSpec(name, default, start, self.last_end))
            elif self.eat("*"):
                name = self.name()
                default = None
                if self.version >= (3, 13) and self.eat("="):
                    default = self.starred() if self.at("*") else self.expression()
                found.append(n.TypeVarTuple(name, default, start, self.last_end))
            else:
                name = self.name()
                bound = self.expression() if self.eat(":") else None
                default = self._default()
                found.append(n.TypeVar(name, bound, default, start, self.last_end))
            if not self.eat(","):
                break
        if not found:
            self.fail("Type parameter list cannot be empty")
        if not self.eat("]"):
            self.fail()
        return found

    def _default(self) -> n.expr | None:
        if self.version >= (3, 13) and self.eat("="):
            return self.expression()
        return None
