"""`neox plan`: what a model will cost, before any weight exists.

Counts parameters, FLOP, activations and caches of a preset's shape, and the memory of one rank
under FSDP. Results go to stdout. Loads no weights and takes no memory for them.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
from typing import Any

from neox.errors import InputError

_UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--preset", default="tiny", help="whose model section to count")
    parser.add_argument("--context", type=int, default=4096, metavar="L", help="tokens per text")
    parser.add_argument("--batch", type=int, default=1, help="texts per rank and step")
    parser.add_argument(
        "--world", type=int, default=8, metavar="W", help="ranks that share weights"
    )
    parser.add_argument(
        "--states", type=int, metavar="K", help="ranks that share optimizer states (default: W)"
    )
    parser.add_argument(
        "--no-checkpointing", action="store_true", help="keep all activations of the forward pass"
    )
    parser.add_argument("--format", choices=("text", "json"), default="text")
    parser.add_argument("overrides", nargs="*", metavar="key.sub=value")


def run(args: argparse.Namespace) -> int:
    for name in ("context", "batch", "world", "states"):
        value = getattr(args, name)
        if value is not None and value < 1:
            raise InputError(f"--{name} {value} is not a positive number")
    report = collect(args)
    print(json.dumps(report) if args.format == "json" else _text(report))
    return 0


def collect(args: argparse.Namespace) -> dict[str, Any]:
    """Everything the command prints, as plain data: counts, FLOP and bytes."""
    from neox.config import resolve
    from neox.model import account

    config = resolve(args.preset, args.overrides).model
    memory = account.rank_memory(
        config,
        args.world,
        args.context,
        batch=args.batch,
        states=args.states,
        checkpointing=not args.no_checkpointing,
    )
    flops = account.forward_flops(config, args.context)
    return {
        "preset": args.preset,
        "model": config.model_dump(mode="json"),
        "context": args.context,
        "batch": args.batch,
        "world": args.world,
        "states": args.states or args.world,
        "checkpointing": not args.no_checkpointing,
        "parameters": dataclasses.asdict(account.parameters(config)),
        "flops_per_token": {"forward": flops, "train": 3 * flops},
        "cache_bytes": account.cache_bytes(config, args.context),
        "rank_bytes": {
            **dataclasses.asdict(memory),
            "m_peak": memory.sharded,
            "total": memory.total,
        },
    }


def _text(report: dict[str, Any]) -> str:
    shape, count, rank = report["model"], report["parameters"], report["rank_bytes"]
    flops = report["flops_per_token"]
    mixers = [shape["mixers"][i % len(shape["mixers"])] for i in range(shape["layers"])]
    kinds = ", ".join(f"{mixers.count(m)} {m}" for m in dict.fromkeys(mixers))
    rows: list[tuple[str, str, str]] = [
        ("parameters", f"{count['total']:,}", f"{count['active']:,} meet a token"),
        *((f"  {name}", f"{count[name]:,}", "") for name in _PARTS if count[name]),
        ("FLOP per token", _si(flops["forward"]), f"forward; training {_si(flops['train'])}"),
        ("decoding cache", _bytes(report["cache_bytes"]), "per text, bfloat16, states float32"),
        ("M_peak (NEOX 1.1)", _bytes(rank["m_peak"]), "weights/W + gradients/W + states/K"),
        *((f"  {name}", _bytes(rank[name]), why) for name, why in _SHARDED),
        *((name, _bytes(rank[name]), why) for name, why in _WHOLE),
        ("one rank in all", _bytes(rank["total"]), ""),
    ]
    widths = [max(len(r[i]) for r in rows) for i in (0, 1)]
    lines = [
        f"{report['preset']}: width {shape['d_model']}, {shape['layers']} layers ({kinds}), "
        f"{shape['experts_per_token']} of {shape['experts']} experts, {shape['vocab_size']} tokens",
        f"context {report['context']}, batch {report['batch']} per rank, FSDP over "
        f"{report['world']} ranks (states over {report['states']}), bfloat16, Adam in float32, "
        f"{'one checkpoint a layer' if report['checkpointing'] else 'all activations kept'}",
        "",
    ]
    lines += [f"{a:<{widths[0]}}  {b:>{widths[1]}}  {c}".rstrip() for a, b, c in rows]
    return "\n".join(lines)


_PARTS = ("embedding", "mixers", "experts", "head", "other")
_SHARDED = (("weights", "bfloat16"), ("gradients", "bfloat16"), ("optimizer", "12 B a parameter"))
_WHOLE = (
    ("gathered", "two layers, or the embedding"),
    ("activations", "kept for the backward pass"),
    ("logits", "1024 tokens at a time, with their gradient"),
)


def _bytes(count: float) -> str:
    for unit in _UNITS:
        if count < 1024 or unit == _UNITS[-1]:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.2f} {unit}"
        count /= 1024
    raise AssertionError("unreachable")


def _si(count: float) -> str:
    units = ["", "k", "M", "G", "T", "P"]
    while count >= 1000 and len(units) > 1:
        count /= 1000
        units.pop(0)
    return f"{count:.3g} {units[0]}FLOP"
