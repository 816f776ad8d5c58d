"""Runs killed at random moments and resumed, against runs that nobody disturbed: equal weights?

    python benchmarks/exactness.py OUT [--kills 20] [--seed 0]

For the native model and a model of transformers, actor-critic and group-relative, each with
Wasserstein term or several optimizer steps per rollout, a run is killed (-9) at a random moment of
its length and resumed, and the sha256 of its last checkpoint's weights and optimizer is compared
with the undisturbed run's. Then one random bit of every file of a checkpoint is flipped, a file at
a time, and the checkpoint verified. Prints the table of docs/training.md. All runs are forked from
one process, so that torch is imported once.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import os
import random
import signal
import sys
import time
from pathlib import Path

from neox.cli import main as neox
from neox.train import checkpoint

COMMON = (
    "update.steps=5 rollout.prompts=4 rollout.samples=4 rollout.max_new_tokens=16 "
    "evaluation.tasks=2 evaluation.samples=1 checkpoint.every=1 checkpoint.keep=3 "
    "rewards.tests_mode=fraction rewards.syntax=1 update.epochs=2 update.minibatches=2 "
    "sandbox.strict=false sandbox.cpu_s=2 sandbox.wall_s=60"
).split()
NATIVE = (
    "tasks.count=60 tasks.levels=[0] warmstart.documents=60 warmstart.steps=4 model.d_model=32 "
    "model.layers=2 model.d_expert=32 model.vocab_size=400"
).split()
ARMS = {
    "native, group-relative": [*NATIVE, "update.entropy=0.01"],
    "native, actor-critic": [
        *NATIVE,
        "update.algorithm=actor-critic",
        "update.scale=tracker",
        "wasserstein.weight=0.01",
    ],
    "transformers, group-relative": ["update.algorithm=dapo", "update.kl=0.01"],
    "transformers, actor-critic": ["update.algorithm=actor-critic"],
}


def qwen(folder: Path) -> None:
    """A small random Qwen2 with a byte tokenizer."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    core = Tokenizer(
        models.BPE({"<pad>": 0, "<eos>": 1} | {c: i + 2 for i, c in enumerate(letters)}, [])
    )
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    core.decoder = decoders.ByteLevel()
    torch.manual_seed(0)
    Qwen2ForCausalLM(
        Qwen2Config(
            vocab_size=258,
            hidden_size=32,
            intermediate_size=64,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=2,
            max_position_embeddings=256,
            tie_word_embeddings=True,
            bos_token_id=None,
            eos_token_id=1,
            pad_token_id=0,
        )
    ).save_pretrained(folder)
    PreTrainedTokenizerFast(
        tokenizer_object=core, pad_token="<pad>", eos_token="<eos>"
    ).save_pretrained(folder)


def start(arguments: list[str]) -> int:
    """`neox train` in a forked child; returns its process id."""
    child = os.fork()
    if child == 0:
        quiet = os.open(os.devnull, os.O_WRONLY)
        os.dup2(quiet, 1)
        os.dup2(quiet, 2)
        status = 3
        with contextlib.suppress(BaseException):
            status = neox(["train", *arguments])
        os._exit(status)
    return child


def finish(child: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def digest(run: Path) -> str:
    """sha256 over the weights and optimizers of the last checkpoint."""
    newest = max((run / "checkpoints").glob("step-*"))
    total = hashlib.sha256()
    for file in sorted(newest.glob("*.safetensors")):
        total.update(file.name.encode() + file.read_bytes())
    return f"{total.hexdigest()[:12]} ({newest.name})"


def moment(run: Path) -> str:
    """How far a killed run had come."""
    journal = run / "metrics.jsonl"
    rows = (
        [json.loads(x) for x in journal.read_text().splitlines() if x.endswith("}")]
        if (journal.exists())
        else []
    )
    saving = any((run / "checkpoints").glob("*.tmp"))
    where = f"after step {rows[-1]['step']} ({rows[-1]['stage']})" if rows else "before step 1"
    return where + (", while saving" if saving else "")


def flips(run: Path, rng: random.Random) -> tuple[int, int]:
    """Files of the newest checkpoint, and those of which one flipped bit is noticed."""
    folder = max((run / "checkpoints").glob("step-*"))
    files = [f for f in folder.rglob("*") if f.is_file()]
    noticed = 0
    for file in files:
        data = file.read_bytes()
        spoilt = bytearray(data)
        bit = rng.randrange(8 * len(data))
        spoilt[bit // 8] ^= 1 << bit % 8
        file.write_bytes(spoilt)
        noticed += checkpoint.verify(folder) is not None
        file.write_bytes(data)
    assert checkpoint.verify(folder) is None
    return len(files), noticed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    import peft  # noqa: F401 - loaded once, before the forks
    import torch
    import transformers

    torch.set_num_threads(1)
    rng, out = random.Random(args.seed), args.out
    out.mkdir(parents=True)
    qwen(out / "qwen")
    tasks = out / "tasks.jsonl"
    rows = [
        {"prompt": f"# Return {i}.\ndef f():\n", "tests": [f"assert f() == {i}"]} for i in range(30)
    ]
    tasks.write_text("".join(json.dumps(r) + "\n" for r in rows))
    print(f"torch {torch.__version__}, transformers {transformers.__version__}, seed {args.seed}")
    print("| policy, algorithm | killed at | moment | equal |\n| --- | --- | --- | --- |")
    equal = total = 0
    for number, (name, more) in enumerate(ARMS.items()):
        source = [] if name.startswith("native") else ["--model", str(out / "qwen")]
        source += [] if name.startswith("native") else ["--tasks", str(tasks)]
        whole = out / f"whole-{number}"
        began = time.monotonic()
        if finish(start([*source, "--output", str(whole), *COMMON, *more])):
            raise SystemExit(f"{name}: the undisturbed run failed")
        length = time.monotonic() - began
        for kill in range(args.kills // len(ARMS) + (number < args.kills % len(ARMS))):
            killed = out / f"killed-{number}-{kill}"
            child = start([*source, "--output", str(killed), *COMMON, *more])
            delay = rng.uniform(0.05, 0.9) * length
            time.sleep(delay)
            os.kill(child, signal.SIGKILL)
            finish(child)
            at = moment(killed) if killed.exists() else "before the folder was made"
            if (killed / "summary.json").exists():
                at += ", already finished"
            elif killed.exists() and (killed / "config.yaml").exists():
                finish(start(["--resume", str(killed)]))
            else:
                finish(start([*source, "--output", str(killed), *COMMON, *more]))
            same = digest(killed) == digest(whole)
            equal, total = equal + same, total + 1
            print(f"| {name} | {delay:.1f} of {length:.1f} s | {at} | {'yes' if same else 'NO'} |")
            sys.stdout.flush()
        files, noticed = flips(whole, rng)
        print(f"| {name} | - | one bit flipped in each of {files} files | {noticed} noticed |")
    print(f"\n{equal} of {total} killed runs end with the undisturbed run's weights and moments.")


if __name__ == "__main__":
    main()
