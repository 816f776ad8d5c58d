"""Which bytes can go on: UTF-8 sequences, identifiers beyond ASCII, names of characters.

Each answer is about a prefix: can it still become something whole? Knows nothing of tokens.
"""

from __future__ import annotations

from bisect import bisect_left
from functools import lru_cache
from typing import Final

TEXT: Final = 0  # any character
START: Final = 1  # the first of an identifier
CONTINUE: Final = 2  # a later one
_NO_LETTERS: Final = (0x40000, 0xE0000)  # planes without a character of an identifier

# Aliases that `unicodedata.lookup` knows but cannot list: those of the control characters.
_ALIASES: Final = (
    "NULL|BELL|ALERT|BACKSPACE|CHARACTER TABULATION|HORIZONTAL TABULATION|LINE FEED|NEW LINE|"
    "END OF LINE|LINE TABULATION|VERTICAL TABULATION|FORM FEED|CARRIAGE RETURN|ESCAPE|DELETE|"
    "NEXT LINE|START OF HEADING|START OF TEXT|END OF TEXT|END OF TRANSMISSION|ENQUIRY|ACKNOWLEDGE|"
    "SHIFT OUT|SHIFT IN|DATA LINK ESCAPE|CANCEL|SUBSTITUTE|NUL|BEL|BS|HT|TAB|LF|NL|EOL|VT|FF|CR|"
    "ESC|DEL|NEL|NBSP|SHY|ZWSP|ZWNJ|ZWJ|LRM|RLM|BOM|ZWNBSP|BYTE ORDER MARK|SP"
)


@lru_cache(maxsize=4096)
def can_become(data: bytes, wanted: int) -> bool:
    """Are these bytes a character of that sort in UTF-8, or the beginning of one?"""
    lead = data[0]
    size = (
        2 if 0xC2 <= lead < 0xE0 else 3 if 0xE0 <= lead < 0xF0 else 4 if 0xF0 <= lead < 0xF5 else 0
    )
    if not size or len(data) > size or any(byte & 0xC0 != 0x80 for byte in data[1:]):
        return False
    code = lead & (0xFF >> (size + 1))
    for byte in data[1:]:
        code = code << 6 | byte & 0x3F
    missing = 6 * (size - len(data))
    low = max(code << missing, (0, 0, 0x80, 0x800, 0x10000)[size])
    high = min((code << missing) + (1 << missing) - 1, 0x10FFFF)
    if wanted == TEXT:
        return low <= high and (low < 0xD800 or high > 0xDFFF)
    before = "a" if wanted == CONTINUE else ""
    if low >= _NO_LETTERS[0] and high < _NO_LETTERS[1]:
        return False
    return any((before + chr(c)).isidentifier() for c in range(low, high + 1))


def is_whole(data: bytes) -> bool:
    """Has the sequence all the bytes that its first one announces?"""
    lead = data[0]
    return len(data) == (2 if lead < 0xE0 else 3 if lead < 0xF0 else 4)


@lru_cache(maxsize=1)
def _names() -> list[str]:
    """The names of all characters, sorted; built when the first `\\N{` is read."""
    import unicodedata

    found = [unicodedata.name(chr(code), "") for code in range(0x110000)]
    for alias in _ALIASES.split("|"):
        try:
            unicodedata.lookup(alias)
        except KeyError:
            continue
        found.append(alias)
    return sorted({name for name in found if name})


@lru_cache(maxsize=4096)
def name_rest(prefix: str) -> int:
    """How many more characters the shortest character name needs that begins so; -1 for none."""
    names = _names()
    upper = prefix.upper()
    at = bisect_left(names, upper)
    if at == len(names) or not names[at].startswith(upper):
        return -1
    if not prefix or len(names[at]) == len(prefix):
        return 0 if prefix else 2
    end = bisect_left(names, upper + "\x7f", at)
    return min(len(name) for name in names[at:end]) - len(prefix)
