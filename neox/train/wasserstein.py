"""The Wasserstein term: sampled programs should look like programs that passed their tests.

Real sequences are the passing samples of the rollout. The policy's are drawn from its logits by
straight-through Gumbel-softmax, so that the critic's gradient reaches the weights. The term is zero
in a step without a passing sample.

Shapes: N samples, T tokens, V vocabulary.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.nn.utils.rnn import pad_sequence

from neox.config import WassersteinConfig
from neox.policy.base import Policy, Scores
from neox.rewards import Scored
from neox.train.critics import WassersteinCritic, critic_loss, straight_through
from neox.train.rollout import Rollout
from neox.train.seeding import generator


class WassersteinTerm:
    def __init__(self, config: WassersteinConfig, policy: Policy, seed: int) -> None:
        self.config, self.policy, self._seed = config, policy, seed
        self.vocab = policy.vocab_size()
        self.critic = WassersteinCritic(self.vocab, config.width)
        self.optimizer = torch.optim.AdamW(
            self.critic.parameters(), lr=config.learning_rate, betas=(0.0, 0.9), fused=True
        )
        self._real: list[Tensor] = []
        self._generator = torch.Generator()
        self._step = 0
        self._gaps: list[float] = []

    def begin(self, rollout: Rollout) -> None:
        """Collect this rollout's passing samples."""
        self._real = [
            torch.tensor(sample.ids)
            for sample, score in zip(rollout.samples, rollout.scores, strict=True)
            if isinstance(score, Scored) and score.parts.get("tests") == 1.0
        ]
        self._generator = generator(self._seed, "wasserstein", self._step)
        self._step += 1
        self._gaps = []

    def policy_loss(self, scores: Scores) -> Tensor:
        """Train the critic on these samples, then -weight * mean critic score of the policy's."""
        if not self._real:
            return scores.logprobs.new_zeros(())
        logits = self.policy.token_logits(scores.hidden)
        fake = straight_through(logits, self.config.gumbel_temperature, self._generator)
        real, real_mask = self._draw(*scores.mask.shape)
        for _ in range(self.config.critic_steps):
            loss = critic_loss(
                self.critic,
                real,
                real_mask,
                fake.detach(),
                scores.mask,
                self.config.gradient_penalty,
                self._generator,
            )
            self.optimizer.zero_grad(set_to_none=True)
            loss.backward()
            self.optimizer.step()
        self.critic.requires_grad_(False)
        score = self.critic(fake, scores.mask).mean()
        with torch.no_grad():
            self._gaps.append(float(self.critic(real, real_mask).mean() - score))
        self.critic.requires_grad_(True)
        term: Tensor = -self.config.weight * score
        return term

    def _draw(self, count: int, width: int) -> tuple[Tensor, Tensor]:
        """`count` passing samples with replacement, one-hot [count, width, V], and their mask."""
        picks = torch.randint(len(self._real), (count,), generator=self._generator).tolist()
        ids = pad_sequence(
            [self._real[i][:width] for i in picks], batch_first=True, padding_value=-1
        )
        ids = F.pad(ids, (0, width - ids.shape[1]), value=-1)
        mask = ids >= 0
        one_hot = F.one_hot(ids.clamp_min(0), self.vocab).float() * mask[..., None]
        return one_hot, mask

    def metrics(self) -> dict[str, float]:
        if not self._gaps:
            return {}
        return {"wasserstein/gap": sum(self._gaps) / len(self._gaps)}

    def state(self) -> dict[str, int]:
        return {"step": self._step}

    def restore(self, state: dict[str, int]) -> None:
        self._step = state["step"]
