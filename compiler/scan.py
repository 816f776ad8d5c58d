"""Classes of characters, and the small scans the lexer is made of.

`encode` gives one byte for each character (every character beyond ASCII becomes `?`), and a table
turns these into classes, so that the lexer's loop compares small integers.
"""

from __future__ import annotations

from typing import Final

# The first two make up words; from OTHER on, the end of a word needs a second look.
WORD: Final = 0
DIGIT: Final = 1
BLANK: Final = 2
SINGLE: Final = 3  # operators that are never part of a longer one
OPEN: Final = 4
CLOSE: Final = 5
DOT: Final = 6
OPERATOR: Final = 7
LINE: Final = 8
HASH: Final = 9
BACKSLASH: Final = 10
STOP: Final = 11  # NUL, and the end of the text
OTHER: Final = 12  # `?`, which may stand for any character beyond ASCII, and what is no token
QUOTE: Final = 13

_MEMBERS = (
    (BLANK, " \t\f"),
    (SINGLE, ",;~"),
    (OPEN, "([{"),
    (CLOSE, ")]}"),
    (DOT, "."),
    (OPERATOR, "=:+-*/%@&|^<>!"),
    (LINE, "\r\n"),
    (HASH, "#"),
    (BACKSLASH, "\\"),
    (STOP, "\0"),
    (QUOTE, "\"'"),
)


def _table() -> bytes:
    table = bytearray([OTHER]) * 256
    for code in range(128):
        if chr(code).isalpha() or chr(code) == "_":
            table[code] = WORD
        elif chr(code).isdigit():
            table[code] = DIGIT
    for kind, characters in _MEMBERS:
        for c in characters:
            table[ord(c)] = kind
    return bytes(table)


_CLASSES: Final = _table()


def encode(text: str) -> tuple[bytes, bytes]:
    """The codes and the classes of all characters, each closed by a NUL."""
    codes = text.encode("ascii", "replace") + b"\0"
    return codes, codes.translate(_CLASSES)


def word_end(text: str, i: int) -> int:
    """The end of an identifier that may go on beyond ASCII."""
    size = len(text)
    while i < size and (text[i].isalnum() or text[i] == "_" or not text[i].isascii()):
        if not ("a" + text[i]).isidentifier():
            break
        i += 1
    return i


def line_end(text: str, i: int) -> int:
    """After the line end at `i`: \\n, \\r or \\r\\n."""
    return i + 2 if text.startswith("\r\n", i) else i + 1


def columns(text: str, i: int) -> tuple[int, int, int]:
    """Where the blanks that begin a line end, and its column with tabs counted to 8 and to 1."""
    size = len(text)
    column = alternate = 0
    fixed = alternate_fixed = -1  # the columns before a backslash that joins lines
    while i < size:
        c = text[i]
        if c == " ":
            column += 1
            alternate += 1
        elif c == "\t":
            column = (column // 8 + 1) * 8
            alternate += 1
        elif c == "\f":
            column = alternate = 0
        elif c == "\\" and i + 1 < size and text[i + 1] in "\r\n":
            if fixed <= 0:
                fixed, alternate_fixed = column, alternate
            i = line_end(text, i + 1)
            continue
        else:
            break
        i += 1
    if fixed > 0:
        return i, fixed, alternate_fixed
    return i, column, alternate


def triple_recovery(text: str, i: int) -> int:
    """Where an open triple-quoted string should be taken to end: before the next definition."""
    found = [text.find(word, i) for word in ("\ndef ", "\nclass ", "\nimport ", "\nfrom ", "\n@")]
    return min((at for at in found if at >= 0), default=len(text))


def bad_character(c: str) -> str:
    """What CPython says about a character that no token has."""
    if c.isascii() and c.isprintable():
        return "invalid syntax"
    if not c.isprintable():
        return f"invalid non-printable character U+{ord(c):04X}"
    return f"invalid character '{c}' (U+{ord(c):04X})"
