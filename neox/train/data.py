"""What a run trains on: tasks with tests, documents to imitate, held-out tasks.

From the forge, or from other people's task files. A file without splits is divided by a hash of its
prompts, so equal prompts never stand on both sides.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from neox.config import RunConfig
from neox.datasets.forge import Forge, parse_name
from neox.datasets.readers import read
from neox.datasets.task import Task
from neox.errors import InputError
from neox.train.seeding import fold

HELD_OUT_PERCENT = 10


@dataclass(frozen=True, slots=True)
class Data:
    """Training tasks, held-out tasks, (prompt, completion) documents, and remarks for the user."""

    train: Sequence[Task]
    held_out: Sequence[Task]
    documents: Sequence[tuple[str, str]]
    remarks: Sequence[str]


def load(config: RunConfig, say: Callable[[str], None]) -> Data:
    """The data of a run; `say` announces what takes long."""
    if config.tasks.source.partition(":")[0] == "forge":
        say(f"forging {config.tasks.count:,} tasks with tests (about a millisecond each)")
        return _from_forge(config)
    return _from_file(config, Path(config.tasks.source))


def _from_forge(config: RunConfig) -> Data:
    forge = Forge(seed=config.tasks.forge_seed)
    try:
        families, named = parse_name(config.tasks.source)
    except ValueError as error:
        raise InputError(str(error)) from None
    levels = named or tuple(config.tasks.levels)
    train = forge.tasks("train", config.tasks.count, levels, families)
    held_out = _held_out(forge, config, levels, families)
    chosen = train[: config.warmstart.documents]
    documents = forge.documents(chosen, config.warmstart.quality, seed=config.seed)
    right = sum(d.right for d in documents)
    remarks = [f"forge: {len(train)} training tasks, {len(held_out)} held out by behaviour"]
    if documents:
        share = 100 * right / len(documents)
        remarks.append(
            f"corpus: {len(documents)} {config.warmstart.quality} solutions, {share:.1f} % right"
        )
    return Data(train, held_out, [(d.prompt, d.completion) for d in documents], remarks)


def held_out(config: RunConfig) -> list[Task]:
    """The tasks that runs of this configuration are judged on, whatever their seed."""
    if config.tasks.source.partition(":")[0] != "forge":
        return list(_from_file(config, Path(config.tasks.source)).held_out)
    families, named = parse_name(config.tasks.source)
    forge = Forge(seed=config.tasks.forge_seed)
    return _held_out(forge, config, named or tuple(config.tasks.levels), families)


def _held_out(
    forge: Forge, config: RunConfig, levels: Sequence[int], families: Sequence[str] | None
) -> list[Task]:
    """A sample of the test split, spread over families and levels as the training tasks are.

    The forge takes turns over families until one is exhausted, so a small draw would be more even
    than a large one; the test split holds an eighth of the training split's supply.
    """
    wanted = config.evaluation.tasks
    pool = forge.tasks("test", max(wanted, config.tasks.count // 8), levels, families)
    return random.Random(fold(config.tasks.forge_seed, "held out")).sample(
        pool, min(wanted, len(pool))
    )


def _from_file(config: RunConfig, path: Path) -> Data:
    functions = bool(config.rewards.functions)
    tasks = read(path, columns=functions)
    usable = [t for t in tasks if (t.tests or functions) and not t.meta.get("inside")]
    if not usable:
        remedy = "add a `tests` field, or name reward functions in rewards.functions"
        raise InputError("no task in this file has a test", path, remedy=remedy)
    splits = {t.split for t in usable}
    if len(splits) == 1:
        train = [t for t in usable if _bucket(t.prompt) >= HELD_OUT_PERCENT]
        held_out = [t for t in usable if _bucket(t.prompt) < HELD_OUT_PERCENT]
    else:
        train = [t for t in usable if t.split == "train"]
        held_out = [t for t in usable if t.split == "test"]
    if not train:
        raise InputError("no training task in this file", path, remedy="mark some split: train")
    held_out = [t for t in held_out if t.tests][: config.evaluation.tasks]
    documents = [(t.prompt, t.reference) for t in train if t.reference is not None]
    documents = documents[: config.warmstart.documents]
    remarks = [
        f"{path.name}: {len(train)} training tasks, {len(held_out)} held out, "
        f"{len(documents)} with a solution to imitate",
    ]
    if len(tasks) > len(usable):
        left = len(tasks) - len(usable)
        remarks.append(f"{left} tasks left out: no test, or none that keeps its answers outside")
    return Data(train, held_out, documents, remarks)


def _bucket(prompt: str) -> int:
    return int.from_bytes(hashlib.sha256(prompt.encode()).digest()[:4], "big") % 100


def fit(data: Data, lengths: Sequence[int], limit: int) -> tuple[list[Task], str | None]:
    """Training tasks whose prompt has at most `limit` tokens, and a remark if some were dropped."""
    kept = [t for t, n in zip(data.train, lengths, strict=True) if n <= limit]
    dropped = len(data.train) - len(kept)
    if not kept:
        raise InputError(
            f"every prompt is longer than tasks.max_prompt_tokens = {limit} "
            f"(the shortest has {min(lengths)})",
            remedy=f"set tasks.max_prompt_tokens={min(lengths)} or more",
        )
    return kept, f"{dropped} tasks with prompts over {limit} tokens left out" if dropped else None


def fit_held_out(data: Data, lengths: Sequence[int], limit: int) -> tuple[Data, str | None]:
    """`data` with those held-out tasks whose prompt has at most `limit` tokens, and a remark."""
    kept = [t for t, n in zip(data.held_out, lengths, strict=True) if n <= limit]
    dropped = len(data.held_out) - len(kept)
    remark = f"{dropped} held-out tasks with prompts over {limit} tokens left out"
    return replace(data, held_out=kept), remark if dropped else None
