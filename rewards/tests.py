"""The hidden tests, run in the sandbox: 1 if all pass, 0 otherwise (or the share that passes).

`begin` sends an attempt to the sandbox at once, so that it runs while others are still being
generated. Equal programs for the same task run once. Only the verdict of the sandbox counts;
nothing the program prints, raises or claims does.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import Future
from typing import Literal

from neox.datasets.jobs import job
from neox.rewards.score import Attempt, Failed, Score, scored
from neox.sandbox import Outcome, Sandbox, SandboxUnavailable

# A task comes back only after an epoch, so what is worth keeping is the present rollout.
CACHE_SIZE = 2_048


class Tests:
    """The reward, bound to a sandbox. `outcome` gives the verdict behind a score."""

    __test__ = False  # for pytest: not a test class

    def __init__(self, sandbox: Sandbox, mode: Literal["all", "fraction"] = "all") -> None:
        self._sandbox, self._mode = sandbox, mode
        self._cache: OrderedDict[tuple[str, str], Future[Outcome]] = OrderedDict()
        self._seen = self._violating = 0

    def begin(self, attempt: Attempt) -> Future[Outcome]:
        """Start running the attempt, unless the same program of the same task already has."""
        key = (attempt.task.task_id, attempt.completion)
        future = self._cache.get(key)
        if future is None or (future.done() and future.exception() is not None):
            future = self._sandbox.submit(job(attempt.task, attempt.completion))
            self._cache[key] = future
            if len(self._cache) > CACHE_SIZE:
                self._cache.popitem(last=False)
        return future

    def outcome(self, attempt: Attempt) -> Outcome:
        return self.begin(attempt).result()

    def violation_frac(self) -> float:
        """The share of attempts that tried to get out or to cheat, since this was last asked."""
        frac = self._violating / max(self._seen, 1)
        self._seen = self._violating = 0
        return frac

    def __call__(self, attempts: Sequence[Attempt]) -> list[Score]:
        for attempt in attempts:
            if attempt.task.tests:
                self.begin(attempt)
        return [self._score(a) for a in attempts]

    def _score(self, attempt: Attempt) -> Score:
        if not attempt.task.tests:
            return Failed("unscorable", f"{attempt.task.task_id} has no tests")
        try:
            outcome = self.outcome(attempt)
        except SandboxUnavailable as error:
            return Failed("sandbox", str(error))
        self._seen += 1
        self._violating += bool(outcome.violations)
        if self._mode == "all" or not outcome.tests:
            return scored("tests", float(outcome.verdict == "pass"))
        return scored("tests", sum(t.verdict == "pass" for t in outcome.tests) / len(outcome.tests))


def tests(attempts: Sequence[Attempt], sandbox: Sandbox | None = None) -> list[Score]:
    """The reward as a plain function; opens a sandbox of its own unless one is given."""
    if sandbox is not None:
        return Tests(sandbox)(attempts)
    with Sandbox() as own:
        return Tests(own)(attempts)


tests.__test__ = False  # type: ignore[attr-defined]
