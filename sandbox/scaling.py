"""How the running time of a function grows, measured: fresh inputs of geometric sizes, operations
counted, and the slope of their logarithms with its confidence interval.

The counts are the same in every run and on every machine, but they are claims of the measured
program's process; beside them stands the CPU time seen from outside, which cannot be forged and
which shows work that the counts leave out. Knows nothing about contracts or syntax trees.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from statistics import fmean
from typing import Any

from neox.sandbox.codec import CodecError, encode, parse
from neox.sandbox.jobs import Count, Evaluate
from neox.sandbox.outcome import Limits, Outcome
from neox.sandbox.sandbox import Sandbox

# 97.5 % points of Student's t for 1, 2, 3, ... degrees of freedom; beyond, the normal one's.
_T = (
    12.71, 4.30, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26, 2.23, 2.20, 2.18, 2.16, 2.14, 2.13,
    2.12, 2.11, 2.10, 2.09, 2.09, 2.08, 2.07, 2.07, 2.06, 2.06, 2.06, 2.05, 2.05, 2.05, 2.04,
)  # fmt: skip
_MIN_CPU_S = 2e-3  # below this the clock sees the start of a process, not the function
_HIDDEN = 0.35  # CPU time may grow so much faster (caches, collections) before it says something
LIMITS = Limits(cpu_s=10, wall_s=30, memory_mb=1024)


@dataclass(frozen=True, slots=True)
class Generator:
    """A program that makes inputs, run in the sandbox: `entry(size, seed)` returns the arguments.

    Its seed is an integer, new for each input; a generator that ignores it measures one input.
    """

    code: str
    entry: str = "generate"


Inputs = Callable[[int, Random], Sequence[Any]] | Generator


@dataclass(frozen=True, slots=True)
class Point:
    """One execution: input size, operations claimed, CPU seconds seen, less those of its start."""

    size: int
    operations: int
    cpu_s: float


@dataclass(frozen=True, slots=True)
class Fit:
    """A slope of logarithms with the ends of its 95 % interval, from so many points."""

    slope: float
    low: float
    high: float
    points: int


@dataclass(frozen=True, slots=True)
class Scaling:
    """What was measured. `stopped` says why larger sizes were not, empty when all were."""

    points: tuple[Point, ...]
    stopped: str
    seed: int

    def slope(self, cost: Callable[[int], float] = lambda _: 1.0) -> Fit | None:
        """The slope of log(operations / cost(size)) over log(size), on the larger half of sizes.

        Without a cost it is the exponent: about 1 for linear, 2 for quadratic, 0 for constant. With
        one it is about 0 where both grow alike. None with fewer than three sizes; ValueError where
        `cost` is not positive.
        """
        return self._fit([(p.size, p.operations) for p in self.points], cost)

    def cpu_slope(self, cost: Callable[[int], float] = lambda _: 1.0) -> Fit | None:
        """The same from CPU time, where it is long enough to be measured."""
        return self._fit([(p.size, p.cpu_s) for p in self.points if p.cpu_s > _MIN_CPU_S], cost)

    def exceeds(self, cost: Callable[[int], float], margin: float = 0.08) -> bool | None:
        """Does the count grow faster than `cost`? None when the points cannot tell.

        True when even the low end of the interval is above `margin`, False when its high end is
        below. A logarithm's factor has a slope of about 0.15 at sizes of some hundreds.
        """
        fit = self.slope(cost)
        if fit is None or fit.low <= margin <= fit.high:
            return None
        return fit.low > margin

    @property
    def hidden(self) -> bool:
        """CPU time grows clearly faster than the counts: they miss something, or lie."""
        counted, seen = self.slope(), self.cpu_slope()
        return counted is not None and seen is not None and seen.low > counted.high + _HIDDEN

    def _fit(self, pairs: list[tuple[int, float]], cost: Callable[[int], float]) -> Fit | None:
        sizes = sorted({size for size, _ in pairs})
        if len(sizes) < 3:
            return None
        smallest = sizes[min(len(sizes) // 2, len(sizes) - 3)]
        rows = [(n, max(value, 1e-9) / _positive(cost, n)) for n, value in pairs if n >= smallest]
        return _line([math.log(n) for n, _ in rows], [math.log(value) for _, value in rows])


def _positive(cost: Callable[[int], float], size: int) -> float:
    value = cost(size)
    if not value > 0:
        raise ValueError(f"the cost at size {size} must be positive, not {value}")
    return value


def _line(xs: list[float], ys: list[float]) -> Fit:
    """Least squares, with Student's interval for the slope."""
    x, y = fmean(xs), fmean(ys)
    spread = sum((a - x) ** 2 for a in xs)
    slope = sum((a - x) * (b - y) for a, b in zip(xs, ys, strict=True)) / spread
    left = sum((b - y - slope * (a - x)) ** 2 for a, b in zip(xs, ys, strict=True))
    free = len(xs) - 2
    half = (_T[free - 1] if free <= len(_T) else 1.96) * math.sqrt(left / free / spread)
    return Fit(slope, slope - half, slope + half, len(xs))


def geometric(first: int, last: int, factor: float = 2.0) -> tuple[int, ...]:
    """Whole sizes from `first` to at most `last`, each about `factor` times the one before."""
    sizes, size = [], float(first)
    while round(size) <= last:
        sizes.append(round(size))
        size = max(size * factor, size + 1)
    return tuple(sizes)


def measure_scaling(
    box: Sandbox,
    code: str,
    entry: str,
    inputs: Inputs,
    sizes: Sequence[int] = geometric(16, 2048),
    *,
    trials: int = 3,
    seed: int = 0,
    most: int = 2_000_000,
    limits: Limits = LIMITS,
) -> Scaling:
    """Count what `entry` of `code` does on `trials` fresh inputs of each size, smallest first.

    inputs: how they are given, one of two ways. A function `inputs(size, random)` of the caller's,
    called here in the caller's process, which returns the list of arguments (plain data) and draws
    from `random` alone, which is seeded from `seed`, size and trial. Or a `Generator`, a program
    that runs in a jail of its own and whose result goes into the measured program's jail unread:
    for input makers that are not trusted. What "size" means is theirs to decide.
    sizes: ascending; measuring ends at the first where an execution needs more than `most`
    operations, hits a limit or raises, and `Scaling.stopped` says so.
    Raises ValueError when an input is not plain data or the generator fails.

    >>> with Sandbox(workers=1) as box:
    ...     numbers = lambda n, random: [[random.random() for _ in range(n)]]
    ...     round(measure_scaling(box, "def f(a): return sum(a)", "f", numbers).slope().slope)
    1
    """
    points: list[Point] = []
    for size in sizes:
        made = [_make(box, inputs, size, seed, trial, limits) for trial in range(trials)]
        idle = box.submit(Count(code, entry, made[0], most, False, limits))
        runs = [box.submit(Count(code, entry, arguments, most, True, limits)) for arguments in made]
        start, outcomes = idle.result(), [run.result() for run in runs]
        bad = next((why for o in (start, *outcomes) if (why := _failed(o, most))), None)
        if bad:
            return Scaling(tuple(points), f"at size {size}: {bad}", seed)
        points += [Point(size, _count(o), max(0.0, o.cpu_s - start.cpu_s)) for o in outcomes]
    return Scaling(tuple(points), "", seed)


def _make(box: Sandbox, inputs: Inputs, size: int, seed: int, trial: int, limits: Limits) -> bytes:
    random = Random(f"{seed} {size} {trial}")
    if not isinstance(inputs, Generator):
        return encode(list(inputs(size, random)))
    arguments = (size, random.getrandbits(31))
    made = box.run(Evaluate(inputs.code, inputs.entry, arguments, limits))
    if made.verdict != "pass":
        raise ValueError(f"the generator at size {size}: {made.verdict} {made.detail}".rstrip())
    if type(parse(made.claim)) is list:
        return made.claim
    raise ValueError(f"the generator at size {size} must return a list of arguments")


def _failed(outcome: Outcome, most: int) -> str:
    """Why this execution says nothing about growth; empty when it does."""
    if outcome.verdict != "pass":
        return f"{outcome.verdict} ({outcome.detail})"
    count = _count(outcome)
    return f"over {most} operations" if count < 0 else ""


def _count(outcome: Outcome) -> int:
    try:
        count = parse(outcome.claim)
    except CodecError:
        count = None
    return count if type(count) is int else -1
