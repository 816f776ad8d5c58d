"""NEOX beside TRL on TRL's own ground: one model folder, one reward, samples per CPU second.

    python benchmarks/bench_trl.py OUT --trl TRL_BENCH.py [--steps 20] [--pairs 3]
    python benchmarks/bench_trl.py OUT --one --model DIR [--steps 20] [--seed 0]

Four prompts, eight samples of 64 tokens each, AdamW at 2e-3, no divergence term, one thread, single
precision, no activation checkpointing. The reward is the share of a completion's characters in
"abcde". TRL_BENCH.py is a script that trains the same with TRL, keeps its start in `--save-model`
and prints a line `SUMMARY {json}` with samples_per_cpu_s and peak_rss_MB. Runs are interleaved;
CPU seconds are those of training, without imports, of the process and its children.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

REWARD = """
def share(completions, **_):
    return [sum(ch in "abcde" for ch in c) / max(len(c), 1) for c in completions]
"""


def one(out: Path, model: Path, steps: int, seed: int) -> dict[str, Any]:
    """Train with NEOX; what it took."""
    out.mkdir(parents=True, exist_ok=True)
    (out / "reward.py").write_text(REWARD)
    rows = [{"prompt": f"# task {i}\ndef f{i}(x):\n    return x + {i}\n"} for i in range(64)]
    (out / "tasks.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
    os.environ.update(HF_HUB_OFFLINE="1", TOKENIZERS_PARALLELISM="false")
    import torch
    import transformers

    from neox.config import resolve
    from neox.policy import hf  # noqa: F401 - its imports are not training
    from neox.train.loop import Run
    from neox.train.view import NoView

    given = {
        "init": model,
        "seed": seed,
        "tasks.source": out / "tasks.jsonl",
        "rewards.functions": f'[{{path: "{out}/reward.py:share"}}]',
        "rewards.tests": 0,
        "rewards.log": "[]",
        "update.steps": steps,
        "update.learning_rate": 2e-3,
        "update.warmup": 0,
        "update.decay": 0,
        "update.clip_high": 0.2,
        "rollout.prompts": 4,
        "rollout.samples": 8,
        "rollout.max_new_tokens": 64,
        "evaluation.tasks": 0,
        "checkpoint.every": 100_000,
        "sandbox.strict": "false",
    }
    config = resolve("pretrained", [f"{key}={value}" for key, value in given.items()])
    run = Run(config, out / f"run-{time.time_ns()}", NoView())
    helpers = resource.getrusage(resource.RUSAGE_CHILDREN)
    summary = run.run()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    # as on the other side: training without imports and loading, and all of the helpers' time
    cpu = summary["seconds"]["update"] + after.ru_utime - helpers.ru_utime
    journal = [json.loads(x) for x in run.metrics.path.read_text().splitlines()]
    samples = steps * 32
    wall = sum(r[f"time/{part}"] for r in journal for part in ("rollout", "reward", "learn"))
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {
        "versions": {"torch": torch.__version__, "transformers": transformers.__version__},
        "samples_per_cpu_s": round(samples / cpu, 2),
        "samples_per_s": round(samples / wall, 2),
        "cpu_s": round(cpu, 2),
        "peak_rss_MB": own // 1024,
        "rollout_s": round(sum(r["time/rollout"] for r in journal), 2),
        "learn_s": round(sum(r["time/learn"] for r in journal), 2),
        "reward": [round(r["reward"], 3) for r in journal],
        "cpu_s_to_0.9": first(journal, cpu),
        "load": os.getloadavg(),
    }


def first(journal: list[dict[str, Any]], cpu: float) -> float | None:
    """CPU seconds until the reward first reached 0.9, by the share of the steps."""
    for i, row in enumerate(journal):
        if row["reward"] >= 0.9:
            return round(cpu * (i + 1) / len(journal), 1)
    return None


def spoken(command: list[str], word: str) -> dict[str, Any]:
    """The JSON after `word` in what a command prints."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    for line in done.stdout.splitlines():
        if line.startswith(word):
            found: dict[str, Any] = json.loads(line.removeprefix(word))
            return found
    raise SystemExit(done.stderr[-3000:])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--trl", type=Path)
    parser.add_argument("--one", action="store_true")
    parser.add_argument("--model", type=Path)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--pairs", type=int, default=3)
    args = parser.parse_args()
    out = args.out.resolve()
    if args.one:
        print("NEOX " + json.dumps(one(out, args.model, args.steps, args.seed)))
        return
    start, steps = out / "init", str(args.steps)
    theirs = [sys.executable, "-W", "ignore", str(args.trl), "--out", str(out / "trl")]
    theirs += ["--threads", "1", "--no-ckpt", "--lr", "2e-3", "--save-model", str(start)]
    ours = [sys.executable, __file__, str(out), "--one", "--model", str(start), "--steps", steps]
    pairs = []
    for _ in range(args.pairs):
        trl = spoken([*theirs, "--steps", steps], "SUMMARY ")
        neox = spoken(ours, "NEOX ")
        pairs.append((trl, neox))
        print(json.dumps({"trl": trl, "neox": neox}), file=sys.stderr, flush=True)
    print(f"TRL {pairs[0][0]['versions']}, NEOX {pairs[0][1]['versions']}, {steps} steps")
    print("| | TRL | NEOX | ratio |\n| --- | --- | --- | --- |")
    for name in ("samples_per_cpu_s", "samples_per_s", "peak_rss_MB"):
        a, b = ([p[side][name] for p in pairs] for side in (0, 1))
        middle = statistics.median(y / x for x, y in zip(a, b, strict=True))
        cells = [" / ".join(map(str, values)) for values in (a, b)]
        print(f"| {name} | {cells[0]} | {cells[1]} | {middle:.2f} |")


if __name__ == "__main__":
    main()
