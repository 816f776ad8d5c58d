"""How often loops run, by what usually makes them end; and what their bodies cost in all."""

from __future__ import annotations

from collections.abc import Callable

from neox.compiler import nodes as n
from neox.compiler.complexity.inputs import only_reads
from neox.compiler.complexity.record import dataclass
from neox.compiler.complexity.sketch.expressions import Expressions
from neox.compiler.complexity.sketch.moves import Moves, moves_of
from neox.compiler.complexity.sketch.rank import EXP, LOG, ONE, N, Rank
from neox.compiler.complexity.sketch.values import Val, container, number
from neox.compiler.complexity.unit import dotted, own_nodes

READS = frozenset({"input", "readline", "read", "readlines"})


@dataclass(frozen=True, slots=True)
class Spread:
    """A cost paid once over all rounds of the loops that do not reset `names`."""

    names: frozenset[str]
    total: Rank


class Loops(Expressions):
    """Loops of all kinds; `block` is left to the statements."""

    def __init__(self, imports: dict[str, str]) -> None:
        super().__init__(imports)
        self.spread: list[Spread] = []
        self.reads_are_small = False

    def block(self, body: list[n.stmt]) -> None:
        raise NotImplementedError

    def assign(self, target: n.expr, value: Val) -> None:
        raise NotImplementedError

    def rounds(
        self, trips: Rank, run: Callable[[], None], reset: set[str], *, twice: bool = True
    ) -> Rank:
        """Charge `trips` rounds; gives the cost of one. Of two runs the first lets sizes grow."""
        bill, spread = self.bill, self.spread
        self.trips.append(trips)
        sizes: dict[str, Rank] = {}
        for again in range(2 if twice else 1):
            self.bill, self.spread = ONE, []
            run()
            for name, value in self.scope.names.items():
                if again and trips.power and ONE < sizes.get(name, ONE) < value.len:
                    value.len = EXP  # each round multiplies it
                sizes[name] = value.len
        self.trips.pop()
        cost, inner = self.bill, self.spread
        self.bill, self.spread = bill, spread
        self.charge(trips * cost)
        for part in inner:
            if part.names & reset:
                self.charge(trips * part.total)
            else:
                self.spread.append(part)
        return cost

    def loop_for(self, node: n.For) -> None:
        source = self.value(node.iter)
        trips = source.len
        if _leaves_at_once(node.body):
            trips = ONE

        def run() -> None:
            self.assign(node.target, source.item())
            self.block(node.body)

        if only_reads(node.body, _is_read):
            bill = self.bill
            self.rounds(trips, run, set())
            self.bill = bill
        elif self._is_test_loop(node):
            self._tests(trips, run, node)
        else:
            self.rounds(trips * source.per if source.per != ONE else trips, run, _reset(node.body))
        self.block(node.orelse)

    def _is_test_loop(self, node: n.For) -> bool:
        call = node.iter
        once = isinstance(call, n.Call) and dotted(call.func) == "range" and len(call.args) == 1
        return once and any(_is_read(x) for x in own_nodes(node.body))

    def _tests(self, trips: Rank, run: Callable[[], None], node: n.For) -> None:
        """One test counts, unless its cost does not come from what the test itself reads."""
        bill, small, self.reads_are_small = self.bill, self.reads_are_small, True
        outside = self.rounds(trips, run, set(), twice=False)
        self.bill, self.reads_are_small = bill, small
        cost = self.rounds(trips, run, _reset(node.body))
        if outside == ONE and cost != ONE:
            self.bill = bill + cost

    def loop_while(self, node: n.While) -> None:
        moves = moves_of(node.body)
        self.value(node.test)
        tests = _conjuncts(node.test)
        if isinstance(node.test, n.Constant):
            tests = _exits(node.body)
        trips, names = self._while_trips(tests, moves)
        if _leaves_at_once(node.body):
            trips = ONE
        growing = [self.scope.get(x) for x in moves.grow | moves.shrink]
        bound = max((self.value(t).mag for t in _sides(tests)), default=ONE)
        widened: list[Val] = []
        for name in sorted(moves.grow | moves.shrink):
            old = self.scope.get(name)
            mag = max(bound, old.mag if old else ONE)
            self.scope.put(name, Val("num", mag, geometric=True))
        for name in sorted(moves.step):
            old = self.scope.get(name)
            if old is None or old.mag < bound:
                self.scope.put(name, number(bound))
        del growing, widened

        def run() -> None:
            self.value(node.test)
            self.block(node.body)
            for name in moves.grow | moves.shrink:
                value = self.scope.get(name)
                if value is not None:
                    value.geometric = True

        cost = self._geometric(trips, run, moves)
        if cost is not None:
            return
        inside = self.trips and trips not in {ONE, LOG} and bool(names)
        if inside:
            bill, spread = self.bill, self.spread
            self.bill, self.spread = ONE, []
            self.rounds(trips, run, _reset(node.body))
            total = self.bill
            self.bill, self.spread = bill, [*spread, *self.spread, Spread(frozenset(names), total)]
        else:
            self.rounds(trips, run, _reset(node.body))
        self.block(node.orelse)

    def _geometric(self, trips: Rank, run: Callable[[], None], moves: Moves) -> Rank | None:
        """Over a geometric progression, costs in the variable itself add up to the largest."""
        if trips != LOG or not (moves.grow | moves.shrink):
            return None
        bill = self.bill
        cost = self.rounds(trips, run, set())
        full = self.bill
        if cost == ONE or cost.power == 0:
            return cost
        self.bill = bill
        kept = {x: self.scope.get(x) for x in moves.grow | moves.shrink}
        for x in kept:
            self.scope.put(x, number(ONE))
        frozen = self.rounds(ONE, run, set(), twice=False)
        self.bill = bill + (cost if frozen < cost else full)
        for x, value in kept.items():
            if value is not None:
                self.scope.put(x, value)
        return cost

    def _while_trips(self, tests: list[n.expr], moves: Moves) -> tuple[Rank, set[str]]:
        """(trips, the variables whose progress is counted)."""
        if any(_climbs(test, moves) for test in tests):
            return LOG, set()
        best: tuple[Rank, set[str]] | None = None
        for test in tests:
            found = self._trips_by(test, moves)
            if found is not None and (best is None or found[0] < best[0]):
                best = found
        if best is None:
            self.doubts.add("a while loop of unknown length")
            return N, set()
        return best

    def _trips_by(self, test: n.expr, moves: Moves) -> tuple[Rank, set[str]] | None:
        names = [x.id for x in own_nodes([test]) if isinstance(x, n.Name)]
        sides = _sides([test])
        bound = max((self.value(t).mag for t in sides), default=ONE)
        for name in names:
            if name in moves.popped and (name not in moves.pushed or name in moves.guarded):
                box = self.scope.get(name)
                size = box.len if box is not None else N
                if name in moves.pushed:
                    size = max(size, self._universe(moves))
                    return size, _bases(moves.marked) or {name}
                return size, {name}
            if name in moves.popped and name in moves.pushed:
                box = self.scope.get(name)
                return (box.len if box is not None and box.len != ONE else N), {name}
        halved = [x for x in names if x in moves.halved]
        if halved:
            return max(bound, LOG).logarithm() if bound.power or bound.exp else ONE, set()
        for name in names:
            if name in moves.grow or name in moves.shrink:
                value = self.scope.get(name)
                size = max(bound, value.mag if value is not None else ONE)
                return size.logarithm(), set()
        for name in names:
            if name in moves.step:
                return self._stepping(test, name, bound), {name}
        return None

    def _stepping(self, test: n.expr, name: str, bound: Rank) -> Rank:
        """x += c below a limit; x*x below a limit is its root."""
        if isinstance(test, n.Compare):
            for side in (test.left, *test.comparators):
                degree = sum(isinstance(x, n.Name) and x.id == name for x in own_nodes([side]))
                if (
                    isinstance(side, n.BinOp)
                    and side.op == "Pow"
                    and isinstance(side.right, n.Constant)
                ):
                    degree = int(side.right.value) if isinstance(side.right.value, int) else 1
                elif not (isinstance(side, n.BinOp) and side.op == "Mult"):
                    degree = 1
                if degree > 1:
                    others = [s for s in (test.left, *test.comparators) if s is not side]
                    return max((self.value(s).mag for s in others), default=ONE).root(degree)
        value = self.scope.get(name)
        return max(bound, value.mag if value is not None else ONE)

    def _universe(self, moves: Moves) -> Rank:
        """What can be marked, each once."""
        best = ONE
        for target in moves.marked:
            depth, base = 0, target
            size = ONE
            while isinstance(base, n.Subscript):
                depth += 1
                inner = base.value
                size = size * self.value(inner).len
                base = inner
            if isinstance(target, n.Call):  # seen.add(item)
                item = target.args[0] if target.args else None
                size = N * N if isinstance(item, n.Tuple) and len(item.elts) > 1 else N
            best = max(best, size)
        return best if best != ONE else N

    def comprehension(self, node: n.expr) -> Val:
        assert isinstance(node, (n.ListComp, n.SetComp, n.DictComp, n.GeneratorExp))
        parts = [node.key, node.value] if isinstance(node, n.DictComp) else [node.elt]
        result: list[Val] = []
        length = [ONE]
        reading = _reads_only_here(node, parts)

        def run(at: int) -> None:
            if at == len(node.generators):
                result[:] = [self.value(p) for p in parts]
                return
            g = node.generators[at]
            source = self.value(g.iter)

            def inner() -> None:
                self.assign(g.target, source.item())
                for test in g.ifs:
                    self.value(test)
                run(at + 1)

            length[0] = length[0] * source.len
            self.rounds(source.len * source.per, inner, set(), twice=False)

        bill = self.bill
        run(0)
        read = self._came_from_input(node, parts)
        if reading or read:
            self.bill = bill
        kind = {n.SetComp: "set", n.DictComp: "dict"}.get(type(node), "list")
        made = container(kind, length[0], result[-1] if result else None)
        made.read = read
        if read and result and result[-1].mag == ONE:
            result[-1].mag = N
        if isinstance(node, n.GeneratorExp):
            made.kind = "iter"
        self.born[id(made)] = len(self.trips)
        return made

    def _came_from_input(self, node: n.expr, parts: list[n.expr]) -> bool:
        """[int(x) for x in words-of-the-input]"""
        assert isinstance(node, (n.ListComp, n.SetComp, n.DictComp, n.GeneratorExp))
        if len(node.generators) != 1 or node.generators[0].ifs or len(parts) != 1:
            return False
        simple = isinstance(parts[0], n.Call) and dotted(parts[0].func) in {"int", "float", "str"}
        if not (simple or isinstance(parts[0], n.Name)):
            return False
        bill = self.bill
        source = self.value(node.generators[0].iter)
        self.bill = bill
        return source.read


def _bases(marked: list[n.expr]) -> set[str]:
    found = set()
    for target in marked:
        base: n.expr = target
        while isinstance(base, n.Subscript):
            base = base.value
        if isinstance(base, n.Call) and isinstance(base.func, n.Attribute):
            base = base.func.value
        if isinstance(base, n.Name):
            found.add(base.id)
    return found


def _climbs(test: n.expr, moves: Moves) -> bool:
    """`while parent[x] != x: x = parent[x]`: up a tree that is kept flat."""
    if not (isinstance(test, n.Compare) and len(test.comparators) == 1):
        return False
    a, b = test.left, test.comparators[0]
    if isinstance(b, n.Subscript):
        a, b = b, a
    return (
        isinstance(a, n.Subscript)
        and isinstance(a.slice, n.Name)
        and isinstance(b, n.Name)
        and a.slice.id == b.id
        and b.id in moves.step
    )


def _is_read(node: n.Node) -> bool:
    return isinstance(node, n.Call) and dotted(node.func).rpartition(".")[2] in READS


def _reads_only_here(node: n.expr, parts: list[n.expr]) -> bool:
    return any(_is_read(x) for x in own_nodes(parts))


def _leaves_at_once(body: list[n.stmt]) -> bool:
    """Every round ends the loop."""
    if not body:
        return False
    last = body[-1]
    if any(isinstance(x, n.Continue) for x in own_nodes(body)):
        return False
    return isinstance(last, (n.Return, n.Break, n.Raise))


def _reset(body: list[n.stmt]) -> set[str]:
    """Names a round binds anew, from something other than their own value."""
    found: set[str] = set()
    for node in own_nodes(body):
        if isinstance(node, (n.Assign, n.AnnAssign)) and node.value is not None:
            targets = node.targets if isinstance(node, n.Assign) else [node.target]
            pairs: list[tuple[n.expr, n.expr]] = []
            for t in targets:
                if isinstance(t, n.Tuple) and isinstance(node.value, n.Tuple):
                    pairs += list(zip(t.elts, node.value.elts, strict=False))
                else:
                    pairs += [(x, node.value) for x in (t.elts if isinstance(t, n.Tuple) else [t])]
            for t, value in pairs:
                if not isinstance(t, n.Name):
                    continue
                used = {x.id for x in own_nodes([value]) if isinstance(x, n.Name)}
                if t.id not in used and not _follows(value, body, t.id):
                    found.add(t.id)
    return found


def _follows(value: n.expr, body: list[n.stmt], name: str) -> bool:
    """`j = i` where `i = j` moves i along: no reset. `k = pi[k - 1]` neither."""
    if not isinstance(value, n.Name):
        return False
    return any(
        isinstance(s, n.Assign)
        and isinstance(s.value, n.Name)
        and s.value.id == name
        and any(isinstance(t, n.Name) and t.id == value.id for t in s.targets)
        for s in body
    )


def _conjuncts(test: n.expr) -> list[n.expr]:
    if isinstance(test, n.BoolOp):
        return [x for v in test.values for x in _conjuncts(v)]
    return [test]


def _exits(body: list[n.stmt]) -> list[n.expr]:
    """The tests under which a `while True` is left."""
    found: list[n.expr] = []
    for s in own_nodes(body):
        if isinstance(s, n.If) and any(isinstance(x, (n.Break, n.Return)) for x in s.body):
            found += _conjuncts(s.test)
    return found


def _sides(tests: list[n.expr]) -> list[n.expr]:
    found: list[n.expr] = []
    for t in tests:
        if isinstance(t, n.Compare):
            found += [t.left, *t.comparators]
        elif isinstance(t, n.UnaryOp):
            found.append(t.operand)
        else:
            found.append(t)
    return found
