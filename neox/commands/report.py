"""`neox report`: the page of a run again, or one page that compares results of `neox evaluate`."""

from __future__ import annotations

import argparse
from pathlib import Path

from neox.errors import InputError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "paths",
        nargs="+",
        metavar="PATH",
        help="a run folder, still going or killed too; or files of results to compare",
    )
    parser.add_argument(
        "--output", metavar="FILE", help="page of the comparison (default comparison.html)"
    )


def run(args: argparse.Namespace) -> int:
    paths = [Path(path) for path in args.paths]
    if paths[0].is_dir() or not paths[0].exists():
        print(_of_run(paths))
        return 0
    from neox.report.compare import write_comparison

    print(write_comparison(paths, Path(args.output or "comparison.html")))
    return 0


def _of_run(paths: list[Path]) -> Path:
    from neox.report.page import write_report

    folder, *more = paths
    if more:
        raise InputError(
            "a page shows one run", more[0], remedy="compare files of results of `neox evaluate`"
        )
    if not (folder / "metrics.jsonl").is_file():
        raise InputError(f"{folder} holds no metrics.jsonl", folder, remedy="name a run folder")
    return write_report(folder)
