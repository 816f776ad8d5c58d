"""Reward functions of other people's, by import path, in TRL's, verl's or NEOX's form.

Each runs in a process of its own under a limit of wall time. One that hangs is killed with its
children and started again; its attempts are `Failed("timeout")`. One that raises, returns too few
numbers or numbers that are none gives `Failed` too: counted, kept out of the baseline, never a
zero. None means "does not apply" and leaves the part out of the sum.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from neox.datasets.task import to_json
from neox.rewards import worker
from neox.rewards.score import KINDS, Attempt, Failed, Score, Scored

START_S = 120.0  # importing somebody's module may load anything
NOT_APPLICABLE = "the function returned None"


class Function:
    """A reward part; `path` is `module:function` or `file.py:function`."""

    def __init__(self, path: str, timeout_s: float = 30.0) -> None:
        self.path, self._timeout = path, timeout_s
        self.name = path.rpartition(":")[2]
        self._process: subprocess.Popen[bytes] | None = None
        self._buffer = b""
        self._form = ""
        self.restarts = 0

    def check(self) -> str | None:
        """Why the function cannot be used, or None; imports it."""
        try:
            self._start()
        except _Broken as error:
            return str(error)
        return None

    def __call__(self, attempts: Sequence[Attempt]) -> list[Score]:
        try:
            self._start()
        except _Broken as error:
            return [Failed("error", str(error))] * len(attempts)
        if self._form == "verl":  # one at a time, so one that hangs fails alone
            return [self._ask([a])[0] for a in attempts]
        return self._ask(attempts)

    def close(self) -> None:
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            for stream in (self._process.stdin, self._process.stdout):
                if stream is not None:
                    stream.close()
        self._process, self._buffer = None, b""

    def __del__(self) -> None:
        with contextlib.suppress(Exception):  # at the end of the interpreter
            self.close()

    def _start(self) -> None:
        if self._process is not None and self._process.poll() is None:
            return
        self.close()
        self._process = subprocess.Popen(
            [sys.executable, "-P", str(Path(worker.__file__).resolve()), self.path],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        try:
            hello = self._read(START_S)
        except (TimeoutError, EOFError) as error:
            self.close()
            raise _Broken(f"{self.path} did not start: {error}") from None
        if hello["error"]:
            self.close()
            raise _Broken(f"{self.path} cannot be used:\n{hello['error']}")
        self._form = hello["form"]

    def _ask(self, attempts: Sequence[Attempt]) -> list[Score]:
        rows = [_row(a) for a in attempts]
        try:
            self._start()
            self._write(json.dumps({"rows": rows}).encode() + b"\n")
            reply = self._read(self._timeout)
        except TimeoutError:
            self.close()
            self.restarts += 1
            return [Failed("timeout", f"{self.name}: over {self._timeout:g} s")] * len(attempts)
        except (EOFError, OSError, ValueError, _Broken) as error:
            self.close()
            self.restarts += 1
            return [Failed("error", f"{self.name} ended: {error}")] * len(attempts)
        if "error" in reply:
            return [Failed("error", reply["error"])] * len(attempts)
        values = reply["values"]
        if len(values) != len(attempts):
            detail = f"{self.name} returned {len(values)} values for {len(attempts)} completions"
            return [Failed("error", detail)] * len(attempts)
        return [self._score(v) for v in values]

    def _score(self, value: Any) -> Score:
        if value is None:
            return Failed("unscorable", NOT_APPLICABLE)
        if isinstance(value, list) and len(value) == 2 and value[0] in KINDS:
            return Failed(value[0], str(value[1]))
        parts: dict[str, float] = {}
        if isinstance(value, dict):
            if "score" not in value:
                return Failed("error", f"{self.name} returned a mapping without `score`")
            more = {k: v for k, v in value.items() if k != "score"}
            parts = {k: float(v) for k, v in more.items() if isinstance(v, int | float)}
            value = value["score"]
        try:
            number = float(value)
        except (TypeError, ValueError):
            return Failed("error", f"{self.name} returned {value!r}, which is no number")
        if not math.isfinite(number):
            return Failed("non_finite", f"{self.name} gave {value}")
        return Scored(number, parts)

    def _write(self, data: bytes) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write(data)
        self._process.stdin.flush()

    def _read(self, seconds: float) -> dict[str, Any]:
        """The next line. TimeoutError after `seconds`, EOFError where the process has ended."""
        assert self._process is not None
        assert self._process.stdout is not None
        stream, deadline = self._process.stdout.fileno(), time.monotonic() + seconds
        with selectors.DefaultSelector() as ready:
            ready.register(stream, selectors.EVENT_READ)
            while b"\n" not in self._buffer:
                left = deadline - time.monotonic()
                if left <= 0 or not ready.select(left):
                    raise TimeoutError(f"no answer in {seconds:g} s")
                data = os.read(stream, 1 << 16)
                if not data:
                    raise EOFError(f"its process ended with status {self._process.wait()}")
                self._buffer += data
        line, _, self._buffer = self._buffer.partition(b"\n")
        reply: dict[str, Any] = json.loads(line)
        return reply


class _Broken(Exception):
    """The function cannot be imported or has no known form."""


def _row(attempt: Attempt) -> dict[str, Any]:
    task = attempt.task
    return {
        "prompt": task.meta.get("messages", task.prompt),
        "completion": attempt.completion,
        "ids": list(attempt.ids),
        "columns": task.meta.get("columns", {}),
        "task": to_json(task),
    }
