"""`neox generate`: completions of a prompt or of a task, from a run or a model folder.

One text streams to the terminal as it is written. `--rank` runs the candidates in the sandbox and
prints the best with how sure it is; below `--min-confidence` it abstains, with exit status 1.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neox.errors import InputError

if TYPE_CHECKING:
    from neox.generate.beam import Found
    from neox.generate.behaviour import Example
    from neox.generate.engine import Request
    from neox.policy import Policy

STRATEGIES = ("sample", "lookup", "beam", "contrastive")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--model", metavar="DIR", help="run or model folder (default: the newest run)"
    )
    parser.add_argument("--task", metavar="ID", help="a forge task id instead of a prompt")
    parser.add_argument("--n", type=int, default=1, help="how many (default 1)")
    parser.add_argument(
        "--strategy",
        choices=STRATEGIES,
        default="sample",
        help="sample (default); lookup: the same texts, guessed ahead; beam; contrastive",
    )
    law = parser.add_argument_group("the law of the next token")
    law.add_argument("--temperature", type=float, default=0.0, help="0 is greedy (default)")
    law.add_argument("--top-p", type=float, default=1.0)
    law.add_argument("--top-k", type=int, default=0)
    law.add_argument("--min-p", type=float, default=0.0, help="drop below this share of the best")
    law.add_argument("--repetition-penalty", type=float, default=1.0)
    law.add_argument("--beams", type=int, default=4, help="of --strategy beam (default 4)")
    law.add_argument("--length-penalty", type=float, default=0.0, help="of beam; 1 is per token")
    law.add_argument("--alpha", type=float, default=0.6, help="of contrastive; 0 is greedy")
    parser.add_argument("--max-new-tokens", type=int, default=64)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--constrained",
        nargs="?",
        const="python",
        metavar="python|SCHEMA.json",
        help="write only what is a Python program with the prompt, or JSON of this schema",
    )
    choose = parser.add_argument_group("choosing")
    choose.add_argument(
        "--rank", action="store_true", help="run the n candidates and print the best, by behaviour"
    )
    choose.add_argument(
        "--example",
        action="append",
        default=[],
        metavar="'f(1) == 2'",
        help="a known call for --rank and --repair; may be repeated",
    )
    choose.add_argument(
        "--min-confidence", type=float, default=0.0, metavar="P", help="abstain below it (status 1)"
    )
    choose.add_argument(
        "--repair", type=int, default=0, metavar="N", help="up to N more turns after a failure"
    )
    parser.add_argument("--format", choices=("text", "json"), default="text")
    parser.add_argument("prompt", nargs="?", help="text to continue, or - for standard input")


def run(args: argparse.Namespace) -> int:
    _check(args)
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    from neox.policy import load

    prompt = _prompt(args.prompt) if args.task is None else _forged(args.task)
    examples = _examples(args.example)
    policy = load(args.model or newest_run())
    if args.rank or args.repair:
        return _choose(args, policy, prompt, examples)
    from neox.commands.stream import Printer

    show = args.format == "text" and args.n == 1 and args.strategy in ("sample", "lookup")
    printer = Printer(prompt, policy.tokenizer) if show else None
    drawn = _write(args, policy, prompt, args.n, args.seed, printer)
    samples = [_row(policy, found) for found in drawn]
    if args.format == "json":
        print(json.dumps({"prompt": prompt, "samples": samples}))
        return 0
    for number, sample in enumerate(samples):
        if printer is None:
            print("\n" * bool(number) + f"{prompt}{sample['text']}".rstrip("\n"))
        if sample["finish"] == "length":
            print(f"neox: cut off at {sample['tokens']} tokens", file=sys.stderr)
    return 0


def _row(policy: Policy, found: Found) -> dict[str, Any]:
    return {
        "text": policy.tokenizer.decode(found.ids),
        "finish": found.finish,
        "tokens": len(found.ids),
        "logprob": round(sum(found.logprobs), 4),
    }


def _write(
    args: argparse.Namespace, policy: Policy, prompt: str, n: int, seed: int, hear: Any = None
) -> list[Found]:
    from neox.generate.strategies import STRATEGIES as known
    from neox.generate.strategies import Options

    options = Options(args.beams, args.length_penalty, alpha=args.alpha)
    try:
        requests = _requests(args, policy, prompt, n, seed)
        return known[args.strategy](policy, requests, options, hear)
    except ValueError as error:
        raise InputError(str(error), remedy="shorten the prompt or --max-new-tokens") from None


def _requests(
    args: argparse.Namespace, policy: Policy, prompt: str, n: int, seed: int
) -> list[Request]:
    from neox.generate.engine import Request
    from neox.generate.law import Law
    from neox.train.seeding import fold

    law = Law(args.temperature, args.top_k, args.top_p, args.min_p, args.repetition_penalty)
    ids = policy.tokenizer.encode(prompt)
    bound = _constraint(args.constrained, policy, prompt)
    return [
        Request(ids, law, args.max_new_tokens, fold(seed, "generate", i), bound) for i in range(n)
    ]


def _constraint(name: str | None, policy: Policy, prompt: str) -> Any:
    if name is None:
        return None
    from neox.generate.grammars import Grammars
    from neox.generate.json_grammar import SchemaError
    from neox.generate.vocabulary import stops, words

    grammars = Grammars(words(policy.tokenizer), stops(policy.tokenizer))
    if name == "python":
        return grammars.python(prompt.encode())
    try:
        return grammars.json(json.loads(Path(name).read_text()))
    except SchemaError as error:
        raise InputError(str(error), name) from None
    except (OSError, ValueError) as error:
        raise InputError(
            f"no JSON schema: {error}", name, remedy="--constrained python, or a file with a schema"
        ) from None


def _choose(
    args: argparse.Namespace,
    policy: Policy,
    prompt: str,
    examples: Sequence[Example],
) -> int:
    """The best of n; where it fails an example, up to N turns of repair."""
    from neox.generate.rank import rank
    from neox.generate.repair import feedback
    from neox.sandbox import Sandbox

    with Sandbox(workers=2) as box:
        asked = prompt
        for turn in range(args.repair + 1):
            drawn = _write(args, policy, asked, args.n, args.seed + turn)
            texts = [policy.tokenizer.decode(f.ids) for f in drawn]
            programs = [prompt + text for text in texts]
            likely = [sum(f.logprobs) / max(1, len(f.ids)) for f in drawn]
            try:
                found = rank(box, programs, None, examples, likely)
            except ValueError as error:
                raise InputError(str(error), remedy="prompt with a `def` line") from None
            best = programs[found.clusters[0].medoid]
            name = found.entry
            why = feedback(box, best, name, examples) if turn < args.repair else ""
            if not why:
                break
            asked = f"{best.rstrip()}\n\n# Wrong: {why}\n{prompt}"
    sure = found.best is not None and found.confidence >= args.min_confidence
    if args.format == "json":
        rows = [
            {"mass": round(c.mass, 4), "passed": c.passed, "members": list(c.members),
             "text": texts[c.medoid], "trouble": c.trouble}
            for c in found.clusters
        ]  # fmt: skip
        told = {"prompt": prompt, "abstained": not sure, "confidence": round(found.confidence, 4),
                "turns": turn + 1, "clusters": rows,
                "samples": [_row(policy, drawn[found.best])] if sure and found.best is not None else []}  # fmt: skip  # noqa: E501
        print(json.dumps(told))
        return 0 if sure else 1
    if not sure:
        print(
            f"neox: abstains: confidence {found.confidence:.2f} of the best of {args.n}, in "
            f"{len(found.clusters)} behaviours",
            file=sys.stderr,
        )
        return 1
    print(best.rstrip("\n"))
    share = f"{found.evidence.mass:.0%} of {args.n} behave so"
    print(f"neox: confidence {found.confidence:.2f}; {share}", file=sys.stderr)
    return 0


def _check(args: argparse.Namespace) -> None:
    if (args.prompt is None) == (args.task is None):
        raise InputError("give a prompt or --task ID", remedy="see `neox generate --help`")
    if args.n < 1 or args.max_new_tokens < 1 or args.beams < 1 or args.repair < 0:
        raise InputError("--n, --max-new-tokens and --beams must be at least 1, --repair 0")
    if args.temperature < 0 or not 0 < args.top_p <= 1 or args.top_k < 0:
        raise InputError("--temperature and --top-k must not be negative, --top-p in (0, 1]")
    if not 0 <= args.min_p <= 1 or args.repetition_penalty <= 0:
        raise InputError("--min-p must lie in [0, 1], --repetition-penalty above 0")
    if not 0 <= args.alpha <= 1 or not 0 <= args.min_confidence <= 1:
        raise InputError("--alpha and --min-confidence must lie in [0, 1]")
    if args.rank and args.n > 1 and args.temperature == 0 and args.strategy != "beam":
        raise InputError(
            f"--rank --n {args.n} at temperature 0 ranks one text {args.n} times",
            remedy="add --temperature 1",
        )


def _forged(name: str) -> str:
    from neox.datasets.forge import Forge
    from neox.datasets.forge.text import prompt

    try:
        return prompt(Forge().program(name))
    except ValueError as error:
        raise InputError(str(error)) from None


def _prompt(given: str) -> str:
    text = sys.stdin.read() if given == "-" else given.replace("\\n", "\n")
    if not text:
        raise InputError("the prompt is empty")
    return text if text.endswith("\n") else text + "\n"


def _examples(given: Sequence[str]) -> list[Example]:
    from neox.datasets.jobs import as_calls
    from neox.datasets.task import AssertTest
    from neox.generate.behaviour import Example

    found = list[Example]()
    for text in given:
        name = text.partition("(")[0].strip()
        pairs = as_calls((AssertTest(f"assert {text}"),), name)
        if pairs is None:
            raise InputError(
                f"--example {text!r} is not a call with a known result",
                remedy="such as --example 'f([1, 2], 3) == 4', with literals alone",
            )
        found += [Example(tuple(arguments), expected) for arguments, expected in pairs]
    return found


def newest_run() -> Path:
    """The run folder under runs/ that was written last."""
    found = [p.parent for p in Path("runs").glob("*/checkpoints")]
    if not found:
        raise InputError(
            "no run in runs/", remedy="train one with `neox train`, or name a folder with --model"
        )
    return max(found, key=lambda p: (p / "checkpoints").stat().st_mtime)
