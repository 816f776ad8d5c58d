"""What CPython calls an expression in its messages."""

from __future__ import annotations

from neox.compiler import nodes as n


def describe(node: n.expr) -> str:
    """What CPython calls an expression in its messages."""
    if isinstance(node, n.Constant):
        if node.value is None or isinstance(node.value, bool):
            return str(node.value)
        return "ellipsis" if node.value is ... else "literal"
    return _WORDS.get(type(node).__name__, "expression")


_WORDS = {
    "Call": "function call",
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
