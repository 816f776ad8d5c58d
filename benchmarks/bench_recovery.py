"""What comes back from broken files: neox beside parso and tree-sitter.

    python benchmarks/bench_recovery.py [--files N] [--seed S] [--show]

Standard library files of 0.5 to 30 KB, one change in each: a random token deleted, inserted, or
swapped with the next, or the text cut at a random character; only changes after which CPython
rejects the file. A statement (top level) or function (any depth) that the change did not touch
counts as back if the tool gives it the same span and no error inside; each tool is compared with
its own tree of the unbroken file. "Perfect" files have all of them back. Bytes in error nodes are
counted whole, whatever was recovered inside them.
"""

from __future__ import annotations

import argparse
import ast
import importlib
import random
import sys
import sysconfig
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from neox.compiler import nodes, parse, walk
from neox.compiler.lexer import Lexer
from neox.compiler.tokens import DEDENT

VERSION = (sys.version_info[0], sys.version_info[1])
Unit = tuple[int, int, str]


class Found(NamedTuple):
    """The sound statements and functions of a text, and how many characters are in errors."""

    statements: set[Unit]
    functions: set[Unit]
    errors: int


class Change(NamedTuple):
    """The characters from `start` to `end` became `text`."""

    start: int
    end: int
    text: str

    def apply(self, source: str) -> str:
        return source[: self.start] + self.text + source[self.end :]

    def moved(self, unit: Unit) -> Unit | None:
        """Where a unit is afterwards; None if the change touched it."""
        start, end, kind = unit
        if end < self.start:
            return unit
        if start > self.end:
            by = len(self.text) - (self.end - self.start)
            return start + by, end + by, kind
        return None


def merged(spans: list[tuple[int, int]]) -> int:
    """Characters covered by any of the spans."""
    total = reached = 0
    for start, end in sorted(spans):
        total += max(0, end - max(start, reached))
        reached = max(reached, end)
    return total


def neox_units(text: str) -> Found:
    tree = parse(text, VERSION).tree
    bad = [x for x in walk(tree) if isinstance(x, (nodes.ErrorStmt, nodes.ErrorExpr))]
    wrong = sorted((x.start, x.end) for x in bad)

    def unit(node: nodes.Node) -> Unit | None:
        decorators = getattr(node, "decorator_list", [])
        start = min([node.start, *(d.start for d in decorators)])
        sound = not any((a < node.end and b > start) or start <= a <= node.end for a, b in wrong)
        return (start, node.end, type(node).__name__) if sound else None

    functions = [
        x for x in walk(tree) if isinstance(x, (nodes.FunctionDef, nodes.AsyncFunctionDef))
    ]
    return Found(
        {u for one in tree.body if (u := unit(one))},
        {u for one in functions if (u := unit(one))},
        merged(wrong),
    )


def parso_units(parso: Any) -> Callable[[str], Found]:
    grammar = parso.load_grammar()

    def units(text: str) -> Found:
        module = grammar.parse(text, cache=False)
        starts = [0]
        for line in parso.split_lines(text, keepends=True):
            starts.append(starts[-1] + len(line))

        def span(node: Any) -> tuple[int, int]:
            (a, b), (c, d) = node.start_pos, node.end_pos
            return starts[a - 1] + b, starts[c - 1] + d

        def below(node: Any) -> Iterator[Any]:
            waiting = [node]
            while waiting:
                one = waiting.pop()
                yield one
                waiting += getattr(one, "children", [])

        def sound(node: Any) -> bool:
            return all(x.type not in ("error_node", "error_leaf") for x in below(node))

        every = list(below(module))
        errors = [span(x) for x in every if x.type in ("error_node", "error_leaf")]
        statements = [x for x in module.children if x.type != "endmarker"]
        functions = [x for x in every if x.type == "funcdef"]
        return Found(
            {(*span(x), x.type) for x in statements if sound(x)},
            {(*span(x), x.type) for x in functions if sound(x)},
            merged(errors),
        )

    return units


def tree_sitter_units(tree_sitter: Any) -> Callable[[str], Found]:
    language = tree_sitter.Language(importlib.import_module("tree_sitter_python").language())
    parser = tree_sitter.Parser(language)

    def units(text: str) -> Found:
        data = text.encode()
        root = parser.parse(data).root_node
        at = {0: 0}  # bytes to characters
        size = 0
        for i, c in enumerate(text, 1):
            size += len(c.encode())
            at[size] = i
        functions, errors = [], []
        waiting = [root]
        while waiting:
            one = waiting.pop()
            if one.type == "function_definition":
                functions.append(one)
            if one.is_error or one.is_missing:
                errors.append((one.start_byte, one.end_byte))
            waiting += one.children

        def unit(node: Any) -> Unit:
            return at[node.start_byte], at[node.end_byte], node.type

        return Found(
            {unit(x) for x in root.children if not x.has_error and x.type != "comment"},
            {unit(x) for x in functions if not x.has_error},
            merged(errors),
        )

    return units


def change(kind: str, text: str, rng: random.Random) -> Change:
    """A random change of this kind."""
    if kind == "cut":
        return Change(rng.randrange(1, len(text)), len(text), "")
    found = Lexer(text, VERSION).run()
    real = [i for i, k in enumerate(found.kinds) if k > DEDENT]
    i = rng.choice(real[:-1])
    start, end = found.starts[i], found.ends[i]
    if kind == "delete":
        return Change(start, end, "")
    if kind == "insert":
        other = rng.choice(real)
        return Change(start, start, f"{text[found.starts[other] : found.ends[other]]} ")
    after = real[real.index(i) + 1]
    first, second = text[start:end], text[found.starts[after] : found.ends[after]]
    between = text[end : found.starts[after]]
    return Change(start, found.ends[after], second + between + first)


def rejected(text: str) -> bool:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            ast.parse(text)
        except SyntaxError:
            return True
    return False


def library() -> list[str]:
    root = Path(sysconfig.get_paths()["stdlib"])
    left_out = {"test", "tests", "idle_test", "site-packages", "bad_syntax", "lib2to3"}
    texts = []
    for path in sorted(root.rglob("*.py")):
        if not left_out & set(path.relative_to(root).parts) and 500 < path.stat().st_size < 30_000:
            text = path.read_text(encoding="utf-8", errors="replace")
            texts.append(text.replace("\r\n", "\n"))
    return texts


class Score:
    def __init__(self) -> None:
        self.kept = self.total = self.perfect = self.files = self.errors = self.size = 0

    def add(self, before: set[Unit], after: set[Unit], change: Change) -> bool:
        expected = {moved for unit in before if (moved := change.moved(unit))}
        kept = len(expected & after)
        self.kept += kept
        self.total += len(expected)
        self.perfect += kept == len(expected)
        self.files += 1
        return kept == len(expected)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--files", type=int, default=200, help="changed files of each kind")
    parser.add_argument("--seed", type=int, default=3)
    parser.add_argument("--peers", default="parso,tree_sitter")
    parser.add_argument("--kinds", default="delete,insert,swap,cut")
    parser.add_argument("--show", action="store_true", help="print what neox did not get back")
    args = parser.parse_args()
    tools: dict[str, Callable[[str], Found]] = {"neox": neox_units}
    for name, make in (("parso", parso_units), ("tree_sitter", tree_sitter_units)):
        if name in args.peers.split(","):
            tools[name] = make(importlib.import_module(name))
    texts = library()
    print(f"{args.files} files of each kind, seed {args.seed}, Python {sys.version.split()[0]}")
    print("| change | tool | statements back | files with all | functions back | files with all "
          "| error bytes |\n|---|---|---|---|---|---|---|")  # fmt: skip
    for kind in args.kinds.split(","):
        rng = random.Random(f"{args.seed} {kind}")
        scores = {name: (Score(), Score()) for name in tools}
        done = 0
        while done < args.files:
            text = rng.choice(texts)
            one = change(kind, text, rng)
            broken = one.apply(text)
            if not rejected(broken):
                continue
            done += 1
            for name, units in tools.items():
                before, after = units(text), units(broken)
                statements, functions = scores[name]
                whole = statements.add(before.statements, after.statements, one)
                whole &= functions.add(before.functions, after.functions, one)
                statements.errors += after.errors
                statements.size += len(broken)
                if args.show and name == "neox" and (not whole or after.errors > 2000):
                    line = text.count("\n", 0, one.start)
                    context = "\n".join(broken.split("\n")[max(0, line - 2) : line + 3])
                    print(
                        f"--- {kind} at line {line + 1}: {text[one.start : one.end][:40]!r} -> "
                        f"{one.text!r}; errors {after.errors} of {len(broken)}\n{context}"
                    )
        for name, (statements, functions) in scores.items():
            cells = [
                f"{statements.kept / max(1, statements.total):.4f}",
                f"{100 * statements.perfect / statements.files:.1f} %",
                f"{functions.kept / max(1, functions.total):.4f}",
                f"{100 * functions.perfect / functions.files:.1f} %",
                f"{100 * statements.errors / statements.size:.2f} %",
            ]
            print(f"| {kind} | {name} | " + " | ".join(cells) + " |", flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
