"""Summing up a loop: from the paths of one iteration to the state after all of them.

What the body changes becomes an atom per variable; the paths through the body say how each moves.
The cost of an iteration is summed over the index from above and from below (`sums`), and what holds
after the loop is expressed by how often each path was taken.
"""

from __future__ import annotations

from collections.abc import Callable

from neox.compiler import nodes as n
from neox.compiler.complexity.affine import Affine
from neox.compiler.complexity.calls import Summary
from neox.compiler.complexity.costs import SIZE_CHANGING
from neox.compiler.complexity.growth import ONE, Growth
from neox.compiler.complexity.motion import Counter, Motion
from neox.compiler.complexity.record import replace
from neox.compiler.complexity.select import consistent, lower_of
from neox.compiler.complexity.sums import Progress, settle, total_high, total_low
from neox.compiler.complexity.trips import (
    Carried,
    Paths,
    Trips,
    lower_trips,
    move,
)
from neox.compiler.complexity.unit import Function, Unit, dotted, own_nodes, place
from neox.compiler.complexity.values import (
    YIELDED,
    CallSite,
    Condition,
    Element,
    GaveUp,
    Lazy,
    Num,
    Parameter,
    Reference,
    State,
    Unknown,
    Value,
)


class Iterations(Motion):
    """Everything about loops that does not depend on how they are written."""

    def __init__(
        self, unit: Unit, root: Function, summarize: Callable[[Function], Summary]
    ) -> None:
        super().__init__(unit, root, summarize)
        self.elements: list[Value] = []  # of the comprehension evaluated last
        self.times: list[Affine] | None = None  # how often the paths of this loop are taken
        self.reach: dict[str, Growth] = {}  # limits of indices that are known up to growth

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
        start.low, start.high, start.rounds = ONE, ONE, Affine()
        start.calls, start.conditions, start.notes = [], [], set()
        start.assumed_low, start.assumed_high = set(), set()
        carried: dict[str, Carried] = {}
        for name in stored:
            if "." in name and name not in start.env:
                start.env[name] = self.name(name, start)
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
            if content.kind != "dict" and name not in self._sized(body):
                continue  # items are replaced one by one
            atom = self.facts.fresh(f"len {name}", Affine())
            carried[f"heap:{key}"] = Carried(atom.atoms[0], content.length)
            start.heap[key] = replace(content, length=atom, growth=None)
        return start, carried

    def _changes(self, body: list[n.stmt | n.expr]) -> tuple[set[str], set[str]]:
        """Names stored by the body, and names of containers it may resize."""
        stored: set[str] = set()
        resized: set[str] = set()
        for node in own_nodes(body):
            if isinstance(node, (n.Name, n.Attribute)) and node.ctx != "Load":
                stored.add(place(node))
            if isinstance(node, n.AugAssign) and place(node.target):
                stored.add(place(node.target))
                resized.add(place(node.target))
            elif isinstance(node, n.Subscript) and node.ctx != "Load":
                resized.add(place(node.value))
            elif isinstance(node, (n.Yield, n.YieldFrom)):
                resized.add(YIELDED)
            elif isinstance(node, n.Call):
                resized |= self._resized_by_call(node)
                target = self.unit.find(place(node.func), self.scope) if place(node.func) else None
                stored |= set() if target is None else target.rebinds
        return stored - {""}, resized - {""}

    def _sized(self, body: list[n.stmt | n.expr]) -> set[str]:
        """Names of containers that get longer or shorter, or may be dictionaries that grow."""
        found: set[str] = set()
        for node in own_nodes(body):
            if isinstance(node, n.AugAssign):
                found.add(place(node.target))
            elif isinstance(node, n.Subscript) and node.ctx != "Load":
                if node.ctx == "Del" or isinstance(node.slice, n.Slice):
                    found.add(place(node.value))
            elif isinstance(node, (n.Yield, n.YieldFrom)):
                found.add(YIELDED)
            elif isinstance(node, n.Call):
                found |= self._resized_by_call(node)
        return found

    def changes(self, body: list[n.stmt]) -> tuple[set[str], set[str]]:
        return self._changes(list(body))

    def _resized_by_call(self, node: n.Call) -> set[str]:
        names = {place(a) for a in node.args if place(a)}
        if isinstance(node.func, n.Attribute):
            method = self.unit.find(place(node.func), self.scope) if place(node.func) else None
            if method is not None:
                return method.resized | names
            if place(node.func.value) and node.func.attr in SIZE_CHANGING:
                return {place(node.func.value)}
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
        augmented = {id(node.target) for node in own_nodes(body) if isinstance(node, n.AugAssign)}
        return {
            place(node)
            for node in own_nodes(body)
            if isinstance(node, (n.Name, n.Attribute))
            and node.ctx != "Load"
            and id(node) not in augmented
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
        counted = self._counted(paths, trips, exits, progress)
        for s in everything:
            once = counted is not None and s not in paths.going
            part = self._settled(s.high, progress) if once else None
            if not once and counted is None:
                part = total_high(s.high, progress, self.facts)
            if once or counted is None:
                high = None if part is None or high is None else high + part
        if counted is not None and high is not None:
            high = high + counted
        low, assumed, avoidable = self._low(paths, exits, trips, counter, guards, progress)
        after = st.copy()
        if counted is None and high is not None:
            high = high + (trips.high or ONE)
        after.charge(low, high)
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

    def _settled(self, cost: Growth | None, progress: Progress) -> Growth | None:
        if cost is None:
            return None
        only = set(progress.moves) | set(progress.geometric)
        return settle(cost, self.facts, only, True)

    def _counted(
        self, paths: Paths, trips: Trips, exits: list[State], progress: Progress
    ) -> Growth | None:
        """The cost by how often each path is taken, kept open for the loop around to sum up."""
        self.times = None
        if trips.count is not None or trips.most is None or not paths.going:
            return None
        broken = any(s.status == "break" for s in exits)
        times = self._times(paths, trips, broken)
        if times is None or any(len(t.terms) != 1 for t in times):
            return None
        moving = set(progress.moves) | set(progress.geometric)
        total = ONE
        for s, t in zip(paths.going, times, strict=True):
            if s.high is None or set(s.high.atoms) & moving:
                return None
            total = total + s.high * Growth.size(t)
        self.times = times
        return total

    def _times(self, paths: Paths, trips: Trips, broken: bool) -> list[Affine] | None:
        raise NotImplementedError

    def _check_heap(self, st: State, states: list[State], carried: dict[str, Carried]) -> None:
        for s in states:
            for key, content in st.heap.items():
                if f"heap:{key}" not in carried and s.heap[key].length != content.length:
                    raise GaveUp("a loop changes the size of a container in an unseen way")

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

    def _loose(self, value: Value) -> Value:
        if isinstance(value, Element):
            return Element("", False)
        return Unknown(heavy=self.heavy(value) or isinstance(value, (Parameter, Lazy)))

    def _leave(self, after: State, paths: Paths, trips: Trips, exits: list[State]) -> None:
        raise NotImplementedError
