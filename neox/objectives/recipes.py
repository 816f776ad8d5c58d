"""The algorithms with names, as data: which advantage, which loss, which normalisation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Baseline = Literal["group", "leave_one_out", "none", "critic"]
Scale = Literal["none", "group", "tracker"]
Kind = Literal["token", "sequence", "sequence_sum", "constant"]
LossName = Literal["clip", "gspo", "cispo", "reinforce"]


@dataclass(frozen=True, slots=True)
class Recipe:
    """baseline: what is taken from the reward; scale: what the advantage is divided by; loss and
    its limits; normalise: over what the loss is averaged."""

    baseline: Baseline = "group"
    scale: Scale = "group"
    loss: LossName = "clip"
    normalise: Kind = "token"
    clip_low: float = 0.2
    clip_high: float = 0.2
    ratio_cap: float = 5.0


RECIPES: Mapping[str, Recipe] = {
    # with the token mean its users have settled on; the paper's is update.normalise=sequence
    "grpo": Recipe(),
    "dr-grpo": Recipe(scale="none", normalise="constant"),
    "dapo": Recipe(clip_high=0.28),
    "gspo": Recipe(loss="gspo", normalise="sequence", clip_low=3e-4, clip_high=4e-4),
    "cispo": Recipe(loss="cispo"),
    "rloo": Recipe(
        baseline="leave_one_out", scale="none", loss="reinforce", normalise="sequence_sum"
    ),
    "reinforce": Recipe(baseline="none", scale="none", loss="reinforce", normalise="sequence_sum"),
    # PPO: a value head, generalised advantages, the clip
    "actor-critic": Recipe(baseline="critic"),
}
