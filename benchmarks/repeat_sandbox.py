"""The same jobs twice, and once more while every processor has other work: are the verdicts equal?

    python benchmarks/repeat_sandbox.py [--jobs 1000] [--seed 0]

The jobs are the HumanEval references, seeded mutants of them (wrong, slow, raising), and programs
that come to each of the other verdicts. Exit status 1 if any verdict differs.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import random
import time
from collections import Counter
from importlib import resources

from neox.datasets.jobs import program_job
from neox.datasets.readers import read
from neox.sandbox import Call, Job, Limits, Sandbox

LIMITS = Limits(cpu_s=2, wall_s=4)
OTHERS = (
    "def f(n):\n    return [0] * (1 << 28)",
    "def f(n):\n    print('x' * 100000)\n    return n",
    "import os\nos._exit(0)",
    "def f(n):\n    return n\n",
    "def f(n):\n    raise ValueError\n",
    "def f(n):\n    for _ in range(200000): pass\n    return n\n",
)


def jobs(count: int, seed: int) -> list[Job]:
    draw = random.Random(seed)
    source = resources.files("neox.datasets").joinpath("humaneval/HumanEval.jsonl.gz")
    with resources.as_file(source) as path:
        tasks = read(path)
    found: list[Job] = []
    while len(found) < count:
        if draw.random() < 0.1:
            found.append(Call(draw.choice(OTHERS), "f", [[3]], [3], limits=LIMITS))
            continue
        task = draw.choice(tasks)
        code = task.program(task.reference or "")
        change = draw.choice(("", "", " + 1", ".x", "[0]"))
        lines = code.rstrip().splitlines()
        if change and "return " in lines[-1]:
            lines[-1] += change
        found.append(program_job(task, "\n".join(lines) + "\n", LIMITS))
    return found


def spin() -> None:
    while True:
        pass


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--jobs", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    work = jobs(args.jobs, args.seed)
    runs, notes = [], []
    for loaded in (False, False, True):
        started = time.monotonic()
        burners = [
            multiprocessing.Process(target=spin, daemon=True)
            for _ in range(len(os.sched_getaffinity(0)) if loaded else 0)
        ]
        for burner in burners:
            burner.start()
        with Sandbox(workers=2) as box:
            outcomes = list(box.map(work))
        for burner in burners:
            burner.kill()
        runs.append([(o.verdict, tuple(t.verdict for t in o.tests)) for o in outcomes])
        near = sum(o.near_limit for o in outcomes)
        seconds = round(time.monotonic() - started)
        notes.append({"loaded": loaded, "seconds": seconds, "near_limit": near})
    different = [i for i, each in enumerate(zip(*runs, strict=True)) if len(set(each)) > 1]
    for index in different[:10]:
        print(index, [run[index] for run in runs], repr(work[index])[:300])
    verdicts = Counter(verdict for verdict, _ in runs[0])
    print(json.dumps({"jobs": len(work), "seed": args.seed, "verdicts": verdicts, "runs": notes,
                      "different": len(different), "load": os.getloadavg()}))  # fmt: skip
    return int(bool(different))


if __name__ == "__main__":
    raise SystemExit(main())
