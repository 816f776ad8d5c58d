"""Loops as they are written: `for`, `while` and comprehensions.

Each finds its trips and its items, runs its body once on symbolic values and leaves the sum to
`iterations`.
"""

from __future__ import annotations

from fractions import Fraction

from neox.compiler import nodes as n
from neox.compiler.complexity.affine import Affine
from neox.compiler.complexity.aftermath import Aftermath
from neox.compiler.complexity.builtins import LARGE
from neox.compiler.complexity.conditions import ORDERS, shape
from neox.compiler.complexity.growth import ONE, UNIT, Factor, Growth, root_of
from neox.compiler.complexity.inputs import MARK, NUMBERS, TEXT, only_reads, reads
from neox.compiler.complexity.motion import Counter
from neox.compiler.complexity.record import replace
from neox.compiler.complexity.sieve import names, sieve
from neox.compiler.complexity.trips import (
    Carried,
    Trips,
    upper_trips,
)
from neox.compiler.complexity.unit import dotted, own_nodes, place
from neox.compiler.complexity.values import (
    Condition,
    Element,
    GaveUp,
    Lazy,
    Num,
    Parameter,
    Progression,
    Several,
    State,
    Unknown,
    Value,
)

INDEX = "index#"  # the index of a for loop among the variables of its body


class Loops(Aftermath):
    """The whole executor."""

    def loop_for(self, node: n.For, st: State) -> list[State]:
        if self._sieved(node, st):
            return [st]
        counter = self.counter(self.value(node.iter, st), st)
        start, carried = self._iteration(st, [*node.body, node.target])
        self.assign(node.target, counter.item, start)
        states = self._body(node.body, [start], st)
        self._forbid_resizing(node.iter, st, states)
        low, high = st.low, st.high
        cut = self._cut_short(counter, states, carried)
        if cut is not None:
            after = self._finish(st, states, carried, cut[0].trips, cut[0], cut[1])
        else:
            after = self._finish(st, states, carried, counter.trips, counter)
        if not self.unit.count_input and only_reads(node.body, self._reading):
            for s in after:
                s.low, s.high = low, high if s.high is not None else None
        normal = [s for s in after if s.status == "normal"]
        return [s for s in after if s.status != "normal"] + self.block(node.orelse, normal)

    def _cut_short(
        self, counter: Counter, states: list[State], carried: dict[str, Carried]
    ) -> tuple[Counter, list[Condition]] | None:
        """A loop that goes on only while a guard holds, `if i * i > n: break`: as a while loop.

        The index joins the variables that the body changes; the guards come back with the counter.
        """
        going = [s for s in states if s.status in {"normal", "continue"}]
        index = counter.index
        if not going and counter.trips.high is not None:
            return Counter(Trips(ONE, ONE)), []
        if index is None or not going or len(going) == len(states):
            return None
        start = self.facts.low.get(index)
        guards = [c for c in going[0].conditions if all(c in s.conditions for s in going)]
        if start is None or counter.trips.high is None or not guards:
            return None
        here = Affine.atom(index)
        for s in going:
            s.env[INDEX] = Num(here.plus(1))
        paths = self._paths(states, {**carried, INDEX: Carried(index, start)})
        cut = upper_trips(paths, self.facts, False)
        high = counter.trips.high
        if cut.high is None or not cut.high <= high or cut.high == high:
            return None
        carried[INDEX] = Carried(index, start)
        for s in states:
            s.env.setdefault(INDEX, Num(here))
        return Counter(Trips(ONE, cut.high, None, cut.most), guard=guards[0]), guards

    def _reading(self, node: n.Node) -> bool:
        return reads(node, self.unit.readers)

    def _sieved(self, node: n.For | n.While, st: State) -> bool:
        """Charges a sieve of Eratosthenes, n*log(log(n)) from both sides, and leaves it behind."""
        found = sieve(node, self.scope.node.body)
        if found is None:
            return False
        limit = self.number(self.value(found.limit, st), st)
        end = self.value(found.outer, st)
        if limit is None or len(limit.terms) != 1 or set(limit.atoms) & self.facts.local:
            return False
        if isinstance(node, n.While):
            first = self.number(st.env.get(found.prime, Unknown()), st)
            if first != Affine.number(2):
                return False
        size, outer = self.size(limit), self.magnitude(end, st)
        if outer is None or not (outer == size or outer == root_of(size, 2)):
            return False
        if not isinstance(node, n.For) and not found.squared and outer != size:
            return False
        total = self.size(limit, Factor(power=UNIT, loglog=UNIT))
        st.charge(total, total)
        for name in names(found, node):
            st.env[name] = Unknown()
        for name in found.extra:
            self.forget_length(self.name(name, st), st)
        table = self.container(self.name(self._table(node), st), st)
        if table is not None:
            st.heap[table[0]] = replace(table[1], element=Element("", False))
            st.touched.add(table[0])
        return True

    def _table(self, node: n.For | n.While) -> str:
        stores = [x for x in own_nodes(node.body) if isinstance(x, n.Subscript) and x.ctx != "Load"]
        return place(stores[0].value) if stores else ""

    def _forbid_resizing(self, node: n.expr, st: State, states: list[State]) -> None:
        found = self.container(self.name(node.id, st), st) if isinstance(node, n.Name) else None
        if found is None:
            return
        key = found[0]
        lengths = {s.heap[key].length for s in states if s.status in {"normal", "continue"}}
        if len(lengths) > 1 or any(x is not None and x.const for x in lengths) or None in lengths:
            raise GaveUp("a container changes size while it is iterated")

    def counter(self, value: Value, st: State) -> Counter:
        """Trips and items of an iterable."""
        if isinstance(value, Progression):
            return self._range(value, st)
        if isinstance(value, Lazy) and value.kind == "enumerate":
            inner = self.counter(value.parts[0], st)
            if inner.trips.count is None:
                return Counter(inner.trips, Several((Unknown(), inner.item)))
            index = self.facts.fresh("index", Affine(), inner.trips.count.plus(-1))
            pair = Several((Num(index), inner.item))
            return Counter(inner.trips, pair, index.atoms[0])
        if isinstance(value, Lazy) and value.kind == "zip":
            return self._zip(value, [self.counter(p, st) for p in value.parts], st)
        if isinstance(value, Lazy) and value.parts:
            return self.counter(value.parts[0], st)
        length = self.length(value, st)
        item = self._item(value, st)
        if length is not None:
            size = self.size(length)
            if isinstance(item, Element) and item.path and item.index is None:
                index = self.facts.fresh("index", Affine(), length.plus(-1))
                item = replace(item, index=index)
                return Counter(Trips(size, size, length), item, index.atoms[0])
            return Counter(Trips(size, size, length), item)
        growth = self.length_growth(value, st)
        if growth is None:
            st.notes.add(f"line {self.line}: a loop over something of unknown size")
        return Counter(Trips(growth or ONE, growth), item)

    def _item_of(self, value: Value, st: State) -> Value:
        return self._item(value, st)

    def _item(self, value: Value, st: State) -> Value:
        if isinstance(value, Element):
            return Element(f"{value.path}[]" if value.path else "", value.free)
        if isinstance(value, Several):
            same = all(v == value.items[0] for v in value.items)
            return value.items[0] if value.items and same else Unknown()
        found = self.container(value, st)
        return Unknown() if found is None else found[1].element

    def _zip(self, value: Lazy, parts: list[Counter], st: State) -> Counter:
        item: Value = Several(tuple(p.item for p in parts))
        first = parts[0].trips if parts else Trips(ONE, ONE, Affine())
        if all(p.trips.count == first.count for p in parts):
            return Counter(first, item)
        known = [p.trips for p in parts if p.trips.high is not None]
        best = known[0] if known else first
        given = [p for p in value.parts if isinstance(p, Parameter)]
        if len(given) == len(parts) == len(known) and best.count is not None:
            st.assumed_low.add("same-length:" + ",".join(p.name for p in given))
            return Counter(Trips(best.low, best.high, None), item)
        return Counter(Trips(ONE, best.high, None), item)

    def _range(self, value: Progression, st: State) -> Counter:
        start, stop = self.number(value.start, st), self.number(value.stop, st)
        step = self.number(value.step, st)
        if step is None or start is None or (step.is_constant and not step.const):
            return Counter(Trips())
        if stop is None:
            growth = self.magnitude(value.stop, st)
            index = self.facts.fresh("index", start)
            if growth is None or not start.is_constant or not step.is_constant or step.const < 0:
                return Counter(Trips(), Num(index))
            self.reach[index.atoms[0]] = growth
            return Counter(Trips(growth, growth), Num(index), index.atoms[0], start.const >= 1)
        if not step.is_constant:
            return self._by_steps(start, stop, step)
        by = step.const
        low, high = (start, stop.plus(-1)) if by > 0 else (stop.plus(1), start)
        index = self.facts.fresh("index", low, high)
        count = (stop - start).scale(1 / by)
        size = self.size(count)
        if count.is_constant and count.const > LARGE:
            st.notes.add(f"line {self.line}: a constant of {count.const} rounds")
        if count.is_constant:
            whole = -((-count.const) // 1)
            count = Affine.number(whole if whole > 0 else 0)
        elif abs(by) != 1:
            most = Fraction(1) - 1 / abs(by) if by.denominator == 1 else Fraction(1)
            count = count + self.facts.fresh("floor", Affine(), Affine.number(most))
        rising = low.is_constant and low.const >= 1
        return Counter(Trips(size, size, count), Num(index), index.atoms[0], rising)

    def _by_steps(self, start: Affine, stop: Affine, step: Affine) -> Counter:
        """range(i, n, i): (n - i) / i trips, at most one more."""
        least = self.facts.lower(step)
        index = self.facts.fresh("index", start, stop)
        if least is None or least.const < 1 or not all(c > 0 for _, c in least.terms):
            return Counter(Trips(), Num(index))
        line = step.linear()
        if len(line.terms) != 1 or step.const < 0:
            return Counter(Trips(ONE, self.size(stop - start)), Num(index))
        size = self.size(stop - start) * Growth.size(line, Factor(power=-UNIT))
        return Counter(Trips(size, size + ONE), Num(index))

    # while

    def loop_while(self, node: n.While, st: State) -> list[State]:
        if self._sieved(node, st):
            return [st]
        self.branch(node.test, scratch := st.copy())
        st.heap.update({k: v for k, v in scratch.heap.items() if k not in st.heap})
        start, carried = self._iteration(st, list(node.body))
        inside, outside = self.branch(node.test, start)
        guards = (
            [c for c in inside[0].conditions if all(c in s.conditions for s in inside)]
            if (inside)
            else []
        )
        self._bound_by_guards(carried, guards)
        cost_of_test = [replace(s, status="normal") for s in outside]
        states = self._body(node.body, inside, st)
        early = [s for s in states if s.status not in {"normal", "continue"}]
        paths = self._paths(states, carried)
        single = not early and len(guards) == 1 and len(inside) == 1 and len(outside) == 1
        trips = upper_trips(paths, self.facts, single)
        if trips.high is None and paths.going:
            trips = self._along_nodes(node, st, bool(early)) or trips
        if trips.high is None and paths.going:
            st.notes.add(f"line {self.line}: no ranking argument for this while loop")
        counter = Counter(trips, guard=guards[0] if guards else None)
        infinite = not outside and not early
        if infinite:
            raise GaveUp("a loop without an exit")
        after = self._finish(st, states, carried, trips, counter, guards, cost_of_test)
        normal = [s for s in after if s.status == "normal"]
        if not outside:  # `while True`: leaves by break only
            normal = normal if any(s.status == "break" for s in early) else []
        return [s for s in after if s.status != "normal"] + self.block(node.orelse, normal)

    def _along_nodes(self, node: n.While, st: State, early: bool) -> Trips | None:
        """`while x: ...; x = x.next`: as many rounds as nodes, if no node comes twice."""
        test = node.test
        if isinstance(test, n.Compare) and test.ops in (["IsNot"], ["NotEq"]):
            other = test.comparators[0]
            test = test.left if isinstance(other, n.Constant) and other.value is None else test
        last = node.body[-1]
        if not isinstance(test, n.Name) or not isinstance(last, n.Assign):
            return None
        name = test.id
        origin = st.env.get(name)
        if isinstance(origin, Parameter) and not self.is_container(origin.name):
            start = origin.name
        elif isinstance(origin, Element) and origin.path and not origin.path.endswith(("[]", "+")):
            start = origin.path
        else:
            return None
        stored = [
            x
            for x in own_nodes(node.body)
            if isinstance(x, n.Name) and x.id == name and x.ctx != "Load"
        ]
        moves = (
            len(stored) == 1
            and last.targets == stored
            and isinstance(last.value, n.Attribute)
            and isinstance(last.value.value, n.Name)
            and last.value.value.id == name
        )
        if not moves or any(
            isinstance(x, n.Continue) or (isinstance(x, n.Attribute) and x.ctx != "Load")
            for x in own_nodes(node.body)
        ):
            return None
        st.assumed_low.add(f"tree:{start}")
        st.assumed_high.add(f"tree:{start}")
        size = Growth.size(Affine.atom(f"nodes({start})"))
        return Trips(ONE if early else size, size)

    def comprehension(self, node: n.expr, st: State) -> Value:
        assert isinstance(node, (n.ListComp, n.SetComp, n.DictComp, n.GeneratorExp))
        if self._takes_input_apart(node, st):
            return Parameter(NUMBERS)
        scratch = st.copy()
        counts: list[Affine | None] = []
        element: list[n.expr] = (
            [node.key, node.value] if isinstance(node, n.DictComp) else [node.elt]
        )
        done = self._generators(node.generators, element, scratch, counts)
        before = st.low, st.high
        st.low, st.high = st.low + done.low, done.high
        st.calls, st.notes = done.calls, done.notes
        st.assumed_low, st.assumed_high = done.assumed_low, done.assumed_high
        st.heap.update({k: v for k, v in done.heap.items() if k not in st.heap})
        filtered = any(g.ifs for g in node.generators)
        length = self._product([c for c in counts], st) if counts else None
        if length is not None and filtered:
            length = self._kept(node, length, st)
        if isinstance(node, n.SetComp | n.DictComp):
            st.assumed_high.add("hash-O1")
            if length is not None:
                length = self.facts.fresh("distinct", Affine(), length)
        kind = {n.SetComp: "set", n.DictComp: "dict"}.get(type(node), "list")
        whole: Growth | None = None
        if (
            length is None
            and kind == "list"
            and not filtered
            and all(c is not None for c in counts)
        ):
            whole = ONE
            for c in counts:
                assert c is not None
                whole = whole * self.size(c)
            if any("#" in a for a in whole.atoms):
                whole = None
        heavy = any(self.heavy(v) for v in self.elements)
        only = self.elements[0] if len(self.elements) == 1 else None
        if isinstance(only, Parameter) and MARK in only.name:
            if not self.unit.count_input:
                st.low, st.high = before
            return self.allocate(st, kind, length, Parameter(f"row{MARK}"), whole)
        return self.allocate(
            st, kind, length, Unknown(True) if heavy else Element("", False), whole
        )

    def _kept(self, node: n.expr, length: Affine, st: State) -> Affine:
        """How many items a filter keeps; filters of one list by one comparison share its items."""
        assert isinstance(node, (n.ListComp, n.SetComp, n.DictComp, n.GeneratorExp))
        head = node.generators[0]
        test = head.ifs[0] if head.ifs else None
        simple = len(node.generators) == 1 and len(head.ifs) == 1
        comparison = (
            test
            if isinstance(test, n.Compare) and len(test.ops) == 1 and test.ops[0] in ORDERS
            else None
        )
        if not simple or comparison is None or not isinstance(head.target, n.Name):
            return self.facts.fresh("kept", Affine(), length)
        scratch = st.copy()
        counter = self.counter(self.value(head.iter, scratch), scratch)
        self.assign(head.target, counter.item, scratch)
        left = self.value(comparison.left, scratch)
        right = self.value(comparison.comparators[0], scratch)
        outcomes = ORDERS[comparison.ops[0]]
        if not (isinstance(comparison.left, n.Name) and comparison.left.id == head.target.id):
            return self.facts.fresh("kept", Affine(), length)
        itself = self._item_itself(left, right, st)
        key = shape(head.iter), repr(right), length, tuple(sorted(st.touched))
        earlier = self.facts.splits.setdefault(key, [])
        high, met = length, False
        for others, atom in earlier:
            if not outcomes & others:
                high = high - Affine.atom(atom)
                met = met or "=" in others
        whole = outcomes.union(*(o for o, _ in earlier)) == frozenset("<=>")
        if whole and all(not outcomes & o for o, _ in earlier) and earlier:
            return high
        if itself and "=" not in outcomes and not met:
            high = high.plus(-1)  # the item compared with is not kept
        least = Affine.number(1) if itself and "=" in outcomes else Affine()
        kept = self.facts.fresh("kept", least, high)
        earlier.append((outcomes, kept.atoms[0]))
        if isinstance(left, Element) and left.free and left.path:
            chosen = isinstance(right, (Num, Parameter)) or (
                isinstance(right, Element) and right.free and bool(right.path)
            )
            if chosen:
                self.facts.choice.add(kept.atoms[0])
        return kept

    def _item_itself(self, item: Value, other: Value, st: State) -> bool:
        """Is the other side one of the items that are filtered?"""
        return (
            isinstance(item, Element)
            and isinstance(other, Element)
            and bool(item.path)
            and item.path == other.path
            and other.index is not None
            and item.index is not None
            and f"parameter:{item.path.removesuffix('[]')}" not in st.touched
            and self._ranges_over_all(item, other)
        )

    def _ranges_over_all(self, item: Element, other: Element) -> bool:
        """The items run through the whole container, so the other one is met."""
        assert item.index is not None
        high = self.facts.high.get(item.index.atoms[0]) if len(item.index.terms) == 1 else None
        whole = Affine.atom(f"len({item.path.removesuffix('[]')})").plus(-1)
        return high == whole and not item.index.const

    def _takes_input_apart(self, node: n.expr, st: State) -> bool:
        """`[int(x) for x in input().split()]`: no more than reading."""
        assert isinstance(node, (n.ListComp, n.SetComp, n.DictComp, n.GeneratorExp))
        if not isinstance(node, (n.ListComp, n.GeneratorExp)) or len(node.generators) != 1:
            return False
        head = node.generators[0]
        simple = isinstance(node.elt, n.Name) or (
            isinstance(node.elt, n.Call) and dotted(node.elt.func) in {"int", "float", "str"}
        )
        if head.ifs or not simple:
            return False
        value = self.value(head.iter, st.copy())
        return isinstance(value, Parameter) and value.name in {TEXT, NUMBERS}

    def _product(self, counts: list[Affine | None], st: State) -> Affine | None:
        total = Affine.number(1)
        for c in counts:
            if c is None or (c.terms and total.terms):
                return None
            if any(a.startswith("index") for a in c.atoms):
                return None
            total = c.scale(total.const) if not total.terms else total.scale(c.const)
        return total

    def _generators(
        self,
        generators: list[n.comprehension],
        element: list[n.expr],
        st: State,
        counts: list[Affine | None],
    ) -> State:
        if not generators:
            self.elements = [self.value(part, st) for part in element]
            return st
        head, rest = generators[0], generators[1:]
        if head.is_async:
            raise GaveUp("asynchronous comprehension")
        counter = self.counter(self.value(head.iter, st), st)
        counts.append(counter.trips.count)
        start, carried = self._iteration(st, [*element, *(g.iter for g in rest)])
        self.assign(head.target, counter.item, start)
        kept = [start]
        dropped: list[State] = []
        for test in head.ifs:
            following: list[State] = []
            for s in kept:
                yes, no = self.branch(test, s)
                following += yes
                dropped += no
            kept = following
        inner = [self._generators(rest, element, s, counts) for s in kept]
        states = [*inner, *dropped]
        after = self._finish(st, states, carried, counter.trips, counter)
        return after[-1]
