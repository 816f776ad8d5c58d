"""Samples per CPU second of generation, and tokens per CPU second of an update, at the laptop
preset's shape.

    python benchmarks/bench_policy.py [--rounds 5]

Generation with the prompt shared by its group is set beside the same model with one prompt per
sample; scoring a packed group beside scoring its samples apart. Interleaved rounds, one thread,
medians.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import torch

from neox.model import LanguageModel, ModelConfig
from neox.policy import Group, Sampling
from neox.policy.native import NativePolicy
from neox.policy.tokenizer import BytePairTokenizer

PROMPTS, SAMPLES, LENGTH, NEW = 32, 8, 40, 30


def make() -> NativePolicy:
    torch.manual_seed(0)
    model = LanguageModel(ModelConfig(), 128)
    for parameter in model.parameters():
        if not parameter.any():
            torch.nn.init.normal_(parameter, std=0.05)
    tokenizer = BytePairTokenizer.train(["def f(a):\n    return a\n"], 300)
    policy = NativePolicy(model, tokenizer)
    with torch.no_grad():
        model.embedding.weight[tokenizer.eos] -= 1  # full-length samples, so that rounds are equal
    return policy


def clock(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    torch.set_num_threads(1)
    policy, rng = make(), torch.Generator().manual_seed(0)
    prompts = [
        tuple(torch.randint(3, 1000, (LENGTH,), generator=rng).tolist()) for _ in range(PROMPTS)
    ]
    law = Sampling(max_new_tokens=NEW)
    drawn = policy.generate(prompts, SAMPLES, law, rng)
    groups = [Group(p, tuple(c.ids for c in drawn if c.prompt == i)) for i, p in enumerate(prompts)]
    apart = [Group(g.prompt, (ids,)) for g in groups for ids in g.completions]

    def learn(parts: list[Group], size: int) -> None:
        for i in range(0, len(parts), size):
            policy.score(parts[i : i + size]).logprobs.sum().backward()
        policy.module.zero_grad(set_to_none=True)

    repeated = [p for p in prompts for _ in range(SAMPLES)]
    work: dict[str, tuple[Callable[[], object], str, float]] = {
        "generate, prompt shared": (
            lambda: policy.generate(prompts, SAMPLES, law, rng),
            "samples",
            256,
        ),
        "generate, one prompt a sample": (
            lambda: policy.generate(repeated, 1, law, rng),
            "samples",
            256,
        ),
        "score + backward, packed group": (lambda: learn(groups, 4), "tokens", 256 * NEW),
        "score + backward, samples apart": (lambda: learn(apart, 32), "tokens", 256 * NEW),
    }
    seconds: dict[str, list[float]] = {name: [] for name in work}
    for _ in range(args.rounds):
        for name, (one, _, _) in work.items():
            seconds[name].append(clock(one))
    print("| | per CPU second |\n| --- | --- |")
    for name, (_, unit, count) in work.items():
        print(f"| {name} | {count / statistics.median(seconds[name]):.0f} {unit} |")


if __name__ == "__main__":
    main()
