"""The best of many programs, and how sure that is: clusters by behaviour.

Candidates that do the same on all inputs are one cluster; its mass is its share of the candidates.
Clusters that pass more of the given examples come first, then the heavier one (functional
clustering, arXiv 2506.11021). The answer is the cluster's medoid: the text nearest to its siblings;
of equals the one of lower complexity, then the simpler structure. No grading test is looked at.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import Levenshtein

from neox.compiler import parse
from neox.compiler.complexity import analyze
from neox.compiler.walk import walk
from neox.generate.behaviour import Behaviour, Example, behaviours
from neox.generate.confidence import Evidence, confidence
from neox.generate.inputs import probes, signature
from neox.sandbox import Sandbox

_RANKS = ("(1)", "(log(n))", "(n)", "(n*log(n))", "(n**2)", "(n**3)")


@dataclass(frozen=True, slots=True)
class Cluster:
    """members: numbers of the candidates. passed: share of the examples that they pass."""

    members: tuple[int, ...]
    mass: float
    passed: float
    medoid: int
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class Ranking:
    """entry: the function that was called. best: number of the chosen candidate, None where every
    candidate failed to run. clusters: the best first."""

    entry: str
    best: int | None
    confidence: float
    clusters: tuple[Cluster, ...]
    evidence: Evidence


def rank(
    box: Sandbox,
    programs: Sequence[str],
    entry: str | None = None,
    examples: Sequence[Example] = (),
    logprobs: Sequence[float] = (),
) -> Ranking:
    """Choose among whole programs. logprobs: mean per token of each, where known.

    ValueError where no program defines a function to call.
    """
    signed = next((s for p in programs if (s := signature(p, entry)) is not None), None)
    if signed is None:
        raise ValueError(f"no candidate defines {entry or 'a function'}")
    name, annotations = signed
    inputs = probes(annotations, [list(e.args) for e in examples])
    done = behaviours(box, programs, name, inputs, examples)
    return replace(choose(programs, done, logprobs), entry=name)


def choose(
    programs: Sequence[str], done: Sequence[Behaviour], logprobs: Sequence[float] = ()
) -> Ranking:
    """The ranking of candidates whose behaviours are known."""
    groups: dict[tuple[str, tuple[bool, ...]], list[int]] = {}
    for number, behaviour in enumerate(done):
        groups.setdefault((behaviour.key, behaviour.passed), []).append(number)
    clusters = []
    for members in groups.values():
        one = done[members[0]]
        share = sum(one.passed) / len(one.passed) if one.passed else 1.0
        clusters.append(
            Cluster(
                tuple(members),
                len(members) / len(programs),
                share,
                medoid([programs[m] for m in members], members),
                one.trouble,
            )
        )

    def order(cluster: Cluster) -> tuple[Any, ...]:
        likely = max((logprobs[m] for m in cluster.members), default=0.0) if logprobs else 0.0
        return (bool(cluster.trouble), -cluster.passed, -cluster.mass, -likely)

    clusters.sort(key=order)
    best = clusters[0]
    rivals = [c for c in clusters[1:] if not c.trouble and c.passed == best.passed]
    evidence = Evidence(
        mass=best.mass,
        margin=best.mass - max((c.mass for c in rivals), default=0.0),
        among=best.mass / (best.mass + sum(c.mass for c in rivals)),
        passed=best.passed if done[0].passed else None,
        logprob=max((logprobs[m] for m in best.members), default=0.0) if logprobs else 0.0,
    )
    if best.trouble:
        return Ranking("", None, 0.0, tuple(clusters), evidence)
    return Ranking("", best.medoid, confidence(evidence), tuple(clusters), evidence)


def medoid(texts: Sequence[str], numbers: Sequence[int]) -> int:
    """The number of the text nearest to the others; simpler programs among equals."""
    distinct = list(dict.fromkeys(texts))
    totals = {
        text: sum(
            Levenshtein.distance(text, other) / max(len(text), len(other), 1) for other in texts
        )
        for text in distinct
    }
    least = min(totals.values())
    nearest = [text for text in distinct if totals[text] <= least + 1e-9]
    chosen = min(nearest, key=simplicity) if len(nearest) > 1 else nearest[0]
    return numbers[list(texts).index(chosen)]


def simplicity(text: str) -> tuple[int, int, int]:
    """Class of the worst bound, number of nodes, length: less is simpler."""
    program = parse(text)
    worst = 0
    for bound in analyze(program):
        told = f"({bound.upper.expression})" if bound.upper else ""
        worst = max(worst, next((i for i, r in enumerate(_RANKS) if r in told), len(_RANKS)))
    return worst, sum(1 for _ in walk(program.tree)), len(text)
