"""What is maximised: advantages, losses and their normalisation, as pure functions on tensors.

One idea per file. `recipes.py` names the combinations that papers gave names to. To add a loss,
write `loss(logp, old_logp, advantage, mask, limits) -> (per_token, clipped)` and a line in LOSSES.
"""

from neox.objectives.recipes import RECIPES, Recipe

__all__ = ["RECIPES", "Recipe"]
