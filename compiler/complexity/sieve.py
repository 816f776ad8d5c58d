"""Recognises the sieve of Eratosthenes: multiples struck out of a table, for primes only.

The sum of n/p over the primes up to a fixed power of n is n*log(log(n)) (Mertens 1874); over all
numbers it would be n*log(n). That only primes are gone through follows from the shape of the loop:
a table made full, tested at p, and emptied at p's multiples and nowhere else. Purely syntactic.
"""

from __future__ import annotations

from collections.abc import Iterator

from neox.compiler import nodes as n
from neox.compiler.complexity.record import dataclass
from neox.compiler.complexity.unit import own_nodes


@dataclass(frozen=True, slots=True)
class Sieve:
    """`outer` ends the numbers gone through, squared or not; `limit` the multiples struck out."""

    prime: str
    outer: n.expr
    squared: bool
    limit: n.expr
    extra: list[str]  # lists that primes are appended to


def sieve(node: n.For | n.While, function: list[n.stmt]) -> Sieve | None:
    """The sieve that a loop is, or None; `function` is the body the table is made in."""
    head = _for(node) if isinstance(node, n.For) else _while(node)
    if head is None:
        return None
    prime, outer, squared, guarded = head
    if not isinstance(guarded, n.If) or guarded.orelse:
        return None
    table, full = _test(guarded.test, prime)
    inner = [s for s in guarded.body if isinstance(s, n.For)]
    extra = [_appended(s, prime) for s in guarded.body if not isinstance(s, n.For)]
    if table is None or len(inner) != 1 or any(x is None for x in extra):
        return None
    limit = _strikes(inner[0], prime, table, full)
    if limit is None or not _made_full(function, table, full, inner[0]):
        return None
    return Sieve(prime, outer, squared, limit, [x for x in extra if x is not None])


def _for(node: n.For) -> tuple[str, n.expr, bool, n.stmt] | None:
    call = node.iter
    if not (isinstance(node.target, n.Name) and len(node.body) == 1 and not node.orelse):
        return None
    if not (isinstance(call, n.Call) and _is(call.func, "range") and len(call.args) == 2):
        return None
    start = call.args[0]
    if not (isinstance(start, n.Constant) and start.value == 2):
        return None
    return node.target.id, call.args[1], False, node.body[0]


def _while(node: n.While) -> tuple[str, n.expr, bool, n.stmt] | None:
    test, body = node.test, node.body
    if not (isinstance(test, n.Compare) and len(test.ops) == 1 and test.ops[0] in {"Lt", "LtE"}):
        return None
    if len(body) != 2 or node.orelse or not isinstance(body[1], n.AugAssign):
        return None
    step = body[1]
    if not (isinstance(step.target, n.Name) and step.op == "Add" and _one(step.value)):
        return None
    prime = step.target.id
    squared = _multiple(test.left, prime) == "square"
    if not squared and not _is(test.left, prime):
        return None
    return prime, test.comparators[0], squared, body[0]


def _test(test: n.expr, prime: str) -> tuple[str | None, bool]:
    """The table that is tested at p, and whether a full place is a true one."""
    full = True
    if isinstance(test, n.UnaryOp) and test.op == "Not":
        test, full = test.operand, False
    elif isinstance(test, n.Compare) and len(test.ops) == 1 and test.ops[0] in {"Eq", "Is"}:
        value = test.comparators[0]
        if not isinstance(value, n.Constant) or value.value not in (0, 1):
            return None, True
        test, full = test.left, bool(value.value)
    if isinstance(test, n.Subscript) and isinstance(test.value, n.Name) and _is(test.slice, prime):
        return test.value.id, full
    return None, True


def _strikes(loop: n.For, prime: str, table: str, full: bool) -> n.expr | None:
    """`for j in range(p * p, limit, p): table[j] = False`: its limit."""
    call = loop.iter
    if not (isinstance(call, n.Call) and _is(call.func, "range") and len(call.args) == 3):
        return None
    if _multiple(call.args[0], prime) is None or not _is(call.args[2], prime):
        return None
    if len(loop.body) != 1 or not isinstance(loop.body[0], n.Assign) or loop.orelse:
        return None
    [target], value = loop.body[0].targets[:1], loop.body[0].value
    if not (isinstance(target, n.Subscript) and _is(target.value, table)):
        return None
    if not (isinstance(loop.target, n.Name) and _is(target.slice, loop.target.id)):
        return None
    struck = isinstance(value, n.Constant) and value.value in (0, 1) and bool(value.value) != full
    return call.args[1] if struck else None


def _made_full(function: list[n.stmt], table: str, full: bool, inner: n.For) -> bool:
    """The table is made once, full at all places, and written at 0, 1 and by the sieve alone."""
    made = 0
    sieving = {id(x) for x in own_nodes([inner])}
    for node in own_nodes(function):
        if isinstance(node, n.Name) and node.id == table and node.ctx != "Load":
            made += 1
        if isinstance(node, n.Assign) and any(_is(t, table) for t in node.targets):
            value = node.value
            if not (isinstance(value, n.BinOp) and value.op == "Mult"):
                return False
            items = value.left.elts if isinstance(value.left, n.List) else []
            first = items[0] if len(items) == 1 else None
            if not (isinstance(first, n.Constant) and first.value in (0, 1)):
                return False
            if bool(first.value) != full:
                return False
        if isinstance(node, n.Subscript) and _is(node.value, table) and node.ctx != "Load":
            at = node.slice
            small = isinstance(at, n.Constant) and at.value in (0, 1)
            if not small and id(node) not in sieving:
                return False
    return made == 1


def _multiple(node: n.expr, prime: str) -> str | None:
    """p * p, p ** 2, 2 * p, p * 2, p + p."""
    if not isinstance(node, n.BinOp):
        return None
    both = _is(node.left, prime) and _is(node.right, prime)
    two = [x for x in (node.left, node.right) if isinstance(x, n.Constant) and x.value == 2]
    if (node.op == "Mult" and both) or (node.op == "Pow" and _is(node.left, prime) and two):
        return "square"
    names = [x for x in (node.left, node.right) if _is(x, prime)]
    if (node.op == "Mult" and two and names) or (node.op == "Add" and both):
        return "double"
    return None


def _appended(node: n.stmt, prime: str) -> str | None:
    call = node.value if isinstance(node, n.Expr) else None
    if not (isinstance(call, n.Call) and isinstance(call.func, n.Attribute)):
        return None
    place = call.func.value
    fits = call.func.attr == "append" and len(call.args) == 1 and _is(call.args[0], prime)
    return place.id if fits and isinstance(place, n.Name) else None


def _one(node: n.expr) -> bool:
    return isinstance(node, n.Constant) and node.value == 1


def _is(node: n.Node, name: str) -> bool:
    return isinstance(node, n.Name) and node.id == name


def names(found: Sieve, node: n.For | n.While) -> Iterator[str]:
    """The variables that the loops leave changed."""
    yield found.prime
    for inner in own_nodes([*node.body]):
        if isinstance(inner, n.For) and isinstance(inner.target, n.Name):
            yield inner.target.id
