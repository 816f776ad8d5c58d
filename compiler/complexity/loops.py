"""Loops and comprehensions: one symbolic iteration, then sums over all of them.

What the body changes becomes an atom per variable; the paths through the body say how each moves.
The cost of an iteration is summed over the index from above and from below (`sums`), and what holds
after the loop is expressed by how often each path was taken.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from fractions import Fraction

from neox.compiler import nodes as n
from neox.compiler.complexity.affine import Affine
from neox.compiler.complexity.calls import Summary
from neox.compiler.complexity.costs import SIZE_CHANGING
from neox.compiler.complexity.growth import ONE, UNIT, Factor, Growth
from neox.compiler.complexity.select import consistent, lower_of
from neox.compiler.complexity.statements import Statements
from neox.compiler.complexity.sums import Progress, total_high, total_low
from neox.compiler.complexity.trips import (
    Carried,
    Paths,
    Trips,
    lower_trips,
    move,
    upper_trips,
)
from neox.compiler.complexity.unit import Function, Unit, dotted, own_nodes
from neox.compiler.complexity.values import (
    CallSite,
    Condition,
    Element,
    GaveUp,
    Lazy,
    Num,
    Parameter,
    Progression,
    Reference,
    Several,
    State,
    Unknown,
    Value,
)


@dataclass(slots=True)
class Counter:
    """A `for` loop seen from outside: its trips, its index atom, what the target is bound to."""

    trips: Trips
    item: Value = field(default_factory=Unknown)
    index: str | None = None
    positive: bool = False
    guard: Condition | None = None


class Loops(Statements):
    def __init__(
        self, unit: Unit, root: Function, summarize: Callable[[Function], Summary]
    ) -> None:
        super().__init__(unit, root, summarize)
        self.elements: list[Value] = []  # of the comprehension evaluated last
        self.reach: dict[str, Growth] = {}  # limits of indices that are known up to growth

    # for

    def loop_for(self, node: n.For, st: State) -> list[State]:
        counter = self.counter(self.value(node.iter, st), st)
        start, carried = self._iteration(st, [*node.body, node.target])
        self.assign(node.target, counter.item, start)
        states = self._body(node.body, [start], st)
        self._forbid_resizing(node.iter, st, states)
        after = self._finish(st, states, carried, counter.trips, counter)
        normal = [s for s in after if s.status == "normal"]
        return [s for s in after if s.status != "normal"] + self.block(node.orelse, normal)

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
            return self._zip([self.counter(p, st) for p in value.parts])
        if isinstance(value, Lazy) and value.parts:
            return self.counter(value.parts[0], st)
        length = self.length(value, st)
        item = self._item(value, st)
        if length is not None:
            size = self.size(length)
            return Counter(Trips(size, size, length), item)
        growth = self.length_growth(value, st)
        if growth is None:
            st.notes.add(f"line {self.line}: a loop over something of unknown size")
        return Counter(Trips(ONE, growth), item)

    def _item(self, value: Value, st: State) -> Value:
        if isinstance(value, Element):
            return Element(f"{value.path}[]" if value.path else "", value.free)
        if isinstance(value, Several):
            same = all(v == value.items[0] for v in value.items)
            return value.items[0] if value.items and same else Unknown()
        found = self.container(value, st)
        return Unknown() if found is None else found[1].element

    def _zip(self, parts: list[Counter]) -> Counter:
        item: Value = Several(tuple(p.item for p in parts))
        first = parts[0].trips if parts else Trips(ONE, ONE, Affine())
        if all(p.trips.count == first.count for p in parts):
            return Counter(first, item)
        known = [p.trips for p in parts if p.trips.high is not None]
        best = known[0] if known else first
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
        if count.is_constant:
            whole = -((-count.const) // 1)
            count = Affine.number(whole if whole > 0 else 0)
        elif abs(by) != 1:
            count = count + self.facts.fresh("floor", Affine(), Affine.number(1))
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
        self.branch(node.test, scratch := st.copy())
        st.heap.update({k: v for k, v in scratch.heap.items() if k not in st.heap})
        start, carried = self._iteration(st, list(node.body))
        inside, outside = self.branch(node.test, start)
        guards = (
            [c for c in inside[0].conditions if all(c in s.conditions for s in inside)]
            if (inside)
            else []
        )
        cost_of_test = [replace(s, status="normal") for s in outside]
        states = self._body(node.body, inside, st)
        early = [s for s in states if s.status not in {"normal", "continue"}]
        paths = self._paths(states, carried)
        single = not early and len(guards) == 1 and len(inside) == 1 and len(outside) == 1
        trips = upper_trips(paths, self.facts, single)
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

    # One iteration

    def _body(self, body: list[n.stmt], inside: list[State], st: State) -> list[State]:
        """Paths through the body; content that the body overwrites is not the caller's to choose.

        Whether it does is known after a first run only, so such a body is run again.
        """
        first = [s.copy() for s in inside]
        states = self.block(body, inside)
        stale = {
            key
            for s in states
            for key, content in s.heap.items()
            if key in st.heap and content.element != st.heap[key].element
        }
        if not stale:
            return states
        for s in first:
            for key in stale & s.heap.keys():
                element = s.heap[key].element
                kept = replace(element, free=False) if isinstance(element, Element) else element
                s.heap[key] = replace(s.heap[key], element=kept)
            for c in s.conditions:
                if c.kind == "data":
                    s.conditions[s.conditions.index(c)] = Condition("opaque", c.line)
        return self.block(body, first)

    def _iteration(
        self, st: State, body: list[n.stmt | n.expr]
    ) -> tuple[State, dict[str, Carried]]:
        """The state at the start of some iteration, and what the body may change."""
        stored, resized = self._changes(body)
        for name in resized:  # a parameter gets its place on the heap before the loop
            self.container(self.name(name, st), st)
        start = st.copy()
        start.low, start.high = ONE, ONE
        start.calls, start.conditions, start.notes = [], [], set()
        start.assumed_low, start.assumed_high = set(), set()
        carried: dict[str, Carried] = {}
        for name in sorted(stored):
            if name not in start.env:
                continue
            value = start.env[name]
            entry = self.number(value, st)
            if entry is not None:
                atom = self.facts.fresh(name)
                carried[name] = Carried(atom.atoms[0], entry)
                start.env[name] = Num(atom)
            elif (
                isinstance(value, Reference)
                and name not in self._rebound(body)
                and start.heap[value.key].kind in {"list", "deque", "set", "dict"}
            ):
                continue  # changed in place
            else:
                start.env[name] = self._loose(value)
        for name in sorted(resized):
            found = self.container(self.name(name, start), start)
            if found is None:
                continue
            key, content = found
            atom = self.facts.fresh(f"len {name}", Affine())
            carried[f"heap:{key}"] = Carried(atom.atoms[0], content.length)
            start.heap[key] = replace(content, length=atom, growth=None)
        return start, carried

    def _changes(self, body: list[n.stmt | n.expr]) -> tuple[set[str], set[str]]:
        """Names stored by the body, and names of containers it may resize."""
        stored: set[str] = set()
        resized: set[str] = set()
        for node in own_nodes(body):  # type: ignore[arg-type]
            if isinstance(node, n.Name) and node.ctx != "Load":
                stored.add(node.id)
            elif isinstance(node, n.AugAssign) and isinstance(node.target, n.Name):
                stored.add(node.target.id)
                resized.add(node.target.id)
            elif isinstance(node, n.Subscript) and node.ctx != "Load":
                if isinstance(node.value, n.Name):
                    resized.add(node.value.id)
            elif isinstance(node, n.Call):
                resized |= self._resized_by_call(node)
        return stored, resized

    def _resized_by_call(self, node: n.Call) -> set[str]:
        names = {a.id for a in node.args if isinstance(a, n.Name)}
        if isinstance(node.func, n.Attribute):
            receiver = node.func.value
            if isinstance(receiver, n.Name) and node.func.attr in SIZE_CHANGING:
                return {receiver.id}
            return names if dotted(node.func).startswith(("heapq.", "bisect.insort")) else set()
        if isinstance(node.func, n.Name):
            target = self.unit.find(node.func.id, self.scope)
            if target is not None:
                return target.resized | names
            imported = self.unit.imports.get(node.func.id, "")
            return names if imported.startswith(("heapq.", "bisect.insort")) else set()
        return names

    def _rebound(self, body: list[n.stmt | n.expr]) -> set[str]:
        """Names the body binds anew, as opposed to changing in place."""
        augmented = {
            id(node.target)
            for node in own_nodes(body)  # type: ignore[arg-type]
            if isinstance(node, n.AugAssign)
        }
        return {
            node.id
            for node in own_nodes(body)  # type: ignore[arg-type]
            if isinstance(node, n.Name) and node.ctx != "Load" and id(node) not in augmented
        }

    def _paths(self, states: list[State], carried: dict[str, Carried]) -> Paths:
        going = [s for s in states if s.status in {"normal", "continue"}]
        after: list[dict[str, Affine]] = []
        values: list[dict[str, Value]] = []
        for s in going:
            new: dict[str, Affine] = {}
            held: dict[str, Value] = {}
            for name, c in carried.items():
                if name.startswith("heap:"):
                    length = s.heap[name.removeprefix("heap:")].length
                    number = length
                else:
                    held[c.atom] = s.env.get(name, Unknown())
                    number = self.number(held[c.atom], s)
                if number is None:
                    number = self.facts.fresh("lost")
                new[c.atom] = number
            after.append(new)
            values.append(held)
        return Paths(going, after, values, carried)

    # All iterations

    def _finish(
        self,
        st: State,
        states: list[State],
        carried: dict[str, Carried],
        trips: Trips,
        counter: Counter,
        guards: list[Condition] | None = None,
        tests: list[State] | None = None,
    ) -> list[State]:
        """The states after the loop: one that ran to its end, one per early exit."""
        self._check_heap(st, states, carried)
        paths = self._paths(states, carried)
        exits = [s for s in states if s.status not in {"normal", "continue"}]
        progress = self._progress(paths, trips, counter, guards or [])
        high = ONE if trips.high is not None else None
        everything = [*states, *(tests or [])]
        for s in everything:
            part = total_high(s.high, progress, self.facts)
            high = None if part is None or high is None else high + part
        low, assumed, avoidable = self._low(paths, exits, trips, counter, guards, progress)
        after = st.copy()
        after.charge(low, None if high is None else high + (trips.high or ONE))
        after.touched = after.touched.union(*(s.touched for s in everything))
        for s in everything:
            for key, content in s.heap.items():
                if key in after.heap and content.element != after.heap[key].element:
                    after.heap[key] = replace(after.heap[key], element=content.element)
        after.notes |= trips.notes.union(*(s.notes for s in everything))
        after.assumed_low |= assumed
        after.assumed_high = after.assumed_high.union(*(s.assumed_high for s in everything))
        after.calls = st.calls + self._calls(states, trips, counter)
        results = self._exits(st, after, exits, avoidable)
        self._leave(after, paths, trips, exits)
        return [*results, after]

    def _check_heap(self, st: State, states: list[State], carried: dict[str, Carried]) -> None:
        for s in states:
            for key, content in st.heap.items():
                if f"heap:{key}" not in carried and s.heap[key].length != content.length:
                    raise GaveUp("a loop changes the size of a container in an unseen way")

    def _progress(
        self, paths: Paths, trips: Trips, counter: Counter, guards: list[Condition]
    ) -> Progress:
        progress = Progress(trips.low, trips.high)
        if counter.index is not None:
            self._index_progress(progress, counter, trips)
        count = trips.count
        for name, c in paths.carried.items():
            moves = [move(c.atom, new[c.atom], self.facts) for new in paths.after]
            if c.entry is None or not moves or any(m is None for m in moves):
                continue
            known = [m for m in moves if m is not None]
            if all(m.scale == 1 for m in known):
                self._bound_additive(c, [m.least for m in known], [m.most for m in known], trips)
                self._bound_by_guard(c, guards, paths, name)
                progress.moves[c.atom] = (c.entry, None)
                steps = {step for m in known for step in (m.least, m.most)}
                if count is not None and len(steps) == 1:
                    last = c.entry + count.scale(known[0].least)
                    progress.moves[c.atom] = (c.entry, last)
            elif trips.geometric and all(m.scale != 1 for m in known):
                shrinking = all(m.scale < 1 for m in known)
                extent = self.size(c.entry) if shrinking else self._limit(c, guards)
                self._bound_by_guard(c, guards, paths, name)
                if extent is not None:
                    progress.geometric[c.atom] = extent
                    if shrinking:
                        self.facts.bound(c.atom, None, c.entry)
        for name, c in paths.carried.items():
            progress.moves.setdefault(c.atom, (c.entry or Affine.atom(c.atom), None))
            del name
        for atom in progress.geometric:
            progress.moves.pop(atom, None)
        return progress

    def _index_progress(self, progress: Progress, counter: Counter, trips: Trips) -> None:
        index = counter.index
        assert index is not None
        low, high = self.facts.low.get(index), self.facts.high.get(index)
        progress.moves[index] = (low or Affine(), high if trips.count is not None else None)
        progress.rising.add(index)
        if counter.positive:
            progress.positive.add(index)

    def _bound_additive(
        self, c: Carried, least: list[Fraction], most: list[Fraction], trips: Trips
    ) -> None:
        """entry + trips * step, where the number of trips has an affine bound."""
        assert c.entry is not None
        low, high = min(least), max(most)
        count = trips.count
        if low >= 0:
            self.facts.bound(c.atom, c.entry, None)
        elif count is not None:
            self.facts.bound(c.atom, c.entry + count.scale(low), None)
        if high <= 0:
            self.facts.bound(c.atom, None, c.entry)
        elif count is not None:
            self.facts.bound(c.atom, None, c.entry + count.scale(high))

    def _bound_by_guard(self, c: Carried, guards: list[Condition], paths: Paths, name: str) -> None:
        """A guard limit - x >= 1 bounds x while the loop runs."""
        others = {o.atom for o in paths.carried.values()} - {c.atom}
        for g in guards:
            if g.kind != "size" or g.value is None or g.value.coefficient(c.atom) == 0:
                continue
            if others & set(g.value.atoms):
                continue
            k = g.value.coefficient(c.atom)
            rest = g.value - Affine.atom(c.atom).scale(k)
            limit = rest.plus(-1).scale(-1 / k)
            if k < 0 and c.atom not in self.facts.high:
                self.facts.bound(c.atom, None, limit)
            elif k > 0 and c.atom not in self.facts.low:
                self.facts.bound(c.atom, limit, None)
        del name

    def _limit(self, c: Carried, guards: list[Condition]) -> Growth | None:
        for g in guards:
            if g.kind == "size" and g.value is not None and g.value.coefficient(c.atom) < 0:
                rest = {a: k for a, k in g.value.terms if a != c.atom}
                return self.size(Affine.build(rest, Fraction(0)))
        return None

    def _low(
        self,
        paths: Paths,
        exits: list[State],
        trips: Trips,
        counter: Counter,
        guards: list[Condition] | None,
        progress: Progress,
    ) -> tuple[Growth, set[str], bool]:
        """Cost from below, its assumptions, and whether the early exits can be avoided."""
        best: tuple[Growth, set[str], bool] | None = None
        for i, s in enumerate(paths.going):
            found = self._run_of(i, paths, exits, trips, counter, guards)
            if found is None:
                continue
            count, assumed = found
            run = Progress(count, count, dict(progress.moves), progress.rising)
            run.positive, run.geometric = progress.positive, progress.geometric
            self._moves_of(i, paths, run, trips, counter)
            low = total_low(s.low, run, self.facts)
            if best is None or (best[0] <= low and not low <= best[0]):
                best = low, assumed | s.assumed_low, True
        if not exits and (guards is None or trips.low != ONE):  # runs in full on any path
            common = lower_of([(s, s.conditions, s.low) for s in paths.going])
            plain = [(s, [Condition("opaque", 0)], s.low) for s in paths.going]
            certain = lower_of(plain) if plain else common
            low = total_low(certain.low, progress, self.facts)
            if best is None or best[0] <= low:
                best = low, set(certain.assumed), True
        if best is None:
            return ONE, set(), not exits
        return best

    def _run_of(
        self,
        i: int,
        paths: Paths,
        exits: list[State],
        trips: Trips,
        counter: Counter,
        guards: list[Condition] | None,
    ) -> tuple[Growth, set[str]] | None:
        """How often path i can be taken in a row, from the start, as growth from below."""
        if guards is not None:
            return lower_trips(i, paths, self.facts, guards)
        assumed: set[str] = set()
        if not consistent(paths.going[i].conditions):
            return None
        for condition in paths.going[i].conditions:
            found = lower_trips(i, self._one_condition(paths, i, condition), self.facts, [])
            if condition.kind == "prime" and self._prime_beyond(condition):
                assumed.add(f"path-feasible:{condition.line}")
            elif condition.kind not in {"data", "prime"} or found is None:
                return None
            else:
                assumed |= found[1]
        return trips.low, assumed

    def _prime_beyond(self, condition: Condition) -> bool:
        """Divisors from 2 up to a limit of smaller growth than a prime do not divide it."""
        dividend, divisor = condition.value, condition.other
        if dividend is None or divisor is None or len(divisor.terms) != 1 or divisor.const:
            return False
        atom = divisor.atoms[0]
        low = self.facts.low.get(atom)
        if atom not in self.reach or low is None or low.terms or low.const < 2:
            return False
        if len(dividend.terms) != 1 or "#" in dividend.atoms[0] or dividend.const:
            return False
        size = self.size(dividend)
        return self.reach[atom] <= size and not size <= self.reach[atom]

    def _one_condition(self, paths: Paths, i: int, condition: Condition) -> Paths:
        going = list(paths.going)
        going[i] = replace(going[i], conditions=[condition])
        return Paths(going, paths.after, paths.values, paths.carried)

    def _moves_of(
        self, i: int, paths: Paths, run: Progress, trips: Trips, counter: Counter
    ) -> None:
        """Where the carried variables end when every iteration takes path i."""
        for c in paths.carried.values():
            m = move(c.atom, paths.after[i][c.atom], self.facts)
            if c.entry is None or m is None or m.scale != 1 or m.least != m.most:
                continue
            end = None if trips.count is None else c.entry + trips.count.scale(m.least)
            run.moves[c.atom] = (c.entry, end)

    def _calls(self, states: list[State], trips: Trips, counter: Counter) -> list[CallSite]:
        """Recursive calls of one iteration, times the number of iterations."""
        most = max((s.calls for s in states), key=len, default=[])
        if not most:
            return []
        going = [s for s in states if s.status in {"normal", "continue"}]
        sure = bool(going) and all(s.calls == most for s in states)
        for s in states:
            if any(c not in most for c in s.calls):
                raise GaveUp("different recursive calls on the paths of one loop")
        count = trips.count
        if count is None:
            raise GaveUp("a recursive call in a loop of unknown length")
        found = []
        for site in most:
            if site.index is not None or (site.times != Affine.number(1) and count.terms):
                raise GaveUp("a recursive call in nested loops")
            if count.is_constant:
                times = site.times.scale(count.const)
            else:
                times = count.scale(site.times.const)
            uses = {a for _, size in site.sizes if size is not None for a in size.atoms}
            index = counter.index if counter.index in uses else None
            found.append(replace(site, times=times, index=index, maybe=site.maybe or not sure))
        return found

    def _exits(self, st: State, after: State, exits: list[State], avoidable: bool) -> list[State]:
        """Early exits cost at most the whole loop; the caller may or may not be able to avoid them.

        Breaks are folded into the state after the loop.
        """
        results = []
        kind = "data" if avoidable else "opaque"
        for s in exits:
            mark = Condition("data" if kind == "data" else "opaque", self.line)
            if s.status == "break":
                after.calls += [replace(c, maybe=True) for c in s.calls if c not in after.calls]
                continue
            left = st.copy()
            left.high, left.notes = after.high, set(after.notes)
            left.assumed_high = set(after.assumed_high)
            left.calls = [replace(c, maybe=True) for c in after.calls]
            left.calls += [c for c in s.calls if c not in after.calls]
            left.conditions.append(mark)
            left.status, left.result = s.status, self._outside(s.result)
            left.heap = {**s.heap, **{k: v for k, v in s.heap.items()}}
            results.append(left)
        if results:
            after.conditions.append(Condition("data" if kind == "data" else "opaque", self.line))
        return results

    def _outside(self, value: Value) -> Value:
        return value if isinstance(value, (Reference, Parameter)) else self._loose(value)

    def _leave(self, after: State, paths: Paths, trips: Trips, exits: list[State]) -> None:
        """What the changed variables hold after the loop."""
        broken = any(s.status == "break" for s in exits)
        times = self._times(paths, trips, broken)
        for name, c in paths.carried.items():
            value = self._final(c, paths, times)
            if broken and not self._kept_by_breaks(name, c, exits):
                value = None
            if name.startswith("heap:"):
                key = name.removeprefix("heap:")
                content = after.heap.get(key)
                if content is not None:
                    after.heap[key] = replace(content, length=value, growth=None)
            else:
                after.env[name] = Num(value) if value is not None else Unknown()
        for s in [*paths.going, *exits]:
            for name, bound in s.env.items():
                if name in paths.carried:
                    continue
                if name not in after.env or after.env[name] != bound:
                    after.env[name] = self._loose(bound)
            for key, content in s.heap.items():
                after.heap.setdefault(key, replace(content, length=None, growth=None))

    def _kept_by_breaks(self, name: str, c: Carried, exits: list[State]) -> bool:
        """Does every `break` leave the variable as the iteration found it?"""
        for s in exits:
            if s.status != "break":
                continue
            if name.startswith("heap:"):
                number = s.heap[name.removeprefix("heap:")].length
            else:
                number = self.number(s.env.get(name, Unknown()), s)
            if number != Affine.atom(c.atom):
                return False
        return True

    def _loose(self, value: Value) -> Value:
        if isinstance(value, Element):
            return Element("", False)
        return Unknown(heavy=self.heavy(value) or isinstance(value, (Parameter, Lazy)))

    def _times(self, paths: Paths, trips: Trips, broken: bool) -> list[Affine] | None:
        """How often each path is taken: atoms that add up to the trips, where those are known."""
        if trips.count is None or not paths.going:
            total = None
        elif broken or not self.facts.nonnegative(trips.count):
            total = self.facts.fresh("trips", Affine(), trips.count)
        else:
            total = trips.count
        if len(paths.going) == 1 and total is not None:
            return [total]
        if len(paths.going) > 6:
            return None
        times = [self.facts.fresh("times", Affine(), total) for _ in paths.going]
        for i, atom in enumerate(times):
            self._bound_times(i, atom.atoms[0], paths)
        if total is not None:
            rest = total
            for atom in times[:-1]:
                rest = rest - atom
            times[-1] = rest
        return times

    def _bound_times(self, i: int, atom: str, paths: Paths) -> None:
        """A guard that path i wears down and no path restores bounds how often i is taken."""
        shared = [
            c for c in paths.going[0].conditions if all(c in g.conditions for g in paths.going)
        ]
        entry = paths.entry
        for c in shared:
            if c.kind != "size" or c.value is None:
                continue
            steps = []
            for new in paths.after:
                value = c.value.map_atoms(lambda a, new=new: new.get(a, Affine.atom(a)))  # type: ignore[misc]
                steps.append(None if value is None else self.facts.range(value - c.value)[1])
            mine = steps[i]
            if mine is None or mine >= 0 or any(x is None or x > 0 for x in steps):
                continue
            start = c.value.substitute(entry)
            if mine == -1 and self.facts.nonnegative(start):
                self.facts.bound(atom, None, start)

    def _final(self, c: Carried, paths: Paths, times: list[Affine] | None) -> Affine | None:
        if c.entry is None:
            return None
        if not paths.going:
            return c.entry
        value = c.entry
        for i, new in enumerate(paths.after):
            m = move(c.atom, new[c.atom], self.facts)
            if m is None or m.scale != 1 or m.least != m.most:
                return None
            if m.least:
                if times is None:
                    return None
                value = value + times[i].scale(m.least)
        return value

    # Comprehensions: loops whose body is the element

    def comprehension(self, node: n.expr, st: State) -> Value:
        assert isinstance(node, (n.ListComp, n.SetComp, n.DictComp, n.GeneratorExp))
        scratch = st.copy()
        counts: list[Affine | None] = []
        element: list[n.expr] = (
            [node.key, node.value] if isinstance(node, n.DictComp) else [node.elt]
        )
        done = self._generators(node.generators, element, scratch, counts)
        st.low, st.high = st.low + done.low, done.high
        st.calls, st.notes = done.calls, done.notes
        st.assumed_low, st.assumed_high = done.assumed_low, done.assumed_high
        st.heap.update({k: v for k, v in done.heap.items() if k not in st.heap})
        filtered = any(g.ifs for g in node.generators)
        length = self._product([c for c in counts], st) if counts else None
        if length is not None and filtered:
            length = self.facts.fresh("kept", Affine(), length)
        if isinstance(node, n.SetComp | n.DictComp):
            st.assumed_high.add("hash-O1")
            if length is not None:
                length = self.facts.fresh("distinct", Affine(), length)
        kind = {n.SetComp: "set", n.DictComp: "dict"}.get(type(node), "list")
        heavy = any(self.heavy(v) for v in self.elements)
        return self.allocate(st, kind, length, Unknown(True) if heavy else Element("", False))

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
