"""`analyze(program)`: a `Bound` for every function of a file.

Each function is executed symbolically; its paths give a cost directly or a recurrence. Functions
that call each other are summarised callee first. Analysis never raises on any tree and its work is
capped; what it gives up on is reported as unknown with the reason.
"""

from __future__ import annotations

from collections.abc import Mapping

from neox.compiler.complexity.affine import Affine
from neox.compiler.complexity.bound import UNKNOWN, Bound, Evidence, Side
from neox.compiler.complexity.calls import Summary
from neox.compiler.complexity.exponent import Undecided
from neox.compiler.complexity.growth import ONE, Growth
from neox.compiler.complexity.inputs import MARK
from neox.compiler.complexity.loops import Loops
from neox.compiler.complexity.memo import memo_fixed, memo_guard
from neox.compiler.complexity.recursion import solve
from neox.compiler.complexity.remembered import remembered
from neox.compiler.complexity.select import lower_of
from neox.compiler.complexity.solution import Solution
from neox.compiler.complexity.sums import settle
from neox.compiler.complexity.unit import Function, Unit, read
from neox.compiler.complexity.values import (
    YIELDED,
    Container,
    Element,
    GaveUp,
    Parameter,
    Reference,
    State,
    Unknown,
    Value,
)
from neox.compiler.program import Program

NAMES = "nmkpqrstuvw"


def analyze(program: Program, path: str | None = None, *, count_input: bool = False) -> list[Bound]:
    """Bounds of all functions in the order of the text, nested ones and methods included.

    >>> from neox.compiler import parse
    >>> [bound] = analyze(parse("def f(a):\\n    for x in a:\\n        print(1)\\n"))
    >>> bound.theta, bound.parameters
    ('n', (('n', 'len(a)'),))
    """
    unit = read(program.tree, program.text)
    unit.count_input = count_input
    for problem in program.diagnostics:  # a mended tree is not what was written
        for f in (*unit.functions, unit.module):
            if f is None:
                continue
            if unit.line(f.node.start) <= problem.line <= unit.line(f.node.end):
                f.odd = "does not parse"
    analysis = Analysis(unit)
    bounds = [analysis.bound(f, path) for f in unit.functions]
    if unit.reads and unit.module is not None:
        from neox.compiler.complexity.whole import whole  # scripts alone need it: start-up counts

        bounds.append(whole(analysis.bound(unit.module, path), program.tree))
    return bounds


class Analysis:
    """Summaries of the functions of one file, each made once."""

    def __init__(self, unit: Unit) -> None:
        self.unit = unit
        self.done: dict[int, Summary] = {}
        self.active: list[Function] = []

    def bound(self, function: Function, path: str | None) -> Bound:
        summary = self.summary(function)
        names = _names(function, summary)
        parameters = tuple((name, size.text().replace(MARK, "")) for size, name in names.items())
        return Bound(
            function.name,
            self.unit.line(function.node.start),
            tuple(sorted(parameters)),
            _side(summary.low, summary.assumed_low, names, lower=True),
            _side(summary.high, summary.assumed_high, names, lower=False),
            tuple(sorted(x.replace(MARK, "") for x in summary.notes)),
            path,
            tuple(x.replace(MARK, "") for x in summary.trace),
        )

    def summary(self, function: Function) -> Summary:
        key = id(function)
        if key not in self.done:
            if function in self.active or len(self.active) > 32:
                return _nothing("a cycle of calls")
            self.active.append(function)
            try:
                self.done[key] = self._analyse(function)
            except (GaveUp, Undecided) as reason:
                self.done[key] = _nothing(str(reason))
            except RecursionError:
                self.done[key] = _nothing("nested too deeply to analyse")
            finally:
                self.active.pop()
        return self.done[key]

    def _analyse(self, function: Function) -> Summary:
        if function.odd is not None:
            return _nothing(function.odd)
        plain = self._run(function, ("unknown", None))
        recursive = any(s.calls for s in plain[1])
        lengths = [
            Affine.atom(f"len({p})") for p in function.parameters if p in function.containers
        ]
        if recursive and plain[0].result_kind == "container":
            for length in lengths:  # guess the size of the result, and keep what proves itself
                tried = self._run(function, ("container", length))[0]
                if tried.result_length == length:
                    return tried
            return self._run(function, ("container", None))[0]
        return plain[0]

    def _run(
        self, function: Function, result: tuple[str, Affine | None]
    ) -> tuple[Summary, list[State]]:
        loops = Loops(self.unit, function, self.summary)
        loops.result = result
        env: dict[str, Value] = {p: Parameter(p) for p in function.parameters}
        if function.receiver is not None:
            env[function.receiver] = Unknown(heavy=True)
        heap: dict[str, Container] = {}
        if function.generator:
            env[YIELDED] = Reference(YIELDED)
            heap[YIELDED] = Container("list", Affine(), Element("", False), built=True)
        body, remember = list(function.node.body), function.cached
        guard = memo_guard(function)
        if guard is not None:
            body, remember = [s for s in body if s is not guard], True
        states = [s for s in loops.block(body, [State(env, heap)])]
        self._settle(loops, states)
        if any(s.calls for s in states):
            fixed = set() if guard is None else memo_fixed(function, guard)
            solution = (
                remembered(states, loops.facts, fixed) if remember else solve(states, loops.facts)
            )
        else:
            solution = _straight(states)
        kind, length = _result(loops, states)
        high_assumed = set().union(*(s.assumed_high for s in states))
        if remember:
            high_assumed.add("hash-O1")
        notes = solution.notes.union(*(s.notes for s in states))
        if solution.high is not None and any(" >= " in x for x in solution.notes):
            high_assumed |= {x for x in solution.notes if " >= " in x}
        high_assumed |= {x for x in solution.notes if x.startswith("tree:")}
        if "cold-cache" in solution.notes:
            high_assumed.add("cold-cache")
            solution.assumed_low.add("cold-cache")
        summary = Summary(
            solution.low,
            solution.high,
            frozenset(solution.assumed_low),
            frozenset(high_assumed),
            frozenset(notes - {"cold-cache"}),
            kind,
            length,
            _number(loops, states),
            tuple(solution.trace),
        )
        return summary, states

    def _settle(self, loops: Loops, states: list[State]) -> None:
        """Express every cost in sizes at entry alone."""
        local = loops.facts.local
        for s in states:
            if s.high is not None:
                s.high = settle(s.high, loops.facts, local, True)
                if s.high is None:
                    s.notes.add("a size inside the function is unbounded")
            s.low = settle(s.low, loops.facts, local, False) or ONE
            least = loops.facts.lower(s.rounds)
            if least is not None and least.terms and all(c > 0 for _, c in least.terms):
                s.low = s.low + Growth.size(least)


def _straight(states: list[State]) -> Solution:
    """No recursion: the largest path from above; from below what some input must pay."""
    high: Growth | None = ONE
    for s in states:
        high = None if high is None or s.high is None else high + s.high
    sizes = high.sizes if high is not None else frozenset()
    low = lower_of([(s, s.conditions, s.low) for s in states], sizes)
    return Solution(low.low, high, set(low.assumed))


def _result(loops: Loops, states: list[State]) -> tuple[str, Affine | None]:
    """What the function returns, where all its paths agree."""
    kinds: set[str] = set()
    lengths: list[Affine | None] = []
    for s in states:
        if s.status == "raise":
            continue
        value = Reference(YIELDED) if YIELDED in s.heap else s.result
        known = loops.heavy(value) or (
            isinstance(value, Parameter) and loops.is_container(value.name)
        )
        kinds.add("container" if known else "unknown")
        if known:
            lengths.append(loops.length(value, s))
    if "container" not in kinds:
        return "unknown", None
    agreed = len(kinds) == 1 and lengths and all(x == lengths[0] for x in lengths)
    length = lengths[0] if agreed else None
    if length is not None and any("#" in a for a in length.atoms):
        length = None
    return "container", length


def _number(loops: Loops, states: list[State]) -> tuple[Affine | None, Affine | None, bool] | None:
    """Between which sizes a returned number lies; whether the caller may choose it there."""
    ends: set[tuple[Affine | None, Affine | None]] = set()
    chosen = True
    for s in states:
        if s.status == "raise":
            continue
        number = loops.number(s.result, s)
        if number is None:
            return None
        ends.add((loops.facts.lower(number), loops.facts.upper(number)))
        local = set(number.atoms) & loops.facts.local
        chosen = chosen and len(local) == 1 and local <= loops.facts.choice
    if len(ends) != 1:
        return None
    low, high = ends.pop()
    return None if low is None and high is None else (low, high, chosen)


def _nothing(reason: str) -> Summary:
    return Summary(ONE, None, frozenset(), frozenset(), frozenset([reason]), "unknown", None)


def _side(
    growth: Growth | None, assumed: frozenset[str], names: Mapping[Affine, str], *, lower: bool
) -> Side:
    if growth is None:
        return UNKNOWN
    if lower and growth == ONE:
        return Side("1", "proved", ONE)
    evidence: Evidence = "assumed" if assumed else "proved"
    return Side(growth.text(names), evidence, growth, tuple(sorted(assumed)))


def _names(function: Function, summary: Summary) -> dict[Affine, str]:
    """A short name per size: the parameter's own for a value, else n, m, k, ... in turn."""
    sizes = set(summary.low.sizes)
    if summary.high is not None:
        sizes |= summary.high.sizes
    ordered = sorted(sizes, key=lambda s: _position(function, s))
    if len(ordered) == 1:
        return {ordered[0]: "n"}
    names: dict[Affine, str] = {}
    for size in ordered:
        if len(size.terms) == 1 and size.terms[0][1] == 1 and size.atoms[0].isidentifier():
            names[size] = size.atoms[0]
        elif len(size.terms) == 1 and size.text().removesuffix(MARK).isidentifier():
            names[size] = size.text().removesuffix(MARK)
    free = (x for x in (*NAMES, *(f"n{i}" for i in range(99))) if x not in names.values())
    for size in ordered:
        if size not in names:
            names[size] = next(free)
    return names


def _position(function: Function, size: Affine) -> tuple[int, str]:
    order = {p: i for i, p in enumerate(function.parameters)}
    inside = [i for p, i in order.items() if any(p in a for a in size.atoms)]
    return (min(inside, default=99), size.text())
