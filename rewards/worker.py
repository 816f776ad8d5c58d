"""The process in which a reward function of somebody else's runs: one JSON line in, one out.

Started by `functions.py` as a script, so that a function that hangs, crashes or exits takes nothing
with it. What the function prints goes to standard error. The process dies with the one that
started it. Imports only the standard library, and neox for functions of NEOX's own form.
"""

from __future__ import annotations

import asyncio
import ctypes
import importlib
import importlib.util
import inspect
import json
import math
import os
import signal
import sys
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

Request = Mapping[str, Any]


def load(path: str) -> Callable[..., Any]:
    """`package.module:function` or `file.py:function`; the current folder is searched too."""
    place, _, name = path.rpartition(":")
    sys.path.insert(0, str(Path.cwd()))
    if place.endswith(".py"):
        spec = importlib.util.spec_from_file_location("reward_functions", place)
        if spec is None or spec.loader is None:
            raise ImportError(f"{place} cannot be imported")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    else:
        module = importlib.import_module(place)
    found: Callable[..., Any] = getattr(module, name)
    return found


def form_of(function: Callable[..., Any]) -> str:
    """Whose signature it has, by the names of its parameters."""
    names = set(inspect.signature(function).parameters)
    if "completions" in names:
        return "trl"
    if "solution_str" in names:
        return "verl"
    if "attempts" in names or len(names) == 1:
        return "neox"
    raise TypeError(
        f"{function.__name__}({', '.join(sorted(names))}) has no known form: "
        "TRL's has `completions`, verl's `solution_str`, NEOX's `attempts`"
    )


def call(function: Callable[..., Any], form: str, request: Request) -> list[Any]:
    """The function's answers, as JSON values: a number, a mapping, None, or [kind, detail]."""
    if form == "trl":
        return list(_run(function, _trl_arguments(function, request)))
    if form == "verl":
        rows = request["rows"]
        return [_run(function, _verl_arguments(function, row)) for row in rows]
    from neox.datasets.task import from_json
    from neox.rewards.score import Attempt, Failed

    attempts = [Attempt(from_json(r["task"]), r["completion"]) for r in request["rows"]]
    answer = function(attempts)
    found = list(asyncio.run(_wait(answer)) if inspect.isawaitable(answer) else answer)
    return [
        [s.kind, s.detail] if isinstance(s, Failed) else {"score": s.value, **s.parts}
        for s in found
    ]


def _run(function: Callable[..., Any], arguments: dict[str, Any]) -> Any:
    answer = function(**arguments)
    return asyncio.run(_wait(answer)) if inspect.isawaitable(answer) else answer


async def _wait(answer: Any) -> Any:
    return await answer


def _accepted(function: Callable[..., Any], given: dict[str, Any]) -> dict[str, Any]:
    parameters = inspect.signature(function).parameters
    if any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
        return given
    return {name: value for name, value in given.items() if name in parameters}


def _trl_arguments(function: Callable[..., Any], request: Request) -> dict[str, Any]:
    rows = request["rows"]
    names = rows[0]["columns"] if rows else ()
    columns = {name: [r["columns"].get(name) for r in rows] for name in names}
    talks = [isinstance(r["prompt"], list) for r in rows]
    replies = [
        [{"role": "assistant", "content": r["completion"]}] if talk else r["completion"]
        for r, talk in zip(rows, talks, strict=True)
    ]
    given = {
        **columns,
        "prompts": [r["prompt"] for r in rows],
        "completions": replies,
        "completion_ids": [r["ids"] for r in rows],
        "trainer_state": None,
        "log_extra": _nothing,
        "log_metric": _nothing,
    }
    return _accepted(function, given)


def _nothing(*_: Any, **__: Any) -> None:
    """Extra columns for the trainer's log; NEOX logs every sample by itself."""


def _verl_arguments(function: Callable[..., Any], row: Request) -> dict[str, Any]:
    columns = row["columns"]
    model = columns.get("reward_model") or {}
    given = {
        "data_source": columns.get("data_source", ""),
        "solution_str": row["completion"],
        "ground_truth": model.get("ground_truth", columns.get("ground_truth")),
        "extra_info": columns.get("extra_info"),
    }
    return _accepted(function, given)


def _json(value: Any) -> Any:
    """Numbers of numpy and torch as Python's; non-finite ones as text, which JSON lacks."""
    if isinstance(value, Mapping):
        return {str(k): _json(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_json(v) for v in value]
    if value is None or isinstance(value, str | bool | int):
        return value
    number = float(value)
    return number if math.isfinite(number) else repr(number)


def main(path: str) -> None:
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what the function prints must not look like an answer
    function, form, broken = None, "", ""
    try:
        function = load(path)
        form = form_of(function)
    except Exception:  # the border: whatever the import raises is reported whole
        broken = traceback.format_exc()
    answers.write(json.dumps({"form": form, "error": broken}) + "\n")
    answers.flush()
    for line in sys.stdin:
        try:
            assert function is not None
            reply: dict[str, Any] = {"values": _json(call(function, form, json.loads(line)))}
        except Exception:  # the border: whatever a reward raises is its own failure
            reply = {"error": traceback.format_exc()}
        answers.write(json.dumps(reply) + "\n")
        answers.flush()


if __name__ == "__main__":
    main(sys.argv[1])
