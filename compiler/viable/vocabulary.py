"""A tokenizer's tokens as bytes, and the trie of them in flat arrays.

Takes the bytes of each token, in the order of their numbers, and which of them end a text. Knows
nothing of Python, nor of any tokenizer library.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

LONGEST: Final = 256  # bytes of a token in the trie; longer ones are tried one by one


class Vocabulary:
    """Tokens and their trie. `None` and empty tokens (special ones) are never allowed.

    >>> vocabulary = Vocabulary([b"a", b"ab", b"b", None], end=[3])
    >>> vocabulary.size, vocabulary.row_bytes
    (4, 4)
    """

    def __init__(self, tokens: Sequence[bytes | None], end: Iterable[int] = ()) -> None:
        self.tokens: list[bytes] = [b"" if token is None else bytes(token) for token in tokens]
        self.size = len(self.tokens)
        self.end = sorted({int(number) for number in end})
        if self.end and (self.end[0] < 0 or self.end[-1] >= self.size):
            raise ValueError(f"an end token is outside of the vocabulary of {self.size} tokens")
        for number in self.end:
            self.tokens[number] = b""
        self.row_bytes: int = (self.size + 31) // 32 * 4  # of a mask: whole 32-bit words
        self.widest: int = max((sum(map(token.count, b"([{")) for token in self.tokens), default=0)
        self.order: list[int] = []  # the numbers, sorted by the bytes of their tokens
        self.long: list[int] = []
        # The trie, by node: which letters lead where, its tokens and those below as ranges of
        # `order`, and the set of letters (bits) below it.
        self.letters: list[list[int]] = []
        self.children: list[list[int]] = []
        self.first: list[int] = []
        self.own_end: list[int] = []
        self.last: list[int] = []
        self.inside: list[int] = []
        self._build()

    @classmethod
    def byte_level(
        cls, tokens: Sequence[str], end: Iterable[int] = (), special: Iterable[int] = ()
    ) -> Vocabulary:
        """From the printable spelling of byte-level BPE (GPT-2's: a blank is `Ġ`).

        Tokens with other characters, and those named in `special`, are never allowed.
        """
        letters = _byte_letters()
        hidden = set(special)
        found: list[bytes | None] = []
        for number, token in enumerate(tokens):
            codes = [letters.get(char, -1) for char in token]
            usable = number not in hidden and min(codes, default=-1) >= 0
            found.append(bytes(codes) if usable else None)
        return cls(found, end)

    def _node(self, first: int) -> int:
        self.letters.append([])
        self.children.append([])
        self.first.append(first)
        self.own_end.append(first)
        self.last.append(first)
        self.inside.append(0)
        return len(self.first) - 1

    def _build(self) -> None:
        tokens = self.tokens
        numbers = [number for number in range(self.size) if tokens[number]]
        self.long = [number for number in numbers if len(tokens[number]) > LONGEST]
        self.order = sorted(
            (number for number in numbers if len(tokens[number]) <= LONGEST),
            key=tokens.__getitem__,
        )
        path = [self._node(0)]
        before = b""
        for at, number in enumerate(self.order):
            token = tokens[number]
            shared = 0
            while shared < len(before) and before[shared] == token[shared]:
                shared += 1
            self._leave(path, shared, at)
            for letter in token[shared:]:
                child = self._node(at)
                self.letters[path[-1]].append(letter)
                self.children[path[-1]].append(child)
                path.append(child)
            self.own_end[path[-1]] = at + 1
            before = token
        self._leave(path, 0, len(self.order))
        self.last[path[0]] = len(self.order)

    def _leave(self, path: list[int], depth: int, at: int) -> None:
        """Close the nodes deeper than that: nothing more comes below them."""
        while len(path) > depth + 1:
            node = path.pop()
            self.last[node] = at
            above = path[-1]
            self.inside[above] |= self.inside[node] | 1 << self.letters[above][-1]


def _byte_letters() -> dict[str, int]:
    """GPT-2's printable characters for bytes: themselves if printable, else from U+0100 on."""
    found: dict[str, int] = {}
    shown = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in shown]
    for byte in shown:
        found[chr(byte)] = byte
    for at, byte in enumerate(others):
        found[chr(256 + at)] = byte
    return found
