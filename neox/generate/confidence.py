"""From what is known of a chosen answer to the probability that it is right.

A logistic curve over a few features, fitted on development tasks and then fixed: `benchmarks/
choosing.py` fits and judges it on other tasks, and docs/evidence/choosing.md holds the figures.
Another model or kind of task may need another curve; the order of answers hardly changes.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, log


@dataclass(frozen=True, slots=True)
class Evidence:
    """mass: share of the candidates in the chosen cluster; margin: over the next that passes as
    much; among: its share of those that pass as much. passed: share of the given examples, None
    without any. logprob: mean per token of its likeliest member."""

    mass: float
    margin: float
    among: float
    passed: float | None
    logprob: float


@dataclass(frozen=True, slots=True)
class Curve:
    """Weights of: 1, the logit of the mass, the share of examples passed."""

    weights: tuple[float, float, float]

    def __call__(self, evidence: Evidence) -> float:
        z = sum(w * x for w, x in zip(self.weights, features(evidence), strict=True))
        return 1 / (1 + exp(-max(-30.0, min(30.0, z))))


def features(evidence: Evidence) -> tuple[float, float, float]:
    passed = 0.0 if evidence.passed is None else evidence.passed
    return 1.0, _logit(evidence.mass), passed


def _logit(p: float) -> float:
    p = min(max(p, 0.02), 0.98)  # 16 candidates say no more
    return log(p / (1 - p))


WITH_EXAMPLES = Curve((-2.719, 0.475, 4.958))
WITHOUT = Curve((-0.374, 0.524, 0.0))


def confidence(evidence: Evidence) -> float:
    return (WITHOUT if evidence.passed is None else WITH_EXAMPLES)(evidence)
