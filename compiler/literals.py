"""The value of a literal, without evaluating anything: what `ast.literal_eval` accepts."""

from __future__ import annotations

from typing import Any

from neox.compiler import nodes as n


def literal(node: n.Node) -> Any:
    """The value of a constant, a signed number, a complex sum, or a display of such.

    ValueError for anything else, unhashable keys and members included. `set()` is a literal.

    >>> from neox.compiler import parse
    >>> literal(parse("{'a': [-1, 2+3j], (): set()}").tree.body[0].value)
    {'a': [-1, (2+3j)], (): set()}
    """
    if isinstance(node, n.Constant):
        return node.value
    if isinstance(node, n.List):
        return [literal(e) for e in node.elts]
    if isinstance(node, n.Tuple):
        return tuple([literal(e) for e in node.elts])
    if isinstance(node, n.UnaryOp):
        return _signed(node)
    try:
        if isinstance(node, n.Set):
            return {literal(e) for e in node.elts}
        if isinstance(node, n.Dict):
            pairs = zip(node.keys, node.values, strict=True)
            return {literal(_present(k)): literal(v) for k, v in pairs}
    except TypeError as error:
        raise ValueError(str(error)) from None
    if isinstance(node, n.BinOp) and node.op in ("Add", "Sub"):
        left, right = _signed(node.left), _number(node.right)
        if not isinstance(left, complex) and isinstance(right, complex):
            return left + right if node.op == "Add" else left - right
    if (
        isinstance(node, n.Call)
        and isinstance(node.func, n.Name)
        and node.func.id == "set"
        and not node.args
        and not node.keywords
    ):
        return set()
    raise ValueError(f"{type(node).__name__} is not a literal")


def _number(node: n.expr) -> int | float | complex:
    if isinstance(node, n.Constant):
        value = node.value
        if isinstance(value, (int, float, complex)) and not isinstance(value, bool):
            return value
    raise ValueError(f"{type(node).__name__} is not a number")


def _signed(node: n.expr) -> int | float | complex:
    if isinstance(node, n.UnaryOp) and node.op in ("USub", "UAdd"):
        value = _number(node.operand)
        return -value if node.op == "USub" else +value
    return _number(node)


def _present(node: n.expr | None) -> n.expr:
    if node is None:
        raise ValueError("** is not a literal")
    return node
