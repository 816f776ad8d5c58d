"""`neox evaluate`: pass@k of a model, a server, a file of samples, or the references themselves."""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neox import __version__
from neox.errors import InputError

if TYPE_CHECKING:
    from neox.evaluate.benchmarks import Benchmark, Problem
    from neox.evaluate.benchmarks.base import Judged, Replies
    from neox.evaluate.prompts import Preset

BENCHMARKS = ("tasks", "humaneval", "humaneval+", "mbpp", "mbpp+", "gsm8k", "cruxeval")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "benchmark", choices=BENCHMARKS, help="a public benchmark, or tasks (forge or --data)"
    )
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--model", metavar="DIR", help="run or model folder (default: newest run)")
    source.add_argument("--server", metavar="URL", help="ask an OpenAI-compatible server")
    source.add_argument("--samples", metavar="FILE", help="judge these completions (JSONL)")
    source.add_argument("--canonical", action="store_true", help="judge the references themselves")
    parser.add_argument("--data", metavar="FILE|NAME", help="data file, or forge:FAMILY/LEVEL")
    parser.add_argument("--prompt", metavar="PRESET", help="how to ask, and where to cut the reply")
    parser.add_argument("--limit", type=int, metavar="N", help="only the first N tasks")
    parser.add_argument("--n", type=int, default=8, help="samples per task (default 8)")
    parser.add_argument("--k", default="1,8", help="for pass@k (default 1,8)")
    parser.add_argument("--temperature", type=float, default=1.0, help="0 is greedy")
    parser.add_argument("--max-new-tokens", type=int, help="default: the preset's")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=2, help="sandbox workers (default 2)")
    parser.add_argument(
        "--timeout",
        type=float,
        metavar="S",
        help="CPU seconds per completion, per call for the plus sets (default: the benchmark's)",
    )
    parser.add_argument(
        "--output",
        metavar="FILE",
        help="one verdict per line (default with --samples: FILE_results.jsonl); goes on where an "
        "interrupted evaluation stopped",
    )
    parser.add_argument("--allow-partial", action="store_true", help="score a subset of the tasks")
    parser.add_argument(
        "--trained-on",
        metavar="FILE|NAME",
        help="look for overlap with these training tasks (default: those of the model's own run)",
    )
    parser.add_argument("--no-guard", action="store_true", help="do not look for overlap")
    parser.add_argument("--format", choices=("text", "json"), default="text")


def run(args: argparse.Namespace) -> int:
    """0, or 1 where --canonical finds a reference that fails without being known to."""
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    ks = _numbers(args.k)
    if min(args.n, args.workers, args.timeout or 1) <= 0 or args.temperature < 0:
        raise InputError("--n, --workers and --timeout must be positive, --temperature not below 0")
    chosen, problems, header = _problems(args)
    if args.limit is not None:
        problems = problems[: args.limit]
    from neox.evaluate import judging
    from neox.evaluate.results import Results

    timeout = args.timeout or chosen.seconds
    name, preset = _preset(args, chosen)
    output = _output(args)
    header |= {"preset": name} if args.model or args.server else {}
    source, replies, law = _replies(args, problems, preset, output)
    header |= {"source": source, **law, "score": chosen.scores[0]}
    header |= {"guard": None if args.no_guard else _guard(args, problems, header)}
    judged = judging.judge(
        chosen,
        replies,
        workers=args.workers,
        timeout=timeout,
        progress=_progress(),
        results=Results(output),
    )
    summary = header | {"timeout_s": timeout, "neox": __version__}
    summary |= judging.summarise(judged, ks)
    if summary["guard"] is not None and (shared := guard_hits(summary["guard"])):
        rest = judging.summarise([one for one in judged if one.id not in shared], ks)
        summary["without_overlap"] = {k: v for k, v in rest.items() if "pass@" in k}
    if output is not None:
        _write(output, chosen, summary, judged)
    known = chosen.expected_failures() if args.canonical else {}
    failed = [one for one in judged if not all(one.passed.values())]
    if args.format == "json":
        print(json.dumps(summary))
    else:
        _show(summary)
        if args.canonical:
            for one in failed:
                why = f" (known: {known[one.id]})" if one.id in known else ""
                print(f"  {one.id}: {one.row()['result']}{why}")
        if output is not None:
            print(f"verdicts: {output}")
    return int(args.canonical and any(one.id not in known for one in failed))


def _guard(
    args: argparse.Namespace, problems: Sequence[Problem], header: dict[str, Any]
) -> dict[str, Any] | None:
    """Overlap of the benchmark with what the model was trained on; None where that is unknown."""
    from neox.evaluate import guard

    if args.canonical or not (args.trained_on or args.model):
        return None
    kept = None
    if args.limit is None and not args.trained_on:
        kept = (
            Path(args.model) / f"guard-{args.benchmark}-{header.get('data_sha256', 'own')[:8]}.json"
        )
    trained_on = args.trained_on or guard.training_tasks(Path(args.model))
    if trained_on is None:
        return None
    return guard.report(trained_on, problems, args.workers, _progress(), kept)


def guard_hits(found: dict[str, Any]) -> set[str]:
    """The problems that share anything with the training tasks."""
    return {id for kind in ("statements", "solutions", "behaviours") for id in found[kind]}


def _output(args: argparse.Namespace) -> Path | None:
    if args.output:
        return Path(args.output)
    return Path(f"{args.samples}_results.jsonl") if args.samples else None


def _write(
    output: Path, chosen: Benchmark, summary: dict[str, Any], judged: Sequence[Judged]
) -> None:
    """The summary beside the verdicts, and evalplus' file for its benchmarks."""
    from neox.evaluate.results import evalplus_results

    stem = output.name.removesuffix(".jsonl")
    output.with_name(f"{stem}.summary.json").write_text(json.dumps(summary, indent=1) + "\n")
    if "plus" in chosen.scores:
        date = datetime.now(UTC).strftime("%Y-%m-%d %H:%M")
        told = evalplus_results(judged, date, summary["data_sha256"])
        output.with_name(f"{stem}.eval_results.json").write_text(json.dumps(told) + "\n")


def _preset(args: argparse.Namespace, chosen: Benchmark) -> tuple[str, Preset]:
    from neox.evaluate.benchmarks.base import nearest_preset

    name = args.prompt or next(iter(chosen.presets))
    if name not in chosen.presets:
        raise InputError(
            f"{chosen.name} has no prompt preset {name!r}{nearest_preset(name, chosen)}",
            remedy="presets: " + ", ".join(chosen.presets),
        )
    return name, chosen.presets[name]


def _numbers(text: str) -> list[int]:
    try:
        ks = sorted({int(part) for part in text.split(",")})
    except ValueError:
        ks = [0]
    if ks[0] < 1:
        raise InputError(f"--k {text} is not a list of positive numbers", remedy="such as --k 1,8")
    return ks


def _problems(args: argparse.Namespace) -> tuple[Benchmark, Sequence[Problem], dict[str, Any]]:
    """The benchmark, its problems, and what identifies them."""
    if args.benchmark == "tasks":
        return _tasks(args)
    from neox.evaluate.benchmarks import benchmark

    chosen = benchmark(args.benchmark)
    if args.data is not None:
        path = Path(args.data)
        if path.is_dir():
            path = next((path / f for f in chosen.files if (path / f).is_file()), path)
        return chosen, chosen.read(path), _identity(args.benchmark, path)
    if chosen.shipped is None:
        raise InputError(
            f"the data of {chosen.name} is not shipped",
            remedy=f"name it: --data FILE, which is {chosen.wanted}",
        )
    with resources.as_file(resources.files("neox.datasets").joinpath(chosen.shipped)) as path:
        return chosen, chosen.read(path), _identity(args.benchmark, path)


def _identity(name: str, path: Path) -> dict[str, Any]:
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return {"benchmark": name, "data": path.name, "data_sha256": digest}


def _tasks(args: argparse.Namespace) -> tuple[Benchmark, Sequence[Problem], dict[str, Any]]:
    """The held-out tasks of the model's own run, those of the default run or a name, or a file."""
    from neox import config as configuration
    from neox.datasets.readers import read
    from neox.evaluate.benchmarks.tasks import Tasks

    chosen = Tasks()
    if args.data is not None and not args.data.startswith("forge"):
        path = Path(args.data)
        return chosen, chosen.problems(read(path)), _identity("tasks", path)
    from neox.commands.generate import newest_run
    from neox.train.data import held_out

    config = configuration.resolve("tiny", [f"tasks.source={args.data or 'forge'}"])
    if args.data is None and not (args.canonical or args.samples or args.server):
        args.model = args.model or str(newest_run())
        own = Path(args.model) / "config.yaml"
        if own.is_file():
            config = configuration.read(own)
    told = f"{config.tasks.source}, held out, levels {config.tasks.levels}"
    return chosen, chosen.problems(held_out(config)), {"benchmark": "tasks", "data": told}


def _replies(
    args: argparse.Namespace, problems: Sequence[Problem], preset: Preset, output: Path | None
) -> tuple[str, Replies, dict[str, Any]]:
    """Where the replies come from, the replies, and how they were drawn."""
    from neox.evaluate import judging

    if args.canonical:
        return "references", judging.canonical(problems), {}
    if args.samples:
        return "samples", judging.from_file(problems, Path(args.samples), args.allow_partial), {}
    from neox.evaluate.sampling import Law, SampleFile, from_model, from_server

    count = 1 if args.temperature == 0 else args.n
    law = Law(args.temperature, count, args.max_new_tokens or preset.max_new_tokens, args.seed)
    told = {
        "temperature": law.temperature,
        "n": law.count,
        "max_new_tokens": law.max_new_tokens,
        "stops": list(preset.stops),
        "seed": law.seed,
    }
    kept = SampleFile(output.with_name(f"{output.name}.samples") if output else None)
    if args.server:
        replies = from_server(args.server, problems, preset, law, kept, _progress())
        return "server", replies, told | {"server": args.server}
    from neox.commands.generate import newest_run

    args.model = args.model or str(newest_run())
    replies = from_model(args.model, problems, preset, law, kept, _progress())
    return "model", replies, told | {"model": str(args.model)}


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
    data = summary["data"]
    if "data_sha256" in summary:
        data += f" (sha256 {summary['data_sha256'][:8]})"
    print(
        f"{summary['benchmark']}: {data}: {summary['tasks']} tasks, "
        f"{summary['samples']} completions"
    )
    if "temperature" in summary:
        keys = ("preset", "temperature", "n", "max_new_tokens", "seed")
        print("  " + ", ".join(f"{key} {summary[key]}" for key in keys))
    _show_scores(summary, summary["score"])
    if summary["guard"] is not None:
        from neox.evaluate.guard import told

        print("  " + "\n    ".join(told(summary["guard"])))
        if "without_overlap" in summary:
            print(f"  without those {len(guard_hits(summary['guard']))} problems:")
            _show_scores(summary["without_overlap"], summary["score"])
    elif summary["source"] in ("model", "server", "samples"):
        print("  overlap with training data: not known; --trained-on FILE looks for it")
    changed = summary["changed_verdicts"]
    print(
        f"  passed {summary['passed']}/{summary['samples']}, {summary['timeouts']} timed out"
        + (f"; {changed} passed or failed when run alone" if changed else "")
    )


def _show_scores(scores: dict[str, Any], first: str) -> None:
    for key, value in scores.items():
        score, at, k = key.rpartition("pass@")
        if at and not key.endswith("_interval"):
            low, high = scores[f"{key}_interval"]
            name = f"{score.rstrip('_') or first} pass@{k}".lstrip()
            print(f"  {name:<16} {value:.1%}  95 % interval [{low:.1%}, {high:.1%}]")
