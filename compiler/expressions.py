"""Expressions, by binding power: one loop for all operators, looked up by the kind of the token.

Right operands recurse once per level of power; prefixes, `**`, conditional and lambda chains,
comparison chains and trailers are loops, so that only brackets nest deeply, and those are counted.
"""

from __future__ import annotations

from neox.compiler import nodes as n
from neox.compiler import tokens as t
from neox.compiler.atoms import BIT_OR, DISJUNCTION
from neox.compiler.cursor import normal
from neox.compiler.describe import describe
from neox.compiler.numbers import number_value
from neox.compiler.tokens import (
    AWAIT,
    COLON,
    COMMA,
    DOT,
    ELSE,
    EQUAL,
    FSTART,
    IF,
    IN,
    IS,
    LAMBDA,
    LPAR,
    NAME,
    NOT,
    NUMBER,
    STAR,
    STRING,
    WALRUS,
)
from neox.compiler.tolerant import Tolerant

# Binding powers, low to high. An expression takes the operators above its `lowest`.
_TERNARY, _OR, _AND, _NOT, _COMPARE = 1, 2, 3, 4, 5
_UNARY, _POWER = 12, 13
_SINGLES = ("None", "True", "False")

_OPERATORS = {
    t.IF: (_TERNARY, ""),
    t.OR: (_OR, "Or"),
    t.AND: (_AND, "And"),
    t.LESS: (_COMPARE, "Lt"),
    t.GREATER: (_COMPARE, "Gt"),
    t.EQEQUAL: (_COMPARE, "Eq"),
    t.NOTEQUAL: (_COMPARE, "NotEq"),
    t.LESSEQUAL: (_COMPARE, "LtE"),
    t.GREATEREQUAL: (_COMPARE, "GtE"),
    t.IN: (_COMPARE, "In"),
    t.IS: (_COMPARE, "Is"),
    t.NOT: (_COMPARE, "NotIn"),
    t.VBAR: (6, "BitOr"),
    t.CARET: (7, "BitXor"),
    t.AMPER: (8, "BitAnd"),
    t.LSHIFT: (9, "LShift"),
    t.RSHIFT: (9, "RShift"),
    t.PLUS: (10, "Add"),
    t.MINUS: (10, "Sub"),
    t.STAR: (11, "Mult"),
    t.SLASH: (11, "Div"),
    t.DOUBLESLASH: (11, "FloorDiv"),
    t.PERCENT: (11, "Mod"),
    t.AT: (11, "MatMult"),
    t.DOUBLESTAR: (_POWER, "Pow"),
}
_POWERS = [_OPERATORS.get(kind, (0, ""))[0] for kind in range(t.KINDS)]
_OPS = [_OPERATORS.get(kind, (0, ""))[1] for kind in range(t.KINDS)]
_PREFIXES = {t.MINUS: "USub", t.PLUS: "UAdd", t.TILDE: "Invert"}
_CONSTANTS: dict[int, n.Value] = {t.NONE: None, t.TRUE: True, t.FALSE: False, t.ELLIPSIS: ...}
_IS_PREFIX = [kind in _PREFIXES or kind in (NOT, LAMBDA) for kind in range(t.KINDS)]
_BEGINS = [
    _IS_PREFIX[kind]
    or kind in _CONSTANTS
    or kind in (NAME, NUMBER, STRING, FSTART, LPAR, t.LSQB, t.LBRACE, AWAIT)
    for kind in range(t.KINDS)
]


class Expressions(Tolerant):
    def begins_expression(self) -> bool:
        return _BEGINS[self.kinds[self.i]]

    def star_expressions(self) -> n.expr:
        """star_expression (',' star_expression)* [',']: a tuple if there is any comma."""
        kinds = self.kinds
        start = self.starts[self.i]
        first = self.starred() if kinds[self.i] == STAR else self.expression()
        if kinds[self.i] != COMMA:
            return first
        items = [first]
        while kinds[self.i] == COMMA:
            self.i += 1
            kind = kinds[self.i]
            if kind == STAR:
                items.append(self.starred())
            elif _BEGINS[kind]:
                items.append(self.expression())
            else:
                break
        return n.Tuple(items, "Load", start, self.ends[self.i - 1])

    def starred(self) -> n.Starred:
        start = self.starts[self.i]
        self.i += 1
        value = self.expression(BIT_OR)
        return n.Starred(value, "Load", start, self.ends[self.i - 1])

    def star_named_expression(self) -> n.expr:
        if self.kinds[self.i] == STAR:
            return self.starred()
        return self.named_expression()

    def named_expression(self) -> n.expr:
        """named_expression: NAME ':=' expression | expression !':='"""
        i = self.i
        if self.kinds[i + 1] == WALRUS and self.kinds[i] == NAME:
            start, end = self.starts[i], self.ends[i]
            target = n.Name(self.name(), "Store", start, end)
            self.i = i + 2
            value = self.expression()
            return n.NamedExpr(target, value, start, self.ends[self.i - 1])
        value = self.expression()
        kind = self.kinds[self.i]
        if kind in (WALRUS, EQUAL):
            self._not_a_target(value, kind)
        return value

    def _not_a_target(self, value: n.expr, kind: int) -> None:
        """`:=` after more than a name, or `=` where only a value can stand."""
        if kind == WALRUS:
            message = f"cannot use assignment expressions with {describe(value)}"
        elif isinstance(value, n.Name):
            message = "invalid syntax. Maybe you meant '==' or ':=' instead of '='?"
        elif isinstance(value, (n.List, n.Tuple, n.GeneratorExp)) or describe(value) in _SINGLES:
            self.fail()
        else:
            message = (
                f"cannot assign to {describe(value)} here. Maybe you meant '==' instead of '='?"
            )
        self.fail_at(message, value.start, value.end)

    def expression(self, lowest: int = 0) -> n.expr:
        """Operands joined by operators of more than this power."""
        kinds = self.kinds
        i = self.i
        start = self.starts[i]
        node = self._prefixed(lowest) if _IS_PREFIX[kinds[i]] else self.primary()
        while True:
            kind = kinds[self.i]
            power = _POWERS[kind]
            if power <= lowest:
                return node
            if power > _COMPARE:
                if power == _POWER:
                    node = self._power(node, start)
                    continue
                self.i += 1
                right = self.expression(power)
                node = n.BinOp(node, _OPS[kind], right, start, self.ends[self.i - 1])
            elif power == _COMPARE:
                node = self._comparison(node, start)
            elif power == _TERNARY:
                return self._conditional(node, start)
            else:
                values = [node]
                while kinds[self.i] == kind:
                    self.i += 1
                    values.append(self.expression(power))
                node = n.BoolOp(_OPS[kind], values, start, self.ends[self.i - 1])

    def _comparison(self, left: n.expr, start: int) -> n.expr:
        kinds = self.kinds
        ops: list[str] = []
        rights: list[n.expr] = []
        while True:
            kind = kinds[self.i]
            if _POWERS[kind] != _COMPARE:
                break
            op = _OPS[kind]
            if kind == NOT:
                self.i += 1
                if kinds[self.i] != IN:
                    self.fail()
            elif kind == IS and kinds[self.i + 1] == NOT:
                op = "IsNot"
                self.i += 1
            self.i += 1
            ops.append(op)
            rights.append(self.expression(_COMPARE))
        return n.Compare(left, ops, rights, start, self.ends[self.i - 1])

    def _conditional(self, body: n.expr, start: int) -> n.expr:
        """disjunction 'if' disjunction 'else' expression; a chain is folded from its end."""
        kinds = self.kinds
        bodies: list[n.expr] = []
        tests: list[n.expr] = []
        begins: list[int] = []
        while kinds[self.i] == IF:
            self.i += 1
            test = self.expression(DISJUNCTION)
            if kinds[self.i] != ELSE:
                if kinds[self.i] != COLON:
                    message = "expected 'else' after 'if' expression"
                    self.fail_at(message, start, self.ends[self.i - 1])
                self.fail()
            self.i += 1
            bodies.append(body)
            tests.append(test)
            begins.append(start)
            start = self.starts[self.i]
            body = self.expression(0 if kinds[self.i] == LAMBDA else DISJUNCTION)
        end = self.ends[self.i - 1]
        for k in range(len(bodies) - 1, -1, -1):
            body = n.IfExp(tests[k], bodies[k], body, begins[k], end)
        return body

    def _prefixed(self, lowest: int) -> n.expr:
        """Signs, `not` and `lambda`, each only where its operand may stand."""
        kinds = self.kinds
        kind = kinds[self.i]
        begins: list[int] = []
        if kind == LAMBDA:
            if lowest > 0:
                self.fail()
            return self._lambda()
        if kind == NOT:
            if lowest > _NOT:
                self.fail()
            while kinds[self.i] == NOT:
                begins.append(self.starts[self.i])
                self.i += 1
            node = self.expression(_NOT)
            end = self.ends[self.i - 1]
            for k in range(len(begins) - 1, -1, -1):
                node = n.UnaryOp("Not", node, begins[k], end)
            return node
        ops: list[str] = []
        while kind in _PREFIXES:
            ops.append(_PREFIXES[kind])
            begins.append(self.starts[self.i])
            self.i += 1
            kind = kinds[self.i]
        node = self.expression(_UNARY)
        end = self.ends[self.i - 1]
        for k in range(len(begins) - 1, -1, -1):
            node = n.UnaryOp(ops[k], node, begins[k], end)
        return node

    def _power(self, base: n.expr, start: int) -> n.expr:
        """primary '**' factor: a chain, with signs between, is folded from its end."""
        kinds = self.kinds
        ops: list[str] = []  # "Pow", or the name of a sign
        lefts: list[n.expr] = []  # the base of each "Pow"; for a sign, the base before it
        begins: list[int] = []
        while kinds[self.i] == t.DOUBLESTAR:
            self.i += 1
            ops.append("Pow")
            lefts.append(base)
            begins.append(start)
            kind = kinds[self.i]
            while kind in _PREFIXES:
                ops.append(_PREFIXES[kind])
                lefts.append(base)
                begins.append(self.starts[self.i])
                self.i += 1
                kind = kinds[self.i]
            start = self.starts[self.i]
            base = self.primary()
        end = self.ends[self.i - 1]
        for k in range(len(ops) - 1, -1, -1):
            if ops[k] == "Pow":
                base = n.BinOp(lefts[k], "Pow", base, begins[k], end)
            else:
                base = n.UnaryOp(ops[k], base, begins[k], end)
        return base

    def _lambda(self) -> n.expr:
        """'lambda' [parameters] ':' expression; bodies that are lambdas do not recurse."""
        begins: list[int] = []
        heads: list[n.arguments] = []
        while self.kinds[self.i] == LAMBDA:
            begins.append(self.starts[self.i])
            self.i += 1
            heads.append(self.parameters(COLON, False))
            self.expect(COLON)
        body = self.expression()
        end = self.ends[self.i - 1]
        for k in range(len(begins) - 1, -1, -1):
            body = n.Lambda(heads[k], body, begins[k], end)
        return body

    def primary(self) -> n.expr:
        """An atom and what follows it: attributes, calls, subscripts."""
        kinds = self.kinds
        i = self.i
        kind = kinds[i]
        start = self.starts[i]
        node: n.expr
        if kind == NAME:
            self.i = i + 1
            end = self.ends[i]
            word = self.text[start:end]
            node = n.Name(word if self.ascii else normal(word), "Load", start, end)
        elif kind == STRING:
            node = self.strings()
        elif kind == NUMBER:
            self.i = i + 1
            end = self.ends[i]
            node = n.Constant(number_value(self.text[start:end]), None, start, end)
        else:
            node = self._atom(kind, start)
        while True:
            kind = kinds[self.i]
            if kind < LPAR or kind > DOT:
                return node
            if kind == DOT:
                i = self.i + 1
                if kinds[i] != NAME:
                    self.i = i
                    self.fail()
                self.i = i + 1
                end = self.ends[i]
                word = self.text[self.starts[i] : end]
                node = n.Attribute(node, word if self.ascii else normal(word), "Load", start, end)
            elif kind == LPAR:
                node = self.call(node, start)
            else:
                node = self.subscript(node, start)

    def _atom(self, kind: int, start: int) -> n.expr:
        if kind in _CONSTANTS:
            self.i += 1
            return n.Constant(_CONSTANTS[kind], None, start, self.ends[self.i - 1])
        if kind == LPAR or kind == t.LSQB or kind == t.LBRACE:
            return self.bracketed(kind)
        if kind == FSTART:
            return self.strings()
        if kind == AWAIT:
            self.i += 1
            if self.kinds[self.i] == AWAIT:
                self.fail()
            value = self.primary()
            return n.Await(value, start, self.ends[self.i - 1])
        self.fail()

    def yield_(self) -> n.expr:
        """'yield' 'from' expression | 'yield' [star_expressions]"""
        start = self.starts[self.i]
        self.i += 1
        kind = self.kinds[self.i]
        if kind == t.FROM:
            self.i += 1
            value = self.expression()
            return n.YieldFrom(value, start, self.ends[self.i - 1])
        if kind == STAR or _BEGINS[kind]:
            value = self.star_expressions()
            return n.Yield(value, start, self.ends[self.i - 1])
        return n.Yield(None, start, self.ends[self.i - 1])

    def as_target(self, node: n.expr, ctx: str = "Store", verb: str = "assign to") -> None:
        """Make an expression a target of assignment or deletion; fail where it cannot be one."""
        waiting = [node]
        while waiting:
            one = waiting.pop()
            if isinstance(one, (n.Name, n.Attribute, n.Subscript)):
                one.ctx = ctx
            elif isinstance(one, n.Starred) and ctx == "Store":
                one.ctx = ctx
                waiting.append(one.value)
            elif isinstance(one, (n.Tuple, n.List)):
                one.ctx = ctx
                waiting.extend(reversed(one.elts))
            else:
                self.fail_at(f"cannot {verb} {describe(one)}", one.start, one.end)

    def target_list(self) -> n.expr:
        """Targets of `for`: like star_expressions, but `in` ends them."""
        kinds = self.kinds
        start = self.starts[self.i]
        first = self._target()
        if kinds[self.i] != COMMA:
            return first
        items = [first]
        while kinds[self.i] == COMMA:
            self.i += 1
            if kinds[self.i] == IN:
                break
            items.append(self._target())
        return n.Tuple(items, "Store", start, self.ends[self.i - 1])

    def _target(self) -> n.expr:
        node = self.starred() if self.kinds[self.i] == STAR else self.expression(BIT_OR)
        self.as_target(node)
        return node
