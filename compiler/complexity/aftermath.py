"""After a loop: what the variables it changed hold, by how often each path was taken.

The counts of the paths are atoms that add up to the trips, so that relations such as
`len(out) == i + j` survive the loop.
"""

from __future__ import annotations

from neox.compiler.complexity.affine import Affine
from neox.compiler.complexity.iterations import Iterations
from neox.compiler.complexity.record import replace
from neox.compiler.complexity.trips import (
    Carried,
    Paths,
    Trips,
    move,
)
from neox.compiler.complexity.values import (
    Num,
    State,
    Unknown,
)


class Aftermath(Iterations):
    """Binds the variables again, and bounds how often each path was taken."""

    def _leave(self, after: State, paths: Paths, trips: Trips, exits: list[State]) -> None:
        """What the changed variables hold after the loop."""
        broken = any(s.status == "break" for s in exits)
        times = self.times or self._times(paths, trips, broken)
        self.times = None
        for count in times or []:  # what one loop leaves another may do: such sums cancel
            after.rounds = after.rounds + count
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

    def _times(self, paths: Paths, trips: Trips, broken: bool) -> list[Affine] | None:
        """How often each path is taken: atoms that add up to the trips, where those are known."""
        if trips.count is None or not paths.going:
            total = None
        elif broken:
            total = self.facts.fresh("trips", Affine(), trips.count)
        else:
            total = self._at_least_none(trips.count)
        if len(paths.going) == 1 and total is not None:
            return [total]
        if len(paths.going) > 6:
            return None
        times = [self.facts.fresh("times", Affine(), total) for _ in paths.going]
        if total is None and trips.most is not None:
            for atom in times:
                self.facts.most[atom.atoms[0]] = trips.most
        if len(times) == 2 and total is not None and self._chosen_by_content(paths):
            self.facts.choice.add(times[0].atoms[0])
        for i, atom in enumerate(times):
            self._bound_times(i, atom.atoms[0], paths)
        if total is not None:
            rest = total
            for atom in times[:-1]:
                rest = rest - atom
            times[-1] = rest
        return times

    def _chosen_by_content(self, paths: Paths) -> bool:
        """Do the paths part by tests of content that is the caller's to choose?"""
        shared = [
            c for c in paths.going[0].conditions if all(c in g.conditions for g in paths.going)
        ]
        return all(c.kind == "data" for g in paths.going for c in g.conditions if c not in shared)

    def _at_least_none(self, count: Affine) -> Affine:
        """max(0, count) for a whole number: a constant more where it is above one below 0."""
        if self.facts.nonnegative(count):
            return count
        least = self.facts.lower(count)
        if least is None or not all(c > 0 for _, c in least.terms):
            return self.facts.fresh("trips", Affine(), count)
        if least.const > -1:
            return count
        return count + self.facts.fresh("clamp", Affine(), Affine.number(-least.const))

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
