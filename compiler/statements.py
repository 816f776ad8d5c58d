"""Compound statements, one method per production."""

from __future__ import annotations

from neox.compiler import nodes as n
from neox.compiler import tokens as t
from neox.compiler.cursor import ParseError
from neox.compiler.simple import Simple
from neox.compiler.tokens import (
    AS,
    COLON,
    COMMA,
    ELIF,
    ELSE,
    EXCEPT,
    FINALLY,
    IN,
    INDENT,
    LPAR,
    NAME,
    NEWLINE,
    RPAR,
    STAR,
)


class Statements(Simple):
    def module(self) -> n.Module:
        body: list[n.stmt] = []
        while self.kinds[self.i] != t.END:
            self.statements(body)
            if self.kinds[self.i] == t.DEDENT:
                self.i += 1  # of an indentation that began nowhere
        return n.Module(body, 0, len(self.text))

    def statement(self, body: list[n.stmt]) -> None:
        """compound_stmt | simple_stmts"""
        i = self.i
        kind = self.kinds[i]
        if kind == NAME:
            if self.ends[i] - self.starts[i] == 5 and self.word() == "match" and self.minor >= 10:
                match = self.match_statement()
                if match is not None:
                    body.append(match)
                    return
        elif kind >= t.FALSE or kind == t.AT:
            method = _COMPOUND.get(kind)
            if method is not None:
                body.append(method(self))
                return
        elif kind == INDENT:
            self.fail()
        self.simple_statements(body)

    def if_(self) -> n.stmt:
        """if_stmt; a chain of elif is folded from the end, not recursed into."""
        begins: list[int] = []
        tests: list[n.expr] = []
        bodies: list[list[n.stmt]] = []
        orelse: list[n.stmt] = []
        word = "if"
        while True:
            start = self.here()
            begins.append(start)
            self.i += 1
            tests.append(self.named_expression())
            bodies.append(self.suite(f"'{word}' statement", start))
            if self.at(ELIF):
                word = "elif"
                continue
            orelse = self._else()
            break
        end = self.solid_end()
        last = n.If(tests[-1], bodies[-1], orelse, begins[-1], end)
        for k in range(len(begins) - 2, -1, -1):
            last = n.If(tests[k], bodies[k], [last], begins[k], end)
        return last

    def _else(self) -> list[n.stmt]:
        if not self.at(ELSE):
            return []
        start = self.here()
        self.i += 1
        return self.suite("'else' statement", start)

    def while_(self) -> n.stmt:
        start = self.here()
        self.i += 1
        test = self.named_expression()
        body = self.suite("'while' statement", start)
        orelse = self._else()
        return n.While(test, body, orelse, start, self.solid_end())

    def for_(self) -> n.stmt:
        return self._for(self.here(), False)

    def _for(self, start: int, is_async: bool) -> n.stmt:
        """['async'] 'for' star_targets 'in' star_expressions ':' block [else_block]"""
        self.i += 1
        target = self.target_list()
        self.expect(IN)
        starts_starred = self.at(STAR)
        iterable = self.star_expressions()
        if self.minor < 9 and starts_starred:
            self.fail_at("invalid syntax", iterable.start, iterable.end)
        body = self.suite("'for' statement", start)
        orelse = self._else()
        if is_async:
            return n.AsyncFor(target, iterable, body, orelse, start, self.solid_end())
        return n.For(target, iterable, body, orelse, start, self.solid_end())

    def with_(self) -> n.stmt:
        return self._with(self.here(), False)

    def _with(self, start: int, is_async: bool) -> n.stmt:
        """['async'] 'with' ('(' items ')' | items) ':' block"""
        self.i += 1
        items = self._items()
        body = self.suite("'with' statement", start)
        if is_async:
            return n.AsyncWith(items, body, start, self.solid_end())
        return n.With(items, body, start, self.solid_end())

    def _items(self) -> list[n.withitem]:
        """The items of a with statement; a bracket is first tried as one around all of them."""
        place, reached = self.i, -1
        items: list[n.withitem] = []
        failure: ParseError | None = None
        if self.at(LPAR) and self.minor >= 9:
            try:
                if self._bracketed_items(items):
                    return items
            except ParseError as error:
                failure, reached = error, error.reached
            self.i = place
        try:
            items = [self._with_item()]
            while self.eat(COMMA):
                items.append(self._with_item())
        except ParseError as error:
            if failure is not None and reached > error.reached:
                raise failure from None
            raise
        return items

    def _bracketed_items(self, items: list[n.withitem]) -> bool:
        """'(' with_item (',' with_item)* [','] ')', unless the bracket is an expression's."""
        self.i += 1
        named = False
        while not self.at(RPAR):
            items.append(self._with_item())
            named = named or items[-1].optional_vars is not None
            if not self.eat(COMMA):
                break
        self.close(RPAR)
        return bool(items) and (named or self.at(COLON))

    def _with_item(self) -> n.withitem:
        start = self.here()
        value = self.expression()
        target: n.expr | None = None
        if self.eat(AS):
            target = self.starred() if self.at(STAR) else self.expression()
            self.as_target(target)
        return n.withitem(value, target, start, self.last_end())

    def try_(self) -> n.stmt:
        """'try' block (except_block+ [else] [finally] | finally)"""
        start = self.here()
        self.i += 1
        body = self.suite("'try' statement", start)
        handlers: list[n.excepthandler] = []
        stars = 0
        while self.at(EXCEPT):
            if self.peek() == STAR and self.minor >= 11:
                stars += 1
            handlers.append(self._handler())
            if 0 < stars < len(handlers):
                last = handlers[-1]
                message = "cannot have both 'except' and 'except*' on the same 'try'"
                self.complain(message, last.start, last.end)
                stars = len(handlers)
        orelse = self._else() if handlers else []
        final: list[n.stmt] = []
        if self.at(FINALLY):
            begin = self.here()
            self.i += 1
            final = self.suite("'finally' statement", begin)
        elif not handlers:
            at = self.here()
            self.complain("expected 'except' or 'finally' block", at, self.ends[self.i])
        if stars:
            return n.TryStar(body, handlers, orelse, final, start, self.solid_end())
        return n.Try(body, handlers, orelse, final, start, self.solid_end())

    def _handler(self) -> n.ExceptHandler:
        """'except' ['*'] [expression ['as' NAME]] ':' block"""
        start = self.here()
        self.i += 1
        star = self.minor >= 11 and self.eat(STAR)
        what = "'except*' statement" if star else "'except' statement"
        kind: n.expr | None = None
        name: str | None = None
        if star and (self.at(COLON) or self.at(NEWLINE)):
            self.fail("expected one or more exception types")
        if not self.at(COLON) and not self.at(NEWLINE):
            kind = self._caught(start)
            if self.eat(AS):
                name = self.name()
                if self.at(COMMA):
                    self.fail()
        body = self.suite(what, start)
        return n.ExceptHandler(kind, name, body, start, self.solid_end())

    def _caught(self, start: int) -> n.expr:
        """The exceptions of a handler; several need no brackets from 3.14 on, without a name."""
        begin = self.here()
        first = self.expression()
        if not self.at(COMMA):
            return first
        if self.minor < 14:
            self.fail_at("multiple exception types must be parenthesized", begin, self.last_end())
        items = [first]
        while self.eat(COMMA):
            if not self.begins_expression():
                break
            items.append(self.expression())
        if self.at(AS):
            message = "multiple exception types must be parenthesized when using 'as'"
            self.fail_at(message, begin, self.last_end())
        return n.Tuple(items, "Load", begin, self.last_end())

    def decorated(self) -> n.stmt:
        """('@' named_expression NEWLINE)+ (class_def | function_def)"""
        decorators: list[n.expr] = []
        while self.eat(t.AT):
            decorator = self.named_expression()
            if self.minor < 9:
                self._check_decorator(decorator)
            decorators.append(decorator)
            self.expect(NEWLINE)
        start = self.here()
        if self.at(t.CLASS):
            return self._class(decorators)
        if self.at(t.DEF):
            return self._function(start, decorators, False)
        if self.at(t.ASYNC) and self.peek() == t.DEF:
            self.i += 1
            return self._function(start, decorators, True)
        self.fail()

    def _check_decorator(self, node: n.expr) -> None:
        """Before 3.9: a dotted name, called or not."""
        if isinstance(node, n.Call):
            node = node.func
        while isinstance(node, n.Attribute):
            node = node.value
        if not isinstance(node, n.Name):
            self.fail_at("invalid syntax", node.start, node.end)

    def def_(self) -> n.stmt:
        return self._function(self.here(), [], False)

    def _function(self, start: int, decorators: list[n.expr], is_async: bool) -> n.stmt:
        """['async'] 'def' NAME [type_params] '(' [params] ')' ['->' expression] ':' block"""
        self.i += 1
        name = self.name()
        types = self.type_parameters()
        self.expect(LPAR, "expected '('")
        parameters = self.parameters(RPAR, True)
        self.close(RPAR)
        returns: n.expr | None = None
        if self.eat(t.ARROW):
            returns = self.expression()
        body = self.suite("function definition", start)
        end = self.solid_end()
        if is_async:
            return n.AsyncFunctionDef(
                name, parameters, body, decorators, returns, types, start, end
            )
        return n.FunctionDef(name, parameters, body, decorators, returns, types, start, end)

    def class_(self) -> n.stmt:
        return self._class([])

    def _class(self, decorators: list[n.expr]) -> n.stmt:
        """'class' NAME [type_params] ['(' [arguments] ')'] ':' block"""
        start = self.here()
        self.i += 1
        name = self.name()
        types = self.type_parameters()
        bases: list[n.expr] = []
        keywords: list[n.keyword] = []
        if self.at(LPAR):
            opened = self.here()
            if self.peek() == RPAR:
                self.i += 2
            else:
                self.arguments(bases, keywords)
            if bases and isinstance(bases[0], n.GeneratorExp) and bases[0].start == opened:
                self.fail_at("invalid syntax", bases[0].start, bases[0].end)
        body = self.suite("class definition", start)
        end = self.solid_end()
        return n.ClassDef(name, bases, keywords, body, decorators, types, start, end)

    def async_(self) -> n.stmt:
        start = self.here()
        self.i += 1
        if self.at(t.DEF):
            return self._function(start, [], True)
        if self.at(t.FOR):
            return self._for(start, True)
        if self.at(t.WITH):
            return self._with(start, True)
        self.fail()


_COMPOUND = {
    t.AT: Statements.decorated,
    t.IF: Statements.if_,
    t.WHILE: Statements.while_,
    t.FOR: Statements.for_,
    t.WITH: Statements.with_,
    t.TRY: Statements.try_,
    t.DEF: Statements.def_,
    t.CLASS: Statements.class_,
    t.ASYNC: Statements.async_,
}
