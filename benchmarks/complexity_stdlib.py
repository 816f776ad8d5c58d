"""The standard library: analysed without a crash, evidence counted, and proofs hunted by counting.

python benchmarks/complexity_stdlib.py            # bounds and CPU
python benchmarks/complexity_stdlib.py --hunt 10  # and ten minutes of operation counts
"""

from __future__ import annotations

import argparse
import platform
import sysconfig
import time
from collections import Counter
from pathlib import Path

from neox.compiler import parse
from neox.compiler.complexity import Bound, analyze
from neox.compiler.complexity.unit import Function, read


def files() -> list[Path]:
    root = Path(sysconfig.get_path("stdlib"))
    skipped = {"site-packages", "test", "tests", "idle_test", "lib2to3"}
    return [p for p in sorted(root.rglob("*.py")) if not skipped & set(p.parts)]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--hunt", type=float, default=0.0, metavar="MINUTES")
    args = parser.parse_args()
    counts: Counter[str] = Counter()
    crashes, slowest = [], (0.0, "")
    hunted: list[tuple[str, Function, Bound]] = []
    start = time.process_time()
    for path in files():
        before = time.process_time()
        text = path.read_bytes()
        try:
            program = parse(text)
            bounds = analyze(program)
        except Exception as error:
            crashes.append(f"{path.name}: {type(error).__name__}: {error}")
            continue
        spent = time.process_time() - before
        slowest = max(slowest, (spent, path.name))
        functions = {f.name: f for f in read(program.tree, program.text).functions}
        for bound in bounds:
            counts[f"upper {bound.upper.evidence}"] += 1
            counts[f"both sides {bound.status}"] += 1
            counts["theta"] += bound.theta is not None
            counts["all"] += 1
            function = functions.get(bound.function)
            plain = function is not None and not function.family and function.parent is None
            proved = plain and bound.upper.evidence == "proved"
            if proved and function is not None and function.parameters and not function.generator:
                hunted.append((program.text, function, bound))
    cpu = time.process_time() - start
    print(f"Python {platform.python_version()}, {len(files())} files, {cpu:.1f} s CPU uncompiled")
    print(f"slowest: {slowest[1]} {slowest[0]:.2f} s; crashes: {crashes or 'none'}\n")
    for key, value in sorted(counts.items()):
        print(f"| {key} | {value} |")
    if args.hunt:
        hunt(hunted, args.hunt)


def hunt(found: list[tuple[str, Function, Bound]], minutes: float) -> None:
    """Every function proved from above that runs on generated arguments, in a fixed mixed order."""
    from random import Random

    from neox.rewards.counting import check
    from neox.sandbox import Sandbox

    Random(0).shuffle(found)
    end = time.monotonic() + 60 * minutes
    verdicts: Counter[str] = Counter()
    with Sandbox(workers=1) as box:
        for text, function, bound in found:
            if time.monotonic() > end:
                break
            assert bound.upper.growth is not None
            sizes = (16, 32, 64, 128, 256)
            done = check(
                box, text, function, bound, bound.upper.growth, sizes=sizes, most_families=2
            )
            word = {True: "agrees", False: "CONTRADICTS", None: "not decided"}[done.agrees]
            verdicts["cannot be run" if not done.inputs else word] += 1
            if done.agrees is False:
                print(function.name, bound.upper.expression, done.to_json())
    print(f"\nhunted {sum(verdicts.values())} of {len(found)} proved functions: {dict(verdicts)}")


if __name__ == "__main__":
    main()
