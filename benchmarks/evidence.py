"""What reinforcement adds on the laptop, beside its controls: runs `neox train` and prints the
table.

    python benchmarks/evidence.py RUNS [--preset tiny] [--seeds 0,1,2] [--seconds 100] [--table]

RUNS is a folder; an arm that has finished there is not run again, so the command can be repeated,
and several may share a folder. `--table` only prints. Every arm of a seed starts from that seed's
warm start and reinforces for SECONDS, except three: the preset goes on for its own number of steps
(the same to the bit as `neox train --preset`), `imitation` imitates from the beginning for the warm
start's time and SECONDS together, and constant rewards, which move nothing, stop after 20 s. One
thread each; times are CPU seconds of the trainer. The tasks are forged once for all arms, which run
in forked children.
"""

from __future__ import annotations

import argparse
import functools
import json
import os
import statistics
import sys
from pathlib import Path
from typing import Any

from neox.cli import main as neox
from neox.config import resolve
from neox.datasets.forge import Forge
from neox.train import data

ARMS = {
    "group-relative": [],
    "actor-critic": ["update.algorithm=actor-critic"],
    "group-relative + Wasserstein": ["wasserstein.weight=0.02"],
    "actor-critic + Wasserstein": ["update.algorithm=actor-critic", "wasserstein.weight=0.02"],
    "shuffled rewards": ["rewards.control=shuffled"],
    "constant rewards": ["rewards.control=constant", "update.max_seconds=20"],
}
PRESET = "the preset, to its end"
MEASURES = ("greedy", "pass@1", "pass@8")


def arms(runs: Path, preset: str, seed: int, seconds: float) -> dict[str, list[str] | None]:
    """The arguments of `neox train` for every arm of one seed, in the order they must run; None
    where they depend on an arm that has not run."""
    base = ["--preset", preset, "--seed", str(seed)]

    def output(name: str) -> Path:
        return runs / f"{preset}-{seed}-{name.replace(' + ', '-').replace(' ', '-')}"

    warm = output("warm-start")
    again = ["--model", str(warm), "warmstart.steps=0", "warmstart.documents=0"]
    found: dict[str, list[str] | None] = {
        "warm start": [*base, "--output", str(warm), "update.steps=0"],
        PRESET: [*base, "--output", str(output("preset")), *again],
        "imitation, same time": None,
    }
    if done := summary(warm):
        total = done["seconds"]["warmstart"] + seconds
        imitate = ["update.steps=0", f"warmstart.max_seconds={total:g}"]
        found["imitation, same time"] = [*base, "--output", str(output("imitation")), *imitate]
    length = ["update.steps=10000", f"update.max_seconds={seconds:g}"]
    for name, extra in ARMS.items():
        found[name] = [*base, "--output", str(output(name)), *again, *length, *extra]
    return found


def summary(folder: Path) -> dict[str, Any] | None:
    file = folder / "summary.json"
    return json.loads(file.read_text()) if file.is_file() else None


def folder_of(arguments: list[str]) -> Path:
    return Path(arguments[arguments.index("--output") + 1])


def run(arguments: list[str]) -> None:
    """`neox train` in a child, which inherits the forged tasks."""
    print("neox train", " ".join(arguments), file=sys.stderr, flush=True)
    child = os.fork()
    if child == 0:
        try:
            os._exit(neox(["train", *arguments]))
        finally:
            os._exit(3)
    _, status = os.waitpid(child, 0)
    if status:
        raise SystemExit(f"that run ended with status {os.waitstatus_to_exitcode(status)}")


class KeptForge(Forge):
    """A forge that makes the same tasks once."""

    @functools.cache  # noqa: B019 - one forge for the whole command
    def tasks(self, *args: Any) -> Any:  # type: ignore[override]
        return super().tasks(*args)


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
    parser.add_argument("--preset", choices=("tiny", "few-labels"), default="tiny")
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--seconds", type=float, default=100)
    parser.add_argument("--table", action="store_true")
    args = parser.parse_args()
    if not args.table:
        data.Forge = functools.cache(KeptForge)  # type: ignore[misc,assignment]
        data.load(resolve(args.preset, []), lambda text: print(text, file=sys.stderr))
    seeds = [int(seed) for seed in args.seeds.split(",")]
    if not args.table:
        for wanted in (("warm start", PRESET), None):  # the figures that matter most come first
            for seed in seeds:
                for name in wanted or arms(args.runs, args.preset, seed, args.seconds):
                    arguments = arms(args.runs, args.preset, seed, args.seconds)[name]
                    if arguments is not None and summary(folder_of(arguments)) is None:
                        run(arguments)
    rows: dict[str, list[dict[str, Any]]] = {}
    for seed in seeds:
        for name, arguments in arms(args.runs, args.preset, seed, args.seconds).items():
            found = summary(folder_of(arguments)) if arguments else None
            rows.setdefault(name, []).extend([found] if found else [])
    print(table(rows))


if __name__ == "__main__":
    main()
