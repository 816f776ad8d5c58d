"""Is a claimed value right? Driven by the expected value, on decoded plain data only.

The claim comes from a hostile process, but decoding has already made it plain, so == runs no code
of theirs.
"""

from __future__ import annotations

import math
from typing import Any

from neox.sandbox.jobs import Compare


def equal(expected: Any, claimed: Any, mode: Compare = "eq") -> bool:
    """Python's == for "eq", where NaN matches NaN; the same types throughout for "exact"."""
    if mode == "exact" and type(expected) is not type(claimed):
        return False
    if isinstance(expected, float) and math.isnan(expected):
        return isinstance(claimed, float) and math.isnan(claimed)
    if isinstance(expected, (list, tuple)) and type(expected) is type(claimed):
        return len(expected) == len(claimed) and all(
            equal(e, c, mode) for e, c in zip(expected, claimed, strict=True)
        )
    if isinstance(expected, dict) and isinstance(claimed, dict):
        return len(expected) == len(claimed) and all(
            key in claimed and equal(value, claimed[key], mode) for key, value in expected.items()
        )
    return bool(expected == claimed)


def same_words(expected: str, printed: str) -> bool:
    """All words, in order, and no more: a prefix never passes."""
    return expected.split() == printed.split()
