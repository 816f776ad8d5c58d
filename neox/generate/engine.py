"""Continuous batching: many texts at once over the slots of one runner.

A text joins as soon as a slot is free and leaves when it ends, so nobody waits for the longest. A
new text starts from the longest beginning that a slot still holds: samples of one prompt and turns
of one conversation read it once. Long prompts are read in pieces between the others' steps. Every
draw depends on (seed, place) alone, so company, order and speculation change no token.

`step` does the work of one step; `run` repeats it for a list of requests; a server calls `submit`
and `cancel` from other threads while one thread calls `step`.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import Tensor

from neox.generate.constrained import Constraint, Place, mask_of
from neox.generate.drafts import Drafter
from neox.generate.law import Law, adjusted, draw, probabilities, uniform
from neox.generate.runner import Runner
from neox.policy.base import Ids

CHUNK = 64  # prompt tokens read in one step

Finish = Literal["stop", "length", "cancelled", "error"]
Top = tuple[tuple[int, float], ...]


class QueueFull(Exception):
    """More requests are waiting than the engine takes."""


@dataclass(frozen=True, slots=True)
class Request:
    """One text to write. seed: of its own random stream. tops: how many likeliest tokens to report
    beside each; echo: report the prompt's tokens too."""

    prompt: Ids
    law: Law = field(default_factory=Law)
    max_new_tokens: int = 64
    seed: int = 0
    constraint: Constraint | None = None
    drafter: Drafter | None = None
    tops: int = 0
    echo: bool = False


@dataclass(frozen=True, slots=True)
class Piece:
    """One token with its log-probability under the model itself, at temperature 1.

    tops: the likeliest tokens, this one among them. prompt: it is echoed, not generated; the first
    has no log-probability.
    """

    token: int
    logprob: float | None
    tops: Top = ()
    prompt: bool = False


Listener = Callable[["Stream", Sequence[Piece]], bool]
"""Called with new tokens as they come; True ends the text here."""


class Stream:
    """A request on its way."""

    def __init__(self, request: Request, listener: Listener | None) -> None:
        self.request, self.listener = request, listener
        self.ids: list[int] = []
        self.logprobs: list[float] = []
        self.tops: list[Top] = []
        self.finish: Finish | None = None
        self.error: Exception | None = None
        self.place: Place | None = None
        self.slot = -1
        self.fed = 0  # tokens of prompt + ids that the slot has read
        self.drafted = self.accepted = 0
        self.echoed: list[Piece] = []
        self.submitted = time.monotonic()
        self.admitted: float | None = None
        self.cancelled = False
        self.done = threading.Event()

    @property
    def remaining(self) -> int:
        return self.request.max_new_tokens - len(self.ids)


Feed = tuple[Stream, list[int], list[int]]  # tokens to read, and the draft among them


@dataclass(slots=True)
class Counts:
    """Totals since the start. busy: seconds inside steps, masks: of them for grammar masks."""

    tokens: int = 0
    prompt_tokens: int = 0
    shared_tokens: int = 0
    forwards: int = 0
    drafted: int = 0
    accepted: int = 0
    busy: float = 0.0
    masks: float = 0.0


class Engine:
    """max_waiting: requests that may wait for a slot before `submit` raises QueueFull."""

    def __init__(self, runner: Runner, max_waiting: int = 1024) -> None:
        self.runner, self.max_waiting = runner, max_waiting
        self.counts = Counts()
        self._waiting: deque[Stream] = deque()
        self._running: list[Stream] = []
        self._kept: list[list[int]] = [[] for _ in range(runner.slots)]  # tokens each slot has read
        self._free = set(range(runner.slots))
        self._lock = threading.Lock()
        self._work = threading.Event()

    # From any thread ----------------------------------------------------------------------------

    def submit(
        self, requests: Sequence[Request], listeners: Sequence[Listener] = ()
    ) -> list[Stream]:
        """Queue requests, all or none; a listener for each, or none at all.

        ValueError for one that can never run, QueueFull.
        """
        for request in requests:
            self._check(request)
        hears: Sequence[Listener | None] = listeners or [None] * len(requests)
        streams = [Stream(request, hear) for request, hear in zip(requests, hears, strict=True)]
        with self._lock:
            # what arrives together is taken whole even where it is more than may wait
            if self._waiting and len(self._waiting) + len(streams) > self.max_waiting:
                raise QueueFull(f"{len(self._waiting)} requests are waiting")
            self._waiting.extend(streams)
        self._work.set()
        return streams

    def cancel(self, stream: Stream) -> None:
        """End a stream at the next step; its slot is free then."""
        stream.cancelled = True
        self._work.set()

    def wake(self) -> None:
        self._work.set()

    def fail(self, error: BaseException) -> None:
        """End every text with this error: the working thread cannot go on."""
        with self._lock:
            waiting, self._waiting = list(self._waiting), deque()
        for stream in [*self._running, *waiting]:
            stream.error = RuntimeError(f"the engine failed: {error}")
            self._end(stream, "error")

    def wait(self, timeout: float) -> bool:
        """Sleep until there is work."""
        return self._work.wait(timeout)

    @property
    def running(self) -> int:
        return len(self._running)

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    @property
    def kept_share(self) -> float:
        """Share of all positions in use."""
        used = sum(self.runner.lengths[s.slot] for s in list(self._running))
        return used / (self.runner.slots * self.runner.max_length)

    def _check(self, request: Request) -> None:
        if not request.prompt:
            raise ValueError("the prompt is empty")
        if request.max_new_tokens < 0:
            raise ValueError("max_tokens must not be negative")
        total = len(request.prompt) + request.max_new_tokens
        if total > self.runner.max_length:
            raise ValueError(
                f"a prompt of {len(request.prompt)} tokens and {request.max_new_tokens} new ones "
                f"exceed the model's {self.runner.max_length} positions"
            )
        if request.constraint is not None:
            request.constraint.check(request.max_new_tokens)

    # From the one working thread ----------------------------------------------------------------

    def run(self, requests: Sequence[Request], listener: Listener | None = None) -> list[Stream]:
        """All requests to their end, in their order."""
        streams = self.submit(requests, [listener] * len(requests) if listener else ())
        while any(s.finish is None for s in streams):
            self.step()
        for stream in streams:
            if stream.error is not None:
                raise stream.error
        return streams

    @torch.inference_mode()
    def step(self) -> bool:
        """One step for every running text; False when there was nothing to do."""
        started = time.perf_counter()
        self._work.clear()
        self._drop_cancelled()
        self._admit()
        if not self._running:
            return False
        ready: list[tuple[Stream, list[int], Tensor]] = []  # stream, draft, hidden per token
        for group in self._groups():
            ready += self._feed(group)
        self._choose(ready)
        self.counts.busy += time.perf_counter() - started
        return True

    def _drop_cancelled(self) -> None:
        for stream in [s for s in self._running if s.cancelled]:
            self._end(stream, "cancelled")
        if any(s.cancelled for s in self._waiting):
            with self._lock:
                gone = [s for s in self._waiting if s.cancelled]
                self._waiting = deque(s for s in self._waiting if not s.cancelled)
            for stream in gone:
                self._end(stream, "cancelled")

    def _admit(self) -> None:
        while self._waiting and self._free:
            with self._lock:
                stream = self._waiting.popleft()
            stream.admitted = time.monotonic()
            prompt = stream.request.prompt
            if stream.request.constraint is not None:
                stream.place = stream.request.constraint.start()
            source, shared = self._longest(prompt) if not stream.request.echo else (-1, 0)
            slot = source if source in self._free else min(self._free)
            self._free.remove(slot)
            if shared and source != slot:
                self.runner.copy([source], [slot])
            self.runner.rewind(slot, shared)
            self._kept[slot] = list(prompt[:shared])
            stream.slot, stream.fed = slot, shared
            self.counts.shared_tokens += shared
            self._running.append(stream)
            self._running.sort(key=lambda s: s.slot)  # side by side in storage: no copies

    def _longest(self, prompt: Ids) -> tuple[int, int]:
        """The slot that holds most of the prompt's beginning; its last token is always read."""
        best, shared = -1, 0
        for slot, kept in enumerate(self._kept):
            most = min(len(kept), len(prompt) - 1)
            if most <= shared or kept[:shared] != list(prompt[:shared]):
                continue
            length = shared
            while length < most and kept[length] == prompt[length]:
                length += 1
            if length > shared:
                best, shared = slot, length
        return best, shared

    def _groups(self) -> list[list[Feed]]:
        """Single tokens, drafts and pieces of prompts, each to be read together."""
        single: list[Feed] = []
        drafts: list[Feed] = []
        prompts: list[Feed] = []
        for stream in self._running:
            text = [*stream.request.prompt, *stream.ids] if not stream.ids else None
            if text is not None and stream.fed < len(text):
                prompts.append((stream, text[stream.fed : stream.fed + CHUNK], []))
                continue
            draft = self._draft(stream)
            (drafts if draft else single).append((stream, [stream.ids[-1], *draft], draft))
        return [group for group in (single, drafts, prompts) if group]

    def _draft(self, stream: Stream) -> list[int]:
        drafter, room = stream.request.drafter, stream.remaining - 1
        if drafter is None or room < 1:
            return []
        draft = list(drafter.propose(stream, room))[:room]
        if stream.request.constraint is not None and draft:
            place, kept = stream.place, []
            for token in draft:
                place = stream.request.constraint.advance(place, token)
                if place is None:
                    break
                kept.append(token)
            draft = kept
        return draft

    def _feed(self, group: list[Feed]) -> list[tuple[Stream, list[int], Tensor]]:
        hidden = self.runner.feed([s.slot for s, _, _ in group], [fed for _, fed, _ in group])
        self.counts.forwards += 1
        ready = []
        for row, (stream, fed, draft) in zip(hidden, group, strict=True):
            self._kept[stream.slot] += fed
            stream.fed += len(fed)
            if stream.ids:
                ready.append((stream, draft, row[: len(fed)]))
                continue
            self.counts.prompt_tokens += len(fed)
            if stream.request.echo:
                self._echo(stream, fed, row)
            if stream.fed == len(stream.request.prompt):
                ready.append((stream, [], row[len(fed) - 1 : len(fed)]))
        return ready

    def _echo(self, stream: Stream, fed: list[int], hidden: Tensor) -> None:
        """Report the prompt: row i of `hidden` predicts the token behind fed[i]."""
        prompt, pieces = stream.request.prompt, stream.echoed
        if not pieces:
            pieces.append(Piece(prompt[0], None, prompt=True))
        following = prompt[len(pieces) : len(pieces) + len(fed)]
        if following:
            logprobs = self.runner.logits(hidden[: len(following)]).float().log_softmax(-1)
            for token, row in zip(following, logprobs, strict=True):
                tops = tops_of(row, token, stream.request.tops)
                pieces.append(Piece(token, float(row[token]), tops, prompt=True))
        if len(pieces) == len(prompt):
            self._tell(stream, pieces)

    def _choose(self, ready: list[tuple[Stream, list[int], Tensor]]) -> None:
        """Draw the next token behind every fed one; a draft counts as far as the draws agree."""
        for stream, _, _ in [r for r in ready if r[0].remaining == 0]:
            self._end(stream, "length")  # only the prompt was wanted
        ready = [r for r in ready if r[0].finish is None]
        if not ready:
            return
        logits = self.runner.logits(torch.cat([hidden for _, _, hidden in ready])).float()
        plain = logits.log_softmax(dim=-1)
        laws, places, numbers = [], [], []
        at = 0
        for stream, draft, _ in ready:
            request, place = stream.request, stream.place
            for j in range(len(draft) + 1):
                if request.law.looks_back:
                    made = [*stream.ids, *draft[:j]]
                    logits[at] = adjusted(logits[at], request.law, request.prompt, made)
                if j and request.constraint is not None:
                    place = request.constraint.advance(place, draft[j - 1])
                laws.append(request.law)
                places.append((request.constraint, place, None))
                numbers.append(uniform(request.seed, len(stream.ids) + j))
                at += 1
        started = time.perf_counter()
        allowed = mask_of(places, logits)
        self.counts.masks += time.perf_counter() - started
        p = probabilities(logits, laws, allowed)
        tokens = draw(p, numbers).tolist()
        at = 0
        for stream, draft, _ in ready:
            rows = slice(at, at + len(draft) + 1)
            at += len(draft) + 1
            self._take(stream, draft, tokens[rows], logits[rows], plain[rows])

    def _take(
        self, stream: Stream, draft: list[int], tokens: list[int], logits: Tensor, plain: Tensor
    ) -> None:
        pieces: list[Piece] = []
        request, stops = stream.request, self.runner.stops
        finish: Finish | None = None
        for j, drawn in enumerate(tokens):
            token = drawn
            if request.constraint is not None:
                started = time.perf_counter()
                token, stream.place = self._in_time(stream, token, logits[j])
                self.counts.masks += time.perf_counter() - started
            logprob = float(plain[j, token])
            stream.ids.append(token)
            stream.logprobs.append(logprob)
            pieces.append(Piece(token, logprob, tops_of(plain[j], token, request.tops)))
            stream.tops.append(pieces[-1].tops)
            if token in stops:
                finish = "stop"
            elif stream.remaining == 0:
                finish = "length"
            if finish or j == len(draft) or draft[j] != token:
                break
        accepted = len(pieces) - 1
        stream.drafted += len(draft)
        stream.accepted += accepted
        self.counts.drafted += len(draft)
        self.counts.accepted += accepted
        self.counts.tokens += len(pieces)
        stopped = self._tell(stream, pieces)
        if stream.finish is not None:
            return
        if finish or stopped:
            self._end(stream, finish if finish and not stopped else "stop")
            return
        stream.fed -= len(draft) - accepted  # forget what was not drawn
        self.runner.rewind(stream.slot, stream.fed)
        del self._kept[stream.slot][stream.fed :]

    def _in_time(self, stream: Stream, token: int, logits_V: Tensor) -> tuple[int, Place]:
        """The drawn token where the text can still be finished behind it; else another draw, from
        the tokens behind which it can. Together that is the law of those tokens alone, and nearly
        always without asking for the cost of each."""
        constraint, left = stream.request.constraint, stream.remaining
        assert constraint is not None
        place = constraint.advance(stream.place, token)
        if place is None or constraint.grammar.cost(place) >= left:
            allowed = mask_of([(constraint, stream.place, left)], logits_V[None])
            p = probabilities(logits_V[None], [stream.request.law], allowed)
            index = len(stream.ids)
            token = int(draw(p, [uniform(stream.request.seed, index, 1)])[0])
            place = constraint.advance(stream.place, token)
        assert place is not None, "the mask allowed a token that the grammar does not"
        return token, place

    def _tell(self, stream: Stream, pieces: Sequence[Piece]) -> bool:
        if stream.listener is None:
            return False
        try:
            return stream.listener(stream, pieces)
        except Exception as error:  # the listener's own: its text ends, the others go on
            stream.error = error
            self._end(stream, "error")
            return True

    def _end(self, stream: Stream, finish: Finish) -> None:
        if stream.finish is not None:
            return
        if stream in self._running:
            self._running.remove(stream)
            self._free.add(stream.slot)
        stream.finish = finish
        stream.done.set()
        if stream.listener is not None:  # with nothing new: it is over
            try:
                stream.listener(stream, ())
            except Exception as error:
                stream.error = stream.error or error


def tops_of(logprobs_V: Tensor, token: int, count: int) -> Top:
    """The `count` likeliest tokens with the values of this very row, and always `token`."""
    if count == 0:
        return ()
    values, ids = logprobs_V.topk(min(count, len(logprobs_V)))
    found = list(zip(ids.tolist(), values.tolist(), strict=True))
    if token not in (i for i, _ in found):
        found.append((token, float(logprobs_V[token])))
    return tuple(found)
