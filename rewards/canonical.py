"""What is left of a program when everything that changes nothing is taken out.

For comparing programs, never for running them: names, formatting, comments, annotations, dead and
idle code, padding by temporaries and the direction of comparisons are gone, so that none of them
makes two programs look different. Takes out rather too much than too little.
"""

from __future__ import annotations

from collections import Counter

from neox.compiler import children, nodes, parse, walk
from neox.compiler.nodes import Node

_FLIPPED = {"Gt": "Lt", "GtE": "LtE"}
_PURE = (
    nodes.Constant, nodes.Name, nodes.BinOp, nodes.UnaryOp, nodes.BoolOp, nodes.Compare,
    nodes.IfExp, nodes.Tuple, nodes.List, nodes.Dict, nodes.Set, nodes.Starred, nodes.JoinedStr,
    nodes.FormattedValue, nodes.Subscript, nodes.Slice, nodes.Attribute, nodes.Lambda,
    nodes.arguments, nodes.arg,
)  # fmt: skip
_HARMLESS = frozenset(
    "abs all any bool dict divmod enumerate float frozenset int len list max min ord pow print"
    " range repr reversed round set sorted str sum tuple type zip".split()
)
_DEFINED = (nodes.FunctionDef, nodes.AsyncFunctionDef, nodes.ClassDef)
_JUMPS = (nodes.Return, nodes.Raise, nodes.Break, nodes.Continue)
_ROUNDS = 20


def canonical(code: str, entry: str | None = None) -> nodes.Module | None:
    """The tree of `code` without what changes nothing; None for a text that does not parse. With an
    entry point, functions it does not reach are gone too.
    """
    program = parse(code)
    if program.diagnostics:
        return None
    tree = program.tree
    for _ in range(_ROUNDS):  # what one round takes out may leave something else idle
        before = sum(1 for _ in walk(tree))
        _unreached(tree, entry)
        for unit in [tree, *(f for f in walk(tree) if isinstance(f, _DEFINED))]:
            loaded = Counter(
                node.id
                for node in walk(unit)
                if isinstance(node, nodes.Name) and node.ctx == "Load"
            )
            inside = not isinstance(unit, nodes.Module)
            unit.body = _block(unit.body, loaded if inside else None)
        if sum(1 for _ in walk(tree)) == before:
            break
    for node in walk(tree):
        _turn(node)
    return tree


def productions(tree: Node) -> Counter[str]:
    """How often a node of some label has children of some labels; names do not count."""
    from neox.topology.supertree import label  # scipy loads only where structure is asked for

    return Counter(
        f"{label(node)}({','.join(label(child) for child in children(node))})"
        for node in walk(tree)
    )


def likeness(one: Counter[str], other: Counter[str]) -> float:
    """1 for the same productions as often, 0 for none in common (Dice)."""
    whole = one.total() + other.total()
    return 2 * (one & other).total() / whole if whole else 1.0


def _unreached(tree: nodes.Module, entry: str | None) -> None:
    """Drop definitions of the module that nothing mentions from outside themselves."""
    defined = [s for s in tree.body if isinstance(s, _DEFINED)]
    mentions = {id(s): {m for node in walk(s) for m in _mentioned(node)} for s in tree.body}
    for one in defined:
        if one.name == entry or (entry is None and one is defined[-1]):
            continue
        if not any(one.name in mentions[id(s)] for s in tree.body if s is not one):
            tree.body.remove(one)


def _mentioned(node: Node) -> list[str]:
    if isinstance(node, nodes.Name):
        return [node.id]
    return [node.attr] if isinstance(node, nodes.Attribute) else []


def _block(body: list[nodes.stmt], loaded: Counter[str] | None) -> list[nodes.stmt]:
    """A block without idle statements; `loaded` counts the reads of names in a function."""
    out: list[nodes.stmt] = []
    for statement in body:
        out += _statement(statement, loaded)
        if out and isinstance(out[-1], _JUMPS):
            break
    if len(out) > 1 and _is_passed_on(out[-2], out[-1], loaded):
        first, last = out[-2], out[-1]
        assert isinstance(first, nodes.Assign)
        assert isinstance(last, nodes.Return)
        last.value = first.value
        del out[-2]
    return out


def _statement(node: nodes.stmt, loaded: Counter[str] | None) -> list[nodes.stmt]:
    """What a statement comes to."""
    if isinstance(node, _DEFINED):
        if loaded is not None and not loaded[node.name]:
            return []
        return [node]
    for field in ("body", "orelse", "finalbody"):
        if isinstance(value := getattr(node, field, None), list):
            setattr(node, field, _block(value, loaded))
    if isinstance(node, nodes.Try | nodes.TryStar | nodes.Match):
        for part in children(node):
            if isinstance(part, nodes.ExceptHandler | nodes.match_case):
                part.body = _block(part.body, loaded)
        return _attempted(node)
    if isinstance(node, nodes.Pass | nodes.Import | nodes.ImportFrom):
        return []
    if isinstance(node, nodes.Expr) and is_idle(node.value):
        return []
    if isinstance(node, nodes.Assert) and isinstance(node.test, nodes.Constant) and node.test.value:
        return []
    if isinstance(node, nodes.If):
        return _chosen(node)
    if isinstance(node, nodes.While):
        never = isinstance(node.test, nodes.Constant) and not node.test.value
        return node.orelse if never else [node]
    if isinstance(node, nodes.For) and not node.body and not node.orelse and is_idle(node.iter):
        return []
    if isinstance(node, nodes.AnnAssign):
        if node.value is None:
            return []
        plain = nodes.Assign([node.target], node.value, node.start, node.end)
        return _statement(plain, loaded)
    if isinstance(node, nodes.AugAssign) and isinstance(node.target, nodes.Name):
        read = nodes.Name(node.target.id, "Load", node.start, node.end)
        value = nodes.BinOp(read, node.op, node.value, node.start, node.end)
        if loaded is not None:
            loaded[node.target.id] += 1
        return [nodes.Assign([node.target], value, node.start, node.end)]
    if isinstance(node, nodes.Assign) and _is_unread(node, loaded):
        return []
    return [node]


def _attempted(node: nodes.Try | nodes.TryStar | nodes.Match) -> list[nodes.stmt]:
    """A try whose body does nothing is its else and its finally."""
    if isinstance(node, nodes.Match):
        return [node]
    return [node] if node.body else [*node.orelse, *node.finalbody]


def _chosen(node: nodes.If) -> list[nodes.stmt]:
    """The branch that is taken where that is plain; branches of `if not` change places."""
    if isinstance(node.test, nodes.Constant):
        return node.body if node.test.value else node.orelse
    if not node.body and not node.orelse:
        return [] if is_idle(node.test) else [nodes.Expr(node.test, node.start, node.end)]
    if node.orelse and isinstance(node.test, nodes.UnaryOp) and node.test.op == "Not":
        node.test = node.test.operand
        node.body, node.orelse = node.orelse, node.body
    return [node]


def _is_unread(node: nodes.Assign, loaded: Counter[str] | None) -> bool:
    """Is it `x = x`, or an idle value for a name that its function reads nowhere else?"""
    if loaded is None or len(node.targets) != 1 or not isinstance(node.targets[0], nodes.Name):
        return False
    name = node.targets[0].id
    if isinstance(node.value, nodes.Name) and node.value.id == name:
        return True
    own = sum(isinstance(part, nodes.Name) and part.id == name for part in walk(node.value))
    return loaded[name] <= own and is_idle(node.value)


def _is_passed_on(first: nodes.stmt, last: nodes.stmt, loaded: Counter[str] | None) -> bool:
    """Is it `t = e; return t`, with t read nowhere else?"""
    match first, last:
        case nodes.Assign(targets=[nodes.Name(id=kept)]), nodes.Return(value=nodes.Name(id=given)):
            return kept == given and loaded is not None and loaded[kept] == 1
    return False


def is_idle(expression: Node) -> bool:
    """Does it compute something and change nothing, as far as its syntax tells?"""
    for node in walk(expression):
        if isinstance(node, nodes.Call):
            if not isinstance(node.func, nodes.Name) or node.func.id not in _HARMLESS:
                return False
        elif not isinstance(node, (*_PURE, nodes.comprehension, *_COLLECTED)):
            return False
    return True


_COLLECTED = (nodes.ListComp, nodes.SetComp, nodes.DictComp, nodes.GeneratorExp, nodes.keyword)


def _turn(node: Node) -> None:
    """`a > b` becomes `b < a`; annotations go."""
    if isinstance(node, nodes.Compare) and len(node.ops) == 1 and node.ops[0] in _FLIPPED:
        node.ops = [_FLIPPED[node.ops[0]]]
        node.left, node.comparators = node.comparators[0], [node.left]
    elif isinstance(node, nodes.FunctionDef | nodes.AsyncFunctionDef):
        node.returns = None
    elif isinstance(node, nodes.arg):
        node.annotation = None
