"""Recognises a function that remembers its results in a dictionary by hand.

`if key in memo: return memo[key]` at the head, `memo[key] = ...` before every return that follows a
recursive call, and a key that names every parameter that changes. Purely syntactic.
"""

from __future__ import annotations

from neox.compiler import nodes as n
from neox.compiler.complexity.unit import Function, own_nodes


def memo_guard(function: Function) -> n.If | None:
    """The statement that returns a remembered result, or None."""
    for statement in function.node.body:
        if not isinstance(statement, n.If) or statement.orelse or len(statement.body) != 1:
            continue
        test, answer = statement.test, statement.body[0]
        if not (isinstance(test, n.Compare) and test.ops == ["In"]):
            continue
        store = test.comparators[0]
        if not (isinstance(store, n.Name) and isinstance(answer, n.Return)):
            continue
        key = _names(test.left)
        given = answer.value
        if not (
            isinstance(given, n.Subscript)
            and isinstance(given.value, n.Name)
            and given.value.id == store.id
            and _names(given.slice) == key
        ):
            continue
        if _complete(function, store.id, key) and _always_stores(function, store.id, key):
            return statement
    return None


def memo_fixed(function: Function, guard: n.If) -> set[str]:
    """Parameters outside the key: passed on unchanged."""
    assert isinstance(guard.test, n.Compare)
    return set(function.parameters) - set(_names(guard.test.left))


def _names(node: n.expr) -> tuple[str, ...]:
    if isinstance(node, n.Name):
        return (node.id,)
    if isinstance(node, n.Tuple) and all(isinstance(e, n.Name) for e in node.elts):
        return tuple(e.id for e in node.elts if isinstance(e, n.Name))
    return ()


def _complete(function: Function, store: str, key: tuple[str, ...]) -> bool:
    """Every parameter outside the key is passed on unchanged by every recursive call."""
    parameters = function.parameters
    if not key or not set(key) <= set(parameters):
        return False
    fixed = [p for p in parameters if p not in key]
    for node in own_nodes(function.node.body):
        if isinstance(node, n.Name) and node.ctx != "Load" and node.id in {*parameters, store}:
            return False
        if not (isinstance(node, n.Call) and isinstance(node.func, n.Name)):
            continue
        if node.func.id == function.node.name:
            given = dict(zip(parameters, node.args, strict=False))
            given |= {k.arg: k.value for k in node.keywords if k.arg is not None}
            for name in fixed:
                passed = given.get(name)
                if not (isinstance(passed, n.Name) and passed.id == name):
                    return False
    return True


def _always_stores(function: Function, store: str, key: tuple[str, ...]) -> bool:
    """The body ends in `memo[key] = ...; return ...`, and no recursive call returns earlier."""
    body = function.node.body
    if len(body) < 2 or not isinstance(body[-1], n.Return):
        return False
    if any(_calls(node, function) for node in own_nodes([body[-1]])):
        return False
    last = body[-2]
    targets = last.targets if isinstance(last, n.Assign) else []
    stored = any(
        isinstance(t, n.Subscript)
        and isinstance(t.value, n.Name)
        and t.value.id == store
        and _names(t.slice) == key
        for t in targets
    )
    early = [
        node
        for statement in body[:-1]
        for node in own_nodes([statement])
        if isinstance(node, n.Return)
    ]
    return stored and not any(_calls(x, function) for r in early for x in own_nodes([r]))


def _calls(node: n.Node, function: Function) -> bool:
    return (
        isinstance(node, n.Call)
        and isinstance(node.func, n.Name)
        and node.func.id == function.node.name
    )
