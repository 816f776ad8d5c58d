"""String literals: where they end, and what they are worth.

Knows prefixes, escapes and the nesting of f-strings; knows nothing of tokens or trees.
"""

from __future__ import annotations

import unicodedata

_SIMPLE = {
    "\n": "", "\\": "\\", "'": "'", '"': '"', "a": "\a", "b": "\b", "f": "\f", "n": "\n",
    "r": "\r", "t": "\t", "v": "\v",
}  # fmt: skip
MAX_FSTRING_DEPTH = 149


class StringError(Exception):
    """A literal whose escapes are wrong; the text is CPython's."""


def string_end(
    text: str, start: int, quote: int, end: int, version: tuple[int, int], depth: int = 0
) -> tuple[int, str]:
    """Where the literal that starts at `start` ends, and what is wrong with it.

    `quote` is the offset of its first quote. In an f-string of Python 3.12 or newer, quotes inside
    a field do not end it.
    """
    prefix = text[start:quote].lower()
    mark = text[quote]
    triple = text.startswith(mark * 3, quote)
    close = mark * 3 if triple else mark
    i = quote + len(close)
    formatted = ("f" in prefix or "t" in prefix) and version >= (3, 12)
    kind = "f-string literal" if "f" in prefix else "string literal"
    while i < end:
        c = text[i]
        if c == mark and (not triple or text.startswith(close, i)):
            return min(i + len(close), end), ""
        if c == "\\":
            if "r" not in prefix and formatted and text.startswith("N{", i + 1):
                i = _after(text, "}", i, end)
                continue
            if formatted and "r" in prefix and i + 1 < end and text[i + 1] in "{}":
                i += 1
                continue
            i += 3 if text.startswith("\r\n", i + 1) else 2
        elif c in "\r\n" and not triple:
            return i, f"unterminated {kind}"
        elif formatted and c == "{":
            if text.startswith("{{", i):
                i += 2
                continue
            if depth > MAX_FSTRING_DEPTH:
                return end, "f-string: expressions nested too deeply"
            i = field_end(text, i + 1, end, mark, triple, version, depth + 1)
            if i >= end:
                break
            if text[i] == "}":
                i += 1
        else:
            i += 1
    triple_word = "triple-quoted " if triple else ""
    return end, f"unterminated {triple_word}{kind}"


def _after(text: str, what: str, i: int, end: int) -> int:
    found = text.find(what, i, end)
    return end if found < 0 else found + 1


def field_end(
    text: str, i: int, end: int, mark: str, triple: bool, version: tuple[int, int], depth: int
) -> int:
    """The offset of the `}` that closes a field, or of what breaks it off."""
    brackets = 0
    while i < end:
        c = text[i]
        if c in "\"'":
            start = i
            while start > 0 and i - start < 2 and text[start - 1].isalpha():
                start -= 1
            i, message = string_end(text, start, i, end, version, depth)
            if message:
                return i
            continue
        if c in "([{":
            brackets += 1
        elif c in ")]":
            brackets -= 1
        elif c == "}":
            if brackets <= 0:
                return i
            brackets -= 1
        elif c == "#":
            while i < end and text[i] not in "\r\n":
                i += 1
            continue
        elif c == "!" and brackets <= 0 and text.startswith("!=", i):
            i += 1
        elif c == ":" and brackets <= 0:
            return spec_end(text, i + 1, end, mark, triple, version, depth)
        i += 1
    return end


def spec_end(
    text: str, i: int, end: int, mark: str, triple: bool, version: tuple[int, int], depth: int
) -> int:
    """The offset of the `}` that closes a field, from inside its format spec."""
    close = mark * 3 if triple else mark
    while i < end:
        c = text[i]
        if c == "}" or (c == mark and text.startswith(close, i)):
            return i
        if c in "\r\n" and not triple:
            return i
        if c == "{":
            if depth > MAX_FSTRING_DEPTH:
                return end
            i = field_end(text, i + 1, end, mark, triple, version, depth + 1)
            if i >= end or text[i] != "}":
                return i
        i += 1
    return end


def unescape(body: str, is_bytes: bool) -> str:
    """The characters that the body of a non-raw literal stands for; `StringError` for bad escapes.

    Bytes come back as characters 0 to 255.
    """
    if "\\" not in body:
        return body
    out: list[str] = []
    i, size = 0, len(body)
    while i < size:
        j = body.find("\\", i)
        if j < 0 or j + 1 >= size:
            out.append(body[i:])
            break
        out.append(body[i:j])
        c = body[j + 1]
        i = j + 2
        if c in _SIMPLE:
            out.append(_SIMPLE[c])
        elif c in "01234567":
            k = i
            while k < size and k < j + 4 and body[k] in "01234567":
                k += 1
            value = int(body[j + 1 : k], 8)
            out.append(chr(value & 0xFF if is_bytes else value))
            i = k
        elif c == "x":
            out.append(chr(_hexadecimal(body, i, 2, "\\xXX", is_bytes)))
            i += 2
        elif c == "u" and not is_bytes:
            out.append(chr(_hexadecimal(body, i, 4, "\\uXXXX", False)))
            i += 4
        elif c == "U" and not is_bytes:
            code = _hexadecimal(body, i, 8, "\\UXXXXXXXX", False)
            if code > 0x10FFFF:
                raise StringError("(unicode error) illegal Unicode character")
            out.append(chr(code))
            i += 8
        elif c == "N" and not is_bytes:
            stop = body.find("}", i)
            if not body.startswith("{", i) or stop < 0:
                raise StringError("(unicode error) malformed \\N character escape")
            try:
                out.append(unicodedata.lookup(body[i + 1 : stop]))
            except KeyError:
                raise StringError("(unicode error) unknown Unicode character name") from None
            i = stop + 1
        else:
            out.append("\\" + c)
    return "".join(out)


def _hexadecimal(body: str, i: int, count: int, form: str, is_bytes: bool) -> int:
    digits = body[i : i + count]
    if len(digits) < count or any(c not in "0123456789abcdefABCDEF" for c in digits):
        if is_bytes:
            raise StringError(f"(value error) invalid \\x escape at position {i - 2}")
        raise StringError(f"(unicode error) truncated {form} escape")
    return int(digits, 16)


def one_newline(body: str) -> str:
    """Line ends inside a literal are newlines, however the file ends its lines."""
    return body.replace("\r\n", "\n").replace("\r", "\n") if "\r" in body else body


def number_value(text: str) -> int | float | complex:
    """The value of a number token that `number_end` found nothing wrong with."""
    text = text.replace("_", "").lower()
    if text[:2] in ("0x", "0o", "0b"):
        return int(text, 0)
    if text.endswith("j"):
        return complex(0.0, float(text[:-1]))
    if "." in text or "e" in text:
        return float(text)
    return int(text)
