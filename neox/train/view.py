"""What a person sees of a run: a live page on a terminal, plain `key=value` lines elsewhere."""

from __future__ import annotations

import itertools
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TextIO

if TYPE_CHECKING:
    from rich.console import RenderableType

# Metric to label, in the order shown.
SHOWN = {
    "loss": "loss",
    "reward": "reward",
    "rewards/syntax/mean": "syntax",
    "entropy": "entropy",
    "completions/mean_length": "length",
    "grad_norm": "grad",
    "frac_reward_zero_std": "flat",
    "perf/samples_s": "samples/s",
}
BARS = " ▁▂▃▄▅▆▇█"


class View(Protocol):
    def say(self, text: str) -> None: ...
    def stage(self, name: str, total: int, done: int) -> None: ...
    def step(self, done: int, step: int, row: Mapping[str, float]) -> None: ...
    def progress(self, done: int, total: int) -> None: ...
    def result(self, when: str, summary: Mapping[str, Any]) -> None: ...
    def close(self) -> None: ...


def open_view() -> View:
    """The live view on a terminal, else plain lines; both on standard error."""
    return LiveView() if sys.stderr.isatty() else PlainView()


class NoView:
    """Of the ranks that are not the first."""

    def say(self, text: str) -> None: ...
    def stage(self, name: str, total: int, done: int) -> None: ...
    def step(self, done: int, step: int, row: Mapping[str, float]) -> None: ...
    def progress(self, done: int, total: int) -> None: ...
    def result(self, when: str, summary: Mapping[str, Any]) -> None: ...
    def close(self) -> None: ...


class PlainView:
    """Lines as they happen; of steps at most one every `every` seconds."""

    def __init__(self, stream: TextIO | None = None, every: float = 5.0) -> None:
        self._stream, self._every = stream or sys.stderr, every
        self._last = float("-inf")
        self._name = ""

    def _due(self) -> bool:
        now = time.monotonic()
        if now - self._last < self._every:
            return False
        self._last = now
        return True

    def say(self, text: str) -> None:
        print(text, file=self._stream, flush=True)

    def stage(self, name: str, total: int, done: int) -> None:
        self._name = name.replace(" ", "-")
        self._last = float("-inf")
        self.say(f"stage={self._name} total={total} done={done}")

    def step(self, done: int, step: int, row: Mapping[str, float]) -> None:
        if self._due():
            shown = [f"{label}={row[key]:.4g}" for key, label in SHOWN.items() if key in row]
            self.say(f"step={step} " + " ".join(shown))

    def progress(self, done: int, total: int) -> None:
        if self._due() or done == total:
            self.say(f"{self._name}={done}/{total}")

    def result(self, when: str, summary: Mapping[str, Any]) -> None:
        shown = [f"{k}={v:.4f}" for k, v in summary.items() if isinstance(v, float)]
        self.say(f"result={when} n={summary['n']} " + " ".join(shown))

    def close(self) -> None:
        pass


class LiveView:
    """A progress bar, the latest numbers, and the course of the reward (or the loss) as a curve."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.live import Live
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeElapsedColumn,
            TimeRemainingColumn,
        )

        self._console = Console(stderr=True)
        self._bar = Progress(
            TextColumn("[bold]{task.description:<18}"),
            BarColumn(bar_width=None),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=self._console,
        )
        self._live = Live(console=self._console, refresh_per_second=4, transient=True)
        self._task = self._bar.add_task("starting", total=None)
        self._row: Mapping[str, float] = {}
        self._course: list[float] = []
        self._live.start()

    def say(self, text: str) -> None:
        self._live.console.print(text, highlight=False, markup=False)

    def stage(self, name: str, total: int, done: int) -> None:
        self._bar.remove_task(self._task)
        self._task = self._bar.add_task(name, total=total or None, completed=done)
        self._row, self._course = {}, []
        self._live.update(self._page())

    def step(self, done: int, step: int, row: Mapping[str, float]) -> None:
        self._row = row
        self._course.append(row.get("reward", row.get("loss", 0.0)))
        self._bar.update(self._task, completed=done)
        self._live.update(self._page())

    def progress(self, done: int, total: int) -> None:
        self._bar.update(self._task, completed=done, total=total)

    def result(self, when: str, summary: Mapping[str, Any]) -> None:
        shown = [f"{key} {value:.1%}" for key, value in summary.items() if isinstance(value, float)]
        self.say(f"{when}: {', '.join(shown)} on {summary['n']} held-out tasks")

    def close(self) -> None:
        self._live.stop()

    def _page(self) -> RenderableType:
        from rich.console import Group
        from rich.text import Text

        numbers = "   ".join(
            f"{label} {self._row[key]:.4g}" for key, label in SHOWN.items() if key in self._row
        )
        if not self._course:
            return self._bar
        name = "reward" if "reward" in self._row else "loss"
        curve = sparkline(self._course, max(self._console.width - 12, 10))
        return Group(self._bar, Text(numbers, style="cyan"), Text(f"{name:<8}{curve}"))


def sparkline(values: list[float], width: int) -> str:
    """A curve of block characters from 0 to the largest value, averaged down to `width` columns."""
    if not values:
        return ""
    columns = min(width, len(values))
    edges = [round(i * len(values) / columns) for i in range(columns + 1)]
    means = [sum(values[a:b]) / (b - a) for a, b in itertools.pairwise(edges)]
    top = max(max(means), 1e-9)
    return "".join(BARS[min(8, max(0, round(8 * m / top)))] for m in means)


def result_table(summary: Mapping[str, Any], folder: Path) -> str:
    """Before and after on the held-out tasks with 95 % intervals, and where the time went."""
    before, after = summary["before"], summary["after"]
    lines = []
    names = [k for k in ("greedy", "pass@1", "pass@8") if k in before]
    names += [k for k in before if k.startswith("pass@") and k not in names + _intervals(before)]
    if names:
        lines.append(f"held-out tasks: {before['n']}".ljust(20) + f"{'before':<24}after")
    for name in names:
        cells = [_cell(part, name) for part in (before, after)]
        lines.append(f"  {name:<18}" + "".join(f"{c:<24}" for c in cells).rstrip())
    seconds = summary["seconds"]
    parts = ", ".join(f"{name} {value:.0f} s" for name, value in seconds.items())
    lines.append(f"CPU time: {sum(seconds.values()):.0f} s ({parts}); peak {summary['peak_mb']} MB")
    lines.append(f"report: {folder / 'report.html'}")
    return "\n".join(lines)


def _intervals(part: Mapping[str, Any]) -> list[str]:
    return [k for k in part if k.endswith("_interval")]


def _cell(part: Mapping[str, Any], name: str) -> str:
    low, high = part[f"{name}_interval"]
    return f"{part[name]:.1%} [{low:.1%}, {high:.1%}]"
