"""Tokens to text as they come: whole characters only, and nothing that could begin a stop.

Knows nothing about models.
"""

from __future__ import annotations

import codecs
from collections.abc import Sequence


class TextStream:
    """Feed the bytes of each token; `text` is what may be shown, `stopped` says a stop was met.

    The stop itself and all behind it is never shown.

    >>> stream = TextStream(["END"])
    >>> [stream.push(piece) for piece in (b"a E", b"N", b"X", b"END", b"b")]
    ['a ', '', 'ENX', '', '']
    >>> stream.stopped
    True
    """

    def __init__(self, stops: Sequence[str] = ()) -> None:
        self.stops = [stop for stop in stops if stop]
        self.text = ""
        self.stopped = False
        self._held = ""
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def push(self, data: bytes) -> str:
        """The text that these bytes make showable."""
        return self._show(self._decoder.decode(data))

    def close(self) -> str:
        """What was held back, at the end of the text."""
        if self.stopped:
            return ""
        shown = self._show(self._decoder.decode(b"", True)) + self._held
        if not self.stopped:
            self.text += self._held
            self._held = ""
        return shown

    def _show(self, more: str) -> str:
        if self.stopped:
            return ""
        self._held += more
        found = [at for stop in self.stops if (at := self._held.find(stop)) >= 0]
        if found:
            shown, self._held, self.stopped = self._held[: min(found)], "", True
        else:
            keep = max((_overlap(self._held, stop) for stop in self.stops), default=0)
            cut = len(self._held) - keep
            shown, self._held = self._held[:cut], self._held[cut:]
        self.text += shown
        return shown


def _overlap(text: str, stop: str) -> int:
    """How many of the last characters could begin `stop`."""
    return next(
        (n for n in range(min(len(stop) - 1, len(text)), 0, -1) if text.endswith(stop[:n])), 0
    )
