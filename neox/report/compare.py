"""One page that compares results of `neox evaluate`: scores, tasks, and failures by cause."""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from neox.datasets.readers import rows
from neox.errors import InputError
from neox.evaluate.passk import interval
from neox.report.page import document

Row = Mapping[str, Any]
EXAMPLES = 4  # completions shown of each cause and run
TASKS_SHOWN = 40
_NAME = re.compile(r"^(\w+)(?::|$)")
_MORE_STYLE = """
td.n{text-align:right;font-variant-numeric:tabular-nums}td.share{min-width:6rem}
.cell{display:inline-block;height:.8em;background:#2e9e6b;border-radius:2px;vertical-align:baseline}
details{margin:.5rem 0}summary{cursor:pointer}
"""


@dataclass(frozen=True, slots=True)
class Results:
    """One file of results with its summary, if that stands beside it."""

    name: str
    rows: Sequence[Row]
    summary: Mapping[str, Any]

    def by_task(self) -> dict[str, list[Row]]:
        found: dict[str, list[Row]] = {}
        for row in self.rows:
            found.setdefault(row["task_id"], []).append(row)
        return found


def read_results(paths: Sequence[Path]) -> list[Results]:
    """The files in the order given. InputError for one that is not a file of results."""
    found = []
    for path in paths:
        known = [row for _, row in rows(path, ("task_id", "completion", "result", "passed"))]
        if not known:
            raise InputError("no results in this file", path, remedy="judge some completions first")
        beside = path.with_name(path.name.removesuffix(".jsonl") + ".summary.json")
        summary = json.loads(beside.read_text()) if beside.is_file() else {}
        found.append(Results(path.name.removesuffix(".jsonl"), known, summary))
    return found


def write_comparison(paths: Sequence[Path], output: Path) -> Path:
    """Make the page at `output`, in one move; returns its path."""
    results = read_results(paths)
    first = results[0].summary
    title = f"{first.get('benchmark', 'Results')}: " + ", ".join(r.name for r in results)
    body = [
        f"<style>{_MORE_STYLE}</style><h1>{escape(title)}</h1>",
        _scores(results),
        _pairs(results),
        _causes(results),
        _tasks(results),
    ]
    draft = output.with_name(f"{output.name}.{os.getpid()}.part")
    draft.write_text(document(title, body))
    draft.replace(output)
    return output


def _scores(results: Sequence[Results]) -> str:
    """What identifies each run, and its scores with intervals."""
    told = (
        "source",
        "model",
        "server",
        "preset",
        "temperature",
        "n",
        "max_new_tokens",
        "timeout_s",
    )
    lines: dict[str, list[str]] = {}
    for at, one in enumerate(results):
        values = {"tasks": str(len(one.by_task())), "completions": str(len(one.rows))}
        values |= {key: str(one.summary[key]) for key in told if key in one.summary}
        if digest := one.summary.get("data_sha256"):
            values["data"] = f"{one.summary['data']} (sha256 {digest[:8]})"
        values |= _figures(one)
        values["timed out"] = str(sum(row["result"] == "timed out" for row in one.rows))
        values["overlap with training data"] = _guard(one.summary.get("guard"))
        for key, value in values.items():
            lines.setdefault(key, [""] * len(results))[at] = value
    head = "".join(f"<th>{escape(r.name)}</th>" for r in results)
    body = "".join(
        f"<tr><td>{escape(key)}</td>" + "".join(f"<td>{escape(v)}</td>" for v in values) + "</tr>"
        for key, values in lines.items()
    )
    return f"<h2>Scores</h2><table><tr><th></th>{head}</tr>{body}</table>"


def _figures(one: Results) -> dict[str, str]:
    """pass@k as the summary has it, or pass@1 from the rows."""
    keys = [k for k in one.summary if "pass@" in k and not k.endswith("_interval")]
    if not keys:
        values = [_share(some) for some in one.by_task().values()]
        return {"pass@1": _told(sum(values) / len(values), interval(values))}
    return {k: _told(one.summary[k], one.summary[f"{k}_interval"]) for k in keys}


def _told(value: float, bounds: Sequence[float]) -> str:
    return f"{value:.1%} [{bounds[0]:.1%}, {bounds[1]:.1%}]"


def _guard(found: Mapping[str, Any] | None) -> str:
    if found is None:
        return "not known"
    kinds = ("statements", "solutions", "behaviours")
    return ", ".join(f"{len(found[kind])} {kind}" for kind in kinds)


def _share(some: Sequence[Row]) -> float:
    return sum(bool(row["passed"]) for row in some) / len(some)


def _pairs(results: Sequence[Results]) -> str:
    """Each run against the first, task by task: the difference is sharper than two intervals."""
    if len(results) < 2:
        return ""
    base = results[0].by_task()
    body = ""
    for other in results[1:]:
        theirs = other.by_task()
        both = [task for task in base if task in theirs]
        change = [_share(theirs[task]) - _share(base[task]) for task in both]
        if not change:
            continue
        low, high = interval(change)
        better, worse = sum(c > 0 for c in change), sum(c < 0 for c in change)
        body += (
            f"<tr><td>{escape(other.name)}</td><td>{100 * sum(change) / len(change):+.1f} "
            f"<small>[{100 * low:+.1f}, {100 * high:+.1f}]</small></td><td class=n>{len(both)}</td>"
            f"<td class=n>{better}</td><td class=n>{worse}</td></tr>"
        )
    head = "<tr><th></th><th>points of pass@1</th><th>tasks</th><th>better</th><th>worse</th></tr>"
    return f"<h2>Against {escape(results[0].name)}</h2><table>{head}{body}</table>"


def cause(row: Row) -> str:
    """Why a completion failed, in a few words.

    >>> cause({"result": "failed: error: NameError: name 'x' is not defined", "passed": False})
    'error: NameError'
    """
    if row["result"] == "timed out":
        return "timeout"
    verdict, _, detail = row["result"].removeprefix("failed: ").partition(": ")
    name = _NAME.match(detail)
    return f"{verdict}: {name[1]}" if verdict == "error" and name else verdict


def _causes(results: Sequence[Results]) -> str:
    """How often each cause, by run, with some of the code."""
    counts = [Counter(cause(row) for row in r.rows if not row["passed"]) for r in results]
    total = sum(counts, Counter())
    if not total:
        return "<h2>Failures</h2><p>None.</p>"
    head = "".join(f"<th>{escape(r.name)}</th>" for r in results)
    table = "".join(
        f"<tr><td>{escape(name)}</td>"
        + "".join(f"<td class=n>{c[name]}</td>" for c in counts)
        + "</tr>"
        for name, _ in total.most_common()
    )
    shown = "".join(
        f"<details><summary>{escape(name)} ({count})</summary>{_examples(results, name)}</details>"
        for name, count in total.most_common()
    )
    return f"<h2>Failures by cause</h2><table><tr><th></th>{head}</tr>{table}</table>{shown}"


def _examples(results: Sequence[Results], name: str) -> str:
    found = ""
    for one in results:
        some = [row for row in one.rows if not row["passed"] and cause(row) == name][:EXAMPLES]
        found += "".join(
            f'<div class="sample">{escape(row["task_id"])} <small>{escape(one.name)}: '
            f"{escape(row['result'])}</small><pre>{escape(row['completion'])}</pre></div>"
            for row in some
        )
    return found


def _tasks(results: Sequence[Results]) -> str:
    """Share of passing completions by task; where the runs disagree most comes first."""
    shares = [{task: _share(some) for task, some in r.by_task().items()} for r in results]
    tasks = list(dict.fromkeys(task for some in shares for task in some))

    def spread(task: str) -> float:
        values = [some.get(task, 0.0) for some in shares]
        return min(values) - max(values)

    if len(results) > 1:
        tasks.sort(key=spread)
    head = "<tr><th>task</th>" + "".join(f"<th>{escape(r.name)}</th>" for r in results) + "</tr>"
    lines = [
        f"<tr><td>{escape(task)}</td>" + "".join(_cell(some.get(task)) for some in shares) + "</tr>"
        for task in tasks
    ]
    found = f"<h2>Tasks</h2><table>{head}{''.join(lines[:TASKS_SHOWN])}</table>"
    if len(lines) > TASKS_SHOWN:
        rest = f"<table>{head}{''.join(lines[TASKS_SHOWN:])}</table>"
        found += f"<details><summary>{len(lines) - TASKS_SHOWN} more</summary>{rest}</details>"
    return found


def _cell(share: float | None) -> str:
    if share is None:
        return '<td class="share"></td>'
    bar = f'<span class="cell" style="width:{4 * share:.2f}rem"></span>'
    return f'<td class="share">{bar} {share:.0%}</td>'
