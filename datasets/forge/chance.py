"""Choices that follow from a text: the same text gives the same choices on every machine and in
every process.

The stream is sha256 of the text and of a counter, taken apart by division. It is not a general
source of randomness: it only has to be fair, quick to start, and independent for different texts.
"""

from collections.abc import Sequence
from hashlib import sha256
from typing import TypeVar

Item = TypeVar("Item")


class Chance:
    """A stream of choices from `text`."""

    __slots__ = ("_left", "_pool", "_round", "_text")

    def __init__(self, text: str) -> None:
        self._text = text
        self._round = 0
        self._pool = int.from_bytes(sha256(text.encode()).digest())
        self._left = 1 << 256

    def below(self, limit: int) -> int:
        """A whole number from 0 to `limit` - 1."""
        if self._left < limit << 32:
            self._round += 1
            self._pool = int.from_bytes(sha256(f"{self._text}#{self._round}".encode()).digest())
            self._left = 1 << 256
        self._pool, value = divmod(self._pool, limit)
        self._left //= limit
        return value

    def pick(self, items: Sequence[Item]) -> Item:
        """One of `items`, all equally likely."""
        return items[self.below(len(items))]

    def share(self) -> float:
        """A number in [0, 1) in steps of 2**-20."""
        return self.below(1 << 20) / (1 << 20)
