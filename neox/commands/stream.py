"""Show a text as it is written: in colour on a terminal, plain elsewhere, exact in both."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from neox.generate.text import TextStream

if TYPE_CHECKING:
    from neox.generate.engine import Piece, Stream


class Printer:
    """A listener of the engine. A line is coloured when it is whole; the one being written shows
    its text at once and is drawn again, where the terminal allows that."""

    def __init__(self, prompt: str, tokenizer: Any) -> None:
        from neox.generate.vocabulary import words

        self._words = words(tokenizer)
        self._text = TextStream()
        self._colour = coloured()
        self._line = ""
        self._prompt = prompt

    def __call__(self, stream: Stream, pieces: Sequence[Piece]) -> bool:
        self._show(self._prompt)  # only now: a request that is refused prints nothing
        self._prompt = ""
        if stream.finish is not None:
            self._show(self._text.close())
            if self._line:
                print(flush=True)
            return False
        new = b"".join(self._words[p.token] for p in pieces if not p.prompt)
        self._show(self._text.push(new))
        return False

    def _show(self, text: str) -> None:
        for part in text.splitlines(keepends=True):
            whole = part.endswith("\n")
            self._line += part
            if not self._colour:
                print(part, end="", flush=True)
            elif whole:
                print(f"\r\x1b[K{paint(self._line.rstrip())}", flush=True)
            else:
                print(part, end="", flush=True)
            if whole:
                self._line = ""


def coloured() -> bool:
    """A terminal that takes colours, and nobody who asked for none."""
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return sys.stdout.isatty() and not plain


def paint(line: str) -> str:
    """A line of Python in the terminal's colours."""
    from rich.console import Console
    from rich.syntax import Syntax

    console = Console(force_terminal=True, color_system="standard", width=10_000)
    with console.capture() as shown:
        console.print(Syntax("", "python", theme="ansi_dark").highlight(line), end="")
    return shown.get().rstrip("\n")
