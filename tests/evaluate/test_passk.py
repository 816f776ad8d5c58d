"""pass@k and its interval."""

from __future__ import annotations

from itertools import combinations

import pytest

from neox.evaluate.passk import interval, pass_at_k


@pytest.mark.parametrize(("n", "c", "k"), [(5, 2, 1), (5, 2, 3), (6, 0, 2), (6, 6, 2), (4, 1, 4)])
def test_it_is_the_share_of_subsets_with_a_right_sample(n: int, c: int, k: int) -> None:
    samples = [True] * c + [False] * (n - c)
    subsets = list(combinations(samples, k))
    assert pass_at_k(n, c, k) == pytest.approx(sum(map(any, subsets)) / len(subsets))


@pytest.mark.parametrize(("n", "c", "k"), [(3, 4, 1), (3, 1, 4), (3, 1, 0)])
def test_impossible_counts_are_refused(n: int, c: int, k: int) -> None:
    with pytest.raises(ValueError, match="undefined"):
        pass_at_k(n, c, k)


def test_the_interval_is_that_of_a_binomial_share() -> None:
    low, high = interval([1.0] * 82 + [0.0] * 82)
    assert (low, high) == (pytest.approx(0.5 - 0.0765, abs=0.01), pytest.approx(0.5765, abs=0.01))
