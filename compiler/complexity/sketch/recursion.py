"""What a function that calls itself costs, from the shape of its calls alone."""

from __future__ import annotations

from fractions import Fraction

from neox.compiler import nodes as n
from neox.compiler.complexity.record import dataclass, field
from neox.compiler.complexity.sketch.rank import EXP, LOG, ONE, N, Rank
from neox.compiler.complexity.sketch.values import Val
from neox.compiler.complexity.unit import dotted, own_nodes

_POWERS = {2: Fraction(1), 3: Fraction(8, 5), 4: Fraction(2), 7: Fraction(14, 5)}


@dataclass(slots=True)
class Frame:
    """One function being run: its recursive calls, counted along the worst path."""

    node: n.FunctionDef
    params: dict[str, Val]
    calls: int = 0
    looped: bool = False  # a call in a loop whose length depends on the input
    repeated: bool = False  # a call in a loop at all
    kinds: set[str] = field(default_factory=set)
    varied: set[str] = field(default_factory=set)
    result: Val | None = None
    base: int = 0


def classify(arg: n.expr, param: str, frame: Frame) -> str:
    """How an argument of a recursive call relates to the parameter it is given for."""
    if isinstance(arg, n.Name):
        if arg.id == param:
            return "same"
        found = _assigned(arg.id, frame.node)
        if any(_halves(v) for v in found):
            return "half"
        if any(isinstance(v, n.ListComp) for v in found):
            return "part"
        if any(isinstance(v, n.Call) for v in found) and arg.id not in frame.params:
            return "split"
        return "dec"
    names = {x.id for x in own_nodes([arg]) if isinstance(x, n.Name)}
    if isinstance(arg, n.Subscript) and isinstance(arg.slice, n.Slice):
        ends = [e for e in (arg.slice.lower, arg.slice.upper) if e is not None]
        if any(
            _halves(e)
            or (isinstance(e, n.Name) and any(_halves(v) for v in _assigned(e.id, frame.node)))
            for e in ends
        ):
            return "half"
        return "dec"
    if isinstance(arg, n.Attribute):
        return "tree"
    if _halves(arg):
        return "half"
    if isinstance(arg, n.BinOp) and arg.op == "Mod":
        return "mod"
    if (isinstance(arg, n.BinOp) and arg.op == "Pow") or "sqrt" in "".join(
        dotted(x.func) for x in own_nodes([arg]) if isinstance(x, n.Call)
    ):
        return "root"
    if isinstance(arg, n.BinOp):
        mids = [x for x in names if any(_halves(v) for v in _assigned(x, frame.node))]
        if mids:
            return "half"
        pivots = [
            x
            for x in names
            if x not in frame.params
            and any(isinstance(v, n.Call) for v in _assigned(x, frame.node))
        ]
        return "split" if pivots else "dec"
    return "other"


def _halves(value: n.expr) -> bool:
    return any(
        isinstance(x, n.BinOp)
        and x.op in {"FloorDiv", "RShift", "Div"}
        and isinstance(x.right, n.Constant)
        for x in own_nodes([value])
    )


def _assigned(name: str, node: n.FunctionDef) -> list[n.expr]:
    found: list[n.expr] = []
    for x in own_nodes(node.body):
        if isinstance(x, n.Assign):
            for t in x.targets:
                if isinstance(t, n.Name) and t.id == name:
                    found.append(x.value)
                elif isinstance(t, n.Tuple) and isinstance(x.value, n.Tuple):
                    found += [
                        b
                        for a, b in zip(t.elts, x.value.elts, strict=False)
                        if isinstance(a, n.Name) and a.id == name
                    ]
                elif isinstance(t, n.Tuple) and any(
                    isinstance(e, n.Name) and e.id == name for e in t.elts
                ):
                    found.append(x.value)
    return found


def limit(param: str, node: n.FunctionDef) -> list[n.expr]:
    """What a parameter is compared with: where its values end."""
    found: list[n.expr] = []
    for x in own_nodes(node.body):
        if isinstance(x, n.Compare):
            sides = [x.left, *x.comparators]
            if any(isinstance(s, n.Name) and s.id == param for s in sides):
                found += [s for s in sides if not (isinstance(s, n.Name) and s.id == param)]
            elif any(
                isinstance(y, n.Name) and y.id == param for s in sides for y in own_nodes([s])
            ):
                found += sides
    return found


def remembers(node: n.FunctionDef) -> bool:
    """`functools.cache`, or a guard that returns what a table holds."""
    for d in node.decorator_list:
        name = dotted(d.func if isinstance(d, n.Call) else d).rpartition(".")[2]
        if name in {"cache", "lru_cache", "memoize", "memo"}:
            return True
    stores = {
        dotted(_root(t))
        for x in own_nodes(node.body)
        if isinstance(x, n.Assign)
        for t in x.targets
        if isinstance(t, n.Subscript)
    }
    for s in node.body:
        if isinstance(s, n.If) and s.body and isinstance(s.body[-1], n.Return):
            value = s.body[-1].value
            if isinstance(value, n.Subscript) and dotted(_root(value)) in stores:
                return True
    return False


def _root(node: n.expr) -> n.expr:
    while isinstance(node, n.Subscript):
        node = node.value
    return node


def marks(node: n.FunctionDef) -> list[n.expr] | None:
    """What the function marks as visited and never unmarks; None where it does not."""
    tested: set[str] = set()
    for x in own_nodes(node.body):
        if isinstance(x, (n.If, n.IfExp, n.While)):
            for y in own_nodes([x.test]):
                if isinstance(y, n.Subscript):
                    tested.add(dotted(_root(y)))
                elif isinstance(y, n.Compare) and y.ops and y.ops[-1] in {"In", "NotIn"}:
                    tested.add(dotted(y.comparators[-1]))
    set_to: dict[str, list[n.expr]] = {}
    targets: dict[str, n.expr] = {}
    for x in own_nodes(node.body):
        if isinstance(x, n.Assign):
            for t in x.targets:
                if isinstance(t, n.Subscript):
                    set_to.setdefault(dotted(_root(t)), []).append(x.value)
                    targets[dotted(_root(t))] = t
        elif isinstance(x, n.Call) and dotted(x.func).endswith(".add"):
            root = dotted(x.func).rpartition(".")[0]
            set_to.setdefault(root, []).append(x)
            targets[root] = x
        elif isinstance(x, n.Call) and dotted(x.func).rpartition(".")[2] in {"remove", "discard"}:
            set_to.setdefault(dotted(x.func).rpartition(".")[0], []).extend([x, x])
    found = [
        targets[r]
        for r, values in set_to.items()
        if r and r in tested and len(values) == 1 and not _numeric(values[0], node)
    ]
    return found or None


def _numeric(value: n.expr, node: n.FunctionDef) -> bool:
    return (
        isinstance(value, n.BinOp)
        and value.op == "Add"
        and any(
            isinstance(x, n.Call) and isinstance(x.func, n.Name) and x.func.id == node.name
            for x in own_nodes([value])
        )
    )


def solve(frame: Frame, toll: Rank, span: Rank, universe: Rank | None) -> Rank:
    """Total cost; `span` is the range of what changes (a product where results are kept)."""
    kinds = frame.kinds - {"same"}
    if universe is not None and "half" not in kinds:
        return universe * toll
    if remembers(frame.node):
        states = span.logarithm() if kinds == {"half"} else span
        return states * toll
    if "tree" in kinds:
        return N * toll
    if "mod" in kinds or (kinds and kinds <= {"half"} and frame.calls <= 1 and not frame.repeated):
        return toll if toll.power else LOG * toll
    if "root" in kinds:
        return toll if toll.power else ONE * toll
    if "half" in kinds:
        branching = max(2, frame.calls)
        power = _POWERS.get(branching, Fraction(3))
        if toll.power > power or toll.exp:
            return toll
        if toll.power == power:
            return toll * LOG
        return Rank(0, power)
    if "part" in kinds or "split" in kinds:
        return span * toll
    if frame.calls <= 1 and not frame.repeated:
        return span * toll
    if span == ONE:
        return toll
    return EXP * toll
