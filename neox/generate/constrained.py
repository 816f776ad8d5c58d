"""Only what a grammar allows: masks over the vocabulary, and an end within the tokens left.

A constraint follows a text token by token in places that never change, so that drafts, beams and
alternatives keep theirs. A text that is cut at its length is whole too: no token is taken from
which the rest could not be finished in time. Python comes from the frontend's viable prefixes,
JSON from a grammar made of its schema.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import isqrt
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from neox.errors import InputError

Place = Any  # where a text stands, a constraint's own immutable value


class Grammar(Protocol):
    """Texts byte by byte and by the tokens of one vocabulary; masks as bits, token t in bit t & 7
    of byte t >> 3, the end token where the text is whole."""

    def start(self) -> Place: ...
    def read(self, place: Place, data: bytes) -> Place | None: ...
    def advance(self, place: Place, token: int) -> Place | None: ...
    def mask(self, place: Place) -> bytes: ...
    def complete(self, place: Place) -> bool: ...
    def cost(self, place: Place) -> int:
        """Bytes that are enough to make the text whole."""
        ...

    def rise(self, place: Place) -> int:
        """By how many bytes the cost can rise with one more byte, at most."""
        ...


class Constraint:
    """A grammar for one text, which begins with `prefix`. InputError where no text begins so."""

    def __init__(self, grammar: Grammar, prefix: bytes, vocabulary: Sequence[bytes]) -> None:
        self.grammar, self.words = grammar, vocabulary
        found = grammar.read(grammar.start(), prefix)
        if found is None:
            raise InputError(
                "the prompt is not the beginning of a text of this grammar",
                remedy="begin with code, or generate without the constraint",
            )
        self._start = found

    def start(self) -> Place:
        return self._start

    def check(self, room: int) -> None:
        """ValueError where so many tokens are not enough for any text."""
        need = self.grammar.cost(self._start)
        if need > room:
            raise ValueError(
                f"the grammar needs up to {need} tokens to end the text, and {room} are allowed"
            )

    def advance(self, place: Place, token: int) -> Place | None:
        return self.grammar.advance(place, token)

    def in_time(self, place: Place, left: int) -> bool:
        """Can a text here be made whole with so many more tokens?"""
        return self.grammar.cost(place) <= left

    def carefree(self, place: Place, left: int) -> int:
        """For so many more bytes nobody needs to ask `in_time`; costs are not cheap to find."""
        spare = max(0, left - self.grammar.cost(place))
        rise = self.grammar.rise(place) + 1
        # n bytes, each of them perhaps a blank that deepens the block: n * (rise + n) <= spare
        return (isqrt(rise * rise + 4 * spare) - rise) // 2

    def allowed(self, place: Place) -> list[int]:
        bits = np.frombuffer(self.grammar.mask(place), dtype=np.uint8)
        return np.unpackbits(bits, bitorder="little")[: len(self.words)].nonzero()[0].tolist()

    def nearest(self, place: Place, left: int, p: Tensor) -> tuple[int, Place]:
        """The likeliest token from which the text can be ended in time, for the rare place where
        several draws could not."""
        fitting = []
        for token in self.allowed(place):
            after = self.grammar.advance(place, token)
            if after is not None and self.grammar.cost(after) <= left:
                fitting.append((float(p[token]), -token, after))
        if not fitting:
            raise RuntimeError("the grammar promised an end that no token leads to")
        _, token, after = max(fitting, key=lambda found: found[:2])
        return -token, after


def mask_of(
    places: Sequence[tuple[Constraint | None, Place | None]], logits_RV: Tensor
) -> Tensor | None:
    """What may come next [R, V], True for all where a row has no constraint; None without any."""
    if all(constraint is None for constraint, _ in places):
        return None
    rows, width = logits_RV.shape
    packed = np.full((rows, (width + 7) // 8), 255, dtype=np.uint8)
    for row, (constraint, place) in enumerate(places):
        if constraint is not None:
            bits = np.frombuffer(constraint.grammar.mask(place), dtype=np.uint8)
            packed[row, :] = bits[: packed.shape[1]]
    flat = np.unpackbits(packed, axis=1, bitorder="little", count=width)
    return torch.from_numpy(flat).bool().to(logits_RV.device)
