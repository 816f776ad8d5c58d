"""Held-out tasks: greedy pass, pass@1 and pass@k of a policy, with intervals."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from neox.datasets.task import Task
from neox.evaluate.passk import interval, pass_at_k
from neox.policy.base import Policy, Sampling
from neox.policy.prompts import completion, encode_prompts
from neox.rewards import Attempt, Tests
from neox.train.seeding import generator


@dataclass(frozen=True, slots=True)
class TaskResult:
    """Verdicts on one task: the greedy completion's and the samples', with their texts."""

    task_id: str
    level: int
    greedy: str
    greedy_verdict: str
    samples: tuple[str, ...]
    verdicts: tuple[str, ...]

    @property
    def right(self) -> int:
        return self.verdicts.count("pass")


Summary = dict[str, float | int | list[float]]


def evaluate(
    policy: Policy,
    tasks: Sequence[Task],
    tests: Tests,
    *,
    samples: int,
    sampling: Sampling,
    seed: int,
    prompts_per_batch: int = 64,
    progress: Callable[[int, int], None] | None = None,
) -> list[TaskResult]:
    """One greedy completion and `samples` sampled ones of every task, judged in the sandbox."""
    results: list[TaskResult] = []
    greedy = Sampling(temperature=0.0, max_new_tokens=sampling.max_new_tokens)
    for start in range(0, len(tasks), prompts_per_batch):
        batch = tasks[start : start + prompts_per_batch]
        ids = encode_prompts(policy.tokenizer, batch)
        rng = generator(seed, "evaluate", start)
        texts = []
        for count, law in ((1, greedy), (samples, sampling)):
            drawn = policy.generate(ids, count, law, rng)
            replies = [policy.tokenizer.decode(c.ids) for c in drawn]
            texts.append([completion(batch[i // count], r) for i, r in enumerate(replies)])
        results += _judge(batch, texts[0], texts[1], samples, tests)
        if progress is not None:
            progress(len(results), len(tasks))
    return results


def _judge(
    batch: Sequence[Task],
    greedy: Sequence[str],
    sampled: Sequence[str],
    samples: int,
    tests: Tests,
) -> Iterator[TaskResult]:
    for task, text in zip(batch, greedy, strict=True):
        tests.begin(Attempt(task, text))
    for i, text in enumerate(sampled):
        tests.begin(Attempt(batch[i // samples], text))
    for i, task in enumerate(batch):
        own = tuple(sampled[i * samples : (i + 1) * samples])
        yield TaskResult(
            task.task_id,
            task.level,
            greedy[i],
            tests.outcome(Attempt(task, greedy[i])).verdict,
            own,
            tuple(tests.outcome(Attempt(task, text)).verdict for text in own),
        )


def summarise(results: Sequence[TaskResult], ks: Sequence[int] = (1, 8)) -> Summary:
    """Means over tasks with their 95 % intervals: greedy, pass@k for each k up to the samples."""
    columns = {"greedy": [float(r.greedy_verdict == "pass") for r in results]}
    n = min((len(r.samples) for r in results), default=0)
    for k in ks:
        if k <= n:
            columns[f"pass@{k}"] = [pass_at_k(len(r.samples), r.right, k) for r in results]
    summary: Summary = {"n": len(results)}
    for name, values in columns.items():
        summary[name] = sum(values) / len(values) if values else float("nan")
        summary[f"{name}_interval"] = list(interval(values))
    return summary
