"""How many rewrites of HumanEval's references are accepted, and what refuses the others.

    python benchmarks/variations_humaneval.py shared/data/humaneval/HumanEval.jsonl.gz [--every 1]

Prints a table by kind. `moved` is the mean absolute change of hodge/heat1..10 of those accepted.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter, defaultdict
from collections.abc import Mapping

import numpy as np

from neox.compiler import Program, parse
from neox.datasets.readers import read
from neox.datasets.rewrites import REWRITES
from neox.datasets.variations import Variations, inputs
from neox.sandbox import Limits, Sandbox
from neox.topology import features

HEATS = ("hodge/heat1", "hodge/heat3", "hodge/heat10")


def invariants(program: Program) -> Mapping[str, float]:
    return features(program).scalars()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file")
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--each", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    tasks = [t for t in read(args.file) if t.reference][:: args.every]
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    moved: dict[str, list[float]] = defaultdict(list)
    started, refused = time.process_time(), Counter[str]()
    with Sandbox(workers=1, limits=Limits(cpu_s=2, wall_s=20)) as box:
        vary = Variations(box, invariants)
        for task in tasks:
            assert task.reference is not None
            before = invariants(parse(task.program(task.reference)))
            refused["no inputs that are data"] += not inputs(task)
            try:
                for one in vary.of(task, task.reference, args.seed, args.each):
                    counts[one.rewrite][one.verdict] += 1
                    if one.verdict == "accepted":
                        after = invariants(parse(one.program))
                        moved[one.rewrite] += [
                            float(np.mean([abs(after[h] - before[h]) for h in HEATS]))
                        ]
            except ValueError as error:
                refused[str(error).split(": ")[-1]] += 1
    verdicts = ("accepted", "invariants", "tests", "fuzzing", "broken", "unchanged")
    print(
        f"{len(tasks)} references, {dict(refused)}, {time.process_time() - started:.0f} CPU s here"
    )
    print(f"| rewrite | tried | {' | '.join(verdicts)} | moved |")
    print("|---|" + "---|" * (len(verdicts) + 2))
    total: Counter[str] = Counter()
    for rewrite in REWRITES:
        found = counts[rewrite.name]
        total += found
        change = np.mean(moved[rewrite.name]) if moved[rewrite.name] else float("nan")
        cells = " | ".join(str(found[v]) for v in verdicts)
        print(f"| {rewrite.name} | {found.total()} | {cells} | {change:.4f} |")
    print(f"| all | {total.total()} | {' | '.join(str(total[v]) for v in verdicts)} | |")


if __name__ == "__main__":
    main()
