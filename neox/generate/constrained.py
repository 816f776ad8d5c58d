"""Only what a grammar allows: masks over the vocabulary, and an end within the tokens left.

A constraint follows a text token by token in places that never change, so that drafts, beams and
alternatives keep theirs. A text that is cut at its length is whole too: no token is allowed from
which the rest could not be finished in time. Python comes from the frontend's viable prefixes,
JSON from a grammar made of its schema.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from neox.errors import InputError

Place = Any  # where a text stands, a constraint's own immutable value


class Grammar(Protocol):
    """Texts byte by byte and by the tokens of one vocabulary."""

    def start(self) -> Place: ...
    def read(self, place: Place, data: bytes) -> Place | None: ...
    def advance(self, place: Place, token: int) -> Place | None: ...
    def complete(self, place: Place) -> bool: ...
    def cost(self, place: Place) -> int:
        """Bytes that are enough to make the text whole."""
        ...

    def mask(self, place: Place, budget: int | None) -> bytes:
        """The tokens that may come next (with a budget: after which budget - 1 more are enough),
        and the end tokens where the text is whole. Bits: token t is bit t & 7 of byte t >> 3.
        Never empty where budget >= cost."""
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

    def allowed(self, place: Place, budget: int) -> list[int]:
        bits = np.frombuffer(self.grammar.mask(place, budget), dtype=np.uint8)
        found: list[int] = np.unpackbits(bits, bitorder="little").nonzero()[0].tolist()
        return found


Where = tuple[Constraint | None, Place | None, int | None]
"""A row's constraint, its place, and how many tokens it has left, where that matters."""


def mask_of(rows: Sequence[Where], logits_RV: Tensor) -> Tensor | None:
    """What may come next [R, V], True for all where a row has no constraint; None without any."""
    if all(constraint is None for constraint, _, _ in rows):
        return None
    width = logits_RV.shape[1]
    packed = np.full((len(rows), (width + 7) // 8), 255, dtype=np.uint8)
    for row, (constraint, place, left) in enumerate(rows):
        if constraint is not None:
            bits = np.frombuffer(constraint.grammar.mask(place, left), dtype=np.uint8)
            most = min(len(bits), packed.shape[1])
            packed[row] = 0  # what the model has beyond the vocabulary may not come
            packed[row, :most] = bits[:most]
    flat = np.unpackbits(packed, axis=1, bitorder="little", count=width)
    return torch.from_numpy(flat).bool().to(logits_RV.device)
