"""Speed and memory of the frontend beside `ast`, parso, libcst and tree-sitter.

    python benchmarks/bench_frontend.py [--every N] [--rounds N] [--peers parso,libcst,tree_sitter]

Measures the build it is run with: plain Python in a checkout, compiled where a wheel is installed
(`make compiled` makes one below build/compiled: PYTHONPATH=build/compiled). One process, one core;
tools take turns on each file, and each file counts with its least CPU time over the rounds, so that
a busy machine changes ratios little. Files: the standard library of the running interpreter without
its tests. Peers that are not installed are left out.
"""

from __future__ import annotations

import argparse
import ast
import gc
import importlib
import os
import sys
import sysconfig
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import neox.compiler.lexer
from neox.compiler import emit, parse
from neox.compiler.lexer import Lexer

VERSION = (sys.version_info[0], sys.version_info[1])
Tool = Callable[[str], object]


def library(every: int) -> list[str]:
    """The texts of every n-th file of the standard library, without its tests."""
    root = Path(sysconfig.get_paths()["stdlib"])
    left_out = {"test", "tests", "idle_test", "site-packages", "bad_syntax", "lib2to3"}
    found = [p for p in sorted(root.rglob("*.py")) if not left_out & set(p.relative_to(root).parts)]
    return [p.read_text(encoding="utf-8", errors="replace") for p in found[::every]]


def peers(names: list[str]) -> dict[str, Tool]:
    """The parsers of other projects that are installed."""
    found: dict[str, Tool] = {}

    def optional(name: str) -> Any:
        try:
            return importlib.import_module(name) if name.split(".")[0] in names else None
        except ImportError:
            return None

    if parso := optional("parso"):
        grammar = parso.load_grammar()
        found["parso"] = lambda text: grammar.parse(text, cache=False)
    if libcst := optional("libcst"):
        found["libcst"] = lambda text: libcst.parse_module(text)
    if tree_sitter := optional("tree_sitter"):
        language = tree_sitter.Language(importlib.import_module("tree_sitter_python").language())
        parser = tree_sitter.Parser(language)
        found["tree_sitter"] = lambda text: parser.parse(text.encode())
    return found


def least(tools: dict[str, Tool], texts: list[str], rounds: int) -> dict[str, float]:
    """CPU seconds of each tool: for each text the least of its rounds, then the sum."""
    best = {name: [float("inf")] * len(texts) for name in tools}
    for _ in range(rounds):
        for i, text in enumerate(texts):
            for name, tool in tools.items():
                gc.collect(0)
                gc.disable()
                began = time.process_time()
                tool(text)
                best[name][i] = min(best[name][i], time.process_time() - began)
                gc.enable()
    return {name: sum(times) for name, times in best.items()}


def resident() -> int:
    """Bytes of this process in memory (Linux)."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def growth(tool: Tool, texts: list[str]) -> float:
    """MB that the trees of all texts take, measured in a forked child."""
    read, write = os.pipe()
    if os.fork() == 0:
        gc.disable()
        before = resident()
        kept = [tool(text) for text in texts]
        os.write(write, str((resident() - before) / 1e6 * bool(kept)).encode())
        os._exit(0)
    os.wait()
    os.close(write)
    return float(os.read(read, 100))


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--every", type=int, default=4, help="every n-th file (default 4)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peers", default="parso,libcst,tree_sitter")
    args = parser.parse_args()
    texts = library(args.every)
    lines = sum(text.count("\n") for text in texts)
    size = sum(map(len, texts)) / 1e6
    compiled = not str(neox.compiler.lexer.__file__).endswith(".py")
    print(f"neox.compiler: {'compiled' if compiled else 'plain'}, Python {sys.version.split()[0]}")
    print(f"{len(texts)} files, {lines} lines, {size:.2f} MB; least of {args.rounds} rounds")
    theirs, ours = growth(ast.parse, texts), growth(lambda t: parse(t, VERSION), texts)
    trees = {text: ast.parse(text) for text in texts}
    programs = {text: parse(text, VERSION) for text in texts}
    tools: dict[str, Tool] = {
        "ast.parse": ast.parse,
        "neox lexer": lambda text: Lexer(text, VERSION).run(),
        "neox parse": lambda text: parse(text, VERSION),
        "ast.unparse": lambda text: ast.unparse(trees[text]),
        "neox emit": lambda text: emit(programs[text]),
        **peers(args.peers.split(",")),
    }
    found = least(tools, texts, args.rounds)
    print("| tool | CPU s | time / `ast.parse` | lines/s |\n|---|---|---|---|")
    for name, spent in found.items():
        share = spent / found["ast.parse"]
        print(f"| {name} | {spent:.3f} | {share:.2f} | {lines / spent:,.0f} |")
    print(f"neox emit / ast.unparse: {found['neox emit'] / found['ast.unparse']:.2f} of its time")
    if "parso" in found:
        print(f"parso / neox parse: {found['parso'] / found['neox parse']:.1f}")
    print(f"memory of all trees: ast {theirs:.1f} MB, neox {ours:.1f} MB, {ours / theirs:.2f} x")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
