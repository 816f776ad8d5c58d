"""The learning rate over a stage."""

from __future__ import annotations


def linear_schedule(step: int, share: float, warmup: int, decay: float) -> float:
    """Factor on the learning rate: up over `warmup` steps, down over the last `decay` share.

    `share` of the stage is done, 0 to 1.
    """
    rise = min(1.0, (step + 1) / (warmup + 1))
    fall = min(1.0, (1 - share) / decay) if decay else 1.0
    return rise * fall
