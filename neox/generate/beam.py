"""Beam search: the most likely whole text that `width` parallel guesses find.

score = log P(text) / length ** penalty: 0 compares sums, 1 means per token, as in Hugging Face's
generate. A finished text stays a candidate; the search ends when no open one can overtake, or at
the length. Laws' penalties, bias and constraints apply; their temperature does not.

Shapes: B beams, V vocabulary.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from neox.generate.constrained import Place, mask_of
from neox.generate.engine import Request
from neox.generate.law import NEVER, adjusted
from neox.generate.runner import Runner


@dataclass(frozen=True, slots=True)
class Found:
    """A text with its log-probabilities under the searched law."""

    ids: tuple[int, ...]
    logprobs: tuple[float, ...]
    finish: str
    score: float


@dataclass(frozen=True, slots=True)
class _Beam:
    ids: tuple[int, ...]
    logprobs: tuple[float, ...]
    place: Place | None
    slot: int

    @property
    def sum(self) -> float:
        return sum(self.logprobs)


@torch.inference_mode()
def beam_search(
    runner: Runner, request: Request, width: int, length_penalty: float = 0.0
) -> list[Found]:
    """Up to `width` texts, best first. The runner needs `width` slots, and keeps nothing."""
    if not 1 <= width <= runner.slots:
        raise ValueError(f"a beam of {width} needs as many slots, and there are {runner.slots}")
    constraint, done = request.constraint, list[Found]()
    if constraint is not None:
        constraint.check(request.max_new_tokens)
    for slot in range(width):
        runner.rewind(slot, 0)
    hidden = runner.feed([0], [request.prompt])[:, -1]
    beams = [_Beam((), (), constraint.start() if constraint else None, 0)]
    for t in range(request.max_new_tokens):
        left = request.max_new_tokens - t - 1
        logits = runner.logits(hidden).float()
        if request.law.looks_back:
            rows = zip(logits, beams, strict=True)
            logits = torch.stack([adjusted(x, request.law, request.prompt, b.ids) for x, b in rows])
        allowed = mask_of([(constraint, b.place, left + 1) for b in beams], logits)
        if allowed is not None:
            logits = logits.masked_fill(~allowed, NEVER)
        logprobs = logits.log_softmax(dim=-1)
        total = logprobs + torch.tensor([b.sum for b in beams])[:, None]
        grown = list[_Beam]()
        most = min(total.numel(), (1 + len(runner.stops)) * width)
        for flat in total.flatten().topk(most).indices.tolist():
            row, token = divmod(flat, total.shape[1])
            logprob = float(logprobs[row, token])
            if logprob == NEVER:
                break
            parent = beams[row]
            place = constraint.advance(parent.place, token) if constraint else None
            beam = _Beam((*parent.ids, token), (*parent.logprobs, logprob), place, parent.slot)
            if token in runner.stops:
                done.append(_found(beam, "stop", length_penalty))
            else:
                grown.append(beam)
            if len(grown) == width:
                break
        done = sorted(done, key=lambda f: -f.score)[:width]
        if not grown or (len(done) == width and not _can_win(grown, done, request, length_penalty)):
            grown = []
            break
        if left == 0:
            done += [_found(b, "length", length_penalty) for b in grown]
            break
        runner.copy([b.slot for b in grown], list(range(len(grown))))
        beams = [_Beam(b.ids, b.logprobs, b.place, i) for i, b in enumerate(grown)]
        hidden = runner.feed(range(len(beams)), [[b.ids[-1]] for b in beams])[:, 0]
    for slot in range(width):
        runner.rewind(slot, 0)
    return sorted(done, key=lambda f: -f.score)[:width]


def _found(beam: _Beam, finish: str, penalty: float) -> Found:
    return Found(beam.ids, beam.logprobs, finish, beam.sum / len(beam.ids) ** penalty)


def _can_win(grown: list[_Beam], done: list[Found], request: Request, penalty: float) -> bool:
    """Log-probabilities only fall, so the best that can be hoped for is today's sum, at the length
    that flatters it most."""
    longest = request.max_new_tokens
    best = max(b.sum / (longest if penalty > 0 else len(b.ids)) ** penalty for b in grown)
    return bool(best > done[-1].score)
