"""How long does judging take beside human-eval and evalplus? The references, two workers each.

    python benchmarks/bench_evaluate.py WORK --human-eval DIR --evalplus DIR --data DIR

The arguments are those of evaluate_equality.py. Tools take turns, ROUNDS times; wall time and CPU
time of each whole process, its start included, and of what it waited for. Each tool's cache of
reference outputs is filled before the first round.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

from evaluate_equality import HUMAN_EVAL

from neox.datasets.readers import rows

COPIES = 10


def command_of(
    tool: str, args: argparse.Namespace, samples: Path
) -> tuple[list[str], dict[str, str]]:
    """The command line, and what its environment has in addition."""
    data = {"human-eval": "HumanEval", "evalplus": "HumanEvalPlus"}
    base, plus = (str(args.data / f"{name}.jsonl.gz") for name in data.values())
    if tool == "human-eval":
        found = [args.python, "-c", HUMAN_EVAL, str(samples), base]
        return found, {"PYTHONPATH": str(args.human_eval)}
    if tool == "evalplus":
        found = [args.python, "-m", "evalplus.evaluate", "--dataset", "humaneval"]
        found += ["--samples", str(samples), "--parallel", "2", "--i-just-wanna-run"]
        return found, {"PYTHONPATH": str(args.evalplus), "HUMANEVAL_OVERRIDE_PATH": plus}
    name = tool.removeprefix("neox ")
    found = [sys.executable, "-m", "neox", "evaluate", name, "--samples", str(samples), "--k", "1"]
    return [*found, "--workers", "2", "--data", base if name == "humaneval" else plus], {}


def seconds(tool: str, args: argparse.Namespace, samples: Path) -> tuple[float, float]:
    """Wall and CPU seconds of one run on a fresh copy of the samples."""
    folder = args.work / "run"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    own = Path(shutil.copy(samples, folder))
    command, more = command_of(tool, args, own)
    before, started = os.times(), time.perf_counter()
    done = subprocess.run(command, env=os.environ | more, capture_output=True, text=True)
    wall, after = time.perf_counter() - started, os.times()
    if done.returncode:
        raise SystemExit(f"{tool} ended with {done.returncode}:\n{done.stderr[-2000:]}")
    cpu = after.children_user + after.children_system
    return wall, cpu - before.children_user - before.children_system


def contest(
    title: str, pair: tuple[str, str], args: argparse.Namespace, samples: Path, count: int
) -> None:
    times: dict[str, list[tuple[float, float]]] = {tool: [] for tool in pair}
    for tool in pair:
        seconds(tool, args, samples)
    for _ in range(args.rounds):
        for tool in pair:
            times[tool].append(seconds(tool, args, samples))
    print(f"\n{title}\n\n| tool | wall s | CPU s | completions/s |\n| --- | --- | --- | --- |")
    middle: dict[str, float] = {}
    for tool in pair:
        wall, cpu = (statistics.median(column) for column in zip(*times[tool], strict=True))
        middle[tool] = wall
        spread = f"{min(w for w, _ in times[tool]):.1f} to {max(w for w, _ in times[tool]):.1f}"
        print(f"| {tool} | {wall:.1f} ({spread}) | {cpu:.1f} | {count / wall:.0f} |")
    print(
        f"\nwall time, {pair[1]} over {pair[0]}: 1/{middle[pair[0]] / middle[pair[1]]:.1f}",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("work", type=Path)
    parser.add_argument("--human-eval", type=Path)
    parser.add_argument("--evalplus", type=Path)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    args.work.mkdir(parents=True, exist_ok=True)
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, {args.rounds} rounds")
    base = write(args, "HumanEval", COPIES)
    plus = write(args, "HumanEvalPlus", 1)
    contests: list[tuple[str, tuple[str, str], Path, int, bool]] = [
        (f"HumanEval, {164 * COPIES} references", ("human-eval", "neox humaneval"), base,
         164 * COPIES, bool(args.human_eval)),
        ("HumanEval+, 164 references", ("evalplus", "neox humaneval+"), plus, 164,
         bool(args.evalplus)),
    ]  # fmt: skip
    for title, pair, samples, count, wanted in contests:
        if wanted:
            contest(title, pair, args, samples, count)


def write(args: argparse.Namespace, name: str, copies: int) -> Path:
    path: Path = args.work / f"{name}.jsonl"
    known = [row for _, row in rows(args.data / f"{name}.jsonl.gz")]
    lines = [
        json.dumps({"task_id": row["task_id"], "completion": row["canonical_solution"]})
        for _ in range(copies)
        for row in known
    ]
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


if __name__ == "__main__":
    main()
