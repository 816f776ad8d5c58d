"""Statements, one method per production, and recovery between them.

An error ends the statement it is in; the parser goes on at the next line that is not deeper, so the
statements before and after it come out whole.
"""

from __future__ import annotations

from neox.compiler import nodes as n
from neox.compiler import tokens as t
from neox.compiler.cursor import ParseError
from neox.compiler.expressions import EXPRESSION_START, describe
from neox.compiler.patterns import Patterns
from neox.compiler.tokens import KEYWORDS, OPERATORS

K = KEYWORDS
_AUGMENTED = {
    OPERATORS[op + "="]: name
    for op, name in (
        ("+", "Add"), ("-", "Sub"), ("*", "Mult"), ("/", "Div"), ("//", "FloorDiv"), ("%", "Mod"),
        ("@", "MatMult"), ("&", "BitAnd"), ("|", "BitOr"), ("^", "BitXor"), ("<<", "LShift"),
        (">>", "RShift"), ("**", "Pow"),
    )
}  # fmt: skip


class Statements(Patterns):
    def module(self) -> n.Module:
        body: list[n.stmt] = []
        while self.kind != t.END:
            if self.kind == t.NEWLINE:
                self.advance()
            else:
                self._recovering(body)
        return n.Module(body, 0, len(self.text))

    def _recovering(self, body: list[n.stmt]) -> None:
        """One line's statements into `body`, or an ErrorStmt for what could not be read."""
        first, depth = self.i, self.depth
        try:
            self.statement(body)
        except ParseError as error:
            self.depth = depth
            self.errors.append(error)
            start = self.tokens.starts[first]
            self._skip_line(first)
            end = max(self.last_end, error.end, start)
            body.append(n.ErrorStmt([], start, min(end, len(self.text))))

    def _skip_line(self, first: int) -> None:
        """Move past the line the error is in, and past the block below it, if any."""
        if self.i == first:
            self.advance()
        nesting = 0
        for i in range(first, self.i):
            kind = self.tokens.kinds[i]
            nesting += (kind == t.INDENT) - (kind == t.DEDENT)
        while self.kind != t.END:
            kind = self.kind
            if kind == t.DEDENT and nesting == 0:
                return  # the end of the block the statement stands in
            nesting += (kind == t.INDENT) - (kind == t.DEDENT)
            self.advance()
            if nesting == 0 and kind in (t.NEWLINE, t.DEDENT) and self.kind != t.INDENT:
                return

    def statement(self, body: list[n.stmt]) -> None:
        """statement: compound_stmt | simple_stmts"""
        method = _COMPOUND.get(self.kind)
        if method is not None:
            body.append(method(self))
            return
        if self.kind == t.NAME:
            soft = self.soft_statement()
            if soft is not None:
                body.append(soft)
                return
        self.simple_statements(body)

    def soft_statement(self) -> n.stmt | None:
        """A match or type statement, if that is what the name begins."""
        word = self.word()
        if word == "match" and self.version >= (3, 10):
            return self.match_statement()
        if word == "type" and self.version >= (3, 12) and self.peek() == t.NAME:
            return self._type_alias()
        return None

    def simple_statements(self, body: list[n.stmt]) -> None:
        while True:
            body.append(self.simple_statement())
            if not self.eat(";"):
                break
            if self.kind == t.NEWLINE:
                break
        self.end_of_line()

    def end_of_line(self) -> None:
        if self.kind == t.NEWLINE:
            self.advance()
        elif self.kind != t.END:
            self.fail()

    def block(self) -> list[n.stmt]:
        """block: NEWLINE INDENT statement+ DEDENT | simple_stmts"""
        body: list[n.stmt] = []
        if self.kind != t.NEWLINE:
            self.simple_statements(body)
            return body
        self.advance()
        if self.kind != t.INDENT:
            message = self.tokens.messages.get(self.i) or "expected an indented block"
            self.fail_at(message, self.start, self.start)
        self.advance()
        self.enter()
        while self.kind != t.DEDENT and self.kind != t.END:
            self._recovering(body)
        self.leave()
        if self.kind == t.DEDENT:
            self.advance()
        return body

    def suite(self) -> list[n.stmt]:
        """':' block"""
        self.expect(":", "expected ':'")
        return self.block()

    # Simple statements --------------------------------------------------------------------------

    def simple_statement(self) -> n.stmt:
        start = self.start
        method = _SIMPLE.get(self.kind)
        if method is not None:
            return method(self, start)
        if self.kind not in EXPRESSION_START and not self.at("*"):
            self.fail()
        return self._expression_statement(start)

    def _expression_statement(self, start: int) -> n.stmt:
        bracketed = self.at("(")
        left = self.yield_() if self.at("yield") else self._values()
        if self.at("="):
            return self._assignment(left, start)
        if self.kind in _AUGMENTED:
            if not isinstance(left, (n.Name, n.Attribute, n.Subscript)):
                message = f"'{describe(left)}' is an illegal expression for augmented assignment"
                self.fail_at(message, left.start, left.end)
            op = _AUGMENTED[self.kind]
            self.advance()
            self.as_target(left)
            value = self._right_side()
            return n.AugAssign(left, op, value, start, self.last_end)
        if self.at(":"):
            return self._annotated(left, bracketed, start)
        return n.Expr(left, start, self.last_end)

    def _values(self) -> n.expr:
        """star_expressions, with := allowed only inside brackets."""
        value = self.star_expressions()
        if isinstance(value, n.Starred) and not self.at("="):
            return value
        return value

    def _right_side(self) -> n.expr:
        return self.yield_() if self.at("yield") else self.star_expressions()

    def _assignment(self, left: n.expr, start: int) -> n.stmt:
        targets = [left]
        value = left
        while self.at("="):
            if isinstance(value, (n.Yield, n.YieldFrom)):
                message = "assignment to yield expression not possible"
                self.fail_at(message, value.start, value.end)
            self.as_target(value)
            self.advance()
            value = self._right_side()
            targets.append(value)
        targets.pop()
        return n.Assign(targets, value, start, self.last_end)

    def _annotated(self, left: n.expr, bracketed: bool, start: int) -> n.stmt:
        if not isinstance(left, (n.Name, n.Attribute, n.Subscript)):
            kind = {"List": "list", "Tuple": "tuple"}.get(type(left).__name__)
            if kind is not None:
                self.fail_at(f"only single target (not {kind}) can be annotated", start, left.end)
            self.fail()
        self.advance()
        self.as_target(left)
        annotation = self.expression()
        value = self._right_side() if self.eat("=") else None
        simple = int(isinstance(left, n.Name) and not bracketed)
        return n.AnnAssign(left, annotation, value, simple, start, self.last_end)

    def _return(self, start: int) -> n.stmt:
        self.advance()
        value = None
        if self.kind in EXPRESSION_START or self.at("*"):
            value = self.star_expressions()
        return n.Return(value, start, self.last_end)

    def _raise(self, start: int) -> n.stmt:
        self.advance()
        error = cause = None
        if self.kind in EXPRESSION_START:
            error = self.expression()
            if self.eat("from"):
                cause = self.expression()
        return n.Raise(error, cause, start, self.last_end)

    def _pass(self, start: int) -> n.stmt:
        self.advance()
        return n.Pass(start, self.last_end)

    def _break(self, start: int) -> n.stmt:
        self.advance()
        return n.Break(start, self.last_end)

    def _continue(self, start: int) -> n.stmt:
        self.advance()
        return n.Continue(start, self.last_end)

    def _delete(self, start: int) -> n.stmt:
        self.advance()
        targets = [self.as_target(self.binary(1), "Del")]
        while self.eat(","):
            if self.kind == t.NEWLINE or self.at(";"):
                break
            targets.append(self.as_target(self.binary(1), "Del"))
        return n.Delete(targets, start, self.last_end)

    def _assert(self, start: int) -> n.stmt:
        self.advance()
        test = self.expression()
        message = self.expression() if self.eat(",") else None
        return n.Assert(test, message, start, self.last_end)

    def _names(self) -> list[str]:
        names = [self.name()]
        while self.eat(","):
            names.append(self.name())
        return names

    def _global(self, start: int) -> n.stmt:
        self.advance()
        return n.Global(self._names(), start, self.last_end)

    def _nonlocal(self, start: int) -> n.stmt:
        self.advance()
        return n.Nonlocal(self._names(), start, self.last_end)

    def _import(self, start: int) -> n.stmt:
        self.advance()
        names = [self._dotted_alias()]
        while self.eat(","):
            names.append(self._dotted_alias())
        return n.Import(names, start, self.last_end)

    def _dotted(self) -> str:
        parts = [self.name()]
        while self.eat("."):
            parts.append(self.name())
        return ".".join(parts)

    def _dotted_alias(self) -> n.alias:
        start = self.start
        name = self._dotted()
        renamed = self.name() if self.eat("as") else None
        return n.alias(name, renamed, start, self.last_end)

    def _import_from(self, start: int) -> n.stmt:
        self.advance()
        level = 0
        while self.at(".") or self.at("..."):
            level += 3 if self.at("...") else 1
            self.advance()
        module = self._dotted() if self.kind == t.NAME or not level else None
        if not self.eat("import"):
            self.fail("Expected 'import'" if self.kind == t.NAME else "")
        if self.at("*"):
            begin = self.start
            self.advance()
            names = [n.alias("*", None, begin, self.last_end)]
            return n.ImportFrom(module, names, level, start, self.last_end)
        bracketed = self.eat("(")
        names = [self._alias()]
        while self.eat(","):
            if bracketed and self.at(")"):
                break
            if self.kind == t.NEWLINE:
                self.fail("trailing comma not allowed without surrounding parentheses")
            names.append(self._alias())
        if bracketed and not self.eat(")"):
            self.fail()
        return n.ImportFrom(module, names, level, start, self.last_end)

    def _alias(self) -> n.alias:
        start = self.start
        name = self.name()
        renamed = self.name() if self.eat("as") else None
        return n.alias(name, renamed, start, self.last_end)

    def _type_alias(self) -> n.stmt:
        start = self.start
        self.advance()
        begin = self.start
        name = n.Name(self.name(), "Store", begin, self.last_end)
        parameters = self.type_parameters()
        if not self.eat("="):
            self.fail()
        value = self.expression()
        return n.TypeAlias(name, parameters, value, start, self.last_end)

    # Compound statements ------------------------------------------------------------------------

    def _if(self) -> n.stmt:
        """if_stmt; a chain of elif is folded from the end, not recursed into."""
        heads = []
        orelse: list[n.stmt] = []
        while True:
            start = self.start
            self.advance()
            test = self.named_expression()
            body = self.suite()
            heads.append((start, test, body))
            if self.at("elif"):
                continue
            if self.eat("else"):
                orelse = self.suite()
            break
        end = self.solid_end()
        for start, test, body in reversed(heads):
            orelse = [n.If(test, body, orelse, start, end)]
        return orelse[0]

    def _while(self) -> n.stmt:
        start = self.start
        self.advance()
        test = self.named_expression()
        body = self.suite()
        orelse = self._else()
        return n.While(test, body, orelse, start, self.solid_end())

    def _else(self) -> list[n.stmt]:
        return self.suite() if self.eat("else") else []

    def _for(self) -> n.stmt:
        start = self.start
        is_async = self.eat("async")
        self.advance()
        target = self.target_list()
        if not self.eat("in"):
            self.fail()
        iterable = self.star_expressions()
        body = self.suite()
        orelse = self._else()
        kind = n.AsyncFor if is_async else n.For
        return kind(target, iterable, body, orelse, start, self.solid_end())

    def _with(self) -> n.stmt:
        start = self.start
        is_async = self.eat("async")
        self.advance()
        items = self._bracketed_items()
        if items is None:
            items = [self._with_item()]
            while self.eat(","):
                items.append(self._with_item())
        body = self.suite()
        kind = n.AsyncWith if is_async else n.With
        return kind(items, body, start, self.solid_end())

    def _bracketed_items(self) -> list[n.withitem] | None:
        """`with (a as b, c):`, or None where the bracket belongs to an expression."""
        if not self.at("(") or self.version < (3, 9):
            return None
        place, depth = self.i, self.depth
        try:
            self.advance()
            items = []
            while not self.at(")"):
                items.append(self._with_item())
                if not self.eat(","):
                    break
            if items and self.eat(")") and self.at(":"):
                return items
        except ParseError:
            self.depth = depth
        self.jump(place)
        return None

    def _with_item(self) -> n.withitem:
        start = self.start
        value = self.expression()
        target = None
        if self.eat("as"):
            target = self.as_target(self.starred() if self.at("*") else self.binary(1))
        return n.withitem(value, target, start, self.last_end)

    def _try(self) -> n.stmt:
        start = self.start
        self.advance()
        body = self.suite()
        handlers: list[n.ExceptHandler] = []
        star = False
        while self.at("except"):
            begin = self.start
            self.advance()
            if self.at("*"):
                star = True
                self.advance()
            kind = name = None
            if not self.at(":"):
                kind = self.expression()
                if self.at(",") and self.version >= (3, 14):
                    kind = self._bare_types(kind)
                elif self.at(","):
                    self.fail("multiple exception types must be parenthesized")
                if self.eat("as"):
                    name = self.name()
            elif star:
                self.fail("expected one or more exception types")
            inside = self.suite()
            handlers.append(n.ExceptHandler(kind, name, inside, begin, self.solid_end()))
        orelse = self._else() if handlers else []
        final = self.suite() if self.eat("finally") else []
        if not handlers and not final:
            self.fail("expected 'except' or 'finally' block")
        node = n.TryStar if star else n.Try
        return node(body, list(handlers), orelse, final, start, self.solid_end())

    def _bare_types(self, first: n.expr) -> n.expr:
        """except A, B: of Python 3.14 (PEP 758)."""
        items = [first]
        while self.eat(","):
            items.append(self.expression())
        return n.Tuple(items, "Load", first.start, self.last_end)

    def _async(self) -> n.stmt:
        following = self.peek()
        if following == K["def"]:
            return self._function([])
        if following == K["for"]:
            return self._for()
        if following == K["with"]:
            return self._with()
        self.fail()

    def _decorated(self) -> n.stmt:
        decorators = []
        while self.eat("@"):
            decorators.append(self.named_expression())
            if self.kind != t.NEWLINE:
                self.fail()
            self.advance()
        if self.at("class"):
            return self._class(decorators)
        if self.at("def") or (self.at("async") and self.peek() == K["def"]):
            return self._function(decorators)
        self.fail()

    def _plain_function(self) -> n.stmt:
        return self._function([])

    def _plain_class(self) -> n.stmt:
        return self._class([])

    def _function(self, decorators: list[n.expr]) -> n.stmt:
        start = self.start
        is_async = self.eat("async")
        self.advance()
        name = self.name()
        types = self.type_parameters()
        if not self.eat("("):
            self.fail("expected '('")
        arguments = self.parameters(")", annotated=True)
        if not self.eat(")"):
            self.fail()
        returns = self.expression() if self.eat("->") else None
        body = self.suite()
        kind = n.AsyncFunctionDef if is_async else n.FunctionDef
        end = self.solid_end()
        return kind(name, arguments, body, decorators, returns, types, start, end)

    def _class(self, decorators: list[n.expr]) -> n.stmt:
        start = self.start
        self.advance()
        name = self.name()
        types = self.type_parameters()
        bases: list[n.expr] = []
        keywords: list[n.keyword] = []
        if self.at("("):
            bases, keywords = self.call_arguments()
        body = self.suite()
        return n.ClassDef(name, bases, keywords, body, decorators, types, start, self.solid_end())


_SIMPLE = {
    K["return"]: Statements._return,
    K["raise"]: Statements._raise,
    K["pass"]: Statements._pass,
    K["break"]: Statements._break,
    K["continue"]: Statements._continue,
    K["del"]: Statements._delete,
    K["assert"]: Statements._assert,
    K["global"]: Statements._global,
    K["nonlocal"]: Statements._nonlocal,
    K["import"]: Statements._import,
    K["from"]: Statements._import_from,
}
_COMPOUND = {
    K["if"]: Statements._if,
    K["while"]: Statements._while,
    K["for"]: Statements._for,
    K["with"]: Statements._with,
    K["try"]: Statements._try,
    K["async"]: Statements._async,
    K["def"]: Statements._plain_function,
    K["class"]: Statements._plain_class,
    OPERATORS["@"]: Statements._decorated,
}
