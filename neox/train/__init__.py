"""The training run: rollout, score, advantage, update, log, save."""
