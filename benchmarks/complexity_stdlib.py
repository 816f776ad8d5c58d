"""The standard library: analysed without a crash, evidence counted, and proofs hunted by counting.

python benchmarks/complexity_stdlib.py                               # bounds and CPU
python benchmarks/complexity_stdlib.py --hunt 10 --state hunt.jsonl  # ten minutes of counting

A hunt takes the files in a fixed mixed order and goes on where the last one with the same state
file ended; without a limit worth the whole library it reports how far it came.
"""

from __future__ import annotations

import argparse
import json
import platform
import sysconfig
import time
from collections import Counter
from concurrent.futures import Future
from pathlib import Path
from random import Random
from typing import Any

from neox.compiler import parse
from neox.compiler.complexity import Bound, analyze
from neox.compiler.complexity.unit import Function, read

ROOT = Path(sysconfig.get_path("stdlib"))
SKIPPED = {"site-packages", "test", "tests", "idle_test", "lib2to3"}
SIZES = (16, 32, 64, 128, 256)
FAMILIES = 1


def files() -> list[Path]:
    return [p for p in sorted(ROOT.rglob("*.py")) if not SKIPPED & set(p.parts)]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--hunt", type=float, default=0.0, metavar="MINUTES")
    parser.add_argument("--state", type=Path, default=Path("hunt.jsonl"), metavar="FILE")
    args = parser.parse_args()
    if args.hunt:
        hunt(args.hunt, args.state)
    else:
        survey()


def survey() -> None:
    counts: Counter[str] = Counter()
    crashes, slowest = [], (0.0, "")
    start = time.process_time()
    for path in files():
        before = time.process_time()
        try:
            bounds = analyze(parse(path.read_bytes()))
        except Exception as error:
            crashes.append(f"{path.name}: {type(error).__name__}: {error}")
            continue
        slowest = max(slowest, (time.process_time() - before, path.name))
        for bound in bounds:
            counts["all"] += 1
            counts[f"upper {bound.upper.evidence}"] += 1
            counts[f"both sides {bound.status}"] += 1
            counts["theta"] += bound.theta is not None
    cpu = time.process_time() - start
    print(f"Python {platform.python_version()}, {len(files())} files, {cpu:.1f} s CPU")
    print(f"slowest: {slowest[1]} {slowest[0]:.2f} s; crashes: {crashes or 'none'}\n")
    for key, value in sorted(counts.items()):
        print(f"| {key} | {value} |")


def hunt(minutes: float, state: Path) -> None:
    """Every function claimed from above that runs on generated arguments."""
    from neox.sandbox import Sandbox

    end = time.monotonic() + 60 * minutes
    rows: dict[str, list[dict[str, Any]]] = {}
    if state.exists():
        for line in state.read_text(encoding="utf-8").splitlines():
            done = json.loads(line)
            rows[done["path"]] = done["rows"]
    order = files()
    Random(0).shuffle(order)
    with Sandbox(workers=1) as box, state.open("a", encoding="utf-8") as file:
        for path in order:
            key = str(path.relative_to(ROOT))
            if key in rows or time.monotonic() > end:
                continue
            rows[key] = [*_examined(box, path)]
            file.write(json.dumps({"path": key, "rows": rows[key]}) + "\n")
            file.flush()
    verdicts: Counter[str] = Counter()
    for key, found in rows.items():
        for row in found:
            verdicts[f"{row['evidence']}: {row['verdict']}"] += 1
            if row["verdict"] == "CONTRADICTS":
                print(key, row)
    print(f"hunted {sum(verdicts.values())} functions of {len(rows)} of {len(order)} files:")
    for key, value in sorted(verdicts.items()):
        print(f"| {key} | {value} |")


def _examined(box: Any, path: Path) -> list[dict[str, Any]]:
    """The claims of one file beside operation counts, the whole file being what is run."""
    from neox.rewards.counting import check

    counting: Any = Counting(box)

    program = parse(path.read_bytes())
    functions = {f.name: f for f in read(program.tree, program.text).functions}
    found = []
    for bound in analyze(program):
        function = functions.get(bound.function)
        claim = bound.upper.growth
        if function is None or claim is None or not _callable(function, bound):
            continue
        done = check(
            counting, program.text, function, bound, claim, sizes=SIZES, most_families=FAMILIES
        )
        word = {True: "agrees", False: "CONTRADICTS", None: "not decided"}[done.agrees]
        found.append(
            {
                "function": bound.function,
                "upper": bound.upper.expression,
                "evidence": bound.upper.evidence,
                "verdict": word if done.inputs else "cannot be run",
                "detail": done.to_json(),
            }
        )
    return found


class Counting:
    """A sandbox that is asked for counts alone: the runs that only measure CPU time are left out.

    What they would say is taken from the last run, so the CPU seconds are worthless here.
    """

    def __init__(self, box: Any) -> None:
        self.box = box
        self.idle: Future[Any] = Future()

    def submit(self, job: Any) -> Any:
        if job.called:
            return self.box.submit(job)
        if not self.idle.done():
            self.idle.set_result(self.box.submit(job).result())
        return self.idle if self.idle.result().verdict == "pass" else self.box.submit(job)


def _callable(function: Function, bound: Bound) -> bool:
    """As it stands: no method, no nested function, no generator, and with something to vary."""
    if bound.upper.evidence not in {"proved", "assumed"}:
        return False
    plain = not function.family and function.parent is None and not function.generator
    return plain and bool(function.parameters)


if __name__ == "__main__":
    main()
