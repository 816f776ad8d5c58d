"""Number literals: where they end, what is wrong with them, and what they are worth."""

from __future__ import annotations


def _digits(text: str, i: int, end: int, allowed: str) -> int:
    """The end of digits with single underscores between them."""
    while i < end and (
        text[i] in allowed or (text[i] == "_" and i + 1 < end and text[i + 1] in allowed)
    ):
        i += 1
    return i


def number_end(text: str, start: int, end: int) -> tuple[int, str]:
    """Where a number ends, and what is wrong with it."""
    decimal = "0123456789"
    radix = {"x": ("0123456789abcdefABCDEF", "hexadecimal"), "o": ("01234567", "octal")}
    radix["b"] = ("01", "binary")
    second = text[start + 1 : min(start + 2, end)].lower()
    if text[start] == "0" and second in radix:
        allowed, name = radix[second]
        i = start + 2
        if i < end and text[i] == "_":
            i += 1
        stop = _digits(text, i, end, allowed)
        if stop < end and text[stop] in decimal:
            return stop + 1, f"invalid digit '{text[stop]}' in {name} literal"
        if stop == i:
            return stop, f"invalid {name} literal"
        return _tail(text, stop, end, name)
    i = _digits(text, start, end, decimal)
    integer = True
    if i < end and text[i] == ".":
        integer = False
        i = _digits(text, i + 1, end, decimal) if _next_is_digit(text, i, end) else i + 1
    if i < end and text[i] in "eE":
        j = i + 2 if i + 1 < end and text[i + 1] in "+-" else i + 1
        if j < end and text[j] in decimal:
            integer = False
            i = _digits(text, j, end, decimal)
    if i < end and text[i] in "jJ":
        return _tail(text, i + 1, end, "imaginary")
    digits = text[start:i].replace("_", "")
    if integer and digits[0] == "0" and digits.strip("0"):
        return i, (
            "leading zeros in decimal integer literals are not permitted; "
            "use an 0o prefix for octal integers"
        )
    if integer and len(digits) > 4300:
        return i, "Exceeds the limit (4300 digits) for integer string conversion"
    return _tail(text, i, end, "decimal")


def _next_is_digit(text: str, i: int, end: int) -> bool:
    return i + 1 < end and text[i + 1] in "0123456789"


def _tail(text: str, i: int, end: int, name: str) -> tuple[int, str]:
    """A number may be followed by a keyword (1if x else y), but by no other name."""
    if i < end and (text[i] == "_" or text[i].isidentifier()):
        j = i
        while j < end and (text[j] == "_" or text[j].isalnum()):
            j += 1
        word = text[i:j]
        if not any(
            word.startswith(k) for k in ("and", "else", "for", "if", "in", "is", "not", "or")
        ):
            return j, f"invalid {name} literal"
    return i, ""


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
