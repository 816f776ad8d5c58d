"""Strings inside the fields of f-strings as Python before 3.12 reads them.

There a field holds no backslash, and nothing of the quotes around it: a string in it is written
raw, in quotes that are still free, or as adjacent strings where no one kind of quotes will do.
"""

from __future__ import annotations

QUOTES = ('"', "'", '"""', "'''")


class Unquotable(Exception):
    """No quotes are left for a string: only Python 3.12 or newer can write the field."""


def free(around: list[str]) -> list[str]:
    """The quotes that may stand inside of all these."""
    return [q for q in QUOTES if not any(o in q for o in around)]


def fits(body: str, quote: str, around: list[str]) -> bool:
    """Can this stand raw between these quotes, and all of it inside the quotes around?"""
    if "\\" in body or "\r" in body or "\0" in body or quote in body:
        return False
    if body.endswith(quote[0]) or (len(quote) == 1 and "\n" in body):
        return False
    whole = quote + body + quote
    return not any(o in whole or (len(o) == 1 and "\n" in body) for o in around)


def raw_string(prefix: str, value: str, around: list[str]) -> str:
    """One string literal, or adjacent ones; `Unquotable` if there are none."""
    for quote in free(around):
        if fits(value, quote, around):
            return prefix + quote + value + quote
    pieces = _pieces(value)
    if len(pieces) < 2:
        raise Unquotable
    rest = "" if prefix == "u" else prefix
    found = [raw_string(rest if i else prefix, p, around) for i, p in enumerate(pieces)]
    return " ".join(found)


def _pieces(value: str) -> list[str]:
    """Runs of one kind of quote, and of what is none; a run of quotes falls into its characters."""
    pieces: list[str] = []
    last = ""
    for c in value:
        kind = c if c in "'\"" else "x"
        if pieces and kind == last and (kind == "x" or len(set(value)) > 1):
            pieces[-1] += c
        else:
            pieces.append(c)
        last = kind
    return pieces
