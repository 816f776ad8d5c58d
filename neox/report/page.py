"""report.html of a run: what it reached, its curves, where the time went, and samples to read."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

from neox.report.charts import Points, chart
from neox.train.metrics import read

Row = dict[str, Any]
SAMPLES_SHOWN = 24

STYLE = """
:root{color-scheme:light dark;--line:#8884}
body{font:15px/1.5 system-ui,sans-serif;max-width:1000px;margin:2rem auto;padding:0 1rem}
h1{font-size:1.4rem;margin-bottom:.2rem}h2{font-size:1.1rem;margin-top:2rem}
table{border-collapse:collapse}td,th{padding:.25rem .9rem .25rem 0;text-align:left}
th{border-bottom:1px solid var(--line);font-weight:600}
.grid{display:grid;grid-template-columns:repeat(auto-fit,minmax(380px,1fr));gap:1rem}
figure{margin:0}figcaption{font-weight:600}figcaption small{font-weight:400;opacity:.7}
.legend span{font-weight:400;margin-left:.8rem;font-size:.85rem}
.legend i{display:inline-block;width:.8em;height:.8em;margin-right:.3em;border-radius:2px}
svg{width:100%}svg line{stroke:var(--line)}svg text{font-size:11px;fill:currentColor;opacity:.75}
pre{margin:0;padding:.6rem;overflow-x:auto;background:#8881;border-radius:4px;font-size:13px}
.sample{margin:.8rem 0}.pass{color:#2e9e6b}.fail{color:#c0392b}.bar{height:14px;display:flex}
.bar div{height:100%}small{opacity:.75}
"""


def write_report(folder: Path) -> Path:
    """Make report.html from the files of a run, finished or not; returns its path."""
    rows = read(folder / "metrics.jsonl")
    samples = read(folder / "samples.jsonl") if (folder / "samples.jsonl").is_file() else []
    summary_file = folder / "summary.json"
    summary = json.loads(summary_file.read_text()) if summary_file.is_file() else None
    body = [
        f"<h1>{escape(folder.name)}</h1>",
        _headline(summary, rows),
        _results(summary),
        _curves(rows),
        _levels(folder),
        _time(summary),
        _samples(samples),
        _configuration(folder),
    ]
    path = folder / "report.html"
    draft = folder / "report.tmp"
    draft.write_text(document(folder.name, body))
    os.replace(draft, path)
    return path


def document(title: str, body: Sequence[str]) -> str:
    """A whole page in the reports' style."""
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>{escape(title)}</title><style>{STYLE}</style>{''.join(body)}</html>\n"
    )


def _headline(summary: Row | None, rows: Sequence[Row]) -> str:
    if summary is None:
        last = rows[-1]["step"] if rows else 0
        return f"<p>Unfinished: {last} steps so far.</p>"
    steps = summary["steps"]
    return (
        f"<p>Preset {escape(summary['preset'])}, {escape(summary['algorithm'])}, seed "
        f"{summary['seed']}: {steps['warmstart']} warm-start steps, then {steps['reinforce']} "
        f"steps of reinforcement; peak memory {summary['peak_mb']} MB.</p>"
    )


def _results(summary: Row | None) -> str:
    if summary is None or not summary["before"].get("n"):
        return ""
    before, after = summary["before"], summary["after"]
    names = [k for k in before if f"{k}_interval" in before]
    rows = "".join(
        f"<tr><td>{escape(n)}</td><td>{_cell(before, n)}</td><td>{_cell(after, n)}</td></tr>"
        for n in names
    )
    head = "<tr><th></th><th>before reinforcement</th><th>after</th></tr>"
    return (
        f"<h2>Held-out tasks ({before['n']})</h2><table>{head}{rows}</table>"
        "<p><small>95 % bootstrap intervals over tasks.</small></p>"
    )


def _cell(part: Row, name: str) -> str:
    low, high = part[f"{name}_interval"]
    return f"{part[name]:.1%} <small>[{low:.1%}, {high:.1%}]</small>"


def _series(rows: Sequence[Row], stage: str, key: str) -> Points:
    return [(r["step"], r[key]) for r in rows if r.get("stage") == stage and r.get(key) is not None]


def _curves(rows: Sequence[Row]) -> str:
    def of(key: str) -> Points:
        return _series(rows, "reinforce", key)

    parts = {
        key.split("/")[1]: of(key)
        for key in ("rewards/tests/mean", "rewards/syntax/mean", "rewards/complexity/mean")
    }
    times = {name: of(f"time/{name}") for name in ("rollout", "reward", "learn")}
    figures = [
        chart("Reward", {"mean": of("reward")}, "per sample"),
        chart("pass@1 on training tasks", parts, "share of samples, by part"),
        chart("Entropy", {"policy": of("entropy")}, "nats per token, sampled"),
        chart("Groups without variance", {"share": of("frac_reward_zero_std")}),
        chart("Completion length", {"mean": of("completions/mean_length")}, "tokens"),
        chart("Time", times, "seconds per step"),
        chart("Warm-start loss", {"loss": _series(rows, "warmstart", "loss")}, "nats per token"),
        chart("Gradient norm", {"reinforcement": of("grad_norm")}),
        chart("Value loss", {"critic": of("value_loss")}),
        chart("Wasserstein gap", {"critic": of("wasserstein/gap")}),
    ]
    return f'<h2>Curves</h2><div class="grid">{"".join(figures)}</div>'


def _levels(folder: Path) -> str:
    """Held-out greedy pass by level, before and after."""
    file = folder / "evaluation.jsonl"
    if not file.is_file():
        return ""
    table: dict[int, dict[str, list[float]]] = {}
    for row in read(file):
        cell = table.setdefault(row["level"], {}).setdefault(row["when"], [])
        cell.append(row["right"] / max(row["samples"], 1))
    head = "<tr><th>level</th><th>tasks</th><th>pass@1 before</th><th>after</th></tr>"
    body = ""
    for level, cells in sorted(table.items()):
        shown = [
            f"{sum(v) / len(v):.1%}" if (v := cells.get(when)) else ""
            for when in ("before", "after")
        ]
        count = len(next(iter(cells.values())))
        body += f"<tr><td>{level}</td><td>{count}</td><td>{shown[0]}</td><td>{shown[1]}</td></tr>"
    return f"<h2>By level</h2><table>{head}{body}</table>"


def _time(summary: Row | None) -> str:
    if summary is None:
        return ""
    seconds: dict[str, float] = summary["seconds"]
    total = sum(seconds.values()) or 1.0
    colours = ("#2f6fdb", "#d9822b", "#2e9e6b", "#a04fc4", "#888")
    bar = "".join(
        f'<div style="width:{100 * s / total:.1f}%;background:{c}" title="{escape(n)}"></div>'
        for (n, s), c in zip(seconds.items(), colours, strict=False)
    )
    text = ", ".join(f"{escape(n)} {s:.0f} s" for n, s in seconds.items())
    return f'<h2>CPU time</h2><div class="bar">{bar}</div><p>{total:.0f} s: {text}</p>'


def _samples(rows: Sequence[Row]) -> str:
    """A few samples from the beginning and the end of the run."""
    if not rows:
        return ""
    first, last = rows[0]["step"], rows[-1]["step"]
    early, late = (_some([r for r in rows if r["step"] == step]) for step in (first, last))
    return (
        f"<h2>Samples</h2><h3>step {first}</h3>{''.join(map(_sample, early))}"
        f"<h3>step {last}</h3>{''.join(map(_sample, late))}"
    )


def _some(rows: Sequence[Row]) -> Sequence[Row]:
    """Evenly spaced rows, half of SAMPLES_SHOWN."""
    count = SAMPLES_SHOWN // 2
    return rows[:: max(1, len(rows) // count)][:count]


def _sample(row: Row) -> str:
    if "failed" in row:
        verdict = f'<span class="fail">reward failed: {escape(row["failed"])}</span>'
    else:
        parts = ", ".join(f"{k} {v:g}" for k, v in row["parts"].items())
        kind = "pass" if row["parts"].get("tests") == 1.0 else "fail"
        verdict = f'<span class="{kind}">reward {row["reward"]:g}</span> <small>{parts}</small>'
    code = escape(row["prompt"] + row["completion"])
    name = escape(row["task_id"])
    return f'<div class="sample">{verdict} <small>{name}</small><pre>{code}</pre></div>'


def _configuration(folder: Path) -> str:
    file = folder / "config.yaml"
    if not file.is_file():
        return ""
    text = escape(file.read_text())
    return (
        f"<h2>Configuration</h2><details><summary>config.yaml</summary><pre>{text}</pre></details>"
    )
