"""The standard library: analysed without a crash, evidence counted, and proofs hunted by counting.

python benchmarks/complexity_stdlib.py                               # bounds and CPU
python benchmarks/complexity_stdlib.py --hunt 10 --state hunt.jsonl  # and ten minutes of counting

A hunt goes on where the last one with the same state file ended: a function is run again only where
its bound has changed since.
"""

from __future__ import annotations

import argparse
import json
import platform
import sysconfig
import time
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

from neox.compiler import parse
from neox.compiler.complexity import Bound, analyze
from neox.compiler.complexity.unit import Function, read

ROOT = Path(sysconfig.get_path("stdlib"))
SKIPPED = {"site-packages", "test", "tests", "idle_test", "lib2to3"}
SIZES = (16, 32, 64, 128, 256)
FAMILIES = 2


def files() -> list[Path]:
    return [p for p in sorted(ROOT.rglob("*.py")) if not SKIPPED & set(p.parts)]


def hunted(function: Function | None, bound: Bound) -> bool:
    """Claimed from above and callable as it stands: no method, no nested function, no generator."""
    if function is None or bound.upper.evidence not in {"proved", "assumed"}:
        return False
    plain = not function.family and function.parent is None and not function.generator
    return plain and bool(function.parameters)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--hunt", type=float, default=0.0, metavar="MINUTES")
    parser.add_argument("--state", type=Path, metavar="FILE", help="where the hunt is remembered")
    args = parser.parse_args()
    counts: Counter[str] = Counter()
    crashes, slowest = [], (0.0, "")
    found: list[tuple[Path, str, str]] = []
    start = time.process_time()
    for path in files():
        before = time.process_time()
        try:
            program = parse(path.read_bytes())
            bounds = analyze(program)
        except Exception as error:
            crashes.append(f"{path.name}: {type(error).__name__}: {error}")
            continue
        slowest = max(slowest, (time.process_time() - before, path.name))
        functions = {f.name: f for f in read(program.tree, program.text).functions}
        for bound in bounds:
            counts["all"] += 1
            counts[f"upper {bound.upper.evidence}"] += 1
            counts[f"both sides {bound.status}"] += 1
            counts["theta"] += bound.theta is not None
            if hunted(functions.get(bound.function), bound):
                found.append((path, bound.function, str(bound.upper.expression)))
    cpu = time.process_time() - start
    print(f"Python {platform.python_version()}, {len(files())} files, {cpu:.1f} s CPU")
    print(f"slowest: {slowest[1]} {slowest[0]:.2f} s; crashes: {crashes or 'none'}\n")
    for key, value in sorted(counts.items()):
        print(f"| {key} | {value} |")
    if args.hunt:
        hunt(found, args.hunt, args.state)


def hunt(found: list[tuple[Path, str, str]], minutes: float, state: Path | None) -> None:
    """Every function claimed from above that runs on generated arguments, in a fixed mixed order."""
    from neox.sandbox import Sandbox

    Random(0).shuffle(found)
    end = time.monotonic() + 60 * minutes
    done: dict[tuple[str, str, str], dict[str, Any]] = {}
    if state is not None and state.exists():
        for line in state.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            done[row["path"], row["function"], row["upper"]] = row
    rows = []
    with Sandbox(workers=1) as box:
        for path, name, upper in found:
            key = str(path.relative_to(ROOT)), name, upper
            row = done.get(key)
            if row is None:
                if time.monotonic() > end:
                    continue
                row = {"path": key[0], "function": name, "upper": upper, **count(box, path, name)}
                if state is not None:
                    with state.open("a", encoding="utf-8") as file:
                        file.write(json.dumps(row) + "\n")
            rows.append(row)
    for row in rows:
        if row["verdict"] == "CONTRADICTS":
            print(row)
    verdicts = Counter(f"{row['evidence']}: {row['verdict']}" for row in rows)
    print(f"\nhunted {len(rows)} of {len(found)} functions:")
    for key, value in sorted(verdicts.items()):
        print(f"| {key} | {value} |")


def count(box: Any, path: Path, name: str) -> dict[str, Any]:
    """Operations of one function beside its claim, the whole file being what is run."""
    from neox.rewards.counting import check

    program = parse(path.read_bytes())
    bound = next(b for b in analyze(program) if b.function == name)
    function = next(f for f in read(program.tree, program.text).functions if f.name == name)
    claim = bound.upper.growth
    if claim is None:
        return {"evidence": "unknown", "verdict": "no claim"}
    done = check(
        box, program.text, function, bound, claim, sizes=SIZES, most_families=FAMILIES
    )
    word = {True: "agrees", False: "CONTRADICTS", None: "not decided"}[done.agrees]
    return {
        "evidence": bound.upper.evidence,
        "verdict": word if done.inputs else "cannot be run",
        "tight": done.tight,
        "detail": done.to_json(),
    }


if __name__ == "__main__":
    main()
