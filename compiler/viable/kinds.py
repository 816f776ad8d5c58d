"""The alphabet of the acceptor: the kinds of tokens, cut finer where viability depends on it.

Kinds below `tokens.KINDS` are the lexer's. Added are names that are soft keywords, literals that do
not mix (bytes, imaginary numbers, t-strings), and the marks inside f-strings, which are other
tokens there than the same characters in code. Numbers from LINE_END on are no tokens but what the
byte lexer reports about lines.
"""

from __future__ import annotations

from typing import Final

from neox.compiler import tokens as t

BYTES: Final = t.KINDS
IMAGINARY: Final = t.KINDS + 1
TSTART: Final = t.KINDS + 2
FIELD: Final = t.KINDS + 3  # the `{` that opens a field
FIELD_END: Final = t.KINDS + 4
SPEC: Final = t.KINDS + 5  # the `:` that begins a format spec
CONVERSION: Final = t.KINDS + 6  # `!r`, both characters
MATCH: Final = t.KINDS + 7
CASE: Final = t.KINDS + 8
TYPE: Final = t.KINDS + 9
UNDERSCORE: Final = t.KINDS + 10
KINDS: Final = t.KINDS + 11

# What the byte lexer reports besides tokens.
LINE_END: Final = KINDS  # ends the logical line, unless a bracket is open
LINE: Final = KINDS + 1  # the first character that counts on a line
EMPTY: Final = KINDS + 2  # the end of a blank line
SPACE: Final = KINDS + 3  # blanks that begin a line
TAB: Final = KINDS + 4
FEED: Final = KINDS + 5
JOINED: Final = KINDS + 6  # a backslash that joins lines, among these blanks
EVENTS: Final = KINDS + 7

SOFT: Final = {"match": MATCH, "case": CASE, "type": TYPE, "_": UNDERSCORE}
NAMES: Final = (t.NAME, MATCH, CASE, TYPE, UNDERSCORE)
CAPTURES: Final = (t.NAME, MATCH, CASE, TYPE)  # names a pattern can bind

# The fewest bytes of each kind, to plan how a text can end; a word counts the blank behind it.
_SHORT: Final = {
    t.END: 0, t.NEWLINE: 1, t.INDENT: 0, t.DEDENT: 0, t.NAME: 2, t.NUMBER: 2, t.STRING: 2,
    t.FSTART: 2, t.FEND: 1, BYTES: 3, IMAGINARY: 3, TSTART: 2, FIELD: 1, FIELD_END: 1, SPEC: 1,
    CONVERSION: 2, MATCH: 6, CASE: 5, TYPE: 5, UNDERSCORE: 2,
}  # fmt: skip


def _sizes() -> list[int]:
    sizes = [1000] * KINDS
    for text, kind in t.OPERATORS.items():
        sizes[kind] = len(text)
    for text, kind in t.KEYWORDS.items():
        sizes[kind] = len(text) + 1
    for kind, size in _SHORT.items():
        sizes[kind] = size
    return sizes


SIZES: Final = _sizes()


def bits(*kinds: int) -> int:
    """A set of kinds as the bits of an integer."""
    found = 0
    for kind in kinds:
        found |= 1 << kind
    return found
