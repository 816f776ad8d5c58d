"""Hidden tests: a few probe inputs, each kept because it tells the reference from a mutant.

Mutants are the reference with one part in another form (its habit, a neighbouring constant or
comparison, left out), a constant answer, and every combination of habits, since that is what
documents are made of. A reference with a single-part mutant that no probe kills is rejected.
"""

from functools import cache
from itertools import product

from neox.datasets.forge.behaviour import PROBES, Outputs, Step, probes, steps, trace
from neox.datasets.forge.grammar import PYTHON_TYPE, Node, Program
from neox.datasets.forge.text import (
    COMPARISON,
    CONSTANT,
    DROPPED,
    HABIT,
    RIGHT,
    Variant,
    neighbour,
    right,
)

MOST_TESTS = 12
KILLS = 3
"""Tests that a mutant should fail: a wrong answer may be right by chance on one input."""
_ROOM = MOST_TESTS - 3
"""From so many tests on, one failure is enough, so that the mutants to come find room."""
_ORDER = tuple(index * 37 % PROBES for index in range(PROBES))  # every probe, edges spread out
_FAILURES = (ValueError, IndexError, KeyError, ZeroDivisionError, RecursionError, TypeError)


class Trial:
    """The search for the tests of one program; `tests` are probe indices in order of discovery."""

    def __init__(self, program: Program, outputs: Outputs, examples: tuple[int, ...] = ()) -> None:
        self.program = program
        self.outputs = outputs
        self.tests: list[int] = []
        self._examples = examples
        self._hidden = [index for index in _ORDER if index not in examples]

    def hidden_tests(self) -> tuple[int, ...] | None:
        """The tests, or None if a mutant survives every probe."""
        reference = right(self.program)
        nodes = self.program.nodes
        traced = trace(self.program) or ()
        for place, (node, before) in enumerate(zip(nodes, traced, strict=False)):
            after = steps(nodes[place + 1 :], reference[place + 1 :])
            for variant in single_mutants(node):
                if not self._kill([*steps((node,), (variant,)), *after], before, KILLS):
                    return None
            if _droppable(nodes, place) and not self._kill(after, before, KILLS):
                return None
        for variants in habit_sets(self.program):
            mutant, inputs = steps(nodes, variants), probes(self.program.takes)
            if not self._kill(mutant, inputs, 1) and any(
                _differs(mutant, inputs, index, self.outputs) for index in self._examples
            ):
                return None  # only an example shows the difference, and examples are no tests
        return tuple(sorted(self.tests)) if self._vary() else None

    def agrees(self, variants: tuple[Variant, ...]) -> bool:
        """Whether the program in the given forms behaves like the reference on every probe."""
        mutant = steps(self.program.nodes, variants)
        before = probes(self.program.takes)
        return not any(_differs(mutant, before, index, self.outputs) for index in _ORDER)

    def _kill(self, mutant: list[Step], before: Outputs, kills: int) -> bool:
        """Whether a probe tells the mutant apart, which runs on the values `before` it.

        Probes that do so become tests until the mutant fails `kills` of them, as far as there is
        room.
        """
        dead = 0
        for index in self.tests:
            dead += _differs(mutant, before, index, self.outputs)
            if dead == kills:
                return True
        for index in self._hidden:
            if dead and len(self.tests) >= _ROOM:
                return True
            if index not in self.tests and _differs(mutant, before, index, self.outputs):
                if len(self.tests) == MOST_TESTS:
                    return False
                self.tests.append(index)
                dead += 1
                if dead == kills:
                    return True
        return dead > 0

    def _vary(self) -> bool:
        """Kill the mutant that always gives the answer of the first test."""
        common = self.outputs[self.tests[0]]
        if any(self.outputs[index] != common for index in self.tests):
            return True
        other = (index for index in self._hidden if self.outputs[index] != common)
        index = next(other, None)
        if index is None or len(self.tests) == MOST_TESTS:
            return False
        self.tests.append(index)
        return True


def _differs(mutant: list[Step], before: Outputs, index: int, outputs: Outputs) -> bool:
    """Whether the output is not the reference's. A mutant may leave the domain of a later node."""
    value = before[index]
    try:
        for made, extra in mutant:
            value = made(value) if extra is None else made(value, extra[index])
    except _FAILURES:
        return True
    expected = outputs[index]
    return bool(value != expected) or type(value) is not type(expected)


def _droppable(nodes: tuple[Node, ...], place: int) -> bool:
    """Whether the program without this node still has matching types."""
    op = nodes[place].op
    if op.alone or len(nodes) == 1 or PYTHON_TYPE[op.takes] != PYTHON_TYPE[op.gives]:
        return False
    return place + 1 == len(nodes) or op.takes == nodes[place + 1].op.takes


@cache
def single_mutants(node: Node) -> tuple[Variant, ...]:
    """The node with one part in another form."""
    parts = [_forms(node.op.code, node.const is not None)]
    if node.expression is not None:
        parts.append((*_forms(node.expression.code, node.expression_const is not None), DROPPED))
    if node.predicate is not None:
        parts.append((*_forms(node.predicate.code, node.predicate_const is not None), DROPPED))
    if node.base is not None:
        parts.append((HABIT, DROPPED))
    return tuple(
        tuple(form if place == other else RIGHT for other in range(len(parts)))
        for place, forms in enumerate(parts)
        for form in forms
    )


def _forms(code: str, constant: bool) -> tuple[int, ...]:
    compared = (COMPARISON,) if neighbour(code) is not None else ()
    return (HABIT, *((CONSTANT,) if constant else ()), *compared)


def habit_sets(program: Program) -> list[tuple[Variant, ...]]:
    """Every way in which two or more parts follow their habit."""
    sizes = tuple(len(node.parts) for node in program.nodes)
    return list(_habit_sets(sizes))


@cache
def _habit_sets(sizes: tuple[int, ...]) -> tuple[tuple[Variant, ...], ...]:
    made = []
    for flat in product((RIGHT, HABIT), repeat=sum(sizes)):
        if sum(flat) > 1:
            forms = iter(flat)
            made.append(tuple(tuple(next(forms) for _ in range(size)) for size in sizes))
    return tuple(made)
