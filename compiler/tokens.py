"""Kinds of tokens as small integers, so that the parser compares numbers and never text."""

from __future__ import annotations

from typing import Final

END: Final = 0
NEWLINE: Final = 1
INDENT: Final = 2
DEDENT: Final = 3
NAME: Final = 4
NUMBER: Final = 5
STRING: Final = 6
ERROR: Final = 7

_OPERATORS = (
    "( ) [ ] { } : , ; . ... = -> := + - * / // % @ & | ^ ~ << >> ** < > <= >= == != "
    "+= -= *= /= //= %= @= &= |= ^= <<= >>= **="
).split()
OPERATORS: Final[dict[str, int]] = {text: 10 + i for i, text in enumerate(_OPERATORS)}

_KEYWORDS = (
    "False None True and as assert async await break class continue def del elif else except "
    "finally for from global if import in is lambda nonlocal not or pass raise return try while "
    "with yield"
).split()
KEYWORDS: Final[dict[str, int]] = {text: 100 + i for i, text in enumerate(_KEYWORDS)}

NAMES: Final[dict[int, str]] = {
    **{kind: text for text, kind in OPERATORS.items()},
    **{kind: text for text, kind in KEYWORDS.items()},
    END: "end of text",
    NEWLINE: "newline",
    INDENT: "indent",
    DEDENT: "dedent",
    NAME: "name",
    NUMBER: "number",
    STRING: "string",
}


class Tokens:
    """The tokens of a text as parallel lists; `messages` explains each ERROR token."""

    def __init__(self) -> None:
        self.kinds: list[int] = []
        self.starts: list[int] = []
        self.ends: list[int] = []
        self.messages: dict[int, str] = {}

    def add(self, kind: int, start: int, end: int) -> None:
        self.kinds.append(kind)
        self.starts.append(start)
        self.ends.append(end)

    def add_error(self, message: str, start: int, end: int) -> None:
        self.messages[len(self.kinds)] = message
        self.add(ERROR, start, end)
