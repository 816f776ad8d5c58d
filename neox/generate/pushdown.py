"""A small grammar engine: rules over bytes, followed as a set of stacks, and masks over tokens.

A rule is a list of alternatives, an alternative a sequence of symbols: a byte class, or the name of
a rule. Rules must not be left-recursive. All stacks that fit the text so far are kept, as linked
nodes, so places are immutable and share their tails. Knows nothing about JSON or models.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from neox.generate.trie import Trie

Class = frozenset[int]
Symbol = Class | str
Rules = Mapping[str, Sequence[Sequence[Symbol]]]
Stack = tuple[Symbol, "Stack"] | None  # what must still come; None is the end of the text
Place = frozenset[tuple[Class, Stack] | None]  # a byte class and what follows it; None: whole

FAR = 1 << 20
ROWS = 4096  # masks kept


def literal(text: bytes) -> list[Symbol]:
    return [frozenset([byte]) for byte in text]


class Pushdown:
    """The texts of rule `start` over a vocabulary."""

    def __init__(
        self, rules: Rules, start: str, vocabulary: Sequence[bytes], end: Iterable[int]
    ) -> None:
        self._rules, self._words = rules, vocabulary
        self._end = set(end)
        self._trie = Trie(vocabulary, self._end)
        self._costs = self._shortest()
        self._steps: dict[tuple[Place, int], Place | None] = {}
        self._rows: dict[Place, bytes] = {}
        self._start: Place = frozenset(self._expand([(start, None)]))

    def start(self) -> Place:
        return self._start

    def read(self, place: Place, data: bytes) -> Place | None:
        current: Place | None = place
        for byte in data:
            if current is None:
                return None
            current = self._step(current, byte)
        return current

    def advance(self, place: Place, token: int) -> Place | None:
        if token in self._end:
            return place if self.complete(place) else None
        word = self._words[token]
        return self.read(place, word) if word else None

    def complete(self, place: Place) -> bool:
        return None in place

    def cost(self, place: Place) -> int:
        return min((0 if item is None else 1 + self._rest(item[1]) for item in place), default=FAR)

    def mask(self, place: Place, budget: int | None) -> bytes:
        complete = self.complete(place)
        if budget is not None:
            return self._trie.mask(
                place, self._step, complete, lambda after: self.cost(after) < budget
            )
        row = self._rows.get(place)
        if row is None:
            row = self._trie.mask(place, self._step, complete, lambda after: True)
            if len(self._rows) >= ROWS:
                self._rows.clear()
                self._steps.clear()
            self._rows[place] = row
        return row

    def _step(self, place: Place, byte: int) -> Place | None:
        key = place, byte
        if key not in self._steps:
            after = self._expand(
                [item[1] for item in place if item is not None and byte in item[0]]
            )
            self._steps[key] = frozenset(after) or None
        return self._steps[key]

    def _expand(self, stacks: list[Stack]) -> set[tuple[Class, Stack] | None]:
        """Stacks with a byte class on top."""
        found: set[tuple[Class, Stack] | None] = set()
        seen: set[Stack] = set()
        while stacks:
            stack = stacks.pop()
            if stack in seen:
                continue
            seen.add(stack)
            if stack is None:
                found.add(None)
                continue
            top, below = stack
            if isinstance(top, str):
                for way in self._rules[top]:
                    longer = below
                    for symbol in reversed(way):
                        longer = (symbol, longer)
                    stacks.append(longer)
            else:
                found.add((top, below))
        return found

    def _rest(self, stack: Stack) -> int:
        total = 0
        while stack is not None:
            top, stack = stack
            total += self._costs[top] if isinstance(top, str) else 1
        return total

    def _shortest(self) -> dict[str, int]:
        """The fewest bytes of every rule, by relaxation to a fixpoint."""
        costs = dict.fromkeys(self._rules, FAR)
        changed = True
        while changed:
            changed = False
            for name, ways in self._rules.items():
                best = min(sum(costs[s] if isinstance(s, str) else 1 for s in way) for way in ways)
                if best < costs[name]:
                    costs[name], changed = best, True
        return costs
