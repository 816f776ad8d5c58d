"""Hidden tests: a few probe inputs, each kept because it tells the reference from a mutant.

Mutants are the reference with one part in another form (its habit, a neighbouring constant or comparison, left out),
and every combination of habits, since that is what documents are made of. A reference with a single-part mutant that
no probe kills is rejected.
"""

from functools import cache
from itertools import product

from neox.datasets.forge.behaviour import PROBES, Outputs, apply, probes, run_one
from neox.datasets.forge.grammar import BOOL, PYTHON_TYPE, Node, Program
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
EXAMPLES = 3
_ORDER = tuple(index * 37 % PROBES for index in range(PROBES))  # every probe once, edges spread out
_TOO_LONG = 64


def hidden_tests(program: Program, outputs: Outputs, seen: tuple[int, ...]) -> list[int] | None:
    """The probe indices of the tests, or None if a mutant survives or too many tests are needed.

    `seen` are the visible examples: they may kill a mutant only when no other probe does.
    """
    reference = right(program)
    prefixes = _prefixes(program)
    hidden = [index for index in _ORDER if index not in seen]
    chosen: list[int] = []
    for position, node in enumerate(program.nodes):
        for variant in _single(node):
            variants = (*reference[:position], variant, *reference[position + 1 :])
            if not _kill(program, variants, position, prefixes, outputs, chosen, hidden):
                return None
        if _droppable(program, position) and not _kill_drop(
            program, position, prefixes, outputs, chosen, hidden
        ):
            return None
    if sum(len(node.parts) for node in program.nodes) > 1:
        for variants in _habit_sets(program):
            first = next(
                place for place, variant in enumerate(variants) if variant != reference[place]
            )
            _kill(program, variants, first, prefixes, outputs, chosen, hidden)
    return sorted(chosen) if 0 < len(chosen) <= MOST_TESTS else None


def agrees(program: Program, variants: tuple[Variant, ...], outputs: Outputs) -> bool:
    """Whether the program in the given forms behaves like the reference on every probe."""
    return all(_same(program, variants, index, 0, None, outputs[index]) for index in _ORDER)


def _kill(
    program: Program,
    variants: tuple[Variant, ...],
    position: int,
    prefixes: list[Outputs],
    outputs: Outputs,
    chosen: list[int],
    hidden: list[int],
) -> bool:
    """Whether some test or probe tells the mutant apart; a probe that does becomes a test."""
    values = prefixes[position]
    for index in chosen:
        if not _same(program, variants, index, position, values[index], outputs[index]):
            return True
    for index in hidden:
        if not _same(program, variants, index, position, values[index], outputs[index]):
            chosen.append(index)
            return True
    return False


def _kill_drop(
    program: Program,
    position: int,
    prefixes: list[Outputs],
    outputs: Outputs,
    chosen: list[int],
    hidden: list[int],
) -> bool:
    rest = Program(program.nodes[:position] + program.nodes[position + 1 :])
    variants = right(rest)
    return _kill(rest, variants, position, prefixes, outputs, chosen, hidden)


def _droppable(program: Program, position: int) -> bool:
    op = program.nodes[position].op
    same = PYTHON_TYPE[op.takes] == PYTHON_TYPE[op.gives]
    if not same or op.alone or op.gives == BOOL:
        return False
    if position + 1 == len(program.nodes):
        return True
    return op.takes == program.nodes[position + 1].op.takes  # the next node must accept the domain


def _same(program: Program, variants: tuple[Variant, ...], index: int, start: int, value: object,
          expected: object) -> bool:  # fmt: skip
    """Whether the output is the expected one. A mutant may leave the domain of a later node: that is a difference."""
    try:
        found = run_one(program, variants, index, start, value)
    except (ValueError, IndexError, ZeroDivisionError, RecursionError, TypeError):
        return False
    return bool(found == expected) and type(found) is type(expected)


def _prefixes(program: Program) -> list[Outputs]:
    """The value before each node, and the one after the last, on every probe."""
    from neox.datasets.forge.behaviour import extras

    extra = None if program.extra is None else extras(program.extra)
    values = [probes(program.takes)]
    for node, variant in zip(program.nodes, right(program), strict=True):
        values.append(apply(node, variant, values[-1], extra))
    return values


@cache
def _single(node: Node) -> tuple[Variant, ...]:
    """The node with one part in another form."""
    parts: list[tuple[int, ...]] = [_forms(node.op.code, node.const is not None)]
    if node.expression is not None:
        forms = _forms(node.expression.code, node.expression_const is not None)
        parts.append((*forms, DROPPED))
    if node.predicate is not None:
        forms = _forms(node.predicate.code, node.predicate_const is not None)
        parts.append((*forms, DROPPED))
    if node.base is not None:
        parts.append((HABIT, DROPPED))
    return tuple(
        tuple(form if place == other else RIGHT for other in range(len(parts)))
        for place, forms in enumerate(parts)
        for form in forms
    )


def _forms(code: str, constant: bool) -> tuple[int, ...]:
    forms = [HABIT]
    if constant:
        forms.append(CONSTANT)
    if neighbour(code) is not None:
        forms.append(COMPARISON)
    return tuple(forms)


def _habit_sets(program: Program) -> list[tuple[Variant, ...]]:
    """Every way in which two or more parts follow their habit."""
    sizes = [len(node.parts) for node in program.nodes]
    made = []
    for flat in product((RIGHT, HABIT), repeat=sum(sizes)):
        if sum(flat) > 1:
            forms = iter(flat)
            made.append(tuple(tuple(next(forms) for _ in range(size)) for size in sizes))
    return made
