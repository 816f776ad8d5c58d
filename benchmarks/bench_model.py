"""The model's speed on one core beside named peers, and its memory on long texts.

    python benchmarks/bench_model.py scan|decode|train|context [--seconds S]

Prints a Markdown table. Peers take turns and the best CPU time of each counts, since another
process on the machine can only slow a turn down. Peers need transformers.
"""

from __future__ import annotations

import argparse
import platform
import resource
import subprocess
import sys
import time
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from neox.config import resolve
from neox.kernels.linear_scan import linear_scan
from neox.model import LanguageModel, ModelConfig
from neox.model.layout import Tree
from neox.model.mixers.base import Context
from neox.model.mixers.ssd import StateSpace

SEED = 0
Work = Callable[[], object]


def best(work: dict[str, Work], seconds: float, least: int = 3) -> dict[str, float]:
    """Least CPU seconds of each, in turns, for about so many CPU seconds in all."""
    found: dict[str, float] = {}
    for one in work.values():
        one()  # warm
    start, rounds = time.process_time(), 0
    while rounds < least or time.process_time() - start < seconds:
        for name, one in work.items():
            t = time.process_time()
            one()
            spent = time.process_time() - t
            found[name] = min(found.get(name, spent), spent)
        rounds += 1
    return found


def table(title: str, rows: list[tuple[str, str]]) -> None:
    print(f"\n| {title} | |\n| --- | ---: |")
    for name, value in rows:
        print(f"| {name} | {value} |")


# Scan ---------------------------------------------------------------------------------------------


def ssd_minimal(v: Tensor, a: Tensor, k: Tensor, q: Tensor, block: int) -> Tensor:
    """The listing of the Mamba-2 paper (arXiv 2405.21060), in torch by autograd: chunked torch."""

    def segsum(x: Tensor) -> Tensor:
        size = x.shape[-1]
        x = x[..., None].expand(*x.shape, size)
        x = x.masked_fill(~torch.ones(size, size).tril(-1).bool(), 0).cumsum(-2)
        return x.masked_fill(~torch.ones(size, size).tril().bool(), -torch.inf)

    v, a, k, q = (x.unflatten(1, (-1, block)) for x in (v, a, k, q))
    a = a.permute(0, 3, 1, 2)
    total = a.cumsum(-1)
    diagonal = torch.einsum("bclhn,bcshn,bhcls,bcshp->bclhp", q, k, segsum(a).exp(), v)
    kept = (total[..., -1:] - total).exp()
    states = torch.einsum("bclhn,bhcl,bclhp->bchpn", k, kept, v)
    states = torch.cat([torch.zeros_like(states[:, :1]), states], dim=1)
    decay = segsum(F.pad(total[..., -1], (1, 0))).exp()
    states = torch.einsum("bhzc,bchpn->bzhpn", decay, states)[:, :-1]
    rest = torch.einsum("bclhn,bchpn,bhcl->bclhp", q, states, total.exp())
    return (diagonal + rest).flatten(1, 2)


def scan(seconds: float) -> None:
    batch, length, width, size, heads = 4, 1024, 256, 16, 4
    shape = (batch, length, heads, width // heads)
    g = torch.Generator().manual_seed(SEED)

    def leaf(*s: int) -> Tensor:
        return torch.randn(*s, generator=g).requires_grad_()

    q, k, v = leaf(batch, length, 1, size), leaf(batch, length, 1, size), leaf(*shape)
    d = (-torch.rand(batch, length, heads, generator=g) * 0.1).requires_grad_()
    i, dy = leaf(batch, length, heads), torch.randn(*shape, generator=g)

    def ours(**options: object) -> Work:
        def run() -> None:
            linear_scan(q, k, v, d, **options)[0].backward(dy)  # type: ignore[arg-type]

        return run

    def minimal(block: int) -> Work:
        def run() -> None:
            wide = (x.expand(-1, -1, heads, -1) for x in (k, q))
            ssd_minimal(v, d, *wide, block).backward(dy)

        return run

    work: dict[str, Work] = {
        "linear_scan, chunks of 32": ours(),
        "linear_scan, chunks of 64": ours(chunk=64),
        "linear_scan, input gate and normaliser (mLSTM), chunks of 32": ours(
            log_input=i, normalize=True
        ),
        "chunked torch by autograd (the paper's listing), chunks of 32": minimal(32),
        "chunked torch by autograd (the paper's listing), chunks of 64": minimal(64),
    }
    found = best(work, seconds)
    rows = [(n, f"{batch * length / s:,.0f}") for n, s in found.items()]
    table(f"scan, forward + backward, {(batch, length, width, size)}; tokens/core-s", rows)
    _mixers(seconds)


def _mixers(seconds: float) -> None:
    """Whole mixers, projections included, beside transformers' fallbacks without its kernels."""
    from transformers import Mamba2Config, MambaConfig
    from transformers.models.mamba.modeling_mamba import MambaMixer
    from transformers.models.mamba2.modeling_mamba2 import Mamba2Mixer

    torch.manual_seed(SEED)
    config = ModelConfig(mixers=("ssd",))
    mine = StateSpace(config)
    mine.initialise()
    for p in mine.parameters():
        if p.dim() == 2:
            torch.nn.init.normal_(p, std=p.shape[-1] ** -0.5)
    second = Mamba2Mixer(
        Mamba2Config(
            hidden_size=128, expand=2, num_heads=4, head_dim=64, state_size=16, n_groups=1,
            chunk_size=64,
        ),
        layer_idx=0,
    )  # fmt: skip
    first = MambaMixer(MambaConfig(hidden_size=128, expand=2, state_size=16), layer_idx=0)
    rows = []
    for length in (128, 256):
        x = torch.randn(4, length, 128)
        tree = Tree.of_padded(torch.zeros(4, length, dtype=torch.bool))
        context = Context(x, x, None, tree)
        work: dict[str, Work] = {
            "state space, native": lambda x=x, c=context: mine(x, c)[0].square().sum().backward(),
            "Mamba-2, transformers": lambda x=x: second(x).square().sum().backward(),
            "Mamba-1, transformers": lambda x=x: first(x).square().sum().backward(),
        }
        for name, spent in best(work, seconds / 2, least=2).items():
            rows.append((f"{name}, L = {length}", f"{4 * length / spent:,.0f}"))
    table("whole mixer, d = 128, forward + backward, batch 4; tokens/core-s", rows)


# Decoding -----------------------------------------------------------------------------------------


def greedy(model: LanguageModel, prompts: Tensor, new: int) -> Tensor:
    with torch.inference_mode():
        padding = torch.zeros(prompts.shape, dtype=torch.bool)
        hidden, _, caches = model.prefill(prompts, padding, 1, new)
        out = []
        for t in range(new):
            token = model.logits(hidden).argmax(-1)
            out.append(token)
            if t + 1 < new:
                hidden = model.decode(token, prompts.shape[1] + t, caches)
        return torch.stack(out, dim=1)


def decode(seconds: float) -> None:
    from neox.model.transfer import to_hf

    torch.manual_seed(SEED)
    shape = resolve("tiny", []).model
    like = shape.model_copy(
        update={"activation": "swiglu", "embedding_norm": False, "tied": False, "norm_eps": 1e-5}
    )
    same = LanguageModel(like, 256).eval()
    for p in same.parameters():
        torch.nn.init.normal_(p, std=0.05)
    peer = to_hf(same)
    models = {"native, the tiny preset": LanguageModel(shape, 256).eval()}
    models["native, the peer's weights"] = same
    for kind in ("ssd", "mlstm"):
        change = {"mixers": (kind,)}
        models[f"native, tiny with {kind}"] = LanguageModel(shape.model_copy(update=change)).eval()
    rows, new = [], 64
    for batch in (1, 32):
        prompts = torch.randint(2, 1024, (batch, 64), generator=torch.Generator().manual_seed(1))

        def generate(prompts: Tensor = prompts) -> Tensor:
            with torch.inference_mode():
                return peer.generate(
                    prompts, attention_mask=torch.ones_like(prompts), do_sample=False,
                    max_new_tokens=new, min_new_tokens=new, pad_token_id=0, eos_token_id=None,
                )[:, 64:]  # fmt: skip

        agree = (greedy(same, prompts, new) == generate()).float().mean()
        work: dict[str, Work] = {
            name: (lambda m=m, p=prompts: greedy(m, p, new)) for name, m in models.items()
        }
        work["transformers generate, Mixtral"] = generate
        found = best(work, seconds)
        base = found["transformers generate, Mixtral"]
        rows += [
            (f"batch {batch}: {n}", f"{batch * new / s:,.0f} ({base / s:.2f}x)")
            for n, s in found.items()
        ]
        rows.append((f"batch {batch}: tokens that agree with the peer's", f"{agree:.1%}"))
    table("decoding, 64 + 64 tokens, prefill included; new tokens/core-s", rows)


# Training -----------------------------------------------------------------------------------------


def train(seconds: float) -> None:
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(SEED)
    shape = resolve("tiny", []).model
    batch, length = 16, 128
    tokens = torch.randint(2, 1024, (batch, length + 1))
    mask = torch.ones(length, length).tril().bool()[None, None]
    position = torch.arange(length).expand(batch, -1)

    def native(model: LanguageModel) -> Work:
        optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, fused=True)

        def run() -> None:
            hidden = model(tokens[:, :-1], position, mask)
            logits = model.logits(hidden).flatten(0, 1)
            F.cross_entropy(logits, tokens[:, 1:].flatten()).backward()
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)

        return run

    def hugging_face(model: LlamaForCausalLM) -> Work:
        optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, fused=True)

        def run() -> None:
            logits = model(tokens[:, :-1]).logits.flatten(0, 1)
            F.cross_entropy(logits, tokens[:, 1:].flatten()).backward()
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)

        return run

    work: dict[str, Work] = {}
    plain = {"experts": 1, "experts_per_token": 1, "d_expert": 1024}
    for name, change in {
        "native, the tiny preset (2 of 4 experts)": {},
        "native, plain Transformer, equal size": plain,
        **{f"native, tiny with {k}": {"mixers": (k,)} for k in ("ssd", "mlstm", "fusion", "hyena")},
    }.items():
        model = LanguageModel(shape.model_copy(update=change), 256).train()
        size = sum(p.numel() for p in model.parameters())
        work[f"{name}, {size:,} parameters"] = native(model)
    llama = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=1024, hidden_size=128, num_hidden_layers=4, num_attention_heads=4,
            num_key_value_heads=2, intermediate_size=688, tie_word_embeddings=True,
        )
    )  # fmt: skip
    size = sum(p.numel() for p in llama.parameters())
    work[f"transformers, Llama, {size:,} parameters"] = hugging_face(llama)
    rows = [(n, f"{batch * length / s:,.0f}") for n, s in best(work, seconds).items()]
    table("training step, batch 16 x 128, AdamW; tokens/core-s", rows)


# Long texts ---------------------------------------------------------------------------------------


def context(length: int) -> None:
    """Stream so many bytes through the preset `long` in stretches of 2,048; print peak memory."""
    torch.manual_seed(SEED)
    model = LanguageModel(resolve("long", []).model).eval()
    for p in model.parameters():
        if not p.any():
            torch.nn.init.normal_(p, std=0.02)
    generator = torch.Generator().manual_seed(SEED)
    states, start = None, time.process_time()
    with torch.inference_mode():
        for _ in range(length // 2048):
            tokens = torch.randint(2, 258, (1, 2048), generator=generator)
            hidden, states = model.extend(tokens, states)
            assert bool(hidden.isfinite().all())
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{length} {peak:.1f} {length / (time.process_time() - start):.0f}")


def contexts() -> None:
    rows, base = [], 0.0
    for length in (32_768, 262_144):
        done = subprocess.run(
            [sys.executable, __file__, "context", "--length", str(length)],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        _, peak, speed = done.stdout.split()
        base = base or float(peak)
        change = float(peak) / base - 1
        rows.append((f"{length:,} bytes", f"{peak} MB ({change:+.1%}), {speed} tokens/core-s"))
    table("preset long, one text in stretches of 2,048; peak memory of the process", rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("what", choices=("scan", "decode", "train", "context"))
    parser.add_argument("--seconds", type=float, default=20.0, help="CPU seconds per table")
    parser.add_argument("--length", type=int, help=argparse.SUPPRESS)
    args = parser.parse_args()
    torch.set_num_threads(1)
    if args.what == "context":
        context(args.length) if args.length else contexts()
        return
    import transformers

    versions = f"torch {torch.__version__}, transformers {transformers.__version__}"
    print(f"{versions}, Python {platform.python_version()}, one thread, seed {SEED}")
    {"scan": scan, "decode": decode, "train": train}[args.what](args.seconds)


if __name__ == "__main__":
    main()
