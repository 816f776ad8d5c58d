"""Bytes to text by BOM and coding cookie (PEP 263), and offsets to lines and columns."""

from __future__ import annotations

import codecs
from bisect import bisect_right

_NAME = b"-_.abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"


class EncodingError(Exception):
    """The bytes are not text in the encoding they declare."""


def decode(data: bytes) -> str:
    """The text that bytes stand for; `EncodingError` where they are none."""
    bom = data.startswith(codecs.BOM_UTF8)
    body = data[3:] if bom else data
    encoding = _declared(body) or "utf-8"
    if bom and encoding.lower().replace("_", "-") != "utf-8":
        raise EncodingError(f"encoding problem: {encoding} with BOM")
    try:
        return body.decode(codecs.lookup(encoding).name)
    except UnicodeDecodeError as error:
        where = f"byte 0x{body[error.start]:02x} in position {error.start}"
        message = f"({error.encoding}) can't decode {where}: {error.reason}"
        raise EncodingError(message) from None
    except (LookupError, TypeError, UnicodeError, ValueError):
        # TypeError: a codec that does not give text, such as hex
        raise EncodingError(f"unknown encoding: {encoding}") from None


def _declared(body: bytes) -> str:
    """The name in a coding cookie in the first two lines, or nothing (PEP 263)."""
    start = 0
    for _ in range(2):
        ends = [i for i in (body.find(b"\n", start), body.find(b"\r", start)) if i >= 0]
        end = min(ends, default=len(body))
        line = body[start:end].lstrip(b" \t\f")
        if line.startswith(b"#"):
            found = _cookie(line)
            if found:
                return found
        elif line:
            return ""
        start = end + (2 if body.startswith(b"\r\n", end) else 1)
    return ""


def _cookie(line: bytes) -> str:
    """coding[:=]\\s*([-\\w.]+) in a comment."""
    at = line.find(b"coding")
    while at >= 0:
        at += 6
        if line[at : at + 1] in (b":", b"="):
            rest = line[at + 1 :].lstrip(b" \t")
            stop = 0
            while stop < len(rest) and rest[stop] in _NAME:
                stop += 1
            if stop:
                return rest[:stop].decode("ascii")
        at = line.find(b"coding", at)
    return ""


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
