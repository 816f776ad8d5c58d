"""Counters and histograms in Prometheus' text format."""

from __future__ import annotations

import threading
import time
from bisect import bisect_left
from collections import defaultdict

from neox.generate.engine import Engine, Stream

FINE = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
COARSE = (0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0)


class Histogram:
    def __init__(self, buckets: tuple[float, ...]) -> None:
        self.buckets, self.counts = buckets, [0] * (len(buckets) + 1)
        self.sum = 0.0

    def add(self, value: float) -> None:
        self.counts[bisect_left(self.buckets, value)] += 1
        self.sum += value

    def lines(self, name: str) -> list[str]:
        total, found = 0, []
        for bound, count in zip((*self.buckets, float("inf")), self.counts, strict=True):
            total += count
            told = "+Inf" if bound == float("inf") else f"{bound:g}"
            found.append(f'{name}_bucket{{le="{told}"}} {total}')
        return [*found, f"{name}_sum {self.sum:.6f}", f"{name}_count {total}"]


class Metrics:
    def __init__(self, engine: Engine) -> None:
        self._engine, self._lock = engine, threading.Lock()
        self._requests: dict[tuple[str, int], int] = defaultdict(int)
        self._queue = Histogram(COARSE)
        self._first = Histogram(COARSE)
        self._between = Histogram(FINE)
        self._finished: dict[str, int] = defaultdict(int)

    def answered(self, route: str, status: int) -> None:
        with self._lock:
            self._requests[route, status] += 1

    def heard(self, stream: Stream, count: int, last: float | None) -> float:
        """Tokens have come; the time until the first, or since the last. Tokens of one step share
        its time."""
        now = time.monotonic()
        with self._lock:
            if last is None:
                self._first.add(now - stream.submitted)
            else:
                for _ in range(count):
                    self._between.add((now - last) / count)
        return now

    def ended(self, stream: Stream) -> None:
        with self._lock:
            self._finished[str(stream.finish)] += 1
            if stream.admitted is not None:
                self._queue.add(stream.admitted - stream.submitted)

    def text(self) -> str:
        engine, counts = self._engine, self._engine.counts
        share = counts.accepted / counts.drafted if counts.drafted else 0.0
        with self._lock:
            requests = [
                f'neox_requests_total{{route="{route}",status="{status}"}} {n}'
                for (route, status), n in sorted(self._requests.items())
            ]
            finished = [
                f'neox_texts_total{{finish="{finish}"}} {n}'
                for finish, n in sorted(self._finished.items())
            ]
            parts = [
                ("counter", "neox_requests_total", "Answers by route and status.", requests),
                ("counter", "neox_texts_total", "Texts by how they ended.", finished),
                _histogram("neox_request_queue_seconds", "Wait for a slot.", self._queue),
                _histogram("neox_time_to_first_token_seconds", "From arrival on.", self._first),
                _histogram("neox_inter_token_seconds", "Between tokens.", self._between),
            ]
        gauges = [
            ("gauge", "neox_requests_running", "Texts in slots.", engine.running),
            ("gauge", "neox_requests_waiting", "Texts waiting for a slot.", engine.waiting),
            ("gauge", "neox_kv_blocks_used_ratio", "Share of kept positions.", engine.kept_share),
            ("gauge", "neox_spec_accepted_ratio", "Guessed tokens that were right.", share),
            ("counter", "neox_tokens_total", "Tokens written.", counts.tokens),
            ("counter", "neox_prompt_tokens_total", "Prompt tokens read.", counts.prompt_tokens),
            ("counter", "neox_shared_tokens_total", "Prompt tokens not read again.",
             counts.shared_tokens),
            ("counter", "neox_busy_seconds_total", "Time inside steps.", counts.busy),
            ("counter", "neox_mask_seconds_total", "Of it, for grammars.", counts.masks),
        ]  # fmt: skip
        parts += [(kind, name, told, [f"{name} {value:g}"]) for kind, name, told, value in gauges]
        out = []
        for kind, name, told, rows in parts:
            out += [f"# HELP {name} {told}", f"# TYPE {name} {kind}", *rows]
        return "\n".join(out) + "\n"


def _histogram(name: str, told: str, histogram: Histogram) -> tuple[str, str, str, list[str]]:
    return "histogram", name, told, histogram.lines(name)
