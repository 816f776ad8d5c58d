"""Rewrites of programs that should not change what they do, one kind each.

A kind finds the places of a tree where it may apply and gives an edit for each. It names the
invariants of `neox.topology` that it keeps. The conditions here keep out what is known to differ:
operands change places only where reading them has no effect and their types are plain, `x += e` is
taken apart only where x cannot be mutated. They prove nothing: `variations.py` runs what comes out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from random import Random

from neox.compiler import children, walk
from neox.compiler import nodes as n
from neox.datasets.rewriting import (
    Function,
    Put,
    blocks,
    conditions,
    fresh,
    functions,
    index,
    is_number,
    is_plain,
    is_still,
    negated,
    texts,
)

Edit = Callable[[], None]
EVERY: tuple[str, ...] = ()  # all that are computed
C1 = ("c1/b0", "c1/b1", "mccabe/total")
C2 = ("c2/b0", "c2/b1", "c2/b2")
C3 = ("c3/b0", "c3/b1", "c3/b2")

_FLIPPED = {"Lt": "Gt", "Gt": "Lt", "LtE": "GtE", "GtE": "LtE", "Eq": "Eq", "NotEq": "NotEq"}
_DEFINED = (n.FunctionDef, n.AsyncFunctionDef, n.ClassDef, n.Lambda)


@dataclass(frozen=True, slots=True)
class Rewrite:
    """A kind of rewrite. `keeps` names the invariants that must come out equal; none named: all."""

    name: str
    keeps: tuple[str, ...]
    edits: Callable[[n.Module, Random], list[Edit]]


def rename(tree: n.Module, random: Random) -> list[Edit]:
    """A local variable of a function gets a name that stands nowhere else."""
    taken = {text for node in walk(tree) for text in texts(node)}
    found = []
    for function in functions(tree):
        fixed = {a.arg for a in walk(function.args) if isinstance(a, n.arg)}
        for node in walk(function):  # names that are text somewhere, or belong to another scope
            if not isinstance(node, n.Name | n.arg):
                fixed.update(texts(node))
            elif isinstance(node, n.arg):
                fixed.add(node.arg)
        names = {
            x.id
            for s in function.body
            for x in walk(s)
            if isinstance(x, n.Name) and x.ctx == "Store"
        }
        for name in sorted(names - fixed):
            found.append(_renaming(function, name, fresh(taken, random)))
    return found


def _renaming(function: Function, old: str, new: str) -> Edit:
    places = [x for s in function.body for x in walk(s) if isinstance(x, n.Name) and x.id == old]

    def edit() -> None:
        for place in places:
            place.id = new

    return edit


def flip(tree: n.Module, random: Random) -> list[Edit]:
    """a < b becomes b > a, where reading a and b does nothing."""
    found = []
    for node in walk(tree):
        if not isinstance(node, n.Compare) or len(node.ops) > 1 or node.ops[0] not in _FLIPPED:
            continue
        if is_still(node.left) and is_still(node.comparators[0]):
            found.append(_flipping(node))
    return found


def _flipping(node: n.Compare) -> Edit:
    def edit() -> None:
        node.ops = [_FLIPPED[node.ops[0]]]
        node.left, node.comparators = node.comparators[0], [node.left]

    return edit


def swap_branches(tree: n.Module, random: Random) -> list[Edit]:
    """if c: A else: B becomes if not c: B else: A."""
    found = []
    for node in walk(tree):
        if isinstance(node, n.If) and node.orelse:
            found.append(_swapping(node))
        elif isinstance(node, n.IfExp):
            found.append(_swapping_value(node))
    return found


def _swapping(node: n.If) -> Edit:
    def edit() -> None:
        node.test = negated(node.test)
        node.body, node.orelse = node.orelse, node.body

    return edit


def _swapping_value(node: n.IfExp) -> Edit:
    def edit() -> None:
        node.test = negated(node.test)
        node.body, node.orelse = node.orelse, node.body

    return edit


def de_morgan(tree: n.Module, random: Random) -> list[Edit]:
    """a and b becomes not (not a or not b), only where nothing but its truth is used."""
    found = []
    for node, put in conditions(tree):
        if isinstance(node, n.BoolOp):
            found.append(_de_morganing(node, put))
    return found


def _de_morganing(node: n.BoolOp, put: Put) -> Edit:
    def edit() -> None:
        other = "Or" if node.op == "And" else "And"
        put(n.UnaryOp("Not", n.BoolOp(other, [negated(v) for v in node.values], 0, 0), 0, 0))

    return edit


def double_negation(tree: n.Module, random: Random) -> list[Edit]:
    """A condition c becomes not not c."""

    def doubling(node: n.expr, put: Put) -> Edit:
        return lambda: put(n.UnaryOp("Not", n.UnaryOp("Not", node, 0, 0), 0, 0))

    return [doubling(node, put) for node, put in conditions(tree)]


def temporary(tree: n.Module, random: Random) -> list[Edit]:
    """return e becomes t = e; return t."""
    taken = {text for node in walk(tree) for text in texts(node)}
    found = []
    for body in blocks(tree):
        for node in body:
            if isinstance(node, n.Return) and node.value and not isinstance(node.value, n.Constant):
                found.append(_naming(body, node, fresh(taken, random)))
    return found


def _naming(body: list[n.stmt], node: n.Return, name: str) -> Edit:
    def edit() -> None:
        assert node.value is not None
        first = n.Assign([n.Name(name, "Store", 0, 0)], node.value, 0, 0)
        at = index(body, node)
        body[at : at + 1] = [first, n.Return(n.Name(name, "Load", 0, 0), 0, 0)]

    return edit


def take_apart(tree: n.Module, random: Random) -> list[Edit]:
    """x += e becomes x = x + e, where x holds nothing that could be changed in place."""
    found = []
    for function in functions(tree):
        for body in blocks(function):
            for node in body:
                if not isinstance(node, n.AugAssign) or not isinstance(node.target, n.Name):
                    continue
                if is_plain(node.target, function):
                    found.append(_taking(body, node, node.target.id))
    return found


def _taking(body: list[n.stmt], node: n.AugAssign, name: str) -> Edit:
    def edit() -> None:
        value = n.BinOp(n.Name(name, "Load", 0, 0), node.op, node.value, 0, 0)
        body[index(body, node)] = n.Assign([n.Name(name, "Store", 0, 0)], value, 0, 0)

    return edit


def commute(tree: n.Module, random: Random) -> list[Edit]:
    """2 * x becomes x * 2 and 1 + x becomes x + 1, for numbers, where it is exact."""
    found = []
    for function in functions(tree):
        for node in walk(function):
            if isinstance(node, n.BinOp) and node.op in ("Add", "Mult"):
                sides = node.left, node.right
                if all(is_still(s) and is_number(s, function) for s in sides):
                    found.append(_commuting(node))
    return found


def _commuting(node: n.BinOp) -> Edit:
    def edit() -> None:
        node.left, node.right = node.right, node.left

    return edit


def unfold_return(tree: n.Module, random: Random) -> list[Edit]:
    """if c: return a; rest becomes if c: return a else: rest."""
    found = []
    for body in blocks(tree):
        for node in body[:-1]:
            if isinstance(node, n.If) and not node.orelse and isinstance(node.body[-1], n.Return):
                found.append(_unfolding(body, node))
    return found


def _unfolding(body: list[n.stmt], node: n.If) -> Edit:
    def edit() -> None:
        at = index(body, node)
        node.orelse = body[at + 1 :]
        del body[at + 1 :]

    return edit


def fold_return(tree: n.Module, random: Random) -> list[Edit]:
    """if c: return a else: rest becomes if c: return a; rest."""
    found = []
    for body in blocks(tree):
        for node in body:
            if isinstance(node, n.If) and node.orelse and isinstance(node.body[-1], n.Return):
                found.append(_folding(body, node))
    return found


def _folding(body: list[n.stmt], node: n.If) -> Edit:
    def edit() -> None:
        at = index(body, node)
        body[at + 1 : at + 1] = node.orelse
        node.orelse = []

    return edit


def branch_value(tree: n.Module, random: Random) -> list[Edit]:
    """return a if c else b becomes if c: return a else: return b."""
    found = []
    for body in blocks(tree):
        for node in body:
            if isinstance(node, n.Return) and isinstance(node.value, n.IfExp):
                found.append(_branching(body, node, node.value))
    return found


def _branching(body: list[n.stmt], node: n.Return, value: n.IfExp) -> Edit:
    def edit() -> None:
        first, second = n.Return(value.body, 0, 0), n.Return(value.orelse, 0, 0)
        body[index(body, node)] = n.If(value.test, [first], [second], 0, 0)

    return edit


def loop_form(tree: n.Module, random: Random) -> list[Edit]:
    """while c: A becomes while True: if not c: break; A."""
    found = []
    for body in blocks(tree):
        for node in body:
            if not isinstance(node, n.While) or node.orelse:
                continue
            if not isinstance(node.test, n.Constant):
                found.append(_opening(node))
    return found


def _opening(node: n.While) -> Edit:
    def edit() -> None:
        leave = n.If(negated(node.test), [n.Break(0, 0)], [], 0, 0)
        node.test = n.Constant(True, None, 0, 0)
        node.body = [leave, *node.body]

    return edit


def count_by_while(tree: n.Module, random: Random) -> list[Edit]:
    """for x in range(a, b): A becomes i = a; e = b; while i < e: x = i; i = i + 1; A."""
    taken = {text for node in walk(tree) for text in texts(node)}
    found = []
    for body in blocks(tree):
        for node in body:
            match node:
                case n.For(
                    target=n.Name(),
                    iter=n.Call(func=n.Name(id="range"), args=[_] | [_, _], keywords=[]),
                    orelse=[],
                ) if not any(isinstance(a, n.Starred) for a in children(node.iter)):
                    names = fresh(taken, random), fresh(taken, random)
                    found.append(_counting(body, node, *names))
    return found


def _counting(body: list[n.stmt], node: n.For, counter: str, end: str) -> Edit:
    def name(text: str, context: str = "Load") -> n.Name:
        return n.Name(text, context, 0, 0)

    def edit() -> None:
        assert isinstance(node.iter, n.Call)
        bounds = node.iter.args
        start = bounds[0] if len(bounds) == 2 else n.Constant(0, None, 0, 0)
        test = n.Compare(name(counter), ["Lt"], [name(end)], 0, 0)
        step = n.BinOp(name(counter), "Add", n.Constant(1, None, 0, 0), 0, 0)
        turn: list[n.stmt] = [
            n.Assign([node.target], name(counter), 0, 0),
            n.Assign([name(counter, "Store")], step, 0, 0),
        ]
        at = index(body, node)
        body[at : at + 1] = [
            n.Assign([name(counter, "Store")], start, 0, 0),
            n.Assign([name(end, "Store")], bounds[-1], 0, 0),
            n.While(test, [*turn, *node.body], [], 0, 0),
        ]

    return edit


def spell_out(tree: n.Module, random: Random) -> list[Edit]:
    """return [e for x in s if c] becomes r = []; for x in s: if c: r.append(e); return r."""
    taken = {text for node in walk(tree) for text in texts(node)}
    found = []
    for function in functions(tree):
        if any(isinstance(x, _DEFINED) for s in function.body for x in walk(s)):
            continue  # a name of the comprehension could be one they close over
        for body in blocks(function):
            for node in body:
                if not isinstance(node, n.Return) or not isinstance(node.value, n.ListComp):
                    continue
                if len(node.value.generators) == 1 and not node.value.generators[0].is_async:
                    found.append(_spelling(body, node, node.value, fresh(taken, random)))
    return found


def _spelling(body: list[n.stmt], node: n.Return, value: n.ListComp, name: str) -> Edit:
    def edit() -> None:
        made = value.generators[0]
        add = n.Attribute(n.Name(name, "Load", 0, 0), "append", "Load", 0, 0)
        inner: list[n.stmt] = [n.Expr(n.Call(add, [value.elt], [], 0, 0), 0, 0)]
        for test in reversed(made.ifs):
            inner = [n.If(test, inner, [], 0, 0)]
        at = index(body, node)
        body[at : at + 1] = [
            n.Assign([n.Name(name, "Store", 0, 0)], n.List([], "Load", 0, 0), 0, 0),
            n.For(made.target, made.iter, inner, [], 0, 0),
            n.Return(n.Name(name, "Load", 0, 0), 0, 0),
        ]

    return edit


def reorder(tree: n.Module, random: Random) -> list[Edit]:
    """Two assignments of constants or names to different names change places."""
    found = []
    for body in blocks(tree):
        for first, second in pairwise(body):
            match first, second:
                case (
                    n.Assign(targets=[n.Name(id=a)], value=n.Constant() | n.Name() as x),
                    n.Assign(targets=[n.Name(id=b)], value=n.Constant() | n.Name() as y),
                ) if a != b and not {a, b} & {*texts(x), *texts(y)}:
                    found.append(_reordering(body, first, second))
    return found


def _reordering(body: list[n.stmt], first: n.stmt, second: n.stmt) -> Edit:
    def edit() -> None:
        at = index(body, first)
        body[at : at + 2] = [second, first]

    return edit


REWRITES = (
    Rewrite("rename", EVERY, rename),
    Rewrite("flip comparison", C1 + C2 + C3, flip),
    Rewrite("swap branches", C1 + C2 + C3, swap_branches),
    Rewrite("de Morgan", C1 + C2 + C3, de_morgan),
    Rewrite("double negation", C1 + C2 + C3, double_negation),
    Rewrite("temporary", C1, temporary),
    Rewrite("take += apart", C1 + C2, take_apart),
    Rewrite("commute", C1 + C2 + C3, commute),
    Rewrite("else after return", C1 + C2 + C3, unfold_return),
    Rewrite("no else after return", C1 + C2 + C3, fold_return),
    Rewrite("ternary to branches", C1 + C3, branch_value),
    Rewrite("while to while True", C2 + C3, loop_form),
    Rewrite("for to while", C1, count_by_while),
    Rewrite("comprehension to loop", C1, spell_out),
    Rewrite("reorder", C1 + C2, reorder),
)
