"""Drawing a program of one family with a given number of nodes.

An operation of the family comes first; others are put before and after it until the tree is large
enough, each accepted only if the types meet. A draw is a function of its text and may fail (None):
the caller goes on to the next index.
"""

from collections.abc import Iterable
from itertools import combinations

from neox.datasets.forge.chance import Chance
from neox.datasets.forge.grammar import (
    ACCEPTED_BY,
    FAMILIES,
    PYTHON_TYPE,
    Const,
    Family,
    Node,
    Op,
    Program,
    Unit,
    node,
)
from neox.datasets.forge.units import EXPRESSIONS, PREDICATES

BASES = (1, 2, 3, 5, 10)
_K_SHARE = 5  # one constant in five becomes the parameter k

Choices = dict[str, list[list[Op]]]


class Grammar:
    """The registered operations by what they take and by what they give, grouped by family.

    Grouping keeps a family with many operations from crowding out the others.
    """

    def __init__(self) -> None:
        groups = [[op for op in family.ops if not op.alone] for family in FAMILIES.values()]
        joining = [[op for op in ops if not op.last] for ops in groups]
        self.final: Choices = {}
        self.onward: Choices = {}
        self.before: Choices = {}
        for kind in PYTHON_TYPE:
            takers = ACCEPTED_BY[kind]
            self.final[kind] = _some([op for op in ops if op.takes in takers] for ops in groups)
            self.onward[kind] = _some([op for op in ops if op.takes in takers] for ops in joining)
            self.before[kind] = _some(
                [op for op in ops if kind in ACCEPTED_BY[op.gives]] for ops in joining
            )

    def draw(self, family: Family, level: int, chance: Chance) -> Program | None:
        """A program of `level` + 1 nodes around one operation of `family`, or None."""
        suited = [op for op in family.ops if not op.alone or len(op.slots) >= level]
        if not suited:
            return None
        anchor = chance.pick(suited)
        filled = level if anchor.alone else chance.below(min(len(anchor.slots), level) + 1)
        others = level - filled
        ahead = others if anchor.last else chance.below(others + 1)
        nodes = [_filled(anchor, filled, chance)]
        for _ in range(ahead):
            choices = self.before[nodes[0].op.takes]
            if not choices:
                return None
            nodes.insert(0, _filled(chance.pick(chance.pick(choices)), 0, chance))
        for left in range(others - ahead, 0, -1):
            choices = (self.final if left == 1 else self.onward)[nodes[-1].op.gives]
            if not choices:
                return None
            nodes.append(_filled(chance.pick(chance.pick(choices)), 0, chance))
        if len({node.reads for node in nodes} - {None}) > 1:
            return None
        return Program(tuple(nodes))


def _some(groups: Iterable[list[Op]]) -> list[list[Op]]:
    return [ops for ops in groups if ops]


def _filled(op: Op, slots: int, chance: Chance) -> Node:
    """`op` with its constant, its wordings and `slots` of its slots drawn."""
    const: Const = chance.pick(op.consts) if op.consts else None
    if op.k and chance.below(_K_SHARE) == 0:
        const = "k"
    chosen = chance.pick(tuple(combinations(op.slots, slots))) if slots else ()
    expression, expression_const = _unit(EXPRESSIONS, chance) if "E" in chosen else (None, None)
    predicate, predicate_const = _unit(PREDICATES, chance) if "P" in chosen else (None, None)
    base = chance.pick(BASES) if "B" in chosen else None
    says = chance.below(8)
    wordings = (says & 1, says >> 1 & 1 if expression else 0, says >> 2 if predicate else 0)
    return node(op, const, expression, expression_const, predicate, predicate_const, base, wordings)


def _unit(units: tuple[Unit, ...], chance: Chance) -> tuple[Unit, Const]:
    unit = chance.pick(units)
    return unit, (chance.pick(unit.consts) if unit.consts else None)
