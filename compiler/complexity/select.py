"""Which paths the worst case may take: lower bounds over alternatives.

From below, a path counts in full only if some input takes it: its decisions are implied by the
sizes being large, or lie in content the caller may choose (then named as an assumption). Where no
path qualifies, the cheapest counts.
"""

from __future__ import annotations

from neox.compiler.complexity.affine import Affine
from neox.compiler.complexity.growth import ONE, Growth
from neox.compiler.complexity.record import dataclass
from neox.compiler.complexity.values import Condition, State


@dataclass(frozen=True, slots=True)
class Lower:
    low: Growth
    assumed: set[str]


def settled(condition: Condition, sizes: frozenset[Affine] = frozenset()) -> bool | None:
    """True: holds for all large sizes; False: holds for small sizes only; None: depends.

    `sizes` are differences such as hi - lo that the function itself treats as a size.
    """
    value = condition.value
    if condition.kind == "nonzero" and value is not None:
        if value.is_constant:
            return value.const != 0
        if _one_sign(value) or _is_size(value, sizes) or _is_size(-value, sizes):
            return True
        return None
    if condition.kind != "size" or value is None:
        return None
    if value.is_constant:
        return value.const >= 1
    if any("#" in a for a in value.atoms):
        return None
    if all(c > 0 for _, c in value.terms) or _is_size(value, sizes):
        return True
    if all(c < 0 for _, c in value.terms) or _is_size(-value, sizes):
        return False
    return None


def _one_sign(value: Affine) -> bool:
    local = any("#" in a for a in value.atoms)
    return not local and len({c > 0 for _, c in value.terms}) == 1


def _is_size(value: Affine, sizes: frozenset[Affine]) -> bool:
    line = value.linear()
    scaled = line.scale(1 / abs(line.terms[0][1]))
    return scaled in sizes


Alternative = tuple[State, list[Condition], Growth]


def witness(conditions: list[Condition], sizes: frozenset[Affine] = frozenset()) -> set[str] | None:
    """The assumptions under which inputs of every large size take this path, or None."""
    assumed = set()
    if not consistent(conditions):
        return None
    for condition in conditions:
        if (
            condition.kind == "data"
            and (condition.value is None or _apart(condition.value, conditions))
        ) or (condition.kind == "prime" and _prime_is_not(condition)):
            assumed.add(f"path-feasible:{condition.line}")
        elif condition.kind == "data" or settled(condition, sizes) is not True:
            return None
    return assumed


def _prime_is_not(condition: Condition) -> bool:
    """A large prime is not divisible by a constant."""
    divisor = condition.other
    return divisor is not None and divisor.is_constant and divisor.const >= 2


def _apart(gap: Affine, conditions: list[Condition]) -> bool:
    """Does another decision of the path say that two places are not the same?"""
    for c in conditions:
        if c.kind == "nonzero" and c.value in {gap, -gap}:
            return True
        if c.kind == "size" and c.value is not None:
            rest = [c.value - gap, c.value + gap]  # value >= 1, and |gap| >= value
            if any(r.is_constant and r.const <= 0 for r in rest):
                return True
    return False


def consistent(conditions: list[Condition]) -> bool:
    """Can the choices about content hold at once?

    Two outcomes of one comparison must overlap; an operand that is ordered against two different
    things is refused, because the two may contradict each other.
    """
    left: dict[tuple[object, object], frozenset[str]] = {}
    for c in conditions:
        if c.kind == "data" and c.operands is not None:
            left[c.operands] = left.get(c.operands, c.outcomes) & c.outcomes
    if not all(left.values()):
        return False
    for pair, outcomes in left.items():
        for other, others in left.items():
            shared = pair != other and set(pair) & set(other) - {None}
            if shared and not (outcomes == others == _UNEQUAL):
                return False
    return True


_UNEQUAL = frozenset("<>")


def lower_of(paths: list[Alternative], sizes: frozenset[Affine] = frozenset()) -> Lower:
    """The largest cost among paths with a witness; else the part common to all paths."""
    best: Lower | None = None
    for state, conditions, low in paths:
        assumed = witness(conditions, sizes)
        if assumed is None:
            continue
        if best is None or (best.low <= low and not low <= best.low):
            best = Lower(low, assumed | state.assumed_low)
    common = _common(paths, sizes)
    if best is None or best.low <= common.low:
        return common
    return best


def _common(paths: list[Alternative], sizes: frozenset[Affine]) -> Lower:
    live = [p for p in paths if not any(settled(c, sizes) is False for c in p[1])]
    if not live:
        return Lower(ONE, set())
    least = live[0][2]
    for _, _, low in live[1:]:
        least = least if least <= low else low if low <= least else ONE
    return Lower(least, set().union(*(p[0].assumed_low for p in live)))
