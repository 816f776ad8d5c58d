"""Bytes to text by BOM and coding cookie (PEP 263), and offsets to lines and columns."""

from __future__ import annotations

import codecs
import re
from bisect import bisect_right

_COOKIE = re.compile(rb"^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)")
_BLANK = re.compile(rb"^[ \t\f]*(?:#.*)?$")


class EncodingError(Exception):
    """The bytes are not text in the encoding they declare."""


def decode(data: bytes) -> tuple[str, str]:
    """Text and the encoding it was read with; `EncodingError` otherwise."""
    encoding = "utf-8"
    bom = data.startswith(codecs.BOM_UTF8)
    body = data[3:] if bom else data
    for number, line in enumerate(re.split(rb"\r\n|\r|\n", body, maxsplit=2)[:2]):
        found = _COOKIE.match(line)
        if found:
            encoding = found.group(1).decode("ascii", "replace")
            break
        if number == 0 and not _BLANK.match(line):
            break
    try:
        name = codecs.lookup(encoding).name
    except LookupError:
        raise EncodingError(f"unknown encoding: {encoding}") from None
    if bom and name != "utf-8":
        raise EncodingError(f"encoding problem: {encoding} with BOM")
    try:
        return body.decode(name), "utf-8-sig" if bom else name
    except (UnicodeDecodeError, LookupError, TypeError) as error:
        raise EncodingError(f"({name}) {error}") from None


class Lines:
    """Line starts of a text; only \\n, \\r\\n and \\r end a line."""

    def __init__(self, text: str) -> None:
        starts = [0]
        i, size = 0, len(text)
        if "\r" in text:
            while i < size:
                c = text[i]
                i += 2 if c == "\r" and text.startswith("\n", i + 1) else 1
                if c in "\r\n":
                    starts.append(i)
        else:
            i = text.find("\n") + 1
            while i > 0:
                starts.append(i)
                i = text.find("\n", i) + 1
        self._starts = starts
        self._text = text
        self._ascii = text.isascii()

    def locate(self, offset: int) -> tuple[int, int]:
        """Line from 1, and column from 0 in UTF-8 bytes, as CPython counts."""
        line = bisect_right(self._starts, offset)
        start = self._starts[line - 1]
        if self._ascii:
            return line, offset - start
        return line, len(self._text[start:offset].encode("utf-8", "surrogatepass"))
