"""Contrastive search (NEOX 4.1): of k likely tokens the one that is likely and unlike the past.

    v = argmax over the top k of (1 - alpha) log P(v|x) - alpha max over h in context cos(e_v, e_h)

e is a token's representation in its context: the model's last hidden state once the token is read
(Su et al. 2022, arXiv 2202.06417, which has P in the place of log P). The k candidates are siblings
at one place in one forward; the chosen one's keys are kept and its state already predicts the next
token, so a token costs one forward.

Shapes: R texts, k candidates, C context tokens, d width, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from neox.generate.beam import Found
from neox.generate.constrained import Place, Where, mask_of
from neox.generate.engine import Request
from neox.generate.law import NEVER, adjusted
from neox.generate.runner import Runner


@torch.inference_mode()
def contrastive_search(
    runner: Runner, requests: Sequence[Request], k: int = 4, alpha: float = 0.6
) -> list[Found]:
    """One text per request, all at once in as many slots. Greedy where alpha is 0 or k is 1."""
    if not 0 <= alpha <= 1 or k < 1:
        raise ValueError("alpha must lie in [0, 1], and k must be at least 1")
    if len(requests) > runner.slots:
        raise ValueError(f"{len(requests)} texts need as many slots, and there are {runner.slots}")
    texts = [_Text(i, r) for i, r in enumerate(requests)]
    for text in texts:
        runner.rewind(text.slot, 0)
        states = runner.feed([text.slot], [text.request.prompt])[0]
        text.remember(states)
        text.hidden = states[-1]
    live = [text for text in texts if text.request.max_new_tokens]
    while live:
        logits = runner.logits(torch.stack([text.hidden for text in live])).float()
        for row, text in enumerate(live):
            if text.request.law.looks_back:
                request = text.request
                logits[row] = adjusted(logits[row], request.law, request.prompt, text.ids)
        allowed = mask_of([text.where for text in live], logits)
        if allowed is not None:
            logits = logits.masked_fill(~allowed, NEVER)
        logprobs = logits.log_softmax(dim=-1)
        values, top = logprobs.topk(k)
        # all rows have k siblings: where fewer are allowed, the best stands for the others
        padded = torch.where(values > NEVER, top, top[:, :1]).tolist()
        hidden = runner.peek([text.slot for text in live], padded)  # [R, k, d]
        choices = []
        for text, tokens, row, states in zip(live, padded, logprobs, hidden, strict=True):
            score = (1 - alpha) * row[torch.tensor(tokens)] - alpha * text.likeness(states)
            best = int(score.argmax())
            text.take(tokens[best], float(row[tokens[best]]), states[best], runner.stops)
            choices.append(best)
        runner.commit(choices)
        live = [text for text in live if not text.finish]
    for text in texts:
        runner.rewind(text.slot, 0)
    return [Found(tuple(t.ids), tuple(t.logprobs), t.finish or "length", 0.0) for t in texts]


class _Text:
    def __init__(self, slot: int, request: Request) -> None:
        self.slot, self.request = slot, request
        self.ids: list[int] = []
        self.logprobs: list[float] = []
        self.finish = ""
        self.hidden: Tensor
        constraint = request.constraint
        if constraint is not None:
            constraint.check(request.max_new_tokens)
        self.place: Place | None = constraint.start() if constraint else None
        self._past: Tensor | None = None  # [room, d], rows of length 1
        self._size = 0

    def remember(self, states: Tensor) -> None:
        """Keep the directions of some more states [n, d]."""
        if self._past is None:
            room = len(self.request.prompt) + self.request.max_new_tokens
            self._past = states.new_zeros(room, states.shape[-1])
        self._past[self._size : self._size + len(states)] = F.normalize(states.float(), dim=-1)
        self._size += len(states)

    def likeness(self, states_kd: Tensor) -> Tensor:
        """[k]: the largest cosine with anything in the context."""
        assert self._past is not None
        return (F.normalize(states_kd.float(), dim=-1) @ self._past[: self._size].T).amax(dim=-1)

    @property
    def where(self) -> Where:
        left = self.request.max_new_tokens - len(self.ids)
        return self.request.constraint, self.place, left

    def take(self, token: int, logprob: float, state: Tensor, stops: frozenset[int]) -> None:
        self.ids.append(token)
        self.logprobs.append(logprob)
        if token in stops:
            self.finish = "stop"
        elif len(self.ids) == self.request.max_new_tokens:
            self.finish = "length"
        if self.request.constraint is not None:
            self.place = self.request.constraint.advance(self.place, token)
        self.remember(state[None])
        self.hidden = state
