"""String literals: what their bodies are worth.

Knows escapes and line ends; knows nothing of tokens, quotes or trees.
"""

from __future__ import annotations

_HEXADECIMAL = "0123456789abcdefABCDEF"
_SIMPLE = {
    "\n": "", "\\": "\\", "'": "'", '"': '"', "a": "\a", "b": "\b", "f": "\f", "n": "\n",
    "r": "\r", "t": "\t", "v": "\v",
}  # fmt: skip


class StringError(Exception):
    """A literal whose escapes are wrong; the text is CPython's."""


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
                raise StringError(_cannot(j, j + 10, "illegal Unicode character"))
            out.append(chr(code))
            i += 8
        elif c == "N" and not is_bytes:
            stop = body.find("}", i)
            if not body.startswith("{", i) or stop < 0:
                raise StringError(_cannot(j, min(size, i + 1), "malformed \\N character escape"))
            out.append(_named(body, i + 1, stop))
            i = stop + 1
        else:
            out.append("\\" + c)
    return "".join(out)


def _hexadecimal(body: str, i: int, count: int, form: str, is_bytes: bool) -> int:
    digits = body[i : i + count]
    if len(digits) < count or digits.strip(_HEXADECIMAL):
        if is_bytes:
            raise StringError(f"(value error) invalid \\x escape at position {i - 2}")
        stop = i
        while stop < len(body) and stop < i + count and body[stop] in _HEXADECIMAL:
            stop += 1
        raise StringError(_cannot(i - 2, stop, f"truncated {form} escape"))
    return int(digits, 16)


def _named(body: str, start: int, stop: int) -> str:
    """The character with this name; the tables are only loaded for a text that needs them."""
    import unicodedata

    try:
        return unicodedata.lookup(body[start:stop])
    except KeyError:
        message = _cannot(start - 3, stop + 1, "unknown Unicode character name")
        raise StringError(message) from None


def _cannot(start: int, stop: int, reason: str) -> str:
    where = f"position {start}-{stop - 1}"
    return f"(unicode error) 'unicodeescape' codec can't decode bytes in {where}: {reason}"


def one_newline(body: str) -> str:
    """Line ends inside a literal are newlines, however the file ends its lines."""
    return body.replace("\r\n", "\n").replace("\r", "\n") if "\r" in body else body
