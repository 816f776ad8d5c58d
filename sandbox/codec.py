"""Plain data as strict tagged JSON, between processes that do not trust each other.

None, bool, int, float, str stand for themselves, a list is an array; everything else is an object
with one key: t tuple, d dict (pairs), s set, f frozenset, b bytes (latin-1), c complex, n a float
that JSON lacks. Encoding tests `type(v) is T`, so instances of subclasses are refused. Decoding
checks size, depth, digits and tags itself and raises nothing but `CodecError`.
"""

from __future__ import annotations

import json
import math
from typing import Any

MAX_BYTES = 1 << 20
MAX_DEPTH = 50
MAX_DIGITS = 4000


class CodecError(Exception):
    """Not plain data, or not a well-formed message."""


def encode(value: Any) -> bytes:
    """`CodecError` for anything that is not plain data, too deep or too long."""
    try:
        text = json.dumps(_pack(value, 0), separators=(",", ":"), allow_nan=False)
    except (ValueError, RecursionError) as error:  # more digits than int -> str allows
        raise CodecError(str(error)) from None
    raw = text.encode("ascii")
    if len(raw) > MAX_BYTES:
        raise CodecError(f"{len(raw)} bytes exceed {MAX_BYTES}")
    return raw


def _pack(value: Any, depth: int) -> Any:
    kind = type(value)
    if kind is int or kind is str or kind is bool or value is None:
        return value
    if depth > MAX_DEPTH:
        raise CodecError(f"nested deeper than {MAX_DEPTH}")
    if kind is float:
        return value if math.isfinite(value) else {"n": repr(value)}
    if kind is list:
        return [_pack(v, depth + 1) for v in value]
    if kind is tuple:
        return {"t": [_pack(v, depth + 1) for v in value]}
    if kind is dict:
        return {"d": [[_pack(k, depth + 1), _pack(v, depth + 1)] for k, v in value.items()]}
    if kind is set or kind is frozenset:
        return {"s" if kind is set else "f": [_pack(v, depth + 1) for v in value]}
    if kind is bytes:
        return {"b": value.decode("latin-1")}
    if kind is complex:
        return {"c": [_pack(value.real, depth + 1), _pack(value.imag, depth + 1)]}
    raise CodecError(f"{kind.__name__} is not plain data")


def decode(raw: bytes) -> Any:
    """The value, or `CodecError`."""
    if len(raw) > MAX_BYTES:
        raise CodecError(f"{len(raw)} bytes exceed {MAX_BYTES}")
    _check_depth(raw)
    try:
        parsed = json.loads(raw, parse_constant=_refuse, parse_int=_integer)
        return _unpack(parsed)
    except (ValueError, RecursionError, TypeError, OverflowError) as error:
        raise CodecError(f"malformed: {error}") from None


def _check_depth(raw: bytes) -> None:
    """Bracket depth by a linear scan: the JSON parser itself would recurse."""
    depth, inside, skip = 0, False, False
    for byte in raw:
        if skip:
            skip = False
        elif inside:
            if byte == 0x5C:
                skip = True
            elif byte == 0x22:
                inside = False
        elif byte == 0x22:
            inside = True
        elif byte in (0x5B, 0x7B):
            depth += 1
            if depth > 3 * MAX_DEPTH:  # a tagged value opens up to three brackets per level
                raise CodecError("nested too deep")
        elif byte in (0x5D, 0x7D):
            depth -= 1


def _refuse(name: str) -> Any:
    raise CodecError(f"{name} is not JSON")


def _integer(text: str) -> int:
    if len(text) > MAX_DIGITS:
        raise CodecError(f"an integer of {len(text)} digits")
    return int(text)


def _unpack(value: Any) -> Any:
    if isinstance(value, list):
        return [_unpack(v) for v in value]
    if not isinstance(value, dict):
        return value
    if len(value) != 1:
        raise CodecError("a tagged value has exactly one key")
    ((tag, body),) = value.items()
    if tag == "n" and body in ("nan", "inf", "-inf"):
        return float(body)
    if tag == "b" and isinstance(body, str):
        return body.encode("latin-1")
    if not isinstance(body, list):
        raise CodecError(f"tag {tag!r} with a bad body")
    if tag == "d":
        return {_unpack(k): _unpack(v) for k, v in body}
    items = [_unpack(v) for v in body]
    if tag == "t":
        return tuple(items)
    if tag == "s":
        return set(items)
    if tag == "f":
        return frozenset(items)
    if tag == "c" and len(items) == 2 and all(type(x) is float for x in items):
        return complex(items[0], items[1])
    raise CodecError(f"unknown tag {tag!r}")
