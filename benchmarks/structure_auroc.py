"""Does any feature of a program's shape tell right samples from wrong ones of the same problem?

    python benchmarks/structure_auroc.py RUN/samples.jsonl ... [--problems 1500] [--seed 0]

Reads graded samples of training runs. Equal completions of a problem count once; what does not
parse is left out, since it is wrong and has no complex. For each feature the area under the ROC
curve within each problem (a passing against a failing sample, ties half), mean over problems, with
95 % intervals from a bootstrap over problems; then the same over pairs of nearly one size, nodes
and characters within 5 %, and over such pairs without undefined names. (A linear fit on size would
not do: what it leaves of a feature that is nearly always tied is size itself, with the sign
turned.) Controls: a random feature, and labels shuffled within problems. Prints a table.
"""

from __future__ import annotations

import argparse
import builtins
import json
import random
from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neox.compiler import emit, nodes, parse
from neox.rewards.canonical import likeness, productions
from neox.topology import batch
from neox.topology.survey import survey
from neox.topology.table import PLAIN

Array = NDArray[np.float64]
Sample = tuple[str, bool]  # program, does it pass
Problem = tuple[list[Sample], list[str]]  # up to MOST samples, and all different programs

ASKED = ("hodge/lambda2", "hodge/largest")
NEAR = 0.05  # logarithms of nodes and of characters of two samples of nearly one size
MOST = 16  # samples of one problem that are used
CROWD = 48  # programs of one problem that consensus is taken over, whatever their labels
BLOCK = 512


def groups(paths: list[Path], count: int, seed: int) -> tuple[list[Problem], dict[str, int]]:
    """Problems with at least two passing and two failing different samples that parse."""
    found: dict[str, dict[str, bool]] = defaultdict(dict)
    read = 0
    for path in paths:
        for line in path.read_text().splitlines():
            row: dict[str, Any] = json.loads(line)
            read += 1
            found[row["prompt"]][row["completion"]] = row["parts"]["tests"] >= 1.0
    names = sorted(found)
    random.Random(seed).shuffle(names)
    out: list[Problem] = []
    broken = seen = 0
    for prompt in names:
        some = sorted(found[prompt].items())
        if sum(right for _, right in some) < 2:
            continue
        random.Random(seed).shuffle(some)
        kept: dict[str, bool] = {}
        for completion, right in some:
            program = parse(prompt + completion)
            seen += 1
            broken += bool(program.diagnostics)
            if not program.diagnostics:
                kept.setdefault(emit(program), right)  # layout is no difference
        chosen = _balanced(list(kept.items()))
        if chosen:
            out.append((chosen, list(kept)[:CROWD]))
        if len(out) == count:
            break
    told = {"samples read": read, "different completions looked at": seen, "do not parse": broken}
    return out, told


def _balanced(samples: list[Sample]) -> list[Sample]:
    right = [s for s in samples if s[1]][: MOST // 2]
    wrong = [s for s in samples if not s[1]][: MOST // 2]
    return right + wrong if min(len(right), len(wrong)) >= 2 else []


def measured(problems: list[Problem], seed: int) -> tuple[list[str], Array]:
    """Names of the features, and their values [samples, features] in the order of the problems."""
    texts = [text for problem, _ in problems for text, _ in problem]
    rows = []
    for start in range(0, len(texts), BLOCK):
        for one in batch([parse(t) for t in texts[start : start + BLOCK]]):
            plain = one.scalars()
            asked = [float(np.asarray(one[name])) for name in ASKED]
            rows.append([plain[name] for name in PLAIN] + asked)
    values = np.array(rows)
    extra = [
        np.log([len(t) for t in texts]),
        np.array(list(_consensus(problems))),
        np.array([_undefined(t) for t in texts], dtype=np.float64),
        np.random.default_rng(seed).normal(size=len(texts)),
    ]
    names = [
        *PLAIN,
        *ASKED,
        "length/characters",
        "likeness/others",
        "names/undefined",
        "control/random",
    ]
    return names, np.column_stack([values, *extra])


def _consensus(problems: list[Problem]) -> Iterator[float]:
    """Mean likeness of a sample to the other different samples of its problem, right or wrong."""
    for problem, crowd in problems:
        shapes = {text: productions(parse(text).tree) for text in crowd}
        for text, _ in problem:
            own = shapes.get(text) or productions(parse(text).tree)
            others = [likeness(own, s) for other, s in shapes.items() if other != text]
            yield sum(others) / len(others)


def _undefined(text: str) -> int:
    """Names that are read, bound nowhere in the program, and no builtins."""
    found = survey(parse(text).tree)
    bound = {name for scope in found.scopes for name in scope.bound} | set(dir(builtins))
    bound |= {n.name for n in found.nodes if isinstance(n, nodes.FunctionDef)}
    return len({name for scope in found.scopes for name in scope.names} - bound)


def areas(
    values: Array, right: NDArray[np.bool_], bounds: list[int], size: Array | None = None
) -> Array:
    """[problems, features]; given log sizes [samples, 2], only pairs of nearly one size count, and
    only problems that have such pairs.
    """
    out = []
    for low, high in pairwise(bounds):
        some, label = values[low:high], right[low:high]
        good, bad = some[label][:, None], some[~label][None, :]
        wins = (good > bad) + 0.5 * (good == bad)
        if size is None:
            out.append(wins.mean(axis=(0, 1)))
            continue
        own = size[low:high]
        near = (abs(own[label][:, None] - own[~label][None, :]) <= NEAR).all(axis=-1)
        if near.any():
            out.append(wins[near].mean(axis=0))
    return np.array(out)


def interval(found: Array, rng: np.random.Generator) -> tuple[Array, Array]:
    """95 % by bootstrap over problems."""
    means = [found[rng.integers(0, len(found), len(found))].mean(axis=0) for _ in range(1000)]
    low, high = np.percentile(means, [2.5, 97.5], axis=0)
    return low, high


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--problems", type=int, default=1500)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    problems, told = groups(args.files, args.problems, args.seed)
    right = np.array([label for problem, _ in problems for _, label in problem])
    bounds = [0, *np.cumsum([len(p) for p, _ in problems]).tolist()]
    names, values = measured(problems, args.seed)
    told |= {"problems": len(problems), "samples": len(right), "of these right": int(right.sum())}
    print("; ".join(f"{name} {count:,}" for name, count in told.items()))
    size = np.column_stack(
        [np.log(values[:, names.index("size/nodes")]), values[:, names.index("length/characters")]]
    )
    rng = np.random.default_rng(args.seed)
    shuffled = right.copy()
    for low, high in pairwise(bounds):
        rng.shuffle(shuffled[low:high])
    raw = areas(values, right, bounds)
    left = areas(values, right, bounds, size)
    print(f"{len(left)} problems have pairs of nearly one size")
    defined = size.copy()
    defined[values[:, names.index("names/undefined")] > 0] = np.nan  # near nothing
    sound = areas(values, right, bounds, defined)
    print(f"{len(sound)} problems have such pairs without undefined names")
    none = areas(values, shuffled, bounds)
    raw_low, raw_high = interval(raw, rng)
    low, high = interval(left, rng)
    sound_low, sound_high = interval(sound, rng)
    order = np.argsort(-np.abs(left.mean(axis=0) - 0.5))
    heads = "feature", "AUROC", "95 %", "of one size", "95 %", "names defined", "95 %", "shuffled"
    print(f"\n| {' | '.join(heads)} |\n{'|---' * len(heads)}|")
    for i in order:
        print(
            f"| `{names[i]}` | {raw[:, i].mean():.3f} | {raw_low[i]:.3f}-{raw_high[i]:.3f} "
            f"| {left[:, i].mean():.3f} | {low[i]:.3f}-{high[i]:.3f} "
            f"| {sound[:, i].mean():.3f} | {sound_low[i]:.3f}-{sound_high[i]:.3f} "
            f"| {none[:, i].mean():.3f} |"
        )


if __name__ == "__main__":
    main()
