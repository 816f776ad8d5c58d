"""Drawing a program of one family with a given number of nodes.

An operation of the family comes first; others are put before and after it until the tree is large enough, each
accepted only if the types meet. A draw is a function of its text and may fail (None): the caller goes on to the next
index.
"""

from itertools import combinations

from neox.datasets.forge.chance import Chance
from neox.datasets.forge.grammar import (
    ACCEPTED_BY,
    BOOL,
    FAMILIES,
    PYTHON_TYPE,
    Const,
    Family,
    Node,
    Op,
    Program,
    Unit,
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
        families = FAMILIES.values()
        takers = {kind: ACCEPTED_BY[kind] for kind in PYTHON_TYPE}
        self.after: Choices = {
            kind: _grouped(families_ops=[f.ops for f in families], takes=takers[kind])
            for kind in PYTHON_TYPE
        }
        self.inside: Choices = {
            kind: [kept for ops in groups if (kept := [op for op in ops if _joins(op)])]
            for kind, groups in self.after.items()
        }
        self.before: Choices = {
            kind: [
                kept
                for family in families
                if (
                    kept := [
                        op for op in family.ops if _joins(op) and kind in ACCEPTED_BY[op.gives]
                    ]
                )
            ]
            for kind in PYTHON_TYPE
        }

    def draw(self, family: Family, level: int, chance: Chance) -> Program | None:
        """A program of `level` + 1 nodes around one operation of `family`, or None."""
        suited = [op for op in family.ops if not op.alone or len(op.slots) >= level]
        if not suited:
            return None
        anchor = chance.pick(suited)
        filled = level if anchor.alone else chance.below(min(len(anchor.slots), level) + 1)
        others = level - filled
        ahead = others if not _joins(anchor) else chance.below(others + 1)
        extra = "b" if anchor.second else None
        first = _filled(anchor, filled, chance, extra)
        nodes = [first]
        if first.const == "k":
            extra = "k"
        for _ in range(ahead):
            groups = self.before[nodes[0].op.takes]
            if not groups:
                return None
            node = _filled(chance.pick(chance.pick(groups)), 0, chance, extra)
            if node.op.second and extra is not None:
                return None
            extra = "b" if node.op.second else "k" if node.const == "k" else extra
            nodes.insert(0, node)
        for left in range(others - ahead, 0, -1):
            kind = nodes[-1].op.gives
            groups = self.after[kind] if left == 1 else self.inside[kind]
            if not groups:
                return None
            node = _filled(chance.pick(chance.pick(groups)), 0, chance, extra)
            if node.op.second and extra is not None:
                return None
            extra = "b" if node.op.second else "k" if node.const == "k" else extra
            nodes.append(node)
        return Program(tuple(nodes))


def _grouped(families_ops: list[tuple[Op, ...]], takes: tuple[str, ...]) -> list[list[Op]]:
    chosen = ([op for op in ops if op.takes in takes and not op.alone] for ops in families_ops)
    return [ops for ops in chosen if ops]


def _joins(op: Op) -> bool:
    """Whether something can follow the operation."""
    return not (op.final or op.alone or op.gives == BOOL)


def _filled(op: Op, slots: int, chance: Chance, extra: str | None) -> Node:
    """`op` with constants, wordings and `slots` of its slots drawn; k only where `extra` allows it."""
    const: Const = chance.pick(op.consts) if op.consts else None
    if op.k and extra != "b" and chance.below(_K_SHARE) == 0:
        const = "k"
    chosen = chance.pick(list(combinations(op.slots, slots))) if slots else ()
    expression, expression_const = _unit(EXPRESSIONS, chance) if "E" in chosen else (None, None)
    predicate, predicate_const = _unit(PREDICATES, chance) if "P" in chosen else (None, None)
    says = chance.below(8)
    return Node(
        op=op,
        const=const,
        expression=expression,
        expression_const=expression_const,
        predicate=predicate,
        predicate_const=predicate_const,
        base=chance.pick(BASES) if "B" in chosen else None,
        says=(says & 1, says >> 1 & 1, says >> 2),
    )


def _unit(units: tuple[Unit, ...], chance: Chance) -> tuple[Unit, Const]:
    unit = chance.pick(units)
    return unit, (chance.pick(unit.consts) if unit.consts else None)
