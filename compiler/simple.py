"""Simple statements, one method per production."""

from __future__ import annotations

from neox.compiler import nodes as n
from neox.compiler import tokens as t
from neox.compiler.describe import describe
from neox.compiler.recovery import Recovery
from neox.compiler.tokens import COLON, COMMA, EQUAL, LPAR, NAME, NEWLINE, SEMI, STAR, YIELD

_AUGMENTED = {
    t.PLUSEQUAL: "Add",
    t.MINEQUAL: "Sub",
    t.STAREQUAL: "Mult",
    t.SLASHEQUAL: "Div",
    t.DOUBLESLASHEQUAL: "FloorDiv",
    t.PERCENTEQUAL: "Mod",
    t.ATEQUAL: "MatMult",
    t.AMPEREQUAL: "BitAnd",
    t.VBAREQUAL: "BitOr",
    t.CARETEQUAL: "BitXor",
    t.LSHIFTEQUAL: "LShift",
    t.RSHIFTEQUAL: "RShift",
    t.DOUBLESTAREQUAL: "Pow",
}
_MAYBE = "Maybe you meant '==' instead of '='?"
_MAYBE_WALRUS = "Maybe you meant '==' or ':=' instead of '='?"


class Simple(Recovery):
    def simple_statements(self, body: list[n.stmt]) -> None:
        """simple_stmt (';' simple_stmt)* [';'] NEWLINE"""
        kinds = self.kinds
        while True:
            i = self.i
            method = _SIMPLE.get(kinds[i])
            if method is not None:
                body.append(method(self))
            elif kinds[i + 1] == NAME and self.at_word("type") and self.minor >= 12:
                body.append(self._type_alias())
            else:
                body.append(self._expression_statement())
            if kinds[self.i] == NEWLINE:
                self.i += 1
                return
            if kinds[self.i] != SEMI:
                self._trailing(body[-1])
            self.i += 1
            if kinds[self.i] == NEWLINE:
                self.i += 1
                return

    def _trailing(self, last: n.stmt) -> None:
        """Something follows a whole statement on its line: always an error."""
        if isinstance(last, n.Expr) and isinstance(last.value, n.Name):
            name = last.value.id
            if name in ("print", "exec") and self.begins_expression():
                message = f"Missing parentheses in call to '{name}'. Did you mean {name}(...)?"
                self.fail_at(message, last.start, self.ends[self.i])
        self.fail()

    def _expression_statement(self) -> n.stmt:
        """An expression, or an assignment of any kind."""
        kinds = self.kinds
        i = self.i
        start = self.starts[i]
        left = self.yield_() if kinds[i] == YIELD else self.star_expressions()
        kind = kinds[self.i]
        if kind == NEWLINE:
            return n.Expr(left, start, self.ends[self.i - 1])
        if kind == EQUAL:
            return self._assignment(left, start)
        if kind in _AUGMENTED:
            return self._augmented(left, start, _AUGMENTED[kind])
        if kind == COLON:
            return self._annotated(left, start, kinds[i] == LPAR)
        return n.Expr(left, start, self.ends[self.i - 1])

    def _right_side(self) -> n.expr:
        return self.yield_() if self.kinds[self.i] == YIELD else self.star_expressions()

    def _assignment(self, left: n.expr, start: int) -> n.stmt:
        """(star_targets '=')+ (yield_expr | star_expressions)"""
        targets: list[n.expr] = []
        value = left
        while self.kinds[self.i] == EQUAL:
            self._check_target(value)
            targets.append(value)
            self.i += 1
            value = self._right_side()
        return n.Assign(targets, value, start, self.ends[self.i - 1])

    def _check_target(self, node: n.expr) -> None:
        if isinstance(node, (n.Yield, n.YieldFrom)) and node.start == self.starts[self.i]:
            self.fail_at("assignment to yield expression not possible", node.start, node.end)
        if not isinstance(node, (n.Name, n.Attribute, n.Subscript, n.Tuple, n.List, n.Starred)):
            what = describe(node)
            if what in ("None", "True", "False", "generator expression"):
                message = f"cannot assign to {what}"
            elif isinstance(node, (n.Yield, n.YieldFrom)):
                message = "assignment to yield expression not possible"
            elif isinstance(node, (n.BoolOp, n.Lambda, n.IfExp, n.Compare, n.NamedExpr)):
                message = f"cannot assign to {what}"
            else:
                message = f"cannot assign to {what} here. {_MAYBE}"
            self.fail_at(message, node.start, node.end)
        self.as_target(node)

    def _augmented(self, left: n.expr, start: int, op: str) -> n.stmt:
        if not isinstance(left, (n.Name, n.Attribute, n.Subscript)):
            message = f"'{describe(left)}' is an illegal expression for augmented assignment"
            self.fail_at(message, left.start, left.end)
        left.ctx = "Store"
        self.i += 1
        value = self._right_side()
        return n.AugAssign(left, op, value, start, self.ends[self.i - 1])

    def _annotated(self, left: n.expr, start: int, bracketed: bool) -> n.stmt:
        """single_target ':' expression ['=' annotated_rhs]"""
        if isinstance(left, (n.List, n.Tuple)):
            what = "list" if isinstance(left, n.List) else "tuple"
            self.fail_at(f"only single target (not {what}) can be annotated", left.start, left.end)
        if not isinstance(left, (n.Name, n.Attribute, n.Subscript)):
            if isinstance(left, (n.Starred, n.Yield, n.YieldFrom)):
                self.fail()
            self.fail_at("illegal target for annotation", left.start, left.end)
        left.ctx = "Store"
        self.i += 1
        annotation = self.expression()
        value: n.expr | None = None
        if self.kinds[self.i] == EQUAL:
            self.i += 1
            value = self._right_side()
        simple = 1 if isinstance(left, n.Name) and not bracketed else 0
        return n.AnnAssign(left, annotation, value, simple, start, self.ends[self.i - 1])

    def return_(self) -> n.stmt:
        start = self.starts[self.i]
        self.i += 1
        value: n.expr | None = None
        if self.begins_expression() or self.kinds[self.i] == STAR:
            value = self.star_expressions()
        return n.Return(value, start, self.ends[self.i - 1])

    def raise_(self) -> n.stmt:
        start = self.starts[self.i]
        self.i += 1
        error: n.expr | None = None
        cause: n.expr | None = None
        if self.begins_expression():
            error = self.expression()
            if self.eat(t.FROM):
                cause = self.expression()
        return n.Raise(error, cause, start, self.ends[self.i - 1])

    def pass_(self) -> n.stmt:
        self.i += 1
        return n.Pass(self.starts[self.i - 1], self.ends[self.i - 1])

    def break_(self) -> n.stmt:
        self.i += 1
        return n.Break(self.starts[self.i - 1], self.ends[self.i - 1])

    def continue_(self) -> n.stmt:
        self.i += 1
        return n.Continue(self.starts[self.i - 1], self.ends[self.i - 1])

    def delete(self) -> n.stmt:
        """'del' del_target (',' del_target)* [',']"""
        start = self.starts[self.i]
        self.i += 1
        targets: list[n.expr] = []
        while True:
            if self.kinds[self.i] == STAR:
                starred = self.starred()
                self.fail_at("cannot delete starred", starred.start, starred.end)
            target = self.expression()
            self.as_target(target, "Del", "delete")
            targets.append(target)
            if not self.eat(COMMA) or not (self.begins_expression() or self.at(STAR)):
                return n.Delete(targets, start, self.ends[self.i - 1])

    def assert_(self) -> n.stmt:
        start = self.starts[self.i]
        self.i += 1
        test = self.expression()
        message: n.expr | None = None
        if self.eat(COMMA):
            message = self.expression()
        return n.Assert(test, message, start, self.ends[self.i - 1])

    def _names(self) -> list[str]:
        names = [self.name()]
        while self.eat(COMMA):
            names.append(self.name())
        return names

    def global_(self) -> n.stmt:
        start = self.starts[self.i]
        self.i += 1
        return n.Global(self._names(), start, self.last_end())

    def nonlocal_(self) -> n.stmt:
        start = self.starts[self.i]
        self.i += 1
        return n.Nonlocal(self._names(), start, self.last_end())

    def import_(self) -> n.stmt:
        start = self.starts[self.i]
        self.i += 1
        names = [self._dotted_alias()]
        while self.eat(COMMA):
            names.append(self._dotted_alias())
        return n.Import(names, start, self.last_end())

    def _dotted(self) -> str:
        parts = [self.name()]
        while self.eat(t.DOT):
            parts.append(self.name())
        return ".".join(parts)

    def _dotted_alias(self) -> n.alias:
        start = self.here()
        name = self._dotted()
        renamed = self.name() if self.eat(t.AS) else None
        return n.alias(name, renamed, start, self.last_end())

    def import_from(self) -> n.stmt:
        """'from' ('.' | '...')* [dotted_name] 'import' ('*' | '(' names ')' | names)"""
        start = self.here()
        self.i += 1
        level = 0
        while self.at(t.DOT) or self.at(t.ELLIPSIS):
            level += 3 if self.at(t.ELLIPSIS) else 1
            self.i += 1
        module = self._dotted() if self.at(NAME) or not level else None
        self.expect(t.IMPORT)
        if self.at(STAR):
            begin = self.here()
            self.i += 1
            names = [n.alias("*", None, begin, self.last_end())]
            return n.ImportFrom(module, names, level, start, self.last_end())
        bracketed = self.eat(LPAR)
        names = [self._alias()]
        while self.eat(COMMA):
            if bracketed and self.at(t.RPAR):
                break
            if self.at(NEWLINE) and not bracketed:
                self.fail("trailing comma not allowed without surrounding parentheses")
            names.append(self._alias())
        if bracketed:
            self.expect(t.RPAR)
        return n.ImportFrom(module, names, level, start, self.last_end())

    def _alias(self) -> n.alias:
        start = self.here()
        name = self.name()
        renamed = self.name() if self.eat(t.AS) else None
        return n.alias(name, renamed, start, self.last_end())

    def _type_alias(self) -> n.stmt:
        """'type' NAME [type_params] '=' expression"""
        start = self.here()
        self.i += 1
        begin = self.here()
        name = n.Name(self.name(), "Store", begin, self.last_end())
        parameters = self.type_parameters()
        self.expect(EQUAL)
        value = self.expression()
        return n.TypeAlias(name, parameters, value, start, self.last_end())


_SIMPLE = {
    t.RETURN: Simple.return_,
    t.RAISE: Simple.raise_,
    t.PASS: Simple.pass_,
    t.BREAK: Simple.break_,
    t.CONTINUE: Simple.continue_,
    t.DEL: Simple.delete,
    t.ASSERT: Simple.assert_,
    t.GLOBAL: Simple.global_,
    t.NONLOCAL: Simple.nonlocal_,
    t.IMPORT: Simple.import_,
    t.FROM: Simple.import_from,
}
