"""What can write programs: `load(name)` gives a `Policy` from a run folder or a model folder."""

from neox.policy.base import Completion, Group, Policy, Sampling, Scores
from neox.policy.load import load

__all__ = ["Completion", "Group", "Policy", "Sampling", "Scores", "load"]
