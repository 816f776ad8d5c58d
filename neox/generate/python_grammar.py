"""Python programs as a grammar for decoding: the frontend's viable prefixes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from neox.compiler.viable import Acceptor, State
from neox.generate.trie import Trie

FAR = 1 << 20
RISE = 24


class PythonGrammar:
    """The programs of one Python version over one vocabulary; tables grow as it is used."""

    def __init__(
        self, vocabulary: Sequence[bytes], end: Iterable[int], version: tuple[int, int]
    ) -> None:
        self._acceptor = Acceptor(version)
        self._trie = Trie(vocabulary, end)

    def start(self) -> State:
        return self._acceptor.start()

    def read(self, place: State, data: bytes) -> State | None:
        return self._acceptor.read(place, data)

    def advance(self, place: State, token: int) -> State | None:
        if token in self._trie.end:
            return place if self.complete(place) else None
        word = self._trie.words[token]
        return self.read(place, word) if word else None

    def mask(self, place: State) -> bytes:
        return self._trie.mask(place, self._acceptor.advance, self.complete(place))

    def complete(self, place: State) -> bool:
        return self._acceptor.complete(place)

    def cost(self, place: State) -> int:
        try:
            return self._acceptor.cost(place)
        except ValueError:  # one of several readings of the text has no end: take the others
            return min((self._reading(place, at) for at in range(len(place.nodes))), default=FAR)

    def rise(self, place: State) -> int:
        """By how much one more byte can raise the cost: a keyword may ask for a block, and a block
        for lines that begin with all the blanks around it."""
        return RISE + place.column + place.indents.alternate

    def _reading(self, place: State, at: int) -> int:
        if len(place.nodes) == 1:
            return FAR
        one = State(
            place.lex,
            [place.nodes[at]],
            place.indents,
            place.brackets,
            place.column,
            place.alternate,
            place.fixed,
        )
        return self.cost(one)
