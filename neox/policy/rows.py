"""What has been sampled so far: tokens, log-probabilities and which rows still live.

Slot = prompt * samples + sample; `slots` lists the slots of the rows the model still computes.
Knows nothing about models.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from neox.policy.base import Completion, Finish, OnFinish


class Rows:
    def __init__(
        self,
        prompts: int,
        samples: int,
        steps: int,
        stops: Sequence[int],
        on_finish: OnFinish | None,
    ) -> None:
        total = prompts * samples
        self.samples, self.slots = samples, torch.arange(total)
        self._ids = torch.zeros(total, steps, dtype=torch.long)
        self._logprobs = torch.zeros(total, steps)
        self._hidden: Tensor | None = None
        self._length = torch.zeros(total, dtype=torch.long)
        self._ended = torch.zeros(total, dtype=torch.bool)
        self._live = torch.ones(total, dtype=torch.bool)
        self.stops = list(stops)
        self._stops = torch.tensor(self.stops)
        self._steps, self._on_finish = steps, on_finish
        self._t = 0

    @property
    def any_live(self) -> bool:
        return bool(self._live.any())

    @property
    def live_share(self) -> float:
        return float(self._live.float().mean())

    def add(self, token: Tensor, logprob: Tensor, hidden: Tensor | None = None) -> None:
        """The next token of every row in `slots`; rows that have ended ignore theirs."""
        token, t = token.cpu(), self._t
        live = self.slots[self._live]
        self._ids[live, t] = token[self._live]
        self._logprobs[live, t] = logprob.float().cpu()[self._live]
        if hidden is not None:
            if self._hidden is None:
                self._hidden = torch.zeros(len(self._ids), self._steps, hidden.shape[-1])
            self._hidden[live, t] = hidden.float().cpu()[self._live]
        self._length[live] = t + 1
        done = self._live & torch.isin(token, self._stops)
        self._ended[self.slots[done]] = True
        self._live &= ~done
        self._t = t + 1
        closed = self._live | done if self._t == self._steps else done
        if self._on_finish is not None:
            for slot in self.slots[closed].tolist():
                self._on_finish(slot, tuple(self._ids[slot, : t + 1].tolist()))

    def compact(self) -> Tensor:
        """Forget the rows that have ended; returns the indices of those that stay."""
        kept = self._live.nonzero()[:, 0]
        self.slots, self._live = self.slots[kept], self._live[kept]
        return kept

    def completions(self) -> list[Completion]:
        found = []
        for slot, n in enumerate(self._length.tolist()):
            finish: Finish = "stop" if self._ended[slot] else "length"
            hidden = None if self._hidden is None else self._hidden[slot, :n]
            ids = tuple(self._ids[slot, :n].tolist())
            found.append(
                Completion(slot // self.samples, ids, self._logprobs[slot, :n], finish, hidden)
            )
        return found
