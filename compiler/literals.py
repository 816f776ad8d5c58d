"""The value of a literal expression, without evaluating anything."""

from __future__ import annotations

from typing import Any

from neox.compiler import nodes as n


def literal(node: n.Node) -> Any:
    """The value of constants, signs, complex sums, lists, tuples, sets and dicts of them.

    ValueError for anything else, and for unhashable keys. `set()` counts as a literal.
    """
    if isinstance(node, n.Constant):
        return node.value
    if isinstance(node, n.List):
        return [literal(e) for e in node.elts]
    if isinstance(node, n.Tuple):
        return tuple(literal(e) for e in node.elts)
    if isinstance(node, n.Set):
        return _hashed(lambda: {literal(e) for e in node.elts})
    if isinstance(node, n.Dict):
        pairs = zip(node.keys, node.values, strict=True)
        return _hashed(lambda: {literal(_key(k)): literal(v) for k, v in pairs})
    if isinstance(node, n.UnaryOp) and node.op in ("USub", "UAdd"):
        value = literal(node.operand)
        if type(value) in (int, float, complex):
            return -value if node.op == "USub" else +value
    if isinstance(node, n.BinOp) and node.op in ("Add", "Sub"):
        left, right = literal(node.left), literal(node.right)
        if type(left) in (int, float) and type(right) is complex:
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


def _key(node: n.expr | None) -> n.expr:
    if node is None:
        raise ValueError("** is not a literal")
    return node


def _hashed(make: Any) -> Any:
    try:
        return make()
    except TypeError as error:
        raise ValueError(str(error)) from None
