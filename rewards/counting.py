"""Operations counted in the sandbox, beside what is claimed about a function.

The largest count of all input families stands for the worst case at each size. Agreement is no
proof; a count that grows faster than the claim contradicts it; what could not be run says why.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

from neox.compiler.complexity import Bound
from neox.compiler.complexity.evaluate import NoSize, cost
from neox.compiler.complexity.growth import Growth
from neox.compiler.complexity.unit import Function
from neox.rewards.inputs import MAX_FAMILIES, families
from neox.sandbox import Sandbox
from neox.sandbox.outcome import Limits
from neox.sandbox.scaling import Point, Scaling, geometric, measure_scaling

SIZES = geometric(16, 512)
STEPS = tuple(range(4, 17, 2))  # for exponential growth
MOST = 400_000
LIMITS = Limits(cpu_s=5, wall_s=20, memory_mb=512)
MIN_SIZES = 5
STILL = frozenset({"zero", "absent", "from 0"})  # parts of an input that do not grow


@dataclass(frozen=True, slots=True)
class Checked:
    """`agrees`: True, False (a contradiction) or None (too little was run to say)."""

    agrees: bool | None
    tight: bool
    inputs: tuple[str, ...]
    sizes: tuple[int, ...]
    operations: tuple[int, ...]
    detail: str

    def to_json(self) -> dict[str, Any]:
        word = {True: "agrees", False: "CONTRADICTS", None: "not decided"}[self.agrees]
        tight = "; some input reaches it" if self.tight else ""
        text = f"{word} on {len(self.sizes)} sizes of {len(self.inputs)} input families{tight}"
        return {
            "verdict": text + (f" ({self.detail})" if self.detail else ""),
            "agrees": self.agrees,
            "tight": self.tight,
            "inputs": list(self.inputs),
            "sizes": list(self.sizes),
            "operations": list(self.operations),
        }


def check(
    box: Sandbox,
    code: str,
    function: Function,
    bound: Bound,
    claim: Growth,
    *,
    sizes: tuple[int, ...] | None = None,
    most: int = MOST,
    most_families: int = MAX_FAMILIES,
) -> Checked:
    """Count on every family of inputs that the function accepts, and compare with the claim."""
    steep = any(f.factorial or f.rate != 1 for m in claim.monomials for _, f in m)
    chosen = sizes or (STEPS if steep else SIZES)
    names: list[str] = []
    largest: dict[int, int] = {}
    costs: dict[int, float] = {}
    tight, tried, detail = False, 0, "no inputs fit"
    cut = ""  # an input that fits but could not be followed to five sizes: no agreement
    grows = False
    for label, parameters, make in families(function, bound):
        if len(names) >= most_families or tried > 3 * most_families:
            break
        tried += 1
        cost_of = _cost(claim, parameters, make)
        if cost_of is None:
            detail = "the sizes of the bound are not those of arguments"
            continue
        try:
            found = measure_scaling(
                box, code, function.name, make, chosen, trials=1, most=most, limits=LIMITS
            )
        except ValueError as error:
            detail = str(error)
            continue
        if len({p.size for p in found.points}) < MIN_SIZES:
            detail = found.stopped or detail
            cut = cut or (detail if found.points else "")
            continue
        names.append(label)
        grows = grows or any(part not in STILL for part in label.split(", "))
        fit = found.slope(cost_of)
        tight = tight or (fit is not None and fit.high > -0.12)
        if found.exceeds(cost_of):
            counts = {p.size: p.operations for p in found.points}
            return Checked(
                False, tight, (label,), tuple(counts), tuple(counts.values()), f"input: {label}"
            )
        for p in found.points:
            largest[p.size] = max(largest.get(p.size, 0), p.operations)
            costs[p.size] = max(costs.get(p.size, 0.0), cost_of(p.size))
    if not names:
        return Checked(None, False, (), (), (), detail)
    sizes = tuple(n for n in chosen if n in largest)
    worst = Scaling(tuple(Point(n, largest[n], 0.0) for n in sizes), "", 0)
    exceeds = worst.exceeds(lambda n: costs[n])
    if cut or not grows:
        return Checked(None, tight, tuple(names), sizes, (), cut or "no input that grows fits")
    return Checked(
        None if exceeds is None else not exceeds,
        tight,
        tuple(names),
        sizes,
        tuple(largest[n] for n in sizes),
        "the slope is too uncertain" if exceeds is None else "",
    )


def _cost(claim: Growth, parameters: list[str], make: Any) -> Callable[[int], float] | None:
    """The claim as a function of the family's size; None where its sizes are not arguments'."""

    def value(size: int) -> float:
        arguments = make(size, Random(f"0 {size} 0"))
        return cost(claim, dict(zip(parameters, arguments, strict=True)))

    try:
        value(16)
        value(17)
    except (NoSize, TypeError):
        return None
    return value
