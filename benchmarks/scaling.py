"""How held-out scores on the forge grow with model size, training tokens and samples.

    python benchmarks/scaling.py RUNS [--seeds 0] [--table]

RUNS is a folder; what has finished there is not run again. Each run imitates a clean corpus and
nothing else: the same settings but for the width of the model and the number of steps (32 documents
each, no document twice before all have been seen). Scores are of 400 held-out tasks, 16 samples
each.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import statistics
import sys
from pathlib import Path
from typing import Any

from neox.cli import main as neox
from neox.evaluate.passk import interval, pass_at_k
from neox.train.metrics import read

WIDTHS = (32, 64, 128)
STEPS = (125, 250, 500, 1000)
SAMPLES = 16
KS = (1, 2, 4, 8, 16)


def run(folder: Path, width: int, steps: int, seed: int) -> None:
    settings = [f"model.d_model={width}", f"model.d_expert={2 * width}", f"warmstart.steps={steps}"]
    settings += ["warmstart.quality=clean", f"evaluation.samples={SAMPLES}", "update.steps=0"]
    child = os.fork()
    if child == 0:
        try:
            argv = ["train", "--preset", "tiny", "--seed", str(seed), "--output", str(folder)]
            os._exit(neox([*argv, *settings]))
        finally:
            os._exit(3)
    _, status = os.waitpid(child, 0)
    if status:
        raise SystemExit(f"that run ended with status {os.waitstatus_to_exitcode(status)}")


def scores(folder: Path) -> dict[str, Any] | None:
    if not (folder / "summary.json").is_file():
        return None
    summary = json.loads((folder / "summary.json").read_text())
    rows = read(folder / "evaluation.jsonl")
    rows = [row for row in rows if row["when"] == rows[-1]["when"]]
    found: dict[str, Any] = {"greedy": summary["after"]["greedy"], "seconds": summary["seconds"]}
    for k in KS:
        values = [pass_at_k(row["samples"], row["right"], k) for row in rows]
        found[f"pass@{k}"] = statistics.mean(values)
        found[f"pass@{k} interval"] = interval(values)
    return found


def table(runs: Path, seeds: list[int]) -> str:
    head = (
        "| width | steps | seeds | greedy | " + " | ".join(f"pass@{k}" for k in KS) + " | CPU s |"
    )
    lines = [head, "| --- " * (5 + len(KS)) + "|"]
    for width in WIDTHS:
        for steps in STEPS:
            found = [s for seed in seeds if (s := scores(name(runs, width, steps, seed)))]
            if not found:
                continue
            cells = [
                f"{100 * statistics.mean(s[key] for s in found):.1f}"
                for key in ("greedy", *(f"pass@{k}" for k in KS))
            ]
            spent = statistics.mean(s["seconds"]["warmstart"] for s in found)
            row = [str(width), str(steps), str(len(found)), *cells, f"{spent:.0f}"]
            lines.append("| " + " | ".join(row) + " |")
    return "\n".join(lines)


def name(runs: Path, width: int, steps: int, seed: int) -> Path:
    return runs / f"{width}-{steps}-{seed}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", type=Path)
    parser.add_argument("--seeds", default="0")
    parser.add_argument("--table", action="store_true")
    args = parser.parse_args()
    seeds = [int(seed) for seed in args.seeds.split(",")]
    if not args.table:
        args.runs.mkdir(parents=True, exist_ok=True)
        wanted = [(w, s, seed) for seed in seeds for w in WIDTHS for s in STEPS]
        for width, steps, seed in sorted(wanted, key=lambda x: math.prod(x[:2])):
            folder = name(args.runs, width, steps, seed)
            if scores(folder) is None:
                print(folder.name, file=sys.stderr, flush=True)
                run(folder, width, steps, seed)
    print(table(args.runs, seeds))


if __name__ == "__main__":
    main()
