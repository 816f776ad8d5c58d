"""Variations of a solution: other programs that do the same, to teach from.

A rewrite is kept only if the tests pass, if it agrees with the original on inputs made from the
tests' own (results, exceptions and changes of arguments alike, in the sandbox), and if the
invariants its kind promises come out equal when computed again. Execution judges: equal invariants
say nothing about meaning. What computes invariants is given from outside, `neox.topology.features`
as a rule. Seeded: the same task, completion and seed give the same variations.
"""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Literal

from neox.compiler import Program, emit, parse
from neox.datasets.jobs import as_calls, prelude, program_job
from neox.datasets.rewrites import REWRITES, Rewrite
from neox.datasets.task import AssertTest, CallTest, ProgramTest, Task
from neox.sandbox import Asserts, Evaluate, Limits, Sandbox
from neox.sandbox.convert import as_call

Invariants = Callable[[Program], Mapping[str, Any]]
Verdict = Literal["accepted", "unchanged", "broken", "invariants", "tests", "fuzzing"]
FUZZ = 40  # inputs besides the tests' own
# Runs the entry on each row and says what came of it, with the arguments as they were left.
_DRIVER = """

def neox_fuzz(rows):
    out = []
    for row in rows:
        try:
            value = {entry}(*row)
        except Exception as error:
            out.append(["raised", type(error).__name__, row])
        else:
            out.append(["gave", value, row])
    return out
"""


@dataclass(frozen=True, slots=True)
class Variation:
    """One rewrite of a program and what became of it; only `accepted` ones are to be used."""

    rewrite: str
    program: str
    verdict: Verdict


class Variations:
    """Makes and judges variations with a sandbox. `invariants` computes what is compared."""

    def __init__(
        self,
        sandbox: Sandbox,
        invariants: Invariants,
        rewrites: Sequence[Rewrite] = REWRITES,
        limits: Limits | None = None,
    ) -> None:
        self._sandbox, self._invariants = sandbox, invariants
        self._rewrites = rewrites
        self._limits = limits or Limits(cpu_s=2, wall_s=20)

    def of(self, task: Task, completion: str, seed: int = 0, each: int = 1) -> Iterator[Variation]:
        """Up to `each` variations of every kind that applies, judged. ValueError for a completion
        that does not parse, or that is not a solution to begin with.
        """
        text = task.program(completion)
        before = parse(text)
        if before.diagnostics:
            raise ValueError(f"{task.task_id}: the completion does not parse")
        if self._sandbox.run(program_job(task, text, self._limits)).verdict != "pass":
            raise ValueError(f"{task.task_id}: the completion does not pass its own tests")
        known = self._invariants(before)
        rows = self._settled(task, text, seed)
        claim = self._claim(task, text, rows) if rows else None
        canonical = emit(before)
        for rewrite in self._rewrites:
            for number in range(each):
                random = Random(f"{seed} {task.task_id} {rewrite.name} {number}")
                made = varied(text, rewrite, random)
                if made is not None:
                    verdict = self._verdict(task, canonical, made, rewrite, known, rows, claim)
                    yield Variation(rewrite.name, made, verdict)

    def _verdict(
        self,
        task: Task,
        canonical: str,
        made: str,
        rewrite: Rewrite,
        known: Mapping[str, Any],
        rows: list[list[Any]],
        claim: bytes | None,
    ) -> Verdict:
        after = parse(made)
        if after.diagnostics:
            return "broken"
        if made == canonical:
            return "unchanged"
        found = self._invariants(after)
        if any(found[k] != known[k] for k in _kept(rewrite, known)):
            return "invariants"
        if self._sandbox.run(program_job(task, made, self._limits)).verdict != "pass":
            return "tests"
        if claim is None or self._claim(task, made, rows) != claim:
            return "fuzzing"  # and where there is nothing to compare
        return "accepted"

    def _settled(self, task: Task, text: str, seed: int) -> list[list[Any]]:
        """Inputs on which the original comes to an end twice in the same way."""
        own = inputs(task)
        random = Random(f"{seed} {task.task_id} inputs")
        rows = [*own, *mutated(own, FUZZ, random)] if own else []
        while rows:
            claim = self._claim(task, text, rows)
            if claim is not None and claim == self._claim(task, text, rows):
                return rows
            rows = rows[: len(rows) // 2]  # the tests' own come first
        return []

    def _claim(self, task: Task, text: str, rows: list[list[Any]]) -> bytes | None:
        """What the program does with the rows, or None where it comes to no end of its own."""
        code = text + _DRIVER.format(entry=task.entry_point)
        job = Evaluate(code, "neox_fuzz", [copy.deepcopy(rows)], self._limits)
        outcome = self._sandbox.run(job)
        return outcome.claim if outcome.verdict == "pass" else None


def varied(text: str, rewrite: Rewrite, random: Random) -> str | None:
    """The program with one edit of this kind at a place drawn at random; None where it has none."""
    tree = parse(text).tree
    edits = rewrite.edits(tree, random)
    if not edits:
        return None
    random.choice(edits)()
    return emit(tree)


def _kept(rewrite: Rewrite, known: Mapping[str, Any]) -> list[str]:
    """The invariants to compare. ValueError where none of those promised was computed."""
    kept = [name for name in known if not rewrite.keeps or name in rewrite.keeps]
    if not kept:
        raise ValueError(f"none of {', '.join(rewrite.keeps)} is among the invariants")
    return kept


def inputs(task: Task) -> list[list[Any]]:
    """Arguments of the task's own tests and examples, where these can be read as data."""
    entry = task.entry_point
    if entry is None:
        return []
    found = [list(e.args) for e in task.examples]
    pairs = as_calls(task.tests, entry)
    if pairs is not None:
        return found + [arguments for arguments, _ in pairs]
    found += [list(t.args) for t in task.tests if isinstance(t, CallTest)]
    lines = [t.code for t in task.tests if isinstance(t, AssertTest | ProgramTest)]
    call = as_call(Asserts("", "\n".join(lines), entry, prelude=prelude(task)))
    return found + [list(row) for row in call.inputs] if call is not None else found


def mutated(rows: Sequence[Sequence[Any]], count: int, random: Random) -> list[list[Any]]:
    """Rows like those given, with one argument or one thing inside it changed, types kept."""
    out = []
    for _ in range(count):
        row = copy.deepcopy(list(random.choice(rows)))
        if row:
            at = random.randrange(len(row))
            row[at] = changed(row[at], random)
        out.append(row)
    return out


def changed(value: Any, random: Random) -> Any:
    """Another value of the same type."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return random.choice((value + 1, value - 1, -value, 0, value * 2, random.randrange(-9, 99)))
    if isinstance(value, float):
        return random.choice((value + 0.5, -value, 0.0, value * 2, round(value) + 0.25))
    if isinstance(value, str):
        return "".join(_rearranged(list(value), lambda c, r: r.choice("abcXYZ019 .()"), random))
    if isinstance(value, list):
        return _rearranged(value, changed, random)
    if isinstance(value, tuple):
        return tuple(_rearranged(list(value), changed, random, keep_length=True))
    if isinstance(value, dict) and value:
        key = random.choice(list(value))
        return {**value, key: changed(value[key], random)}
    return value


def _rearranged(
    items: list[Any],
    change: Callable[[Any, Random], Any],
    random: Random,
    keep_length: bool = False,
) -> list[Any]:
    """Drop, repeat, swap, cut, or change one item."""
    if not items:
        return items
    at = random.randrange(len(items))
    match "change" if keep_length else random.choice(("drop", "repeat", "swap", "cut", "change")):
        case "drop":
            return items[:at] + items[at + 1 :]
        case "repeat":
            return [*items[: at + 1], items[at], *items[at + 1 :]]
        case "swap":
            to = random.randrange(len(items))
            items[at], items[to] = items[to], items[at]
            return items
        case "cut":
            return items[:at]
        case _:
            return [*items[:at], change(items[at], random), *items[at + 1 :]]


def tally(found: Sequence[Variation]) -> dict[str, Counter[str]]:
    """How often each kind got each verdict."""
    out: dict[str, Counter[str]] = {}
    for one in found:
        out.setdefault(one.rewrite, Counter())[one.verdict] += 1
    return out
