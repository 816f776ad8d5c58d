"""How the variables of a loop move from one iteration to the next, and the bounds that follow.

Additive variables stay within entry + trips * step and within what a guard allows; variables that
grow or shrink by a factor have an extent, their largest value.
"""

from __future__ import annotations

from fractions import Fraction

from neox.compiler.complexity.affine import Affine
from neox.compiler.complexity.growth import ONE, Growth
from neox.compiler.complexity.record import dataclass, field
from neox.compiler.complexity.statements import Statements
from neox.compiler.complexity.sums import Progress
from neox.compiler.complexity.trips import (
    Carried,
    Paths,
    Trips,
    move,
)
from neox.compiler.complexity.values import (
    Condition,
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


class Motion(Statements):
    """Turns the moves of all paths into a `Progress` for the sums."""

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
        if trips.high is not None:
            self._amortise(progress, paths, trips.high, counter)
        return progress

    def _amortise(self, progress: Progress, paths: Paths, trips: Growth, counter: Counter) -> None:
        """Inner loops that wear down what other rounds build up (potentials).

        An inner loop runs t <= phi times, phi affine in the loop's variables. If every path changes
        phi by at most -t + h, the sum of t is at most phi at entry plus h per round.
        """
        spent = {
            a for s in paths.going for m in (s.high or ONE).monomials for size, _ in m
            for a in size.atoms if a.startswith("times#")
        }  # fmt: skip
        for atom, row in self.facts.rows.items():
            if counter.index is not None and row[1] == counter.index:
                progress.amortised[atom] = Growth.size(Affine.atom(f"sum(len({row[0]}))")) + trips
        for atom in sorted(spent):
            phi = self.facts.most.get(atom, self.facts.high.get(atom))
            if phi is None:
                continue
            inner = [a for a in phi.atoms if a in self.facts.local and a not in paths.entry]
            bounded = self.facts.upper(phi, inner) if inner else phi
            if bounded is None or not set(bounded.atoms) & set(paths.entry):
                continue
            rise = self._rise(bounded, atom, paths)
            start = bounded.substitute(paths.entry)
            local = [a for a in start.atoms if a in progress.moves]
            if rise is None or local:
                continue
            total = self.size(start) if start.terms else ONE
            progress.amortised[atom] = total + (trips if rise > 0 else ONE)

    def _rise(self, phi: Affine, spent: str, paths: Paths) -> Fraction | None:
        """The most any path adds to phi beside what the inner loop takes off."""
        most = Fraction(0)
        for s, new in zip(paths.going, paths.after, strict=True):
            value = phi.map_atoms(lambda a, new=new: new.get(a, Affine.atom(a)))  # type: ignore[misc]
            if value is None:
                return None
            change = value - phi
            pays = any(spent in size.atoms for m in (s.high or ONE).monomials for size, _ in m)
            if pays:
                if change.coefficient(spent) > -1:
                    return None
                change = change + Affine.atom(spent)
            high = self.facts.range(change)[1]
            if high is None:
                return None
            most = max(most, high)
        return most

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

    def _bound_by_guards(self, carried: dict[str, Carried], guards: list[Condition]) -> None:
        """What guards say of single variables while an iteration starts, before it is executed."""
        atoms = {c.atom for c in carried.values()}
        for g in guards:
            if g.kind != "size" or g.value is None or len(g.value.terms) != 1:
                continue
            atom, k = g.value.terms[0]
            if atom in atoms and k > 0 and atom not in self.facts.low:
                self.facts.bound(atom, Affine.number((1 - g.value.const) / k), None)

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
