"""Speculation: guess the next tokens cheaply, let the model check them all in one forward.

A guess changes speed alone: the engine draws every token from the model's own law with the number
that belongs to its place, and keeps a guess only where it is what was drawn. A drafting model draws
with the same numbers, so that equal laws always agree.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from neox.generate.law import draw, probabilities, uniform

if TYPE_CHECKING:
    from neox.generate.engine import Stream
    from neox.generate.runner import Runner


class Drafter(Protocol):
    def propose(self, stream: Stream, room: int) -> Sequence[int]:
        """Tokens that may come next, at most `room`; none where there is no good guess."""
        ...


class PromptLookup:
    """What followed the last words the last time they stood in the text.

    Tries the longest match first, from `longest` tokens down to `shortest`; the length of a guess
    follows what was accepted before, up to `most`.
    """

    def __init__(self, most: int = 16, longest: int = 4, shortest: int = 2) -> None:
        self.most, self.longest, self.shortest = most, longest, shortest

    def propose(self, stream: Stream, room: int) -> Sequence[int]:
        text = [*stream.request.prompt, *stream.ids]
        limit = min(room, self._length(stream))
        for n in range(min(self.longest, len(text) - 1), self.shortest - 1, -1):
            end = text[-n:]
            for start in range(len(text) - n - 1, -1, -1):
                if text[start : start + n] == end:
                    return text[start + n : start + n + limit]
        return []

    def _length(self, stream: Stream) -> int:
        """Guess a little more than is accepted on the whole: checking is not free."""
        if stream.drafted < 8:
            return min(8, self.most)
        share = stream.accepted / stream.drafted
        return max(2, min(self.most, round(2 + self.most * share)))


class DraftModel:
    """A smaller model with the same vocabulary writes ahead, in slots of its own.

    One text at a time per slot: the runner needs as many slots as the engine's.
    """

    def __init__(self, runner: Runner, most: int = 5) -> None:
        self.runner, self.most = runner, most
        self._kept: dict[int, list[int]] = {}

    def propose(self, stream: Stream, room: int) -> Sequence[int]:
        slot, text = stream.slot, [*stream.request.prompt, *stream.ids]
        kept = self._kept.get(slot, [])
        same = 0
        while same < min(len(kept), len(text) - 1) and kept[same] == text[same]:
            same += 1
        self.runner.rewind(slot, same)
        feed, guess = text[same:], list[int]()
        for _ in range(min(room, self.most)):
            if self.runner.lengths[slot] + len(feed) > self.runner.max_length:
                break
            hidden = self.runner.feed([slot], [feed])[0, len(feed) - 1]
            index = len(stream.ids) + len(guess)
            p = probabilities(self.runner.logits(hidden)[None], [stream.request.law])
            token = int(draw(p, [uniform(stream.request.seed, index)])[0])
            guess.append(token)
            if token in self.runner.stops:
                break
            feed = [token]
        self._kept[slot] = [*text, *guess][: self.runner.lengths[slot]]
        return guess
