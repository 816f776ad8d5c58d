"""Rewrites of programs that should not change what they do, one kind each.

A kind finds the places of a tree where it may apply and gives an edit for each. It names the
invariants of `neox.topology` that it keeps. The conditions here keep out what is known to differ:
operands change places only where reading them has no effect and their types are plain, `x += e` is
taken apart only where x cannot be mutated. They prove nothing: `variations.py` runs what comes out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from random import Random

from neox.compiler import children, walk
from neox.compiler import nodes as n
from neox.compiler.nodes import Node

Edit = Callable[[], None]
Put = Callable[[n.expr], None]
EVERY: tuple[str, ...] = ()  # all that are computed
C1 = ("c1/b0", "c1/b1", "mccabe/total")
C2 = ("c2/b0", "c2/b1", "c2/b2")
C3 = ("c3/b0", "c3/b1", "c3/b2")

_FLIPPED = {"Lt": "Gt", "Gt": "Lt", "LtE": "GtE", "GtE": "LtE", "Eq": "Eq", "NotEq": "NotEq"}
_OPPOSITE = {
    "Eq": "NotEq",
    "NotEq": "Eq",
    "In": "NotIn",
    "NotIn": "In",
    "Is": "IsNot",
    "IsNot": "Is",
}
_DEFINED = (n.FunctionDef, n.AsyncFunctionDef, n.ClassDef, n.Lambda)
_PLAIN_CALLS = frozenset(("len", "int", "float", "str", "abs", "ord", "round", "bool", "chr"))
_PLAIN_TYPES = frozenset(("int", "float", "str", "bool"))


@dataclass(frozen=True, slots=True)
class Rewrite:
    """A kind of rewrite. `keeps` names the invariants that must come out equal; none named: all."""

    name: str
    keeps: tuple[str, ...]
    edits: Callable[[n.Module, Random], list[Edit]]


def rename(tree: n.Module, random: Random) -> list[Edit]:
    """A local variable of a function gets a name that stands nowhere else."""
    taken = {text for node in walk(tree) for text in _texts(node)}
    found = []
    for function in _functions(tree):
        fixed = {a.arg for a in walk(function.args) if isinstance(a, n.arg)}
        for node in walk(function):  # names that are text somewhere, or belong to another scope
            if not isinstance(node, n.Name | n.arg):
                fixed.update(_texts(node))
            elif isinstance(node, n.arg):
                fixed.add(node.arg)
        names = {
            x.id
            for s in function.body
            for x in walk(s)
            if isinstance(x, n.Name) and x.ctx == "Store"
        }
        for name in sorted(names - fixed):
            found.append(_renaming(function, name, _fresh(taken, random)))
    return found


def _renaming(function: n.FunctionDef | n.AsyncFunctionDef, old: str, new: str) -> Edit:
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
    taken = {text for node in walk(tree) for text in _texts(node)}
    found = []
    for body in blocks(tree):
        for node in body:
            if isinstance(node, n.Return) and node.value and not isinstance(node.value, n.Constant):
                found.append(_naming(body, node, _fresh(taken, random)))
    return found


def _naming(body: list[n.stmt], node: n.Return, name: str) -> Edit:
    def edit() -> None:
        assert node.value is not None
        first = n.Assign([n.Name(name, "Store", 0, 0)], node.value, 0, 0)
        at = _index(body, node)
        body[at : at + 1] = [first, n.Return(n.Name(name, "Load", 0, 0), 0, 0)]

    return edit


def take_apart(tree: n.Module, random: Random) -> list[Edit]:
    """x += e becomes x = x + e, where x holds nothing that could be changed in place."""
    found = []
    for function in _functions(tree):
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
        body[_index(body, node)] = n.Assign([n.Name(name, "Store", 0, 0)], value, 0, 0)

    return edit


def commute(tree: n.Module, random: Random) -> list[Edit]:
    """2 * x becomes x * 2 and 1 + x becomes x + 1, for numbers, where it is exact."""
    found = []
    for function in _functions(tree):
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
        at = _index(body, node)
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
        at = _index(body, node)
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
        body[_index(body, node)] = n.If(value.test, [first], [second], 0, 0)

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
    taken = {text for node in walk(tree) for text in _texts(node)}
    found = []
    for body in blocks(tree):
        for node in body:
            match node:
                case n.For(
                    target=n.Name(),
                    iter=n.Call(func=n.Name(id="range"), args=[_] | [_, _], keywords=[]),
                    orelse=[],
                ) if not any(isinstance(a, n.Starred) for a in children(node.iter)):
                    names = _fresh(taken, random), _fresh(taken, random)
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
        at = _index(body, node)
        body[at : at + 1] = [
            n.Assign([name(counter, "Store")], start, 0, 0),
            n.Assign([name(end, "Store")], bounds[-1], 0, 0),
            n.While(test, [*turn, *node.body], [], 0, 0),
        ]

    return edit


def spell_out(tree: n.Module, random: Random) -> list[Edit]:
    """return [e for x in s if c] becomes r = []; for x in s: if c: r.append(e); return r."""
    taken = {text for node in walk(tree) for text in _texts(node)}
    found = []
    for function in _functions(tree):
        if any(isinstance(x, _DEFINED) for s in function.body for x in walk(s)):
            continue  # a name of the comprehension could be one they close over
        for body in blocks(function):
            for node in body:
                if not isinstance(node, n.Return) or not isinstance(node.value, n.ListComp):
                    continue
                if len(node.value.generators) == 1 and not node.value.generators[0].is_async:
                    found.append(_spelling(body, node, node.value, _fresh(taken, random)))
    return found


def _spelling(body: list[n.stmt], node: n.Return, value: n.ListComp, name: str) -> Edit:
    def edit() -> None:
        made = value.generators[0]
        add = n.Attribute(n.Name(name, "Load", 0, 0), "append", "Load", 0, 0)
        inner: list[n.stmt] = [n.Expr(n.Call(add, [value.elt], [], 0, 0), 0, 0)]
        for test in reversed(made.ifs):
            inner = [n.If(test, inner, [], 0, 0)]
        at = _index(body, node)
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
                ) if a != b and not {a, b} & {*_texts(x), *_texts(y)}:
                    found.append(_reordering(body, first, second))
    return found


def _reordering(body: list[n.stmt], first: n.stmt, second: n.stmt) -> Edit:
    def edit() -> None:
        at = _index(body, first)
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


# What the kinds share ------------------------------------------------------------


def negated(test: n.expr) -> n.expr:
    """not test, without a second `not` and by the opposite operator where that is exact."""
    if isinstance(test, n.UnaryOp) and test.op == "Not":
        return test.operand
    if isinstance(test, n.Compare) and len(test.ops) == 1:
        other = _OPPOSITE.get(test.ops[0])
        if other and test.ops[0] not in ("Eq", "NotEq"):  # __ne__ may be a class's own
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


def is_plain(name: n.Name, function: n.FunctionDef | n.AsyncFunctionDef) -> bool:
    """Is every value the name can have in the function a number, a text or a truth?"""
    return _types(name.id, function, frozenset()) <= {"number", "text"}


def is_number(value: n.expr, function: n.FunctionDef | n.AsyncFunctionDef) -> bool:
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


def _functions(tree: Node) -> list[n.FunctionDef | n.AsyncFunctionDef]:
    return [f for f in walk(tree) if isinstance(f, n.FunctionDef | n.AsyncFunctionDef)]


def _texts(node: Node) -> list[str]:
    """The names a node holds as text."""
    found = []
    for field in node._fields:
        value = getattr(node, field)
        for part in value if isinstance(value, list) else [value]:
            if isinstance(part, str) and part.isidentifier():
                found.append(part)
    return found


def _fresh(taken: set[str], random: Random) -> str:
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


def _index(body: list[n.stmt], node: n.stmt) -> int:
    return next(at for at, one in enumerate(body) if one is node)
