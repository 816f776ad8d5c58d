"""Associative recall and needles: what a mixer remembers, at equal parameters, trained here.

    python benchmarks/recall.py [--task mqar|needle] [--pairs 8] [--length 64] [--steps 1500]
                                [--seeds 0,1,2] [--layouts attention,ssd,...]

MQAR (Zoology, arXiv 2312.04927): P key-value pairs, then every key again at random places among
filler; the model must answer each with its value. Needle: one pair early in random tokens, asked
for at the end. Widths are chosen so that all layouts have about the same number of parameters
outside the embedding. Prints a Markdown table of accuracy on fresh sequences.
"""

from __future__ import annotations

import argparse
import statistics
import time

import torch
from torch import Tensor
from torch.nn import functional as F

from neox.model import LanguageModel, ModelConfig

LAYOUTS = {
    "attention": ("attention",),
    "ssd": ("ssd",),
    "mlstm": ("mlstm",),
    "fusion": ("fusion",),
    "hyena": ("hyena",),
    "hybrid": ("ssd", "attention"),
}
KEYS = 64  # different keys and different values; filler is token 2


def mqar(batch: int, pairs: int, length: int, g: torch.Generator) -> tuple[Tensor, Tensor]:
    """tokens [B, L] and targets [B, L], -100 where nothing is asked."""
    tokens = torch.full((batch, length), 2)
    target = torch.full((batch, length), -100)
    for b in range(batch):
        keys = torch.randperm(KEYS, generator=g)[:pairs] + 3
        values = torch.randint(KEYS, (pairs,), generator=g) + 3 + KEYS
        tokens[b, : 2 * pairs : 2], tokens[b, 1 : 2 * pairs : 2] = keys, values
        places = torch.randperm(length - 2 * pairs, generator=g)[:pairs] + 2 * pairs
        tokens[b, places], target[b, places] = keys, values
    return tokens, target


def needle(batch: int, pairs: int, length: int, g: torch.Generator) -> tuple[Tensor, Tensor]:
    """One marked pair in the first half of random keys; asked for in the last place."""
    tokens = torch.randint(3, 3 + KEYS, (batch, length), generator=g)
    target = torch.full((batch, length), -100)
    place = torch.randint(0, length // 2, (batch,), generator=g)
    values = torch.randint(KEYS, (batch,), generator=g) + 3 + KEYS
    row = torch.arange(batch)
    tokens[row, place], tokens[row, place + 1] = 2, values
    tokens[:, -1], target[:, -1] = 2, values
    return tokens, target


def build(layout: str, width: int, layers: int) -> tuple[LanguageModel, int]:
    """A model of the layout whose blocks have as many numbers as attention's, by expert width."""

    def size(kinds: tuple[str, ...], hidden: int) -> tuple[ModelConfig, int]:
        config = ModelConfig(
            vocab_size=max(258, 3 + 2 * KEYS),
            d_model=width,
            layers=layers,
            heads=2,
            kv_heads=2,
            experts=1,
            experts_per_token=1,
            d_expert=hidden,
            mixers=kinds,
            state_head=32,
        )
        with torch.device("meta"):
            model = LanguageModel(config, 1)
        return config, sum(p.numel() for p in model.blocks.parameters())

    _, wanted = size(("attention",), 8 * width)
    hidden = min(
        range(8, 8 * width + 1, 8), key=lambda h: abs(size(LAYOUTS[layout], h)[1] - wanted)
    )
    config, count = size(LAYOUTS[layout], hidden)
    return LanguageModel(config, 1024), count


def train(args: argparse.Namespace, layout: str, seed: int) -> tuple[float, float, int]:
    """Accuracy on 512 fresh sequences, CPU seconds and parameters."""
    torch.manual_seed(seed)
    g = torch.Generator().manual_seed(1000 + seed)
    make = {"mqar": mqar, "needle": needle}[args.task]
    model, count = build(layout, args.width, args.layers)
    optimizer = torch.optim.AdamW(model.parameters(), lr=args.rate, weight_decay=0.01)
    mask = torch.ones(args.length, args.length).tril().bool()[None, None]
    position = torch.arange(args.length)[None]
    start = time.process_time()

    def logits(tokens: Tensor) -> Tensor:
        return model.logits(model(tokens, position.expand(len(tokens), -1), mask))

    for step in range(args.steps):
        for group in optimizer.param_groups:
            group["lr"] = args.rate * min(
                1.0, (step + 1) / 50, (args.steps - step) / args.steps * 2
            )
        tokens, target = make(args.batch, args.pairs, args.length, g)
        loss = F.cross_entropy(logits(tokens).flatten(0, 1), target.flatten())
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
    spent = time.process_time() - start
    fresh = torch.Generator().manual_seed(9_000_000 + seed)
    with torch.no_grad():
        tokens, target = make(512, args.pairs, args.length, fresh)
        asked = target >= 0
        right = logits(tokens).argmax(-1)[asked] == target[asked]
    return float(right.float().mean()), spent, count


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--task", choices=("mqar", "needle"), default="mqar")
    parser.add_argument("--pairs", type=int, default=8)
    parser.add_argument("--length", type=int, default=64)
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--layers", type=int, default=2)
    parser.add_argument("--rate", type=float, default=3e-3)
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--layouts", default=",".join(LAYOUTS))
    args = parser.parse_args()
    torch.set_num_threads(1)
    asked = f"{args.pairs} pairs" if args.task == "mqar" else "one needle"
    print(
        f"{args.task}, {asked}, length {args.length}, {args.steps} steps of {args.batch}, width "
        f"{args.width}, {args.layers} layers, AdamW {args.rate:g}, seeds {args.seeds}\n"
    )
    print("| layout | parameters of the blocks | accuracy, mean | each seed | CPU s a run |")
    print("| --- | ---: | ---: | --- | ---: |")
    for layout in args.layouts.split(","):
        runs = [train(args, layout, int(seed)) for seed in args.seeds.split(",")]
        each = ", ".join(f"{r[0]:.1%}" for r in runs)
        mean, spent = statistics.mean(r[0] for r in runs), statistics.mean(r[1] for r in runs)
        print(f"| {layout} | {runs[0][2]:,} | {mean:.1%} | {each} | {spent:.0f} |", flush=True)


if __name__ == "__main__":
    main()
