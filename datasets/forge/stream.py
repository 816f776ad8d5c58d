"""One family at one level as an endless row of candidates with distinct behaviours.

Candidate number i is drawn from sha256 of version, seed, family, level and i, so a longer row
extends a shorter one and rows of neighbouring seeds have nothing in common. A row keeps what it has
found: asking for another split costs nothing twice. Checks that do not depend on the split happen
here, mutants are left to `trials.py`.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from neox.datasets.forge.behaviour import (
    PROBES,
    Outputs,
    bounded,
    key,
    split_key,
    split_of,
    trace,
)
from neox.datasets.forge.chance import Chance
from neox.datasets.forge.draw import Grammar
from neox.datasets.forge.grammar import BOOL, FAMILIES, Node, Program

FORGE_VERSION = 1
PATIENCE = 400
"""A row ends after so many draws without a new behaviour."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A program with its place in the row, its outputs on the probes and its behaviour."""

    index: int
    program: Program
    outputs: Outputs
    behaviour: str
    split: str


class Stream:
    """The row of one family and level."""

    def __init__(self, grammar: Grammar, seed: int, family: str, level: int) -> None:
        self._grammar = grammar
        self.seed = seed
        self.family = family
        self.level = level
        self.found: list[Candidate] = []
        self._programs: set[tuple[Node, ...]] = set()
        self._behaviours: set[str] = set()
        self._next = 0
        self._misses = 0

    def task_id(self, index: int) -> str:
        """The name of draw `index`: everything that is needed to draw it again."""
        return f"forge{FORGE_VERSION}/{self.seed}/{self.family}/{self.level}/{index}"

    def draw(self, index: int) -> Program | None:
        """Draw `index`, accepted or not."""
        text = f"{FORGE_VERSION}/{self.seed}/{self.family}/{self.level}/{index}"
        return self._grammar.draw(FAMILIES[self.family], self.level, Chance(text))

    def __iter__(self) -> Iterator[Candidate]:
        place = 0
        while True:
            while place < len(self.found):
                yield self.found[place]
                place += 1
            if not self._grow():
                return

    def _grow(self) -> bool:
        """Find one more candidate; False at the end of the row."""
        while self._misses < PATIENCE:
            index = self._next
            self._next += 1
            self._misses += 1
            program = self.draw(index)
            if program is None:
                continue
            silent = tuple(node.silent for node in program.nodes)
            if silent in self._programs:
                continue
            self._programs.add(silent)
            candidate = examine(program, index)
            if candidate is None or candidate.behaviour in self._behaviours:
                continue
            self._behaviours.add(candidate.behaviour)
            self.found.append(candidate)
            self._misses = 0
            return True
        return False


def examine(program: Program, index: int) -> Candidate | None:
    """Run the program on the probes; None for results that are too large, constant, or the input
    itself.
    """
    traced = trace(program)
    if traced is None:
        return None
    inputs, values = traced[0], traced[-1]
    if not bounded(program.gives, values) or values == inputs or _dull(program.gives, values):
        return None
    behaviour = key(program, values)
    return Candidate(index, program, values, behaviour, split_of(split_key(program, values)))


def _dull(kind: str, outputs: Outputs) -> bool:
    """Whether one output is so common that a constant would nearly do."""
    shown = list(map(repr, outputs)) if kind not in ("small", "nat", "int", BOOL) else outputs
    common = max(map(shown.count, set(shown)))
    return bool(common > PROBES * (0.85 if kind == BOOL else 0.75))
