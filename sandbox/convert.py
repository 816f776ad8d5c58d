"""Assert-style tests as data, where their syntax tree says that this comes to the same.

`assert f(1, [2]) == {3}` needs no second process: it is a call with an expected value. So are
`assert not f(x)`, `f(x) is None`, `f(x) in (1, 2)`, `abs(f(x) - 0.5) < 1e-6` and the like, one
after another in the test or in its `check(candidate)`. Anything else, and any text in doubt, stays
a test that runs as a program. The text is read, never executed; only literals are computed.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from neox.sandbox.jobs import Approx, Asserts, Call, Compare

_MOST = 10_000  # elements of a computed value: a test must not make this process large
_ARITHMETIC: dict[type[ast.operator], Any] = {
    ast.Add: lambda a, b: a + b,
    ast.Sub: lambda a, b: a - b,
    ast.Mult: lambda a, b: a * b,
    ast.Div: lambda a, b: a / b,
    ast.FloorDiv: lambda a, b: a // b,
    ast.Mod: lambda a, b: a % b,
    ast.Pow: lambda a, b: a**b,
}
_SIGNS: dict[type[ast.unaryop], Any] = {
    ast.USub: lambda a: -a,
    ast.UAdd: lambda a: +a,
    ast.Not: lambda a: not a,
}
_NUMBERS = (bool, int, float)

Test = tuple[list[Any], Any, Compare]  # arguments, expected value, how they are compared


class Unclear(Exception):
    """Not one of the forms that are known to come to the same."""


def as_call(job: Asserts) -> Call | None:
    """The same job as data, or None where it has to run as a program."""
    found = _tests(job.test, job.entry)
    if found is None:
        return None
    arguments, expected, modes = zip(*found, strict=True)
    return Call(job.code, job.entry, arguments, expected, modes, job.limits)


@lru_cache(maxsize=4096)
def _tests(text: str, entry: str) -> tuple[Test, ...] | None:
    try:
        found = tuple(_asserts(ast.parse(text), entry))
    except (Unclear, SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    return found or None


def _asserts(module: ast.Module, entry: str) -> Iterator[Test]:
    """Direct asserts first, as they run, then those of `check`."""
    check: ast.FunctionDef | None = None
    for statement in module.body:
        if isinstance(statement, ast.FunctionDef) and statement.name == "check":
            check = statement
        elif not _is_idle(statement, entry):
            yield from _statement(statement, {entry})
    if check is None or entry == "check":
        return
    names = [argument.arg for argument in check.args.args]
    if len(names) != 1 or check.decorator_list or _extra(check.args):
        raise Unclear
    for statement in check.body:
        if not _is_idle(statement, entry, *names):
            yield from _statement(statement, {entry, names[0]})


def _extra(given: ast.arguments) -> bool:
    return bool(given.vararg or given.kwarg or given.kwonlyargs or given.posonlyargs)


def _is_idle(statement: ast.stmt, *names: str) -> bool:
    """Nothing that a later assert could depend on: text, `pass`, METADATA, `check(entry)`."""
    if isinstance(statement, ast.Pass):
        return True
    if isinstance(statement, ast.Assign):
        targets = [t.id if isinstance(t, ast.Name) else "" for t in statement.targets]
        return not {"", "check", *names} & set(targets) and _is_literal(statement.value)
    if not isinstance(statement, ast.Expr):
        return False
    value = statement.value
    if _calls(value, "check") and isinstance(value, ast.Call):  # it is called in any case
        return isinstance(value.args[0], ast.Name) and value.args[0].id in names
    return isinstance(value, ast.Constant)


def _is_literal(node: ast.expr) -> bool:
    try:
        ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        return False
    return True


def _statement(statement: ast.stmt, names: set[str]) -> Iterator[Test]:
    """An assert. Its message is only for when it fails, which decides already."""
    if not isinstance(statement, ast.Assert):
        raise Unclear
    test = statement.test
    if isinstance(test, ast.Constant):
        if not test.value:
            raise Unclear
        return  # `assert True`, of which some tests are proud
    yield _test(test, names)


def _test(test: ast.expr, names: set[str]) -> Test:
    if isinstance(test, ast.Call):
        return (*_call(test, names), True, "truth")
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        return (*_call(test.operand, names), False, "truth")
    if not isinstance(test, ast.Compare) or len(test.ops) != 1:
        raise Unclear
    left, sign, right = test.left, test.ops[0], test.comparators[0]
    if isinstance(sign, ast.Eq):
        if not _is_call(left, names):
            left, right = right, left
        return (*_call(left, names), _value(right), "eq")
    if isinstance(sign, ast.Is):
        if not isinstance(right, ast.Constant) or right.value not in (None, True, False):
            raise Unclear
        if type(right.value) not in (bool, type(None)):
            raise Unclear  # `is 1`
        return (*_call(left, names), right.value, "exact")
    if isinstance(sign, ast.In):
        choices = _value(right)
        if type(choices) not in (list, tuple):
            raise Unclear
        return (*_call(left, names), list(choices), "any_of")
    if isinstance(sign, ast.Lt | ast.LtE):
        return _distance(left, right, isinstance(sign, ast.Lt), names)
    raise Unclear


def _distance(left: ast.expr, right: ast.expr, less: bool, names: set[str]) -> Test:
    """`abs(f(x) - c) < eps`, or `<=`."""
    inside = left.args[0] if _calls(left, "abs") and isinstance(left, ast.Call) else None
    if not isinstance(inside, ast.BinOp) or not isinstance(inside.op, ast.Sub):
        raise Unclear
    called, other = inside.left, inside.right
    if not _is_call(called, names):
        called, other = other, called
    expected, most = _value(other), _value(right)
    if type(expected) not in _NUMBERS or type(most) not in (int, float):
        raise Unclear
    if not (math.isfinite(expected) and 0 < most < math.inf):
        raise Unclear
    most = math.nextafter(most, 0.0) if less else float(most)
    return (*_call(called, names), float(expected), Approx(0.0, most))


def _calls(node: ast.expr, name: str) -> bool:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == name
        and len(node.args) == 1
        and not node.keywords
    )


def _is_call(node: ast.expr, names: set[str]) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names


def _call(node: ast.expr, names: set[str]) -> tuple[list[Any]]:
    if not isinstance(node, ast.Call) or not _is_call(node, names) or node.keywords:
        raise Unclear
    return ([_value(argument) for argument in node.args],)


def _value(node: ast.expr) -> Any:
    """A literal, or arithmetic on literals of modest size. Unclear for all else."""
    if isinstance(node, ast.Constant):
        if node.value is Ellipsis:
            raise Unclear
        return node.value
    if isinstance(node, ast.List):
        return [_value(item) for item in node.elts]
    if isinstance(node, ast.Tuple):
        return tuple([_value(item) for item in node.elts])
    try:
        if isinstance(node, ast.Set):
            return {_value(item) for item in node.elts}
        if isinstance(node, ast.Dict):
            keys = [_value(key) if key is not None else _unclear() for key in node.keys]
            return dict(zip(keys, map(_value, node.values), strict=True))
        if isinstance(node, ast.UnaryOp) and type(node.op) in _SIGNS:
            return _SIGNS[type(node.op)](_value(node.operand))
        if isinstance(node, ast.BinOp) and type(node.op) in _ARITHMETIC:
            return _small(type(node.op), _value(node.left), _value(node.right))
        if _calls(node, "float") and isinstance(node, ast.Call):
            return float(_value(node.args[0]))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and not node.keywords:
            if node.func.id in ("set", "list", "tuple", "dict") and not node.args:
                return {"set": set, "list": list, "tuple": tuple, "dict": dict}[node.func.id]()
            if _calls(node, "set"):
                return set(_value(node.args[0]))
    except (TypeError, ArithmeticError) as error:
        raise Unclear from error
    raise Unclear


def _unclear() -> Any:
    raise Unclear


def _small(operator: type[ast.operator], left: Any, right: Any) -> Any:
    """Arithmetic that cannot become large: numbers, and repeated or joined sequences."""
    numbers = type(left) in _NUMBERS and type(right) in _NUMBERS
    if numbers:
        if max(abs(left), abs(right)) > 10**18 or (operator is ast.Pow and abs(right) > 64):
            raise Unclear
    elif operator is ast.Mult:
        count = right if isinstance(right, int) else left
        whole = left if isinstance(right, int) else right
        if not isinstance(count, int) or not isinstance(whole, str | list | tuple):
            raise Unclear
        if count * len(whole) > _MOST:
            raise Unclear
    elif operator is not ast.Add or type(left) is not type(right):
        raise Unclear
    return _ARITHMETIC[operator](left, right)
