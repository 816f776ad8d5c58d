"""Python programs as a grammar for decoding: the frontend's viable prefixes and their masks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from neox.compiler.viable import Masks, State, Vocabulary


class PythonGrammar:
    """The programs of one Python version over one vocabulary; tables grow as it is used."""

    def __init__(
        self, vocabulary: Sequence[bytes], end: Iterable[int], version: tuple[int, int]
    ) -> None:
        self._masks = Masks(Vocabulary([word or None for word in vocabulary], end), version)

    def start(self) -> State:
        return self._masks.start()

    def read(self, place: State, data: bytes) -> State | None:
        return self._masks.read(place, data)

    def advance(self, place: State, token: int) -> State | None:
        return self._masks.advance(place, token)

    def complete(self, place: State) -> bool:
        return self._masks.complete(place)

    def cost(self, place: State) -> int:
        return self._masks.acceptor.cost(place)

    def mask(self, place: State, budget: int | None) -> bytes:
        return self._masks.mask(place, budget)
