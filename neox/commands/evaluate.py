"""`neox evaluate`: pass@k of a model, a file of samples, or the references themselves."""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sys
from collections.abc import Callable, Sequence
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neox.errors import InputError

if TYPE_CHECKING:
    from neox.datasets.task import Task
    from neox.evaluate.benchmark import Completions

BENCHMARKS = ("tasks", "humaneval")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "benchmark", choices=BENCHMARKS, help="tasks (forge or --data) or humaneval"
    )
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--model", metavar="DIR", help="run or model folder (default: newest run)")
    source.add_argument("--samples", metavar="FILE", help="judge these completions (JSONL)")
    source.add_argument("--canonical", action="store_true", help="judge the references themselves")
    parser.add_argument("--data", metavar="FILE|NAME", help="task file, or forge:FAMILY/LEVEL")
    parser.add_argument("--limit", type=int, metavar="N", help="only the first N tasks")
    parser.add_argument("--n", type=int, default=8, help="samples per task (default 8)")
    parser.add_argument("--k", default="1,8", help="for pass@k (default 1,8)")
    parser.add_argument("--temperature", type=float, default=1.0, help="0 is greedy")
    parser.add_argument("--max-new-tokens", type=int, default=64)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=2, help="sandbox workers (default 2)")
    parser.add_argument("--timeout", type=float, default=3.0, help="seconds per completion")
    parser.add_argument("--output", metavar="FILE", help="write one result per line here")
    parser.add_argument("--allow-partial", action="store_true", help="score a subset of the tasks")
    parser.add_argument("--format", choices=("text", "json"), default="text")


def run(args: argparse.Namespace) -> int:
    """0, or 1 where --canonical finds a reference that fails."""
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    ks = _numbers(args.k)
    if args.output and Path(args.output).exists():
        raise InputError(f"{args.output} exists", args.output, remedy="name another --output")
    tasks, name = _tasks(args)
    if args.limit is not None:
        tasks = tasks[: args.limit]
    from neox.evaluate import benchmark
    from neox.sandbox import Limits

    source, completions = _completions(args, tasks)
    limits = Limits(cpu_s=args.timeout, wall_s=3 * args.timeout)
    judged = benchmark.judge(completions, args.workers, limits, _progress())
    if args.output:
        text = "".join(json.dumps(one.row()) + "\n" for one in judged)
        Path(args.output).write_text(text)
    summary = {"benchmark": name, "source": source, **benchmark.summarise(judged, ks)}
    if source == "model":
        summary |= {"temperature": args.temperature, "n": args.n, "seed": args.seed}
    failed = [one for one in judged if not one.passed]
    if args.format == "json":
        print(json.dumps(summary))
    else:
        _show(summary)
        if args.canonical:
            for one in failed:
                print(f"  {one.task.task_id}: {one.row()['result']}")
    return int(args.canonical and bool(failed))


def _numbers(text: str) -> list[int]:
    try:
        ks = sorted({int(part) for part in text.split(",")})
    except ValueError:
        ks = [0]
    if ks[0] < 1:
        raise InputError(f"--k {text} is not a list of positive numbers", remedy="such as --k 1,8")
    return ks


def _tasks(args: argparse.Namespace) -> tuple[Sequence[Task], str]:
    """The tasks, and their name with the data's hash."""
    from neox.datasets.readers import read

    if args.benchmark == "tasks" and (args.data is None or args.data.startswith("forge")):
        return _held_out(args)
    if args.data is not None:
        path = Path(args.data)
        path = path / "HumanEval.jsonl" if path.is_dir() else path
        return _named(path, read(path))
    shipped = resources.files("neox.datasets").joinpath("humaneval/HumanEval.jsonl.gz")
    with resources.as_file(shipped) as path:
        return _named(path, read(path))


def _held_out(args: argparse.Namespace) -> tuple[Sequence[Task], str]:
    """The held-out tasks of the model's own run, or those of the default run or of a name."""
    from neox import config as configuration
    from neox.commands.generate import newest_run
    from neox.train.data import held_out

    config = configuration.resolve("tiny", [f"tasks.source={args.data or 'forge'}"])
    if args.data is None and not (args.canonical or args.samples):
        args.model = args.model or str(newest_run())
        own = Path(args.model) / "config.yaml"
        if own.is_file():
            config = configuration.read(own)
    return held_out(config), f"{config.tasks.source}, held out, levels {config.tasks.levels}"


def _named(path: Path, tasks: Sequence[Task]) -> tuple[Sequence[Task], str]:
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return tasks, f"{path.name} (sha256 {digest[:8]})"


def _completions(args: argparse.Namespace, tasks: Sequence[Task]) -> tuple[str, Completions]:
    from neox.evaluate import benchmark

    if args.canonical:
        return "references", benchmark.canonical(tasks)
    if args.samples:
        return "samples", benchmark.from_file(tasks, Path(args.samples), args.allow_partial)
    return "model", _sampled(args, tasks)


def _sampled(args: argparse.Namespace, tasks: Sequence[Task]) -> Completions:
    from neox.commands.generate import newest_run
    from neox.policy import Sampling, load
    from neox.train.seeding import generator

    policy = load(args.model or newest_run())
    law = Sampling(args.temperature, max_new_tokens=args.max_new_tokens)
    count = 1 if args.temperature == 0 else args.n
    completions = []
    batch, say = 32, _progress()
    for start in range(0, len(tasks), batch):
        some = tasks[start : start + batch]
        ids = policy.tokenizer.encode_batch([t.prompt for t in some])
        try:
            drawn = policy.generate(ids, count, law, generator(args.seed, "evaluate", start))
        except ValueError as error:
            raise InputError(
                f"{some[0].task_id} and the tasks after it do not fit the model: {error}",
                remedy="judge a model with a longer context",
            ) from None
        completions += [(some[c.prompt], policy.tokenizer.decode(c.ids)) for c in drawn]
        say(min(start + batch, len(tasks)), len(tasks))
    return completions


def _progress() -> Callable[[int, int], None]:
    """A counter on standard error: in place on a terminal, every tenth elsewhere."""
    terminal = sys.stderr.isatty()

    def say(done: int, total: int) -> None:
        if terminal:
            print(
                f"\r{done}/{total}", end="" if done < total else "\n", file=sys.stderr, flush=True
            )
        elif done == total or done % max(1, total // 10) == 0:
            print(f"done={done}/{total}", file=sys.stderr, flush=True)

    return say


def _show(summary: dict[str, Any]) -> None:
    print(f"{summary['benchmark']}: {summary['tasks']} tasks, {summary['samples']} completions")
    for key, value in summary.items():
        if key.startswith("pass@") and not key.endswith("_interval"):
            low, high = summary[f"{key}_interval"]
            print(f"  {key:<8} {value:.1%}  95 % interval [{low:.1%}, {high:.1%}]")
    print(f"  passed {summary['passed']}/{summary['samples']}, {summary['timeouts']} timed out")
