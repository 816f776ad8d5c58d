"""`neox sandbox run FILE`: one program behind the walls, and what came of it.

Without tests the program runs as a script and prints what it likes. `--expect` compares what it
printed; `--tests` calls it: a .py file of asserts (or with `check(candidate)`), or a .json file
with a list of {"input": [...], "expected": ...}. What the program says is shown with control
characters made visible: it is untrusted, and a terminal obeys them.
"""

from __future__ import annotations

import argparse
import ast
import dataclasses
import json
import sys
from pathlib import Path
from typing import Any

from neox.errors import InputError
from neox.sandbox import Asserts, Call, Job, Limits, Outcome, Sandbox, SandboxUnavailable, Script

_WIDTH = 100
_SHOWN_TESTS, _SHOWN_LINES = 20, 40


def add_arguments(parser: argparse.ArgumentParser) -> None:
    limits = Limits()
    add = parser.add_argument
    add("action", choices=("run",))
    add("file", metavar="FILE", help="a Python program; - reads it from standard input")
    add("--stdin", metavar="FILE", help="what the program reads")
    add("--expect", metavar="FILE", help="what it must print, white space apart")
    add("--tests", metavar="FILE", help=".py with asserts, or .json with inputs and answers")
    add("--entry", metavar="NAME", help="the function that tests call (default: found in them)")
    add("--timeout", metavar="S", type=float, default=limits.cpu_s,
        help=f"CPU seconds; twice as many of wall time (default {limits.cpu_s:g})")  # fmt: skip
    add("--memory", metavar="MB", type=int, default=limits.memory_mb,
        help=f"MiB of address space (default {limits.memory_mb})")  # fmt: skip
    add("--format", choices=("text", "json"), default="text")


def run(args: argparse.Namespace) -> int:
    """0 when the program passed, or ended by itself where nothing was asked of it; else 1."""
    job = _job(args)
    try:
        with Sandbox(workers=1) as box:
            outcome = box.run(job)
            layers = box.layers
    except SandboxUnavailable as error:
        raise InputError(str(error), remedy="see `neox doctor`") from None
    asked = bool(args.tests or args.expect)
    if not asked and outcome.verdict in ("pass", "fail"):  # whatever it printed was welcome
        outcome = dataclasses.replace(outcome, verdict="pass", tests=(), detail="")
    if args.format == "json":
        print(json.dumps(_plain(outcome)))
    else:
        print("\n".join(screen(args.file, outcome, job.limits or Limits(), layers, asked)))
    return int(outcome.verdict != "pass")


def _job(args: argparse.Namespace) -> Job:
    try:
        limits = Limits(args.timeout, 2 * args.timeout, args.memory)
    except ValueError as error:
        raise InputError(str(error), remedy="see `neox sandbox --help`") from None
    code = sys.stdin.read() if args.file == "-" else _read(args.file)
    if args.tests and (args.stdin or args.expect):
        raise InputError("--tests calls functions: it goes with neither --stdin nor --expect")
    if not args.tests:
        stdin = _read(args.stdin) if args.stdin else ""
        return Script(code, stdin, _read(args.expect) if args.expect else "", limits=limits)
    test = _read(args.tests)
    if args.tests.endswith(".json"):
        return _data(args.tests, test, code, args.entry or _last_function(code, args.file), limits)
    return Asserts(code, test, args.entry or _called(test, code, args), limits=limits)


def _data(path: str, text: str, code: str, entry: str, limits: Limits) -> Call:
    try:
        rows = json.loads(text)
        return Call(
            code, entry, [r["input"] for r in rows], [r["expected"] for r in rows], limits=limits
        )
    except json.JSONDecodeError as error:
        raise InputError(f"not JSON: {error.msg}", path, error.lineno) from None
    except (TypeError, KeyError, ValueError):
        raise InputError(
            "not a list of tests", path, remedy='each is {"input": [1, 2], "expected": 3}'
        ) from None


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise InputError(f"{path}: {why}", remedy="name a readable text file") from None


def _functions(code: str) -> list[str]:
    """Names a program defines at its top level; none when it does not parse."""
    try:
        body = ast.parse(code).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    return [n.name for n in body if isinstance(n, ast.FunctionDef | ast.ClassDef)]


def _last_function(code: str, path: str) -> str:
    names = _functions(code)
    if not names:
        raise InputError("no function to call", path, remedy="name one with --entry")
    return names[-1]


def _called(test: str, code: str, args: argparse.Namespace) -> str:
    """The function of the program that the test calls by name; else the program's last."""
    try:
        tree = ast.parse(test)
    except SyntaxError as error:
        raise InputError(f"{error.msg}", args.tests, error.lineno) from None
    calls = [n.func.id for n in ast.walk(tree)
             if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)]  # fmt: skip
    defined = _functions(code)
    found = [name for name in calls if name in defined]
    return found[0] if found else _last_function(code, args.file)


def screen(
    name: str, outcome: Outcome, limits: Limits, layers: dict[str, tuple[bool, str]], asked: bool
) -> list[str]:
    """The lines for people."""
    lines = []
    printed = outcome.stdout.splitlines()
    lines += ["  | " + visible(line) for line in printed[:_SHOWN_LINES]]
    if len(printed) > _SHOWN_LINES:
        lines.append(f"  | ... {len(printed) - _SHOWN_LINES} more lines")
    verdict: str = outcome.verdict if asked or outcome.verdict != "pass" else "ended by itself"
    lines.append(f"{visible(name)}: {verdict}" + _why(outcome))
    shown = outcome.tests if len(outcome.tests) > 1 else ()
    for number, test in enumerate(shown[:_SHOWN_TESTS], 1):
        lines.append(f"  {number:>3}  {test.verdict:<8} {visible(test.detail)}".rstrip())
    if len(shown) > _SHOWN_TESTS:
        lines.append(f"       ... {len(shown) - _SHOWN_TESTS} more")
    lines.append(
        f"  CPU {outcome.cpu_s:.3f} of {limits.cpu_s:g} s, wall {outcome.wall_s:.3f} of "
        f"{limits.wall_s:g} s, peak {outcome.peak_mb:.0f} of {limits.memory_mb} MiB"
        + (", close to a limit" if outcome.near_limit else "")
    )
    if outcome.violations:
        tried = ", ".join(f"{visible(what)} {n}x" for what, n in outcome.violations.items())
        lines.append(f"  tried: {tried}")
    down = [layer for layer, (active, _) in layers.items() if not active]
    up = len(layers) - len(down)
    lines.append(f"  layers: {up} of {len(layers)}" + (f"; not {', '.join(down)}" if down else ""))
    return lines


def _why(outcome: Outcome) -> str:
    passed = sum(test.verdict == "pass" for test in outcome.tests)
    counted = f", {passed} of {len(outcome.tests)} tests passed" if len(outcome.tests) > 1 else ""
    alone = outcome.detail if outcome.detail and not counted else ""
    return counted + (f", {visible(alone)}" if alone else "")


def visible(text: str) -> str:
    """One line in which nothing moves a cursor, and no more than a line of it."""
    shown = "".join(c if c.isprintable() or c == "\t" else f"\\x{ord(c):02x}" for c in text)
    return shown if len(shown) <= _WIDTH else shown[: _WIDTH - 3] + "..."


def _plain(outcome: Outcome) -> dict[str, Any]:
    found = dataclasses.asdict(outcome)
    del found["claim"]
    return found
