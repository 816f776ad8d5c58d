"""Rewrites a program so that it counts its own steps, and runs it.

Every loop pass, function entry, call, and every operator or slice whose cost depends on a size goes
through the meter; what is left is constant between two of them, so the count grows as the running
time does. The count is a claim of the program's process, like everything it says.
"""

from __future__ import annotations

import ast
import sys
from typing import Any

from neox.sandbox import wire
from neox.sandbox.codec import CodecError, decode, encode
from neox.sandbox.inside.prices import NAME, Meter, TooMany
from neox.sandbox.inside.solution import Claims, describe, module_space

_DEEPER = 3  # the interpreter's recursion limit: counted programs have more frames
_FRAME_BOUND = frozenset(
    ("super", "locals", "globals", "vars", "dir", "eval", "exec", "__import__", "breakpoint")
)
_SIGNS: dict[type[ast.AST], str] = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.FloorDiv: "//", ast.Mod: "%",
    ast.Pow: "**", ast.MatMult: "@", ast.LShift: "<<", ast.RShift: ">>", ast.BitOr: "|",
    ast.BitAnd: "&", ast.BitXor: "^", ast.Eq: "==", ast.NotEq: "!=", ast.Lt: "<", ast.LtE: "<=",
    ast.Gt: ">", ast.GtE: ">=",
}  # fmt: skip
_IN_PLACE = ("+", "-", "|", "&", "^", "*")
_Function = ast.FunctionDef | ast.AsyncFunctionDef


class Counted(ast.NodeTransformer):
    """The same program, with the meter in it."""

    def _function(self, node: _Function) -> ast.AST:
        self.generic_visit(node)
        at = int(ast.get_docstring(node, clean=False) is not None)
        node.body.insert(at, ast.Expr(_meter("tick")))
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        return self._function(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        return self._function(node)

    def visit_Lambda(self, node: ast.Lambda) -> ast.AST:
        self.generic_visit(node)
        node.body = ast.BoolOp(ast.And(), [_meter("tick"), node.body])
        return node

    def _loop(self, node: ast.For | ast.AsyncFor | ast.While) -> ast.AST:
        self.generic_visit(node)
        node.body.insert(0, ast.Expr(_meter("tick")))
        return node

    def visit_For(self, node: ast.For) -> ast.AST:
        return self._loop(node)

    def visit_AsyncFor(self, node: ast.AsyncFor) -> ast.AST:
        return self._loop(node)

    def visit_While(self, node: ast.While) -> ast.AST:
        return self._loop(node)

    def visit_comprehension(self, node: ast.comprehension) -> ast.AST:
        self.generic_visit(node)
        node.ifs.insert(0, _meter("tick"))
        return node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        bound = isinstance(node.func, ast.Name) and node.func.id in _FRAME_BOUND
        self.generic_visit(node)
        if not bound:
            node.func = _meter("callee", node.func)
        return node

    def visit_Starred(self, node: ast.Starred) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.ctx, ast.Load):
            node.value = _meter("sized", node.value)
        return node

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        self.generic_visit(node)
        return _meter("binary", ast.Constant(_SIGNS[type(node.op)]), node.left, node.right)

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.AST:
        self.generic_visit(node)
        sign = _SIGNS[type(node.op)]
        if isinstance(node.target, ast.Name) and sign in _IN_PLACE:
            old = ast.Name(node.target.id, ast.Load())
            new = _meter("inplace", ast.Constant(sign), old, node.value)
            return ast.Assign([node.target], new)
        node.value = _meter("sized", node.value)
        return node

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        self.generic_visit(node)
        if len(node.ops) > 1 or isinstance(node.ops[0], ast.Is | ast.IsNot):
            return node
        right = node.comparators[0]
        if isinstance(node.ops[0], ast.In | ast.NotIn):
            found = _meter("contains", node.left, right)
            return found if isinstance(node.ops[0], ast.In) else ast.UnaryOp(ast.Not(), found)
        return _meter("compare", ast.Constant(_SIGNS[type(node.ops[0])]), node.left, right)

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        self.generic_visit(node)
        whole = isinstance(node.ctx, ast.Load) and isinstance(node.slice, ast.Slice)
        return _meter("sized", node) if whole else node

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.AST:
        for part in node.values:  # not the nested format, which must stay as it is
            if isinstance(part, ast.FormattedValue):
                part.value = self.visit(part.value)
        return _meter("sized", node)

    def visit_Assign(self, node: ast.Assign) -> ast.AST:
        self.generic_visit(node)
        parts = [part for target in node.targets for part in ast.walk(target)]
        if any(isinstance(part, ast.Starred | ast.Slice) for part in parts):
            node.value = _meter("sized", node.value)
        return node

    def visit_match_case(self, node: ast.match_case) -> ast.AST:
        node.guard = self.visit(node.guard) if node.guard else None  # patterns stay as they are
        node.body = [new for old in node.body for new in _statements(self.visit(old))]
        return node

    def visit_Delete(self, node: ast.Delete) -> Any:
        before: list[ast.stmt] = []
        for target in node.targets:
            if isinstance(target, ast.Subscript) and _repeatable(target):
                load = ast.parse(ast.unparse(target), mode="eval").body
                assert isinstance(load, ast.Subscript)
                before.append(ast.Expr(_meter("removing", load.value, load.slice)))
        return [*before, node]


def _statements(new: Any) -> list[ast.stmt]:
    return new if isinstance(new, list) else [new]


def _repeatable(target: ast.Subscript) -> bool:
    """Can it be evaluated twice? Names and constants can, a slice has no value."""
    allowed = ast.Name | ast.Constant | ast.UnaryOp | ast.USub | ast.expr_context
    return all(isinstance(n, allowed) for n in (*ast.walk(target.slice), *ast.walk(target.value)))


def _meter(name: str, *arguments: ast.expr) -> ast.Call:
    method = ast.Attribute(ast.Name(NAME, ast.Load()), name, ast.Load())
    return ast.Call(method, list(arguments), [])


def count(payload: Any) -> None:
    """One frame with the count, -1 when it went over the cap; or RAISED, or BROKEN."""
    code, entry, arguments, cap, called = payload
    claims, meter = Claims(), Meter(cap)
    sys.setrecursionlimit(_DEEPER * sys.getrecursionlimit())
    try:
        tree = Counted().visit(ast.parse(code, "solution.py"))
        space = module_space("solution")
        space[NAME] = meter
        tree = ast.fix_missing_locations(tree)
        exec(compile(tree, "solution.py", "exec", dont_inherit=True), space)
        function = space[entry]
    except BaseException as error:
        claims.send(wire.BROKEN, describe(error))
        return
    values, meter.count = decode(arguments), 0
    try:
        if called:
            _exhaust(meter, function(*values))
    except TooMany:
        pass
    except BaseException as error:
        claims.send(wire.RAISED, describe(error))
        return
    claims.send(wire.VALUE, encode(meter.count if meter.count <= cap else -1))
    claims.send(wire.END)


def _exhaust(meter: Meter, got: Any) -> None:
    """A generator has done nothing yet."""
    if hasattr(got, "__next__"):
        for _ in meter.counted(got):
            pass


def evaluate(payload: Any) -> None:
    """One frame with what the entry returns, for a caller that hands it on."""
    code, entry, arguments = payload
    claims, space = Claims(), module_space("generator")
    try:
        exec(compile(code, "generator.py", "exec", dont_inherit=True), space)
        body = encode(space[entry](*arguments))
    except CodecError as error:
        claims.send(wire.NOT_PLAIN, describe(error))
        return
    except BaseException as error:
        claims.send(wire.BROKEN, describe(error))
        return
    claims.send(wire.VALUE, body)
    claims.send(wire.END)
