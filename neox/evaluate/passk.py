"""pass@k without bias, and its confidence interval over tasks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def pass_at_k(n: int, c: int, k: int) -> float:
    """Chance that k of n samples, c of them right, contain a right one: 1 - C(n-c, k) / C(n, k).

    The estimator of Chen et al. 2021, arXiv 2107.03374, section 2.1, as a product.
    """
    if not 0 <= c <= n or not 1 <= k <= n:
        raise ValueError(f"pass@{k} of {c} right among {n} samples is undefined")
    if n - c < k:
        return 1.0
    missed = 1.0
    for i in range(n - c + 1, n + 1):
        missed *= 1 - k / i
    return 1 - missed


def interval(values: Sequence[float], seed: int = 0, resamples: int = 2000) -> tuple[float, float]:
    """95 % bootstrap interval of the mean over tasks; (nan, nan) for no tasks."""
    if not values:
        return float("nan"), float("nan")
    rng = np.random.default_rng(seed)
    data = np.asarray(values)
    means = data[rng.integers(0, len(data), (resamples, len(data)))].mean(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    return float(low), float(high)
