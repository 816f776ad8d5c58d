"""The losses by name."""

from __future__ import annotations

from collections.abc import Mapping

from neox.objectives.cispo import cispo
from neox.objectives.clip import clip
from neox.objectives.gspo import gspo
from neox.objectives.limits import Loss
from neox.objectives.reinforce import reinforce

LOSSES: Mapping[str, Loss] = {"clip": clip, "gspo": gspo, "cispo": cispo, "reinforce": reinforce}
