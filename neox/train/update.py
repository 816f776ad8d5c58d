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
from neox.objectives import kl
from neox.objectives.advantages import gae, group_deviation, group_relative, leave_one_out
from neox.objectives.limits import Limits
from neox.objectives.losses import LOSSES
from neox.objectives.normalise import Totals, share
from neox.policy.base import Group, Policy
from neox.train.alone import Alone
from neox.train.critics import ValueHead
from neox.train.rollout import Rollout
from neox.train.seeding import fold
from neox.train.sharding import sum_loads
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
    """`reference` is the policy that the divergence is measured from; set where that has weight."""

    reference: Policy | None = None

    def __init__(
        self,
        config: RunConfig,
        policy: Policy,
        anchor: Batches | None,
        ranks: Alone = Alone(),  # noqa: B008 - frozen
    ) -> None:
        self.config, self.policy, self.anchor, self.ranks = config, policy, anchor, ranks
        self.recipe = config.update.recipe()
        self.new_optimizer()
        self.tracker = Tracker()
        self.value_head: ValueHead | None = None
        if self.recipe.baseline == "critic":
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
        if self.value_head is not None:
            advantages = self._from_critic(rollout, reward, known, mask, mixed)
        else:
            if self.recipe.baseline == "leave_one_out":
                relative = (reward - leave_one_out(reward, known)) * (known.sum(1, True) > 1)
            elif self.recipe.baseline == "none":
                relative = reward
            relative = torch.where(known, relative, 0.0)
            advantages = Advantages(relative.flatten()[:, None] * mask, mask, mixed)
        scale = self.recipe.scale
        if scale == "group":
            deviation = group_deviation(reward, known).repeat_interleave(rollout.per_task, dim=0)
            value = advantages.value / (deviation + 1e-4)
        elif scale == "tracker":
            self.tracker.update(torch.cat(self.ranks.gather(advantages.value[mask])))
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
            parts = min(update.minibatches, max(1, self.ranks.max(len(groups))))
            whole = Totals(
                self.ranks.sum(float(advantages.mask.sum())) / parts,
                self.ranks.sum(len(advantages.mask)) / parts,
                self.config.rollout.max_new_tokens,
            )
            for part in range(parts):
                chosen = order[part::parts]
                chosen.sort(
                    key=lambda i: len(groups[i].prompt) + sum(map(len, groups[i].completions))
                )
                size = update.micro_groups
                batches = [chosen[i : i + size] for i in range(0, len(chosen), size)]
                # ranks meet in every backward pass, so all must make equally many
                for some in batches + [[]] * (self.ranks.max(len(batches)) - len(batches)):
                    if not some:
                        self._idle(rollout)
                        continue
                    sums = self._backward(
                        rollout, advantages, groups, members, some, whole, entropy_weight
                    )
                    for name, value in sums.items():
                        totals[name] = totals.get(name, 0.0) + value
                self._anchor(step * update.epochs * parts + epoch * parts + part)
                norms.append(self._apply())
        totals = self.ranks.sums(totals)
        count = max(totals.pop("tokens", 0.0), 1.0)
        metrics = {name: value / count for name, value in totals.items()}
        metrics["grad_norm"] = sum(norms) / len(norms)
        metrics["update/samples"] = self.ranks.sum(float(keep.sum()))
        sum_loads(self.policy.module, self.ranks)
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
        whole: Totals,
        entropy_weight: float,
    ) -> Metrics:
        """Accumulate the gradient of some groups; returns sums over their tokens."""
        update = self.config.update
        numbers = [n for i in some for n in members[i]]
        scores = self.policy.score([groups[i] for i in some], self.config.rollout.temperature)
        width = scores.mask.shape[1]
        device = scores.logprobs.device
        old = pad_sequence([rollout.samples[n].logprobs for n in numbers], batch_first=True)
        old, advantage = old.to(device), advantages.value[numbers, :width].to(device)
        recipe, mask = self.recipe, scores.mask
        limits = Limits(recipe.clip_low, recipe.clip_high, recipe.ratio_cap)
        per_token, clipped = LOSSES[recipe.loss](scores.logprobs, old, advantage, mask, limits)
        loss = share(per_token, mask, recipe.normalise, whole)
        if entropy_weight:
            loss = loss - entropy_weight * share(scores.entropy, mask, recipe.normalise, whole)
        sums: Metrics = {}
        if self.reference is not None:
            with torch.no_grad():
                reference = self.reference.score(
                    [groups[i] for i in some], self.config.rollout.temperature
                ).logprobs
            distance = kl.penalty(scores.logprobs, old, reference)
            loss = loss + update.kl * share(distance, mask, recipe.normalise, whole)
            sums["kl"] = float((kl.divergence(scores.logprobs, reference).detach() * mask).sum())
        if self.wasserstein is not None:
            part = len(numbers) / len(rollout.samples)
            loss = loss + self.wasserstein.policy_loss(scores) * part
        # sharding averages the ranks' gradients; the loss is divided by the whole step already
        (loss if self.ranks.world == 1 else loss * self.ranks.world).backward()
        difference = ((scores.logprobs.detach() - old) * mask).abs()
        return sums | {
            "tokens": float(mask.sum()),
            "policy_loss": float((per_token.detach() * mask).sum()),
            "clip_ratio/region_mean": float((clipped & mask).sum()),
            "sampling/sampling_logp_difference/mean": float(difference.sum()),
        }

    def _value_loss(self, values: Tensor, returns: Tensor, count: float) -> Tensor:
        if self.ranks.world == 1:
            return F.mse_loss(values, returns)
        return F.mse_loss(values, returns, reduction="sum") / count

    def _idle(self, rollout: Rollout) -> None:
        """A backward pass that changes nothing, while other ranks have more to do."""
        self.policy.module.eval()  # its tokens are no load on the experts
        one = Group(rollout.prompts[0], (rollout.samples[0].ids,))
        (self.policy.score([one]).logprobs.sum() * 0.0).backward()
        self.policy.module.train()

    def _anchor(self, number: int) -> None:
        weight = self.config.update.anchor
        if weight and self.anchor is not None:
            (weight * cross_entropy(self.policy, self.anchor.at(number))).backward()

    def _apply(self) -> float:
        parameters = self.policy.module.parameters()
        norm = torch.nn.utils.clip_grad_norm_(parameters, self.config.update.max_grad_norm)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        return whole_norm(norm)

    def _fit_values(self, advantages: Advantages) -> float:
        """Regress the value head on the returns; its states are fixed, so passes are cheap."""
        assert self.value_head is not None
        assert advantages.hidden is not None
        assert advantages.returns is not None
        assert advantages.siblings is not None
        mask = advantages.mask  # most of a padded batch is padding
        hidden, siblings = advantages.hidden[mask], advantages.siblings[mask]
        returns = advantages.returns[mask]
        first, count = 0.0, self.ranks.sum(len(returns))
        if not count:
            return first  # every reward of the step failed
        for epoch in range(self.config.critic.epochs):
            loss = self._value_loss(self.value_head(hidden, siblings), returns, count)
            self.value_optimizer.zero_grad(set_to_none=True)
            loss.backward()
            self.ranks.sum_gradients(self.value_head)
            self.value_optimizer.step()
            first = first if epoch else self.ranks.sum(float(loss.detach()))
        return first


def whole_norm(norm: Tensor) -> float:
    """The number, also where the norm is spread over ranks."""
    full = getattr(norm, "full_tensor", None)
    return float(full() if full is not None else norm)
