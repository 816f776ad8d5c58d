"""The benchmarks by name. Each lives in a file of its own and is imported only when asked for."""

from __future__ import annotations

import importlib

from neox.evaluate.benchmarks.base import Benchmark, Judged, Problem

BENCHMARKS = {
    "humaneval": "code:HumanEval",
    "humaneval+": "plus:HumanEvalPlus",
    "mbpp": "code:Mbpp",
    "mbpp+": "plus:MbppPlus",
    "gsm8k": "gsm8k:Gsm8k",
    "cruxeval": "cruxeval:CruxEval",
}

__all__ = ["BENCHMARKS", "Benchmark", "Judged", "Problem", "benchmark"]


def benchmark(name: str) -> Benchmark:
    """The benchmark of that name. KeyError for an unknown one."""
    file, _, kind = BENCHMARKS[name].partition(":")
    made: Benchmark = getattr(importlib.import_module(f"{__name__}.{file}"), kind)()
    return made
