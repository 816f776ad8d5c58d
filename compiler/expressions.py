"""Expressions, by precedence climbing: one loop for all binary operators.

Operators that associate to the left, prefixes and trailers are loops, so that long chains do not
recurse; only brackets do, and those are counted.
"""

from __future__ import annotations

from neox.compiler import nodes as n
from neox.compiler import tokens as t
from neox.compiler.atoms import Atoms
from neox.compiler.tokens import KEYWORDS, OPERATORS

K, O = KEYWORDS, OPERATORS  # noqa: E741

# Binding power of the arithmetic operators, low to high, with the name of the node.
_BINARY: dict[int, tuple[int, str]] = {
    O["|"]: (1, "BitOr"),
    O["^"]: (2, "BitXor"),
    O["&"]: (3, "BitAnd"),
    O["<<"]: (4, "LShift"),
    O[">>"]: (4, "RShift"),
    O["+"]: (5, "Add"),
    O["-"]: (5, "Sub"),
    O["*"]: (6, "Mult"),
    O["/"]: (6, "Div"),
    O["//"]: (6, "FloorDiv"),
    O["%"]: (6, "Mod"),
    O["@"]: (6, "MatMult"),
}
_COMPARING = frozenset(
    [*(O[x] for x in ("<", ">", "==", "!=", "<=", ">=")), K["in"], K["not"], K["is"]]
)
_UNARY = {O["-"]: "USub", O["+"]: "UAdd", O["~"]: "Invert"}
_COMPARE = {
    O["<"]: "Lt",
    O[">"]: "Gt",
    O["=="]: "Eq",
    O["!="]: "NotEq",
    O["<="]: "LtE",
    O[">="]: "GtE",
    K["in"]: "In",
}
_COMPARING = frozenset([*_COMPARE, K["not"], K["is"]])
EXPRESSION_START = frozenset(
    [t.NAME, t.NUMBER, t.STRING]
    + [O[x] for x in ("(", "[", "{", "-", "+", "~", "...")]
    + [K[x] for x in ("not", "lambda", "await", "None", "True", "False", "yield")]
)


class Expressions(Atoms):
    def star_expressions(self) -> n.expr:
        """star_expression (',' star_expression)* [',']: a tuple if there is any comma."""
        start = self.start
        first = self.star_expression()
        if not self.at(","):
            return first
        items = [first]
        while self.eat(","):
            if self.kind not in EXPRESSION_START and not self.at("*"):
                break
            items.append(self.star_expression())
        return n.Tuple(items, "Load", start, self.last_end)

    def star_expression(self) -> n.expr:
        if self.at("*"):
            return self.starred()
        return self.expression()

    def starred(self) -> n.Starred:
        start = self.start
        self.expect("*")
        value = self.binary(1)
        return n.Starred(value, "Load", start, self.last_end)

    def star_named_expression(self) -> n.expr:
        return self.starred() if self.at("*") else self.named_expression()

    def named_expression(self) -> n.expr:
        """named_expression: NAME ':=' expression | expression !':='"""
        start = self.start
        if self.kind == t.NAME and self.peek() == O[":="]:
            target = n.Name(self.name(), "Store", start, self.last_end)
            self.advance()
            value = self.expression()
            return n.NamedExpr(target, value, start, self.last_end)
        value = self.expression()
        if self.at(":="):
            what = describe(value)
            self.fail_at(f"cannot use assignment expressions with {what}", start, self.last_end)
        return value

    def expression(self) -> n.expr:
        """expression: disjunction ['if' disjunction 'else' expression] | lambda; chains loop."""
        if self.at("lambda"):
            return self.lambda_()
        start = self.start
        body = self.disjunction()
        if not self.at("if"):
            return body
        parts: list[tuple[int, n.expr, n.expr]] = []
        while self.eat("if"):
            test = self.disjunction()
            if not self.eat("else"):
                message = "expected 'else' after 'if' expression"
                if self.at(":"):
                    self.fail_at(message, start, self.last_end)
                self.fail(message)
            parts.append((start, body, test))
            start = self.start
            if self.at("lambda"):
                body = self.lambda_()
                break
            body = self.disjunction()
        for begin, one, test in reversed(parts):
            body = n.IfExp(test, one, body, begin, self.last_end)
        return body

    def disjunction(self) -> n.expr:
        """disjunction: conjunction ('or' conjunction)*"""
        start = self.start
        first = self.conjunction()
        if not self.at("or"):
            return first
        values = [first]
        while self.eat("or"):
            values.append(self.conjunction())
        return n.BoolOp("Or", values, start, self.last_end)

    def conjunction(self) -> n.expr:
        """conjunction: inversion ('and' inversion)*"""
        start = self.start
        first = self.inversion()
        if not self.at("and"):
            return first
        values = [first]
        while self.eat("and"):
            values.append(self.inversion())
        return n.BoolOp("And", values, start, self.last_end)

    def inversion(self) -> n.expr:
        if not self.at("not"):
            return self.comparison()
        starts = []
        while self.at("not"):
            starts.append(self.start)
            self.advance()
        value = self.comparison()
        for start in reversed(starts):
            value = n.UnaryOp("Not", value, start, self.last_end)
        return value

    def comparison(self) -> n.expr:
        start = self.start
        left = self.binary(1)
        if self.kind not in _COMPARING:
            return left
        ops: list[str] = []
        rights: list[n.expr] = []
        while True:
            op = _COMPARE.get(self.kind)
            if op is not None:
                self.advance()
            elif self.at("not") and self.peek() == K["in"]:
                self.advance()
                self.advance()
                op = "NotIn"
            elif self.at("is"):
                self.advance()
                op = "IsNot" if self.eat("not") else "Is"
            else:
                break
            ops.append(op)
            rights.append(self.binary(1))
        if not ops:
            return left
        return n.Compare(left, ops, rights, start, self.last_end)

    def binary(self, least: int) -> n.expr:
        """Operators of at least this binding power; operands wait on a stack, not in frames."""
        start = self.start
        operand = self.unary()
        if self.kind not in _BINARY:
            return operand
        operands = [(operand, start, self.last_end)]
        waiting: list[tuple[int, str]] = []
        while True:
            found = _BINARY.get(self.kind)
            power = found[0] if found is not None else 0
            while waiting and waiting[-1][0] >= power:
                right, _, end = operands.pop()
                left, begin, _ = operands.pop()
                op = waiting.pop()[1]
                operands.append((n.BinOp(left, op, right, begin, end), begin, end))
            if found is None or power < least:
                return operands[0][0]
            waiting.append(found)
            self.advance()
            start = self.start
            operand = self.unary()
            operands.append((operand, start, self.last_end))

    def unary(self) -> n.expr:
        """Prefixes, then a power: `**` binds tighter than a prefix on its left."""
        if self.kind not in _UNARY:
            return self.power()
        prefixes = []
        while self.kind in _UNARY:
            prefixes.append((_UNARY[self.kind], self.start))
            self.advance()
        value = self.power()
        for op, start in reversed(prefixes):
            value = n.UnaryOp(op, value, start, self.last_end)
        return value

    def power(self) -> n.expr:
        """power: await_primary ['**' factor]; a chain is folded from the right."""
        start = self.start
        base = self.await_primary()
        if not self.at("**"):
            return base
        parts: list[tuple[n.expr, int, list[tuple[str, int]]]] = []
        while self.at("**"):
            self.advance()
            prefixes = []
            begin = start
            while self.kind in _UNARY:
                prefixes.append((_UNARY[self.kind], self.start))
                self.advance()
            parts.append((base, begin, prefixes))
            start = self.start
            base = self.await_primary()
        for left, begin, prefixes in reversed(parts):
            for op, at in reversed(prefixes):
                base = n.UnaryOp(op, base, at, self.last_end)
            base = n.BinOp(left, "Pow", base, begin, self.last_end)
        return base

    def await_primary(self) -> n.expr:
        if not self.at("await"):
            return self.primary()
        start = self.start
        self.advance()
        value = self.primary()
        return n.Await(value, start, self.last_end)

    def lambda_(self) -> n.expr:
        """lambdef: 'lambda' [parameters] ':' expression; bodies that are lambdas do not recurse."""
        heads = []
        while self.at("lambda"):
            start = self.start
            self.advance()
            arguments = self.parameters(":", annotated=False)
            self.expect(":")
            heads.append((start, arguments))
        body = self.expression()
        for start, arguments in reversed(heads):
            body = n.Lambda(arguments, body, start, self.last_end)
        return body

    def yield_(self) -> n.expr:
        start = self.start
        self.expect("yield")
        if self.eat("from"):
            value = self.expression()
            return n.YieldFrom(value, start, self.last_end)
        if self.kind in EXPRESSION_START or self.at("*"):
            items = self.star_expressions()
            return n.Yield(items, start, self.last_end)
        return n.Yield(None, start, self.last_end)

    # Targets ------------------------------------------------------------------------------------

    def as_target(self, node: n.expr, ctx: str = "Store") -> n.expr:
        """The same expression as a target of assignment or deletion; fails where it cannot be."""
        if isinstance(node, (n.Name, n.Attribute, n.Subscript)):
            node.ctx = ctx
        elif isinstance(node, n.Starred) and ctx == "Store":
            node.ctx = ctx
            self.as_target(node.value, ctx)
        elif isinstance(node, (n.Tuple, n.List)):
            node.ctx = ctx
            for item in node.elts:
                self.as_target(item, ctx)
        else:
            verb = "delete" if ctx == "Del" else "assign to"
            self.fail_at(f"cannot {verb} {describe(node)}", node.start, node.end)
        return node

    def target_list(self) -> n.expr:
        """Targets of `for`: like star_expressions, but `in` ends them."""
        start = self.start
        items = [self._target()]
        comma = False
        while self.eat(","):
            comma = True
            if self.at("in") or self.at("="):
                break
            items.append(self._target())
        if not comma:
            return items[0]
        return n.Tuple(items, "Store", start, self.last_end)

    def _target(self) -> n.expr:
        if self.at("*"):
            return self.as_target(self.starred())
        return self.as_target(self.binary(1))


def describe(node: n.expr) -> str:
    """What CPython calls an expression in its messages."""
    if isinstance(node, n.Constant):
        if node.value is None or isinstance(node.value, bool):
            return str(node.value)
        return "ellipsis" if node.value is ... else "literal"
    return _WORDS.get(type(node).__name__, "expression")


_WORDS = {
    "Call": "function call",
    "BinOp": "expression",
    "UnaryOp": "expression",
    "BoolOp": "expression",
    "Compare": "comparison",
    "Lambda": "lambda",
    "IfExp": "conditional expression",
    "ListComp": "list comprehension",
    "SetComp": "set comprehension",
    "DictComp": "dict comprehension",
    "GeneratorExp": "generator expression",
    "Yield": "yield expression",
    "YieldFrom": "yield expression",
    "Await": "await expression",
    "JoinedStr": "f-string expression",
    "TemplateStr": "t-string expression",
    "Dict": "dict literal",
    "Set": "set display",
    "Starred": "starred",
    "NamedExpr": "named expression",
    "Name": "name",
    "Attribute": "attribute",
    "Subscript": "subscript",
    "Tuple": "tuple",
    "List": "list",
}
