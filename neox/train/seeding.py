"""Randomness as numbers: every draw has a seed computed from what it is for.

Nothing depends on how many draws came before, so a resumed run draws what the first one would have.
"""

from __future__ import annotations

import hashlib
import random

import numpy as np
import torch


def setseed(seed: int = 42) -> None:
    """Seed Python, numpy and torch (all devices), and ask torch for deterministic algorithms."""
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed)
    torch.use_deterministic_algorithms(True, warn_only=True)


def fold(*parts: int | str) -> int:
    """A 63-bit seed from any parts: `fold(seed, "rollout", step)`."""
    digest = hashlib.sha256("/".join(map(str, parts)).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def generator(*parts: int | str) -> torch.Generator:
    return torch.Generator().manual_seed(fold(*parts))
