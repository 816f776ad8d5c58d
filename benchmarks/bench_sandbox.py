"""Executions per second and CPU per execution of the sandbox, beside a bare fork of the same
interpreter.

    python benchmarks/bench_sandbox.py [--rounds 5] [--jobs 400]

Interleaved rounds; prints the median of each figure and the ratio of CPU per execution.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import time

from neox.sandbox import Call, Sandbox

JOB = Call(
    "def f(a):\n    a = [v * 2 for v in a]\n    return sorted(a)\n",
    "f",
    [[[3, 1, 2]]] * 6,
    [[2, 4, 6]] * 6,
)


def cpu() -> float:
    own, children = (
        resource.getrusage(w) for w in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def forks(count: int) -> tuple[float, float]:
    """Seconds of wall and CPU per bare fork, exit and wait."""
    wall, used = time.perf_counter(), cpu()
    for _ in range(count):
        pid = os.fork()
        if pid == 0:
            os._exit(0)
        os.waitpid(pid, 0)
    return (time.perf_counter() - wall) / count, (cpu() - used) / count


def sandboxed(box: Sandbox, count: int) -> tuple[float, float]:
    """Seconds of wall and CPU per execution, the supervisor's share included."""
    wall, used = time.perf_counter(), time.process_time()
    outcomes = list(box.map([JOB] * count))
    assert all(o.verdict == "pass" for o in outcomes)
    inside = sum(o.cpu_s for o in outcomes)
    return (time.perf_counter() - wall) / count, (time.process_time() - used + inside) / count


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--jobs", type=int, default=400)
    args = parser.parse_args()
    rows: dict[str, list[tuple[float, float]]] = {"bare fork": [], "sandbox, 2 workers": []}
    with Sandbox(workers=2, strict=False) as box:
        sandboxed(box, 50)
        for _ in range(args.rounds):
            rows["bare fork"].append(forks(args.jobs))
            rows["sandbox, 2 workers"].append(sandboxed(box, args.jobs))
    print("| | executions/s | CPU ms per execution |\n| --- | --- | --- |")
    for name, pairs in rows.items():
        wall, used = (statistics.median(p[i] for p in pairs) for i in (0, 1))
        print(f"| {name} | {1 / wall:.0f} | {1000 * used:.2f} |")


if __name__ == "__main__":
    main()
