"""Candidates of one prompt with their clusters, bounds and structure: what the page shows.

The programs run in the sandbox, which is started when it is first asked for. Where it cannot run
strictly, the route says so and nothing is run.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from typing import Any

from neox.compiler import parse
from neox.compiler.complexity import Bound, analyze
from neox.datasets.jobs import as_calls
from neox.datasets.task import AssertTest
from neox.generate.behaviour import Example
from neox.generate.rank import Cluster, Ranking, rank
from neox.sandbox import Sandbox, SandboxUnavailable
from neox.serve.errors import ApiError, bad
from neox.serve.host import Host, Job

MOST, MOST_EXAMPLES = 64, 16
SHOWN = {
    "size/nodes": "nodes",
    "size/depth": "depth",
    "mccabe/total": "McCabe",
    "c1/b1": "b1 of the flow graph",
    "hyperbolic/mean_radius": "mean hyperbolic radius",
}


class Chooser:
    """One sandbox for the whole server."""

    def __init__(self) -> None:
        self._box: Sandbox | None = None
        self._lock = threading.Lock()

    def close(self) -> None:
        if self._box is not None:
            self._box.close()

    async def candidates(self, host: Host, job: Job, known: Any) -> dict[str, Any]:
        if len(job.requests) > MOST or len(job.prompts) != 1:
            raise bad(f"at most {MOST} candidates of one prompt", "n")
        examples = read_examples(known)
        texts = [""] * len(job.requests)
        logprobs = [list[float]() for _ in job.requests]
        async for chunk in host.worker.submit(job.requests, job.stops):
            texts[chunk.choice] += chunk.text
            logprobs[chunk.choice] += [p.logprob or 0.0 for p in chunk.pieces]
        prompt = b"".join(host.words[i] for i in job.prompts[0]).decode("utf-8", "replace")
        likely = [sum(found) / max(1, len(found)) for found in logprobs]
        programs = [prompt + text for text in texts]
        return await asyncio.to_thread(self._rank, programs, examples, likely)

    def _rank(
        self, programs: Sequence[str], examples: Sequence[Example], likely: Sequence[float]
    ) -> dict[str, Any]:
        try:
            with self._lock:
                if self._box is None:
                    self._box = Sandbox(workers=1)
            found = rank(self._box, programs, None, examples, likely)
        except SandboxUnavailable as error:
            raise ApiError(503, f"no sandbox: {error}", code="no_sandbox") from None
        except ValueError as error:
            raise bad(f"{error}; prompt with a `def` line", "prompt") from None
        return told(programs, found)


def told(programs: Sequence[str], found: Ranking) -> dict[str, Any]:
    return {
        "n": len(programs),
        "best": found.best,
        "confidence": found.confidence,
        "entry": found.entry,
        "clusters": [_cluster(programs, cluster) for cluster in found.clusters],
    }


def _cluster(programs: Sequence[str], cluster: Cluster) -> dict[str, Any]:
    text = programs[cluster.medoid]
    program = parse(text)
    bounds, structure = list[str](), dict[str, Any]()
    if not program.diagnostics:
        from neox.topology import features

        bounds = [bound_text(bound) for bound in analyze(program)]
        numbers = features(program).scalars()
        structure = {told: round(numbers[name], 2) for name, told in SHOWN.items()}
    return {
        "members": list(cluster.members),
        "mass": cluster.mass,
        "passed": cluster.passed,
        "medoid": cluster.medoid,
        "trouble": cluster.trouble,
        "text": text,
        "bounds": bounds,
        "structure": structure,
    }


def bound_text(bound: Bound) -> str:
    sizes = ", ".join(f"{name} = {size}" for name, size in bound.parameters)
    where = f" with {sizes}" if sizes else ""
    return (
        f"{bound.function}: Theta({bound.theta}){where} [{bound.status}]"
        if bound.theta
        else (f"{bound.function}: no bound known")
    )


def read_examples(known: Any) -> list[Example]:
    """Calls with their results, each as `f(1) == 2`."""
    if known is None:
        return []
    whole = isinstance(known, list) and all(isinstance(k, str) for k in known)
    if not whole or len(known) > MOST_EXAMPLES:
        raise bad(f"examples must be at most {MOST_EXAMPLES} texts", "examples")
    found = []
    for text in known:
        pairs = as_calls((AssertTest(f"assert {text}"),), text.partition("(")[0].strip())
        if pairs is None:
            raise bad(f"{text[:80]!r} is not a call with a known result", "examples")
        found += [Example(tuple(arguments), expected) for arguments, expected in pairs]
    return found
