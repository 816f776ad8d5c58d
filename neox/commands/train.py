"""`neox train`: configuration to a finished run folder."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neox.errors import InputError

if TYPE_CHECKING:
    from neox.config import RunConfig
    from neox.train.alone import Alone

FLAGS = {
    "tasks": "tasks.source",
    "algorithm": "update.algorithm",
    "steps": "update.steps",
    "seed": "seed",
    "model": "init",
    "output": "output",
}


def add_settings(parser: argparse.ArgumentParser) -> None:
    """What a run is made of; `neox plan` takes the same."""
    parser.add_argument(
        "--preset",
        help="tiny (default), few-labels, or pretrained (a --model of others)",
    )
    parser.add_argument(
        "--model", metavar="DIR|ID", help="start from this run, model folder or hub model"
    )
    parser.add_argument(
        "--tasks", metavar="FILE|NAME", help="JSONL file, forge, forge:FAMILY/LEVEL"
    )
    parser.add_argument("--algorithm", metavar="NAME", help="grpo, dapo, gspo, actor-critic, ...")
    parser.add_argument("--steps", metavar="N", help="reinforcement steps")
    parser.add_argument("--seed", metavar="S", help="seed of weights, sampling and order")
    parser.add_argument("--output", metavar="DIR", help="run folder (default: runs/PRESET-SEED)")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_settings(parser)
    parser.add_argument("--resume", metavar="DIR", help="continue the run in this folder")
    parser.add_argument("--dry-run", action="store_true", help="print the configuration and stop")
    parser.add_argument("--format", choices=("text", "json"), default="text")
    parser.add_argument(
        "overrides", nargs="*", metavar="key.sub=value", help="any configuration key"
    )


def run(args: argparse.Namespace) -> int:
    # must be set before the libraries start their threads: idle ones would spin beside the sandbox
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    if args.resume:
        return _resume(Path(args.resume), args)
    config = resolved(args)
    if args.dry_run:
        return _dry_run(config, args.format)
    ranks = _ranks(config)
    return _train(config, ranks.agree(lambda: _folder(config)), args.format, ranks, resume=False)


def _ranks(config: RunConfig) -> Alone:
    """This process among those that a launcher started; alone, torch need not load yet."""
    from neox.train.alone import Alone, launched

    if not launched():
        return Alone()
    if config.wasserstein.weight:
        raise InputError("the Wasserstein term trains in one process", remedy="set its weight to 0")
    from neox.train.distributed import join_ranks

    return join_ranks(2 * config.ranks.no_progress_s)


def resolved(args: argparse.Namespace) -> RunConfig:
    """The configuration that the options and overrides ask for."""
    from neox import config as configuration

    overrides = [
        f"{key}={getattr(args, flag)}" for flag, key in FLAGS.items() if getattr(args, flag)
    ]
    preset = args.preset or ("pretrained" if args.model and _theirs(args.model) else "tiny")
    return configuration.resolve(preset, overrides + args.overrides)


def _theirs(model: str) -> bool:
    """Whether this is a model of transformers; known without loading it."""
    folder = Path(model)
    return (folder / "config.json").is_file() or not folder.is_dir()


def _resume(folder: Path, args: argparse.Namespace) -> int:
    from neox import config as configuration

    given = [flag for flag in FLAGS if getattr(args, flag)]
    if given or args.overrides:
        raise InputError(
            "--resume continues a run as it was configured; "
            f"{', '.join(['--' + g for g in given] + args.overrides)} cannot be combined with it",
            remedy=f"start a new run from its weights: neox train --model {folder}",
        )
    if (folder / "summary.json").is_file():
        raise InputError(
            f"the run in {folder} is finished",
            folder,
            remedy=f"neox train --model {folder} goes on",
        )
    config = configuration.read(folder / "config.yaml")
    return _train(config, folder, args.format, _ranks(config), resume=True)


def _folder(config: RunConfig) -> Path:
    """Where the run goes; never where another run is."""
    if config.output is not None:
        folder = Path(config.output)
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise InputError(
                f"{folder} exists and is not empty",
                folder,
                remedy=f"name another --output, or continue with --resume {folder}",
            )
        return folder
    base = Path("runs") / f"{config.preset}-{config.seed}"
    folder, number = base, 2
    while folder.exists():
        folder, number = base.with_name(f"{base.name}-{number}"), number + 1
    return folder


def _train(config: RunConfig, folder: Path, form: str, ranks: Alone, *, resume: bool) -> int:
    from neox.report.page import write_report
    from neox.train.view import NoView, open_view, result_table

    view = open_view() if ranks.first else NoView()
    view.say(f"neox train: {folder}" + (" (resumed)" if resume else ""))
    for line in arithmetic(config, ranks.world):
        view.say(line)
    from neox.train.loop import Interrupted, Run  # torch loads here, after the first lines

    training = Run(config, folder, view, ranks)
    signal.signal(signal.SIGINT, lambda *_: training.interrupt())
    signal.signal(signal.SIGTERM, lambda *_: training.interrupt())
    try:
        if resume:
            training.resume()
        summary = training.run()
    except Interrupted:
        view.close()
        print(f"interrupted; continue with:\n  neox train --resume {folder}", file=sys.stderr)
        return 130
    finally:
        view.close()
        if ranks.first and (folder / "metrics.jsonl").is_file():
            write_report(folder)
    if not ranks.first:
        return 0
    if form == "json":
        print(json.dumps(summary))
    else:
        print(result_table(summary, folder))
    return 0


def _dry_run(config: RunConfig, form: str) -> int:
    import yaml

    data: dict[str, Any] = config.model_dump()
    if form == "json":
        print(json.dumps(data))
    else:
        print(yaml.safe_dump(data, sort_keys=False), end="")
        print("\n".join(f"# {line}" for line in arithmetic(config)))
    return 0


def arithmetic(config: RunConfig, ranks: int = 1) -> list[str]:
    """The sizes of a step, so that nobody has to guess what a batch is."""
    rollout, update, warm = config.rollout, config.update, config.warmstart
    samples = rollout.prompts * rollout.samples
    lines = []
    if warm.steps and warm.documents:
        read = warm.steps * warm.batch_size
        lines.append(f"warm start: {warm.steps} steps x {warm.batch_size} documents = {read:,}")
    if update.steps:
        optimizer = update.epochs * update.minibatches
        lines.append(
            f"reinforcement: {update.steps} steps x {rollout.prompts} prompts x {rollout.samples} "
            f"samples = {update.steps * samples:,}; {samples} samples and {optimizer} optimizer "
            f"step{'s' * (optimizer > 1)} per step ({update.algorithm})"
        )
        if ranks > 1:
            lines.append(
                f"on {ranks} ranks: {rollout.prompts / ranks:g} prompts and {samples / ranks:g} "
                "samples each per step"
            )
    return lines
