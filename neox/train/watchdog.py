"""Ends a run that hangs: a rank that was killed or stopped, or a step that never comes back.

A thread of every rank notes each second, in a small store beside the training's own connections,
that the rank is alive, and looks at the others. When one falls silent, or this rank's main thread
makes no progress for too long, the rank at fault is named, all stacks are dumped, and the process
ends with a status that means "go on from the last checkpoint".
"""

from __future__ import annotations

import faulthandler
import os
import socket
import sys
import threading
import time
from datetime import timedelta

from torch.distributed import TCPStore  # type: ignore[attr-defined]

from neox.train.alone import Alone

RESUMABLE = 75  # EX_TEMPFAIL: not a mistake of the user's, and worth trying again
SILENCE_S = 12.0  # a busy machine may hold a thread up for some seconds


class Watchdog:
    def __init__(
        self, ranks: Alone, limit_s: float, hint: str, silence_s: float = SILENCE_S
    ) -> None:
        self._ranks, self._limit, self._hint, self._silence = ranks, limit_s, hint, silence_s
        self._progress, self._what = time.monotonic(), "start"
        self._closing = threading.Event()
        self._store: TCPStore | None = None
        if ranks.world > 1:
            host = os.environ.get("MASTER_ADDR", "127.0.0.1")
            port = ranks.gather(_free_port() if ranks.first else 0)[0]
            self._store = TCPStore(
                host,
                port,
                is_master=ranks.first,
                wait_for_workers=False,
                timeout=timedelta(seconds=silence_s),
            )
            self._store.set(str(ranks.rank), "0")
            ranks.wait()
        self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)
        self._thread.start()

    def alive(self, what: str) -> None:
        """The main thread has got somewhere."""
        self._progress, self._what = time.monotonic(), what

    def close(self) -> None:
        """The run ends in order. Ranks leave together, or the rest would miss the first to go."""
        self._ranks.wait()
        self._closing.set()
        self._thread.join()
        self._ranks.wait()

    def _watch(self) -> None:
        seen = {r: ("", time.monotonic()) for r in range(self._ranks.world)}
        beat = 0
        while not self._closing.wait(1.0):
            now = time.monotonic()
            if now - self._progress > self._limit:
                self._end(
                    f"rank {self._ranks.rank} has made no progress for {self._limit:g} s "
                    f"(last: {self._what})"
                )
            if self._store is None:
                continue
            beat += 1
            try:
                self._store.set(str(self._ranks.rank), str(beat))
                found = {r: self._store.get(str(r)).decode() for r in seen}
            except Exception as error:  # the border: whatever the store raises, it is gone
                if not self._closing.is_set():
                    self._end(f"rank 0 does not answer ({type(error).__name__})")
                return
            now = time.monotonic()
            for r, value in found.items():
                if value != seen[r][0]:
                    seen[r] = (value, now)
                elif now - seen[r][1] > self._silence and r != self._ranks.rank:
                    self._end(f"rank {r} has been silent for {now - seen[r][1]:.0f} s")

    def _end(self, reason: str) -> None:
        print(f"neox: rank {self._ranks.rank}: {reason}; stacks follow", file=sys.stderr)
        faulthandler.dump_traceback(sys.stderr, all_threads=True)
        print(f"neox: the run can go on: {self._hint}", file=sys.stderr, flush=True)
        os._exit(RESUMABLE)


def _free_port() -> int:
    with socket.socket() as s:
        s.bind(("", 0))
        return int(s.getsockname()[1])
