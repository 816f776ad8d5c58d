"""Room for deep trees: more interpreter frames while a deep text is read or written.

The lexer bounds how deep brackets and blocks nest, so the frames needed are bounded too; only the
interpreter's usual limit of 1000 is too low for the worst of them. Several threads may ask at once;
the last to leave puts the limit back.
"""

from __future__ import annotations

import sys
from _thread import allocate_lock

_FRAMES = 20_000
_lock = allocate_lock()
_users = 0
_usual = 0


class Headroom:
    """A context in which the recursion limit is raised."""

    def __enter__(self) -> None:
        global _users, _usual
        with _lock:
            if _users == 0:
                _usual = sys.getrecursionlimit()
                sys.setrecursionlimit(_usual + _FRAMES)
            _users += 1

    def __exit__(self, *failure: object) -> None:
        global _users
        with _lock:
            _users -= 1
            if _users == 0:
                sys.setrecursionlimit(_usual)
