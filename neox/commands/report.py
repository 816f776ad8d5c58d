"""`neox report`: make a run's page again, for a run that is still going or was killed."""

from __future__ import annotations

import argparse
from pathlib import Path

from neox.errors import InputError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", metavar="DIR", help="run folder")


def run(args: argparse.Namespace) -> int:
    from neox.report.page import write_report

    folder = Path(args.run)
    if not (folder / "metrics.jsonl").is_file():
        raise InputError(f"{folder} holds no metrics.jsonl", folder, remedy="name a run folder")
    print(write_report(folder))
    return 0
