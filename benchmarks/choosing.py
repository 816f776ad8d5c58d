"""Choosing among samples, knowing how sure, and repairing: the table of docs/evidence/choosing.md.

    python benchmarks/choosing.py MODEL WORK [--dev 80] [--test 120] [--n 16] [--table]

MODEL is a run folder; WORK a folder where every finished task is kept, so that the command can be
repeated. For each forge task it draws N samples at temperature 1, ranks them without and with the
task's three given examples, and only then looks at the grading tests. The curve is fitted on tasks
of the validation split and judged on tasks of the test split; no behaviour is in both. `repair`
gives the first sample up to three more turns after a failed example; `resample` draws afresh until
it has spent at least as many tokens; both stop when the examples pass.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import numpy as np
import torch

from neox.datasets.forge import Forge
from neox.datasets.jobs import program_job
from neox.datasets.task import Task
from neox.generate.behaviour import Example, behaviours
from neox.generate.confidence import Curve, Evidence, features
from neox.generate.inputs import probes, signature
from neox.generate.rank import choose
from neox.generate.repair import feedback
from neox.policy import Policy, Sampling, load
from neox.sandbox import Sandbox
from neox.train.seeding import generator

NEW = 64
TURNS = 3


def measure(policy: Policy, box: Sandbox, task: Task, n: int) -> dict[str, Any]:
    """One task: samples, rankings, grades, and the two ways to spend more tokens."""
    ids = policy.tokenizer.encode(task.prompt)
    law = Sampling(1.0, max_new_tokens=NEW)
    drawn = policy.generate([ids], n, law, generator("choosing", task.task_id))
    cold = policy.generate([ids], 1, Sampling(0.0, max_new_tokens=NEW), generator(0))[0]
    programs = [task.prompt + policy.tokenizer.decode(c.ids) for c in drawn]
    greedy = task.prompt + policy.tokenizer.decode(cold.ids)
    logprobs = [float(c.logprobs.mean()) for c in drawn]
    examples = [Example(e.args, e.expected) for e in task.examples]
    signed = signature(task.prompt + "    pass\n", task.entry_point)
    assert signed is not None
    blind = behaviours(box, programs, signed[0], probes(signed[1]))
    seen = behaviours(
        box, programs, signed[0], probes(signed[1], [list(e.args) for e in examples]), examples
    )
    without, given = choose(programs, blind, logprobs), choose(programs, seen, logprobs)
    right = grade(box, task, [*programs, greedy])
    repaired, spent = repair_turns(policy, box, task, examples, programs[0], len(drawn[0].ids))
    sampled, used = resample(policy, box, task, examples, programs[0], len(drawn[0].ids), spent)
    extra = grade(box, task, [repaired, sampled])
    return {
        "task": task.task_id,
        "right": right[:-1],
        "greedy": right[-1],
        "logprobs": logprobs,
        "lengths": [len(c.ids) for c in drawn],
        "without": told(without),
        "given": told(given),
        "repair": [extra[0], spent],
        "resample": [extra[1], used],
    }


def told(ranking: Any) -> dict[str, Any]:
    e = ranking.evidence
    return {"best": ranking.best, "evidence": [e.mass, e.margin, e.among, e.passed, e.logprob]}


def grade(box: Sandbox, task: Task, programs: Sequence[str]) -> list[bool]:
    jobs = {text: box.submit(program_job(task, text)) for text in dict.fromkeys(programs)}
    return [jobs[text].result().verdict == "pass" for text in programs]


def draw(policy: Policy, prompt: str, *seed: str | int) -> tuple[str, int]:
    ids = policy.tokenizer.encode(prompt)[-(256 - NEW) :]
    law = Sampling(1.0, max_new_tokens=NEW)
    one = policy.generate([ids], 1, law, generator("choosing", *seed))[0]
    return policy.tokenizer.decode(one.ids), len(one.ids)


def repair_turns(
    policy: Policy, box: Sandbox, task: Task, examples: list[Example], program: str, tokens: int
) -> tuple[str, int]:
    """The last program after up to TURNS repairs, and the tokens that all of them took."""
    entry = task.entry_point or "f"
    for turn in range(TURNS):
        why = feedback(box, program, entry, examples)
        if not why:
            break
        asked = f"{program.rstrip()}\n\n# Wrong: {why}\n{task.prompt}"
        more, count = draw(policy, asked, task.task_id, "repair", turn)
        program, tokens = task.prompt + more, tokens + count
    return program, tokens


def resample(
    policy: Policy,
    box: Sandbox,
    task: Task,
    examples: list[Example],
    program: str,
    tokens: int,
    budget: int,
) -> tuple[str, int]:
    """Samples while tokens are left; the first that passes the examples, or the last."""
    entry, turn = task.entry_point or "f", 0
    while feedback(box, program, entry, examples) and tokens < budget:
        more, count = draw(policy, task.prompt, task.task_id, "resample", turn)
        program, tokens, turn = task.prompt + more, tokens + count, turn + 1
    return program, tokens


# Statistics ---------------------------------------------------------------------------------------


def fit(rows: Sequence[dict[str, Any]], key: str) -> Curve:
    """Logistic regression with a weak pull to zero, by Newton's method."""
    x = np.array([features(evidence(r[key])) for r in rows])
    if x[:, 2].max() == 0:
        x = x[:, :2]
    y = np.array([correct(r, key) for r in rows], dtype=float)
    w = np.zeros(x.shape[1])
    pull = np.diag([1e-6, *[0.3] * (x.shape[1] - 1)])
    for _ in range(50):
        p = 1 / (1 + np.exp(-x @ w))
        w -= np.linalg.solve(x.T @ (x * (p * (1 - p))[:, None]) + pull, x.T @ (p - y) + pull @ w)
    found = [*map(float, w), 0.0]
    return Curve((found[0], found[1], found[2]))


def evidence(told: dict[str, Any]) -> Evidence:
    return Evidence(*told["evidence"])


def correct(row: dict[str, Any], key: str) -> bool:
    best = row[key]["best"]
    return best is not None and bool(row["right"][best])


def auroc(score: Sequence[float], right: Sequence[bool]) -> float:
    good = [s for s, r in zip(score, right, strict=True) if r]
    wrong = [s for s, r in zip(score, right, strict=True) if not r]
    if not good or not wrong:
        return math.nan
    wins = sum((g > w) + 0.5 * (g == w) for g in good for w in wrong)
    return wins / (len(good) * len(wrong))


def risk_at(score: Sequence[float], right: Sequence[bool], coverage: float) -> float:
    """Share of wrong answers among the most confident; ties share their mean."""
    chance = random.Random(0)
    total = 0.0
    for _ in range(20):
        order = sorted(range(len(score)), key=lambda i: (-score[i], chance.random()))
        kept = order[: max(1, round(coverage * len(order)))]
        total += sum(not right[i] for i in kept) / len(kept)
    return total / 20


def aurc(score: Sequence[float], right: Sequence[bool]) -> float:
    steps = [i / len(score) for i in range(1, len(score) + 1)]
    return sum(risk_at(score, right, c) for c in steps) / len(steps)


def ece(p: Sequence[float], right: Sequence[bool], bins: int = 8) -> float:
    order = sorted(range(len(p)), key=p.__getitem__)
    parts = [order[len(order) * b // bins : len(order) * (b + 1) // bins] for b in range(bins)]
    gaps = [abs(sum(p[i] for i in part) - sum(right[i] for i in part)) for part in parts]
    return sum(gaps) / len(p)


def interval(values: Sequence[float], of: Any = np.mean) -> str:
    chance = np.random.default_rng(0)
    x = np.asarray(values)
    means = [of(x[chance.integers(0, len(x), len(x))]) for _ in range(1000)]
    return f"{100 * of(x):.1f} [{100 * np.quantile(means, 0.025):.1f}, {100 * np.quantile(means, 0.975):.1f}]"  # noqa: E501


def table(dev: list[dict[str, Any]], test: list[dict[str, Any]], n: int) -> str:
    lines = [
        f"{len(dev)} development and {len(test)} test tasks, {n} samples each.",
        "",
        "| chosen by | right % [95 %] | confidence | AUROC | ECE | Brier | AURC "
        "| wrong at 80 % | at 50 % |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]

    def row(name: str, right: list[bool], told: str, score: list[float], p: bool) -> None:
        brier = sum((s - r) ** 2 for s, r in zip(score, right, strict=True)) / len(right)
        cells = [
            name,
            interval([float(r) for r in right]),
            told,
            f"{auroc(score, right):.3f}",
            f"{ece(score, right):.3f}" if p else "",
            f"{brier:.3f}" if p else "",
            f"{aurc(score, right):.3f}",
            f"{100 * risk_at(score, right, 0.8):.1f} %",
            f"{100 * risk_at(score, right, 0.5):.1f} %",
        ]
        lines.append("| " + " | ".join(cells) + " |")

    first = [bool(r["right"][0]) for r in test]
    chance = random.Random(0)
    row("the first sample", first, "none: random", [chance.random() for _ in test], False)
    row("the first sample", first, "mean log-probability", [r["logprobs"][0] for r in test], False)
    row("the first sample", first, "shortness", [-float(r["lengths"][0]) for r in test], False)
    likely = [max(range(n), key=r["logprobs"].__getitem__) for r in test]
    picked = [bool(r["right"][i]) for r, i in zip(test, likely, strict=True)]
    best = [r["logprobs"][i] for r, i in zip(test, likely, strict=True)]
    row("highest mean log-probability", picked, "the same", best, False)
    for key, name in (("without", "largest cluster"), ("given", "largest cluster, 3 examples")):
        right = [correct(r, key) for r in test]
        mass = [r[key]["evidence"][0] for r in test]
        curve = fit(dev, key)
        row(name, right, "mass", mass, True)
        fitted = [curve(evidence(r[key])) for r in test]
        row(name, right, "calibrated", fitted, True)
        lines.append("")
        lines.append(f"Curve ({key}): {tuple(round(w, 3) for w in curve.weights)}")
        lines.append("")
        if key == "without":
            lines += lines[2:4]
    greedy = interval([float(r["greedy"]) for r in test])
    some = interval([float(any(r["right"])) for r in test])
    lines.append(f"Greedy {greedy} % right; any of the {n} right {some} %.")
    lines += ["", "| more tokens | right % [95 %] | mean tokens |", "| --- | --- | --- |"]
    lines.append(f"| none: one sample | {interval([float(x) for x in first])} | "
                 f"{np.mean([r['lengths'][0] for r in test]):.1f} |")  # fmt: skip
    for key in ("repair", "resample"):
        right = interval([float(r[key][0]) for r in test])
        lines.append(f"| {key} | {right} | {np.mean([r[key][1] for r in test]):.1f} |")
    gain = [float(r["repair"][0]) - float(r["resample"][0]) for r in test]
    lines += ["", f"Repair minus resampling: {interval(gain)} points."]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("work", type=Path)
    parser.add_argument("--dev", type=int, default=80)
    parser.add_argument("--test", type=int, default=120)
    parser.add_argument("--n", type=int, default=16)
    parser.add_argument("--levels", default="0,1")
    parser.add_argument("--table", action="store_true", help="only print, from what is there")
    args = parser.parse_args()
    torch.set_num_threads(1)
    args.work.mkdir(exist_ok=True, parents=True)
    parts = []
    for split, count in (("validation", args.dev), ("test", args.test)):
        path = args.work / f"{split}.jsonl"
        rows = [json.loads(x) for x in path.read_text().splitlines()] if path.exists() else []
        if not args.table and len(rows) < count:
            policy = load(args.model)
            levels = tuple(map(int, args.levels.split(",")))
            tasks = Forge(0).tasks(split, count, levels)
            with Sandbox(workers=1) as box, path.open("a") as file:
                for task in tasks[len(rows) :]:
                    rows.append(measure(policy, box, task, args.n))
                    file.write(json.dumps(rows[-1]) + "\n")
                    file.flush()
        parts.append(rows[:count])
    print(table(parts[0], parts[1], args.n))


if __name__ == "__main__":
    main()
