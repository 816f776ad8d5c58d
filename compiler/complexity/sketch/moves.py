"""How the body of a loop changes its variables, as it is written. Purely syntactic."""

from __future__ import annotations

from neox.compiler import nodes as n
from neox.compiler.complexity.record import dataclass, field
from neox.compiler.complexity.unit import dotted, own_nodes

_POPS = frozenset({"pop", "popleft", "heappop"})
_PUSHES = frozenset({"append", "appendleft", "add", "heappush", "extend"})


@dataclass(slots=True)
class Moves:
    """How the body of a loop changes its variables."""

    step: set[str] = field(default_factory=set)
    shrink: set[str] = field(default_factory=set)
    grow: set[str] = field(default_factory=set)
    halved: set[str] = field(default_factory=set)
    popped: set[str] = field(default_factory=set)
    pushed: set[str] = field(default_factory=set)
    guarded: set[str] = field(default_factory=set)  # pushed under a condition only
    marked: list[n.expr] = field(default_factory=list)
    middles: set[str] = field(default_factory=set)
    other: set[str] = field(default_factory=set)


def moves_of(body: list[n.stmt]) -> Moves:
    moves = Moves()
    nodes = list(own_nodes(body))
    for node in nodes:
        if isinstance(node, n.Assign):
            for t in node.targets:
                if isinstance(t, n.Tuple) and isinstance(node.value, n.Tuple):
                    _euclid(t, node.value, moves)
                    for a, b in zip(t.elts, node.value.elts, strict=False):
                        _move(a, b, moves)
                elif isinstance(t, n.Tuple) and isinstance(node.value, n.Call):
                    if dotted(node.value.func) == "divmod" and isinstance(t.elts[0], n.Name):
                        moves.shrink.add(t.elts[0].id)
                else:
                    _move(t, node.value, moves)
        elif isinstance(node, n.AugAssign) and isinstance(node.target, n.Name):
            _augmented(node.target.id, node.op, node.value, moves)
        elif isinstance(node, n.Call):
            _call(node, moves)
        elif isinstance(node, n.Delete):
            for t in node.targets:
                if isinstance(t, n.Subscript) and isinstance(t.value, n.Name):
                    moves.popped.add(t.value.id)
        if isinstance(node, (n.Assign, n.AugAssign)):
            targets = node.targets if isinstance(node, n.Assign) else [node.target]
            moves.marked += [t for t in targets if isinstance(t, n.Subscript)]
        elif isinstance(node, n.Call) and dotted(node.func).endswith(".add"):
            moves.marked.append(node)
    conditional = {
        id(x)
        for node in nodes
        if isinstance(node, n.If)
        for x in own_nodes([*node.body, *node.orelse])
    }
    early = any(
        isinstance(s, n.If) and any(isinstance(x, n.Continue) for x in s.body) for s in body
    )
    for node in nodes:
        name = _pushed(node)
        if name is not None:
            moves.pushed.add(name)
            if id(node) in conditional or early:
                moves.guarded.add(name)
    for name in moves.step.copy():
        for node in nodes:
            if isinstance(node, n.Assign) and any(
                isinstance(t, n.Name) and t.id == name for t in node.targets
            ):
                used = {x.id for x in own_nodes([node.value]) if isinstance(x, n.Name)}
                if used & moves.middles:
                    moves.halved.add(name)
    moves.halved |= {x for x in moves.other if x in moves.halved}
    middles = _middles(nodes)
    for node in nodes:
        if isinstance(node, n.Assign):
            used = {x.id for x in own_nodes([node.value]) if isinstance(x, n.Name)}
            if used & middles:
                moves.halved |= {t.id for t in node.targets if isinstance(t, n.Name)} - middles
    return moves


def _middles(nodes: list[n.Node]) -> set[str]:
    """Names assigned a half of something of two variables."""
    found = set()
    for node in nodes:
        if (
            isinstance(node, n.Assign)
            and len(node.targets) == 1
            and isinstance(node.targets[0], n.Name)
        ):
            halves = [
                x
                for x in own_nodes([node.value])
                if isinstance(x, n.BinOp)
                and (
                    (x.op in {"FloorDiv", "Div"} and isinstance(x.right, n.Constant))
                    or (x.op == "RShift" and isinstance(x.right, n.Constant))
                )
            ]
            names = {x.id for x in own_nodes([node.value]) if isinstance(x, n.Name)}
            if halves and len(names - {node.targets[0].id}) >= 2:
                found.add(node.targets[0].id)
    return found


def _euclid(target: n.Tuple, value: n.Tuple, moves: Moves) -> None:
    """a, b = b, a % b"""
    for a, b in zip(target.elts, value.elts, strict=False):
        if isinstance(a, n.Name) and isinstance(b, n.BinOp) and b.op == "Mod":
            moves.shrink.add(a.id)


def _move(target: n.expr, value: n.expr, moves: Moves) -> None:
    if not isinstance(target, n.Name):
        return
    name = target.id
    if isinstance(value, n.BinOp):
        inside = {x.id for x in own_nodes([value]) if isinstance(x, n.Name)}
        if name in inside:
            divided = any(
                isinstance(x, n.BinOp)
                and x.op in {"FloorDiv", "RShift", "Div"}
                and name in {y.id for y in own_nodes([x.left]) if isinstance(y, n.Name)}
                for x in own_nodes([value])
            )
            if divided:
                moves.shrink.add(name)
                return
            _augmented(name, value.op, value.right, moves)
            return
    if isinstance(value, n.Name):
        moves.step.add(name)  # i = j: moves along with j
        return
    moves.other.add(name)
    moves.step.add(name)


def _augmented(name: str, op: str, value: n.expr, moves: Moves) -> None:
    if op in {"FloorDiv", "RShift", "Div"}:
        moves.shrink.add(name)
    elif op in {"Mult", "LShift"}:
        moves.grow.add(name)
    elif op in {"Add", "Sub"}:
        bits = any(isinstance(x, n.BinOp) and x.op == "BitAnd" for x in own_nodes([value]))
        own = any(isinstance(x, n.Name) and x.id == name for x in own_nodes([value]))
        if (bits and own) or own:
            (moves.grow if op == "Add" else moves.shrink).add(name)
        else:
            moves.step.add(name)
    elif op == "BitAnd":
        moves.shrink.add(name)
    else:
        moves.step.add(name)


def _call(node: n.Call, moves: Moves) -> None:
    last = dotted(node.func).rpartition(".")[2]
    if last == "heappop" and node.args and isinstance(node.args[0], n.Name):
        moves.popped.add(node.args[0].id)
    elif (
        isinstance(node.func, n.Attribute)
        and isinstance(node.func.value, n.Name)
        and last in _POPS | {"remove", "clear"}
    ):
        moves.popped.add(node.func.value.id)


def _pushed(node: n.Node) -> str | None:
    if not isinstance(node, n.Call):
        return None
    last = dotted(node.func).rpartition(".")[2]
    if last == "heappush" and node.args and isinstance(node.args[0], n.Name):
        return node.args[0].id
    if (
        isinstance(node.func, n.Attribute)
        and isinstance(node.func.value, n.Name)
        and last in _PUSHES
    ):
        return node.func.value.id
    return None
