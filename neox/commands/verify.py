"""`neox verify`: bounds on running time, contracts, findings.

It never runs what it reads, unless `--check` is given, and then only in the sandbox. Statuses: 0
fine, 1 a selected rule fired, 2 something could not be read or done.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from neox.errors import InputError
from neox.verify import report
from neox.verify.files import Cache, find
from neox.verify.findings import Finding
from neox.verify.settings import Settings, load, merged
from neox.verify.study import Row, study

FORMATS = ("text", "concise", "json", "sarif", "github")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("paths", nargs="+", metavar="FILE|DIR", help="Python files, or folders")
    parser.add_argument("--explain", action="store_true", help="print how each bound was found")
    parser.add_argument(
        "--strict", action="store_true", help="an unknown bound or open contract fails, too"
    )
    parser.add_argument("--select", metavar="CODES", help="rules that fail: NX001,NX1 ...")
    parser.add_argument(
        "--diff-base", metavar="REV", help="fail only on functions that got worse since REV"
    )
    parser.add_argument(
        "--check", action="store_true", help="count operations in the sandbox beside the proof"
    )
    parser.add_argument(
        "--count-input", action="store_true", help="scripts: count reading the input, too"
    )
    parser.add_argument("--no-cache", action="store_true", help="analyse every file anew")
    parser.add_argument("--exit-zero", action="store_true", help="findings do not fail the run")
    parser.add_argument("--format", choices=FORMATS, default="text")


def run(args: argparse.Namespace) -> int:
    """0 if no selected rule fired, 1 if one did, 2 for what could not be read."""
    first = Path(args.paths[0])
    settings = merged(
        load(first if first.is_dir() else first.parent),
        select=args.select,
        strict=args.strict,
        count_input=args.count_input,
    )
    base = None
    if args.diff_base:
        from neox.verify import regress  # needs git and both analyses: loaded where asked for

        base = regress.Base(args.diff_base)
    cache = Cache(not args.no_cache)
    files = list(dict.fromkeys(find(args.paths, settings)))
    rows: list[Row] = []
    shown: list[Finding] = []
    failed = broken = False
    for at, path in enumerate(files):
        _progress(at, len(files))
        result = study(path, settings, cache)
        failed |= result.failed
        if args.check and not result.failed:
            from neox.verify.check import check_file

            result.findings += check_file(path, result.functions)
        if base is not None and not result.failed:
            kept = [f for f in result.findings if f.code in {"NX900", "NX301"}]
            result.findings = [*kept, *regress.regressions(path, base, settings)]
        findings = [f for f in result.findings if f.code in settings.select or _open(f, settings)]
        broken |= any(f.code != "NX900" for f in findings)
        if settings.strict and base is None:
            broken |= any(r["status"] == "unknown" for r in result.functions)
        rows += result.functions
        shown += findings
        if args.format == "text":
            print(*report.text(result.functions, findings, explain=args.explain), sep="\n", end="")
            print("\n" * bool(result.functions or findings), end="")
    _progress(len(files), len(files))
    _print(args.format, rows, shown)
    for f in shown:
        if f.code in {"NX900", "NX301"} and args.format != "github":
            print(f"{f.path}:{f.line}:{f.column}: {f.code} {f.message}", file=sys.stderr)
    if failed or any(f.code == "NX301" for f in shown):
        return 2
    return int(broken and not args.exit_zero)


def _open(finding: Finding, settings: Settings) -> bool:
    return settings.strict and finding.code == "NX003"


def _print(form: str, rows: list[Row], findings: list[Finding]) -> None:
    if form == "json":
        print(report.as_json(rows, findings))
    elif form == "sarif":
        from neox.verify.sarif import sarif

        print(sarif(findings))
    elif form == "github":
        print(*report.github(findings), sep="\n", end="\n" * bool(findings))
    elif form == "concise":
        print(*report.concise(findings), sep="\n", end="\n" * bool(findings))


def _progress(done: int, of: int) -> None:
    """A counter on a terminal, for folders."""
    if of < 20 or not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
        return
    end = "\r" if done < of else "\r\x1b[K"
    print(f"verify: {done}/{of} files", end=end, file=sys.stderr, flush=True)


__all__ = ["InputError", "add_arguments", "run"]
