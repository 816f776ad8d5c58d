"""Whole programs: the labelled set, both halves, as a risk-coverage table.

python benchmarks/complexity_programs.py
"""

from __future__ import annotations

import importlib.util
import sys
import time
from pathlib import Path

from neox.compiler import parse
from neox.compiler.complexity import analyze

TESTS = Path(__file__).parents[1] / "tests" / "compiler" / "complexity"


def load():  # type: ignore[no-untyped-def]
    path = TESTS / "programs" / "programs.py"
    spec = importlib.util.spec_from_file_location("labelled_programs", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module.load()


def main() -> None:
    print("| half | programs | evidence kept | coverage | right |")
    print("| --- | --- | --- | --- | --- |")
    start = time.process_time()
    for aside, name in ((False, "developed on"), (True, "set aside")):
        rows = []
        for program in load():
            if program.aside is aside:
                bound = analyze(parse(program.code))[-1]
                kind = 2 if bound.theta else 1 if bound.upper.evidence != "heuristic" else 0
                rows.append((kind, bound.label == program.label))
        for least, text in ((2, "theta"), (1, "and upper bounds"), (0, "and sketches")):
            kept = [right for kind, right in rows if kind >= least]
            share = sum(kept) / max(1, len(kept))
            print(
                f"| {name} | {len(rows)} | {text} | {len(kept) / len(rows):.0%} "
                f"| {sum(kept)}/{len(kept)} = {share:.1%} |"
            )
    print(f"\nCPU: {time.process_time() - start:.2f} s")


if __name__ == "__main__":
    main()
