"""One rollout into new weights: advantages, losses, optimizer steps.

The actor-critic and the group-relative algorithm differ only in where advantages come from. The
cross-entropy anchor, the entropy bonus and the Wasserstein term are added at their weights.

Shapes: P prompts, G samples per prompt, N = P * G samples, T tokens.
"""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.nn.utils.rnn import pad_sequence

from neox.config import PhaseConfig, RunConfig
from neox.policy.base import Group, Policy
from neox.train.advantages import gae, group_deviation, group_relative, leave_one_out
from neox.train.critics import ValueHead
from neox.train.losses import policy_clip, token_mean
from neox.train.rollout import Rollout
from neox.train.seeding import fold
from neox.train.tracker import Tracker
from neox.train.warmstart import Batches, cross_entropy
from neox.train.wasserstein import WassersteinTerm

Metrics = dict[str, float]


@dataclass(frozen=True, slots=True)
class Advantages:
    """Per token [N, T] with its mask; where there is a critic, also what it should have said."""

    value: Tensor
    mask: Tensor
    mixed: Tensor  # [N], whether the rewards of the sample's group differ
    returns: Tensor | None = None  # [N, T]
    hidden: Tensor | None = None  # [N, T, d]
    siblings: Tensor | None = None  # [N, T], the mean reward of the sample's siblings


class Updater:
    def __init__(self, config: RunConfig, policy: Policy, anchor: Batches | None) -> None:
        self.config, self.policy, self.anchor = config, policy, anchor
        update = config.update
        self.new_optimizer()
        self.tracker = Tracker()
        self.value_head: ValueHead | None = None
        if update.algorithm == "actor-critic":
            width = policy.width()
            self.value_head = ValueHead(width, config.critic.width)
            self.value_optimizer = torch.optim.AdamW(
                self.value_head.parameters(), lr=config.critic.learning_rate, fused=True
            )
        self.wasserstein: WassersteinTerm | None = None
        if config.wasserstein.weight:
            self.wasserstein = WassersteinTerm(config.wasserstein, policy, config.seed)

    def new_optimizer(self) -> None:
        """Forget the moments: reinforcement does not start with those of imitation."""
        self.optimizer = torch.optim.AdamW(
            self.policy.module.parameters(),
            lr=self.config.update.learning_rate,
            weight_decay=self.config.update.weight_decay,
            fused=True,
        )

    def critics(self) -> dict[str, torch.nn.Module]:
        """Trained beside the policy, by name."""
        found: dict[str, torch.nn.Module] = {}
        if self.value_head is not None:
            found["value"] = self.value_head
        if self.wasserstein is not None:
            found["wasserstein"] = self.wasserstein.critic
        return found

    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        """Of the policy and of the critics, by name."""
        found: dict[str, torch.optim.Optimizer] = {"policy": self.optimizer}
        if self.value_head is not None:
            found["value"] = self.value_optimizer
        if self.wasserstein is not None:
            found["wasserstein"] = self.wasserstein.optimizer
        return found

    def step(self, rollout: Rollout, step: int, rate: float, phase: PhaseConfig | None) -> Metrics:
        """Update the weights; `rate` is the schedule's factor on the learning rate."""
        update = self.config.update
        if phase is not None and phase.learning_rate is not None:
            rate *= phase.learning_rate
        for group in self.optimizer.param_groups:
            group["lr"] = update.learning_rate * rate
        entropy_weight = update.entropy
        if phase is not None and phase.entropy is not None:
            entropy_weight = phase.entropy
        advantages = self._advantages(rollout, step)
        metrics = self._policy_steps(rollout, advantages, step, entropy_weight)
        if self.value_head is not None:
            metrics["value_loss"] = self._fit_values(advantages)
        metrics["learning_rate"] = update.learning_rate * rate
        return metrics

    def _advantages(self, rollout: Rollout, step: int) -> Advantages:
        reward, known = self._controlled(*rollout.rewards(), step)
        lengths = [len(s.ids) for s in rollout.samples]
        mask = torch.arange(max(lengths))[None] < torch.tensor(lengths)[:, None]
        relative = group_relative(reward, known)
        mixed = (relative.abs().amax(dim=1) > 0).repeat_interleave(rollout.per_task)
        if self.value_head is None:
            advantages = Advantages(relative.flatten()[:, None] * mask, mask, mixed)
        else:
            advantages = self._from_critic(rollout, reward, known, mask, mixed)
        scale = self.config.update.scale
        if scale == "group":
            deviation = group_deviation(reward, known).repeat_interleave(rollout.per_task, dim=0)
            value = advantages.value / (deviation + 1e-4)
        elif scale == "tracker":
            self.tracker.update(advantages.value[mask])
            value = advantages.value / (self.tracker.std + 1e-4)
        else:
            value = advantages.value
        return dataclasses.replace(advantages, value=value)

    def _from_critic(
        self, rollout: Rollout, reward: Tensor, known: Tensor, mask: Tensor, mixed: Tensor
    ) -> Advantages:
        assert self.value_head is not None
        states = [s.hidden for s in rollout.samples if s.hidden is not None]
        hidden = pad_sequence(states, batch_first=True)
        mask = mask & known.flatten()[:, None]
        siblings = leave_one_out(reward, known).flatten()[:, None].expand_as(mask)
        with torch.no_grad():
            values = self.value_head(hidden, siblings)
        critic = self.config.critic
        value, returns = gae(reward.flatten(), values, mask, critic.gamma, critic.gae_lambda)
        return Advantages(value, mask, mixed, returns, hidden, siblings)

    def _controlled(self, reward: Tensor, known: Tensor, step: int) -> tuple[Tensor, Tensor]:
        """The rewards, or what a control experiment puts in their place."""
        control = self.config.rewards.control
        if control == "constant":
            return torch.ones_like(reward), known
        if control == "shuffled":
            order = list(range(reward.numel()))
            random.Random(fold(self.config.seed, "shuffle", step)).shuffle(order)
            return reward.flatten()[order].view_as(reward), known.flatten()[order].view_as(known)
        return reward, known

    def _policy_steps(
        self, rollout: Rollout, advantages: Advantages, step: int, entropy_weight: float
    ) -> Metrics:
        update = self.config.update
        keep = (advantages.value.abs() * advantages.mask).amax(dim=1) > update.min_advantage
        if self.value_head is not None and self.config.critic.only_mixed:
            # where all samples fared alike, the critic's error is all there is to learn from
            keep &= advantages.mixed
        groups, members = rollout.groups(keep.tolist())
        if self.wasserstein is not None:
            self.wasserstein.begin(rollout)
        totals: Metrics = {}
        norms: list[float] = []
        self.policy.module.train()
        for epoch in range(update.epochs):
            order = list(range(len(groups)))
            random.Random(fold(self.config.seed, "minibatch", step, epoch)).shuffle(order)
            parts = min(update.minibatches, max(1, len(groups)))
            tokens = float(advantages.mask.sum()) / parts
            for part in range(parts):
                chosen = order[part::parts]
                chosen.sort(
                    key=lambda i: len(groups[i].prompt) + sum(map(len, groups[i].completions))
                )
                for start in range(0, len(chosen), update.micro_groups):
                    some = chosen[start : start + update.micro_groups]
                    sums = self._backward(
                        rollout, advantages, groups, members, some, tokens, entropy_weight
                    )
                    for name, value in sums.items():
                        totals[name] = totals.get(name, 0.0) + value
                self._anchor(step * update.epochs * parts + epoch * parts + part)
                norms.append(self._apply())
        count = max(totals.pop("tokens", 0.0), 1.0)
        metrics = {name: value / count for name, value in totals.items()}
        metrics["grad_norm"] = sum(norms) / len(norms)
        metrics["update/samples"] = float(keep.sum())
        metrics |= self.policy.after_step()
        if self.wasserstein is not None:
            metrics |= self.wasserstein.metrics()
        return metrics

    def _backward(
        self,
        rollout: Rollout,
        advantages: Advantages,
        groups: Sequence[Group],
        members: Sequence[Sequence[int]],
        some: Sequence[int],
        tokens: float,
        entropy_weight: float,
    ) -> Metrics:
        """Accumulate the gradient of some groups; returns sums over their tokens."""
        update = self.config.update
        numbers = [n for i in some for n in members[i]]
        scores = self.policy.score([groups[i] for i in some], self.config.rollout.temperature)
        width = scores.mask.shape[1]
        old = pad_sequence([rollout.samples[n].logprobs for n in numbers], batch_first=True)
        advantage = advantages.value[numbers, :width]
        per_token, clipped = policy_clip(
            scores.logprobs, old, advantage, update.clip_low, update.clip_high
        )
        loss = token_mean(per_token, scores.mask, tokens)
        if entropy_weight:
            loss = loss - entropy_weight * token_mean(scores.entropy, scores.mask, tokens)
        if self.wasserstein is not None:
            share = len(numbers) / len(rollout.samples)
            loss = loss + self.wasserstein.policy_loss(scores) * share
        loss.backward()
        mask = scores.mask
        difference = ((scores.logprobs.detach() - old) * mask).abs()
        return {
            "tokens": float(mask.sum()),
            "policy_loss": float((per_token.detach() * mask).sum()),
            "clip_ratio/region_mean": float((clipped & mask).sum()),
            "sampling/sampling_logp_difference/mean": float(difference.sum()),
        }

    def _anchor(self, number: int) -> None:
        weight = self.config.update.anchor
        if weight and self.anchor is not None:
            (weight * cross_entropy(self.policy, self.anchor.at(number))).backward()

    def _apply(self) -> float:
        parameters = self.policy.module.parameters()
        norm = torch.nn.utils.clip_grad_norm_(parameters, self.config.update.max_grad_norm)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        return float(norm)

    def _fit_values(self, advantages: Advantages) -> float:
        """Regress the value head on the returns; its states are fixed, so passes are cheap."""
        assert self.value_head is not None
        assert advantages.hidden is not None
        assert advantages.returns is not None
        assert advantages.siblings is not None
        mask = advantages.mask  # most of a padded batch is padding
        hidden, siblings = advantages.hidden[mask], advantages.siblings[mask]
        returns = advantages.returns[mask]
        first = 0.0
        if not len(returns):
            return first  # every reward of the step failed
        for epoch in range(self.config.critic.epochs):
            loss = F.mse_loss(self.value_head(hidden, siblings), returns)
            self.value_optimizer.zero_grad(set_to_none=True)
            loss.backward()
            self.value_optimizer.step()
            first = first if epoch else float(loss.detach())
        return first
