"""Draw samples for some tasks and score them.

A finished sample goes to the sandbox while the others are still being generated. Knows nothing
about advantages or optimisation.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from neox.datasets.task import Task
from neox.policy.base import Finish, Group, Ids, Policy, Sampling
from neox.policy.noise import Noise
from neox.policy.prompts import completion, encode_prompts
from neox.rewards import Attempt, Rewards, Score, Scored


@dataclass(frozen=True, slots=True)
class Sample:
    """One completion: its tokens, their log-probabilities [T] when sampled, and how it ended."""

    task_id: str
    ids: Ids
    logprobs: Tensor
    text: str
    finish: Finish
    hidden: Tensor | None = None


@dataclass(frozen=True, slots=True)
class Rollout:
    """Samples of P tasks, G each, in task order, with their scores and where the time went."""

    tasks: Sequence[Task]
    prompts: Sequence[Ids]
    samples: Sequence[Sample]
    scores: Sequence[Score]
    seconds: Mapping[str, float]

    @property
    def per_task(self) -> int:
        return len(self.samples) // len(self.tasks)

    def rewards(self) -> tuple[Tensor, Tensor]:
        """Values and whether they are values, [P, G] each; a failed score has value 0, False."""
        value = [s.value if isinstance(s, Scored) else 0.0 for s in self.scores]
        known = [isinstance(s, Scored) for s in self.scores]
        shape = (len(self.tasks), self.per_task)
        return torch.tensor(value).view(shape), torch.tensor(known).view(shape)

    def part(self, name: str) -> list[float]:
        """One part of every scored sample."""
        return [s.parts[name] for s in self.scores if isinstance(s, Scored) and name in s.parts]

    def pass_rates(self) -> list[float]:
        """Per task, the share of its samples that pass; a failed score counts as not passing."""
        passed = [isinstance(s, Scored) and s.parts.get("tests") == 1.0 for s in self.scores]
        g = self.per_task
        return [sum(passed[i : i + g]) / g for i in range(0, len(passed), g)]

    def groups(self, keep: Sequence[bool]) -> tuple[list[Group], list[list[int]]]:
        """Groups of the kept samples only, and the sample numbers in each."""
        groups, members = [], []
        for p, prompt in enumerate(self.prompts):
            chosen = [i for i in range(p * self.per_task, (p + 1) * self.per_task) if keep[i]]
            if chosen:
                groups.append(Group(prompt, tuple(self.samples[i].ids for i in chosen)))
                members.append(chosen)
        return groups, members


def without_states(rollout: Rollout) -> Rollout:
    """What other ranks need of it: hidden states stay where they are."""
    return replace(rollout, samples=[replace(s, hidden=None) for s in rollout.samples])


def merge(parts: Sequence[Rollout]) -> Rollout:
    """What the ranks drew, in order, as one; times are the slowest rank's."""
    if len(parts) == 1:
        return parts[0]
    return Rollout(
        [t for p in parts for t in p.tasks],
        [i for p in parts for i in p.prompts],
        [s for p in parts for s in p.samples],
        [s for p in parts for s in p.scores],
        {name: max(p.seconds[name] for p in parts) for name in parts[0].seconds},
    )


def roll(
    policy: Policy,
    tasks: Sequence[Task],
    samples: int,
    sampling: Sampling,
    rewards: Rewards,
    generator: torch.Generator | Noise,
    *,
    keep_hidden: bool = False,
) -> Rollout:
    """`samples` completions of each task, scored."""
    started = time.perf_counter()
    prompts = encode_prompts(policy.tokenizer, tasks)
    attempts: list[Attempt | None] = [None] * (len(tasks) * samples)

    def finished(index: int, ids: Ids) -> None:
        task = tasks[index // samples]
        attempt = Attempt(task, completion(task, policy.tokenizer.decode(ids)), ids)
        attempts[index] = attempt
        rewards.begin(attempt)

    completions = policy.generate(
        prompts, samples, sampling, generator, on_finish=finished, keep_hidden=keep_hidden
    )
    generated = time.perf_counter()
    done = [a for a in attempts if a is not None]
    assert len(done) == len(attempts), "the policy did not announce every completion"
    scores = rewards(done)
    drawn = [
        Sample(a.task.task_id, c.ids, c.logprobs, a.completion, c.finish, c.hidden)
        for a, c in zip(done, completions, strict=True)
    ]
    seconds = {"rollout": generated - started, "reward": time.perf_counter() - generated}
    return Rollout(tasks, prompts, drawn, scores, seconds)
