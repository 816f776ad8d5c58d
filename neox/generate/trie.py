"""Masks for any grammar that reads bytes: all tokens at once, along the trie of their bytes.

Knows neither grammars nor models.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

_HERE = -1  # the key of the tokens that end at a node


class Trie:
    """The tokens of a vocabulary; those without bytes, and those of `end`, are left out."""

    def __init__(self, words: Sequence[bytes], end: Iterable[int]) -> None:
        self.words, self.end = words, frozenset(end)
        self._root: dict[int, Any] = {}
        for token, word in enumerate(words):
            if word and token not in self.end:
                node = self._root
                for byte in word:
                    node = node.setdefault(byte, {})
                node.setdefault(_HERE, []).append(token)

    def mask(
        self,
        place: Any,
        step: Callable[[Any, int], Any],
        complete: bool,
        fits: Callable[[Any], bool],
    ) -> bytes:
        """Bits of the tokens along which `step` (None where it cannot go on) leads from `place` to
        one that fits, and of the end tokens where the text is complete."""
        bits = bytearray((len(self.words) + 31) // 32 * 4)
        work = [(self._root, place)]
        while work:
            node, at = work.pop()
            for byte, below in node.items():
                if byte == _HERE:
                    if not fits(at):
                        continue
                    for token in below:
                        bits[token >> 3] |= 1 << (token & 7)
                elif (after := step(at, byte)) is not None:
                    work.append((below, after))
        if complete:
            for token in self.end:
                bits[token >> 3] |= 1 << (token & 7)
        return bytes(bits)
