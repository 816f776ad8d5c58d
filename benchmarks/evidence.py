"""What reinforcement adds on the laptop, beside its controls: runs `neox train` and prints the
table.

    python benchmarks/evidence.py RUNS [--preset tiny] [--seeds 0,1,2] [--seconds 180] [--table]

RUNS is a folder; an arm that has finished there is not run again, so the command can be repeated,
and several may share a folder. `--table` only prints. Every arm of a seed starts from that seed's
warm start, except `imitation`, which goes on imitating for as many steps as take the same total
time. One thread each; times are CPU seconds of the trainer.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

ARMS = {
    "group-relative": [],
    "actor-critic": ["update.algorithm=actor-critic"],
    "group-relative + Wasserstein": ["wasserstein.weight=0.02"],
    "shuffled rewards": ["rewards.control=shuffled"],
    "constant rewards": ["rewards.control=constant"],
}
# Warm-start steps that take as long as the preset's warm start and 180 s of reinforcement.
IMITATION_STEPS = {"tiny": 2250, "few-labels": 1750}
MEASURES = ("greedy", "pass@1", "pass@8")


def commands(runs: Path, preset: str, seed: int, seconds: float) -> dict[str, list[str]]:
    """The arguments of `neox train` for every arm of one seed, in the order they must run."""
    base = ["--preset", preset, "--seed", str(seed)]
    warm = runs / f"{preset}-{seed}-warm-start"
    found = {"warm start": [*base, "--output", str(warm), "update.steps=0"]}
    steps = IMITATION_STEPS[preset]
    output = runs / f"{preset}-{seed}-imitation"
    imitation = [f"warmstart.steps={steps}", "update.steps=0"]
    found["imitation, same time"] = [*base, "--output", str(output), *imitation]
    again = ["warmstart.steps=0", "warmstart.documents=0"]
    length = ["update.steps=10000", f"update.max_seconds={seconds:g}"]
    for name, extra in ARMS.items():
        output = runs / f"{preset}-{seed}-{name.replace(' + ', '-').replace(' ', '-')}"
        start = ["--output", str(output), "--model", str(warm)]
        found[name] = [*base, *start, *again, *length, *extra]
    return found


def summary(arguments: list[str]) -> dict[str, Any] | None:
    file = Path(arguments[arguments.index("--output") + 1]) / "summary.json"
    return json.loads(file.read_text()) if file.is_file() else None


def run(arguments: list[str]) -> None:
    print("neox train", " ".join(arguments), file=sys.stderr, flush=True)
    subprocess.run([sys.executable, "-m", "neox", "train", *arguments], check=True)


def table(rows: dict[str, list[dict[str, Any]]]) -> str:
    lines = [
        "| arm | seeds | greedy | pass@1 | pass@8 | CPU s |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for name, found in rows.items():
        if not found:
            continue
        cells = []
        for measure in MEASURES:
            values = [100 * s["after"][measure] for s in found]
            each = " / ".join(f"{v:.1f}" for v in values)
            cells.append(f"**{statistics.mean(values):.1f}** ({each})")
        seconds = [s["seconds"].get("warmstart", 0) + s["seconds"].get("update", 0) for s in found]
        cells.append(f"{statistics.mean(seconds):.0f}")
        lines.append(f"| {name} | {len(found)} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", type=Path)
    parser.add_argument("--preset", choices=sorted(IMITATION_STEPS), default="tiny")
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--seconds", type=float, default=180)
    parser.add_argument("--table", action="store_true")
    args = parser.parse_args()
    rows: dict[str, list[dict[str, Any]]] = {}
    for seed in map(int, args.seeds.split(",")):
        for name, arguments in commands(args.runs, args.preset, seed, args.seconds).items():
            if not args.table and summary(arguments) is None:
                run(arguments)
            found = summary(arguments)
            rows.setdefault(name, []).extend([found] if found else [])
    print(table(rows))


if __name__ == "__main__":
    main()
