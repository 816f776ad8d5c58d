"""Constrained samples: do all parse, what do the masks cost, what do they buy.

    python benchmarks/constrained.py MODEL [--samples 1000] [--seconds 600] [--tasks 100]

MODEL is a trained run. Samples are drawn from it and from a model of its shape with random weights,
at temperatures 0.2 to 2.0 in turn, and read by CPython's own parser. The cost of masks is the share
of the decode steps' time spent on them, in process CPU seconds, by batch size. pass@1 with and
without is at the same number of tokens at most, on the forge's test tasks. Prints the table.
"""

from __future__ import annotations

import argparse
import ast
import os
import time
import warnings
from collections.abc import Sequence

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import torch

from neox.datasets.forge import Forge
from neox.datasets.jobs import program_job
from neox.datasets.task import Task
from neox.generate.engine import Engine, Request
from neox.generate.grammars import Grammars
from neox.generate.law import Law
from neox.generate.runner import runner
from neox.generate.vocabulary import words
from neox.model import LanguageModel
from neox.policy import load
from neox.policy.native import NativePolicy
from neox.sandbox import Sandbox
from neox.train.seeding import fold

HEATS = tuple(round(0.2 * i, 1) for i in range(1, 11))
NEW = 64


def randomised(policy: NativePolicy) -> NativePolicy:
    """The same shape and vocabulary; every matrix random."""
    torch.manual_seed(0)
    model = LanguageModel(policy.model.config, policy.model.max_length)
    with torch.no_grad():
        for p in model.parameters():
            p.normal_(std=p.shape[-1] ** -0.5)
        model.embedding.weight.mul_(2.0)
    return NativePolicy(model.eval(), policy.tokenizer)


def parses(text: str) -> bool:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            ast.parse(text)
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            print("does not parse:", repr(text), error)
            return False
    return True


def draw(
    policy: NativePolicy,
    grammars: Grammars | None,
    tasks: Sequence[Task],
    heat: float,
    slots: int,
    seed: int,
) -> tuple[list[str], Engine, float]:
    """A text for each task, the engine, and the process seconds of all its steps."""
    engine = Engine(runner(policy, slots))
    requests = [
        Request(
            policy.tokenizer.encode(t.prompt),
            Law(heat),
            NEW,
            fold(seed, t.task_id, str(heat)),
            grammars.python(t.prompt.encode()) if grammars else None,
        )
        for t in tasks
    ]
    began = time.process_time()
    done = engine.run(requests)
    spent = time.process_time() - began
    # strictly under a grammar: replacement characters would hide bytes that are no text
    mode = "strict" if grammars else "replace"
    found = [policy.tokenizer.decode_bytes(s.ids).decode("utf-8", mode) for s in done]
    return [t.prompt + text for t, text in zip(tasks, found, strict=True)], engine, spent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("--samples", type=int, default=1000, help="of each model")
    parser.add_argument("--seconds", type=float, default=600, help="of each model, at most")
    parser.add_argument("--tasks", type=int, default=100)
    args = parser.parse_args()
    torch.set_num_threads(1)
    policy = load(args.model)
    assert isinstance(policy, NativePolicy)
    tasks = Forge(0).tasks("test", args.tasks, (0, 1))
    stops = [policy.tokenizer.eos]
    grammars = Grammars(words(policy.tokenizer), stops)
    print("| model | samples | parse | tokens |\n| --- | --- | --- | --- |")
    for name, one in (("random weights", randomised(policy)), ("trained", policy)):
        began, total, good, tokens, turn = time.monotonic(), 0, 0, 0, 0
        while total < args.samples and time.monotonic() - began < args.seconds:
            heat = HEATS[turn % len(HEATS)]
            some = [tasks[(turn * 50 + i) % len(tasks)] for i in range(50)]
            texts, engine, _ = draw(one, grammars, some, heat, 50, turn)
            good += sum(map(parses, texts))
            total += len(texts)
            tokens += engine.counts.tokens
            turn += 1
        print(
            f"| {name} | {total} | {good} ({100 * good / max(1, total):.2f} %) | {tokens} |",
            flush=True,
        )
    print("\n| batch | tokens/CPU-s free | constrained | masks' share of the steps |")
    print("| --- | --- | --- | --- |")
    for slots in (1, 16, 50):
        some = tasks[: min(len(tasks), max(8, slots))]
        rates, share = [], 0.0
        for bound in (None, grammars):
            _, engine, spent = draw(policy, bound, some, 1.0, slots, 7)
            rates.append(engine.counts.tokens / spent)
            share = engine.counts.masks / engine.counts.busy
        print(f"| {slots} | {rates[0]:.0f} | {rates[1]:.0f} | {100 * share:.1f} % |", flush=True)
    print("\n| temperature | pass@1 free | constrained | syntax errors free |")
    print("| --- | --- | --- | --- |")
    with Sandbox(workers=1) as box:
        for heat in (0.6, 1.0, 1.4):
            cells = []
            for bound in (None, grammars):
                texts, _, _ = draw(policy, bound, tasks, heat, 50, 11)
                jobs = [program_job(t, x) for t, x in zip(tasks, texts, strict=True)]
                verdicts = [o.verdict for o in box.map(jobs)]
                cells.append(f"{100 * verdicts.count('pass') / len(verdicts):.1f} %")
                if bound is None:
                    broken = sum(not silently(x) for x in texts)
            print(f"| {heat} | {cells[0]} | {cells[1]} | {broken} of {len(tasks)} |", flush=True)


def silently(text: str) -> bool:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            ast.parse(text)
        except (SyntaxError, ValueError):
            return False
    return True


if __name__ == "__main__":
    main()
