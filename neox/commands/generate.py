"""`neox generate`: completions of a prompt or of a task, from a run or a model folder."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from neox.errors import InputError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--model", metavar="DIR", help="run or model folder (default: the newest run)"
    )
    parser.add_argument("--task", metavar="ID", help="a forge task id instead of a prompt")
    parser.add_argument("--n", type=int, default=1, help="how many (default 1)")
    parser.add_argument("--temperature", type=float, default=0.0, help="0 is greedy (default)")
    parser.add_argument("--top-p", type=float, default=1.0)
    parser.add_argument("--top-k", type=int, default=0)
    parser.add_argument("--max-new-tokens", type=int, default=64)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--format", choices=("text", "json"), default="text")
    parser.add_argument("prompt", nargs="?", help="text to continue, or - for standard input")


def run(args: argparse.Namespace) -> int:
    _check(args)
    from neox.policy import Sampling, load
    from neox.train.seeding import generator

    prompt = _prompt(args)
    policy = load(args.model or newest_run())
    ids = policy.tokenizer.encode(prompt)
    law = Sampling(args.temperature, args.top_k, args.top_p, args.max_new_tokens)
    try:
        drawn = policy.generate([ids], args.n, law, generator(args.seed, "generate"))
    except ValueError as error:
        raise InputError(str(error), remedy="shorten the prompt or --max-new-tokens") from None
    samples = [
        {
            "text": policy.tokenizer.decode(c.ids),
            "finish": c.finish,
            "tokens": len(c.ids),
            "logprob": round(float(c.logprobs.sum()), 4),
        }
        for c in drawn
    ]
    if args.format == "json":
        print(json.dumps({"prompt": prompt, "samples": samples}))
        return 0
    for number, sample in enumerate(samples):
        if number:
            print()
        print(f"{prompt}{sample['text']}".rstrip("\n"))
        if sample["finish"] == "length":
            print(f"neox: cut off at {sample['tokens']} tokens", file=sys.stderr)
    return 0


def _check(args: argparse.Namespace) -> None:
    if (args.prompt is None) == (args.task is None):
        raise InputError("give a prompt or --task ID", remedy="see `neox generate --help`")
    if args.n < 1 or args.max_new_tokens < 1:
        raise InputError("--n and --max-new-tokens must be at least 1")
    if args.temperature < 0 or not 0 < args.top_p <= 1 or args.top_k < 0:
        raise InputError("--temperature and --top-k must not be negative, --top-p in (0, 1]")


def _prompt(args: argparse.Namespace) -> str:
    if args.task is not None:
        from neox.datasets.forge import Forge
        from neox.datasets.forge.text import prompt

        try:
            return prompt(Forge().program(args.task))
        except ValueError as error:
            raise InputError(str(error)) from None
    given: str = args.prompt
    text = sys.stdin.read() if given == "-" else given.replace("\\n", "\n")
    if not text:
        raise InputError("the prompt is empty")
    return text if text.endswith("\n") else text + "\n"


def newest_run() -> Path:
    """The run folder under runs/ that was written last."""
    found = [p.parent for p in Path("runs").glob("*/checkpoints")]
    if not found:
        raise InputError(
            "no run in runs/", remedy="train one with `neox train`, or name a folder with --model"
        )
    return max(found, key=lambda p: (p / "checkpoints").stat().st_mtime)
