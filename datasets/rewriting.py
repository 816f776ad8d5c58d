"""What rewrites stand on: negation, conditions, blocks, what can be read early, and plain types.

Knows nothing about what a rewrite is for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random

from neox.compiler import nodes as n
from neox.compiler import walk
from neox.compiler.nodes import Node

Put = Callable[[n.expr], None]
Function = n.FunctionDef | n.AsyncFunctionDef

_OPPOSITE = {"In": "NotIn", "NotIn": "In", "Is": "IsNot", "IsNot": "Is"}
_PLAIN_CALLS = frozenset(("len", "int", "float", "str", "abs", "ord", "round", "bool", "chr"))
_PLAIN_TYPES = frozenset(("int", "float", "str", "bool"))


def negated(test: n.expr) -> n.expr:
    """not test, without a second `not` and by the opposite operator where that is exact."""
    if isinstance(test, n.UnaryOp) and test.op == "Not":
        return test.operand
    if isinstance(test, n.Compare) and len(test.ops) == 1:
        other = _OPPOSITE.get(test.ops[0])  # not of == : __ne__ may be a class's own
        if other:
            return n.Compare(test.left, [other], test.comparators, 0, 0)
    return n.UnaryOp("Not", test, 0, 0)


def conditions(tree: Node) -> Iterator[tuple[n.expr, Put]]:
    """Expressions of which only the truth is used, each with what puts another in its place."""
    for node in walk(tree):
        if isinstance(node, n.If | n.While | n.IfExp):
            yield node.test, _setter(node)
        elif isinstance(node, n.comprehension):
            for at, test in enumerate(node.ifs):
                yield test, _list_setter(node.ifs, at)


def _setter(node: n.If | n.While | n.IfExp) -> Put:
    def put(value: n.expr) -> None:
        node.test = value

    return put


def _list_setter(values: list[n.expr], at: int) -> Put:
    def put(value: n.expr) -> None:
        values[at] = value

    return put


def blocks(tree: Node) -> Iterator[list[n.stmt]]:
    """Every list of statements below a node."""
    for node in walk(tree):
        for field in ("body", "orelse", "finalbody"):
            value = getattr(node, field, None)
            if isinstance(value, list) and value and isinstance(value[0], n.stmt):
                yield value


def is_still(node: Node) -> bool:
    """Can it be read sooner or later? Names, constants, arithmetic on them, len of a name."""
    if isinstance(node, n.Call):
        plain = isinstance(node.func, n.Name) and node.func.id in _PLAIN_CALLS
        return plain and not node.keywords and all(is_still(a) for a in node.args)
    if isinstance(node, n.BinOp):
        return node.op in ("Add", "Sub", "Mult") and is_still(node.left) and is_still(node.right)
    if isinstance(node, n.UnaryOp):
        return is_still(node.operand)
    return isinstance(node, n.Name | n.Constant)


def is_plain(name: n.Name, function: Function) -> bool:
    """Is every value the name can have in the function a number, a text or a truth?"""
    return _types(name.id, function, frozenset()) <= {"number", "text"}


def is_number(value: n.expr, function: Function) -> bool:
    return _kind(value, function, frozenset()) == {"number"}


def _kind(value: n.expr, function: Node, seen: frozenset[str]) -> set[str]:
    if isinstance(value, n.Constant):
        if isinstance(value.value, bool | int | float):
            return {"number"}
        return {"text"} if isinstance(value.value, str) else {"other"}
    if isinstance(value, n.JoinedStr):
        return {"text"}
    if isinstance(value, n.Call) and isinstance(value.func, n.Name) and not value.keywords:
        if value.func.id in ("len", "int", "float", "ord", "bool"):
            return {"number"}
        return {"text"} if value.func.id in ("str", "chr") else {"other"}
    if isinstance(value, n.BinOp):
        sides = _kind(value.left, function, seen) | _kind(value.right, function, seen)
        if value.op == "Add" and len(sides) == 1:
            return sides
        return {"number"} if sides == {"number"} else {"other"}
    if isinstance(value, n.UnaryOp):
        return {"number"} if value.op == "Not" else _kind(value.operand, function, seen)
    if isinstance(value, n.Compare):
        return {"number"}
    if isinstance(value, n.IfExp):
        return _kind(value.body, function, seen) | _kind(value.orelse, function, seen)
    if isinstance(value, n.Name) and value.id not in seen:
        return _types(value.id, function, seen | {value.id})
    return set() if isinstance(value, n.Name) else {"other"}


def _types(name: str, function: Node, seen: frozenset[str]) -> set[str]:
    """The kinds of everything the function binds the name to; unknown is `other`."""
    found: set[str] = set()
    plain: set[int] = set()
    for node in walk(function):
        if isinstance(node, n.arg) and node.arg == name:
            given = node.annotation
            known = isinstance(given, n.Name) and given.id in _PLAIN_TYPES
            text = isinstance(given, n.Name) and given.id == "str"
            found |= ({"text"} if text else {"number"}) if known else {"other"}
        elif isinstance(node, n.Assign) and any(_is(t, name) for t in node.targets):
            plain |= {id(t) for t in node.targets}
            found |= _kind(node.value, function, seen)
        elif isinstance(node, n.AugAssign) and _is(node.target, name):
            plain.add(id(node.target))
            found |= _kind(node.value, function, seen | {name})
        elif isinstance(node, n.For) and _is(node.target, name) and _is_range(node.iter):
            plain.add(id(node.target))
            found.add("number")
    for node in walk(function):
        bound = _is(node, name) and isinstance(node, n.Name) and node.ctx != "Load"
        if bound and id(node) not in plain:
            found.add("other")  # bound in a way that is not read here
    return found or {"other"}


def _is(node: Node, name: str) -> bool:
    return isinstance(node, n.Name) and node.id == name


def _is_range(node: Node) -> bool:
    return isinstance(node, n.Call) and _is(node.func, "range")


def functions(tree: Node) -> list[Function]:
    return [f for f in walk(tree) if isinstance(f, n.FunctionDef | n.AsyncFunctionDef)]


def texts(node: Node) -> list[str]:
    """The names a node holds as text."""
    found = []
    for field in node._fields:
        value = getattr(node, field)
        for part in value if isinstance(value, list) else [value]:
            if isinstance(part, str) and part.isidentifier():
                found.append(part)
    return found


def fresh(taken: set[str], random: Random) -> str:
    """A name that is not taken, and is from now on."""
    while True:
        name = (
            random.choice("abcdeghkmnpqrstuvwxyz")
            + random.choice(("", "_", "s"))
            + str(random.randrange(10))
        )
        if name not in taken:
            taken.add(name)
            return name


def index(body: list[n.stmt], node: n.stmt) -> int:
    return next(at for at, one in enumerate(body) if one is node)
