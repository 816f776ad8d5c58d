"""Plain values as strict tagged JSON, for a channel whose other end may be hostile.

None, bool, int, float and str stand for themselves, a list is an array, all else is an object with
exactly one tag: t tuple, d dict (pairs), s set, z frozenset, b bytes (hex), f non-finite float, c
complex, i large integer (hex: decimal conversion takes quadratic time), r an iterator (its items).
`parse` gives the checked *wire tree* and never builds a table from claimed keys, whose hashes the
sender could make collide; `value` makes Python values from it and belongs in a jail.
Knows no pickle, no eval, no repr.
"""

from __future__ import annotations

import json
import re
from collections import Counter, OrderedDict, defaultdict
from collections.abc import Callable
from itertools import islice
from math import isfinite
from typing import Any

MAX_BYTES = 1 << 20
MAX_DEPTH = 64
MAX_BITS = 4096  # integers above this travel as hex
MAX_HEX = 1 << 18  # hex digits in one integer
MAX_ITEMS = 100_000  # taken from an iterator

_PLAIN = frozenset((str, bool, type(None)))
_DICTS = frozenset((dict, Counter, defaultdict, OrderedDict))
_ITERATORS = frozenset(
    (map, filter, zip, enumerate, reversed, range, type(_ for _ in ()), type(iter([])))
)
_VIEWS = frozenset((type({}.keys()), type({}.values()), type({}.items())))
_BASES: tuple[tuple[Any, Callable[[Any], Any]], ...] = (
    (int, int.__int__),
    (float, float.__float__),
    (str, str.__str__),
    (bytes, lambda value: bytes.__getitem__(value, slice(None))),
    (list, lambda value: list(list.__iter__(value))),
    (tuple, lambda value: tuple(tuple.__iter__(value))),
    (dict, lambda value: dict(dict.items(value))),
    (set, lambda value: set(set.__iter__(value))),
    (frozenset, lambda value: frozenset(frozenset.__iter__(value))),
)
# Linear whatever the bytes are: it never gives back what it took, and matches from every quote,
# so that a string without an end is not tried again from each quote inside it.
_STRINGS = re.compile(rb'(?s)"(?:[^"\\]|\\.)*+"?')
_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_HEX = re.compile(r"-?[0-9a-f]+\Z")
_BYTES = re.compile(r"(?:[0-9a-f]{2})*\Z")
_ENCODE = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode
_SMALL = 1 << 62
_NON_FINITE = frozenset(("nan", "inf", "-inf"))


class CodecError(ValueError):
    """A value that is not plain data, or a frame that is not one well-formed value."""


def wire(value: Any, depth: int = 0) -> Any:
    """The wire tree of a plain value.

    An instance of a subclass stands for what its base holds, read by the base's own methods, unless
    it redefines equality. Raises CodecError for anything that is not plain data, or nests deeper
    than MAX_DEPTH.
    """
    kind = type(value)
    if kind in _PLAIN:
        return value
    if kind is int:
        return value if value.bit_length() <= MAX_BITS else {"i": _hex(value)}
    if kind is float:
        return value if isfinite(value) else {"f": str(value)}
    if depth >= MAX_DEPTH // 2:  # a dict costs two levels of brackets
        raise CodecError("nested too deeply")
    depth += 1
    if kind is list:
        return [wire(item, depth) for item in value]
    if kind is tuple or (issubclass(kind, tuple) and hasattr(kind, "_fields")):
        return {"t": [wire(item, depth) for item in tuple.__iter__(value)]}
    if kind in _DICTS:
        return {"d": [[wire(key, depth), wire(item, depth)] for key, item in value.items()]}
    if kind is set or kind is frozenset:
        tag = "s" if kind is set else "z"
        return {tag: [wire(item, depth) for item in value]}
    if kind is bytes:
        return {"b": value.hex()}
    if kind is complex:
        return {"c": [wire(value.real, depth), wire(value.imag, depth)]}
    if kind in _ITERATORS or kind in _VIEWS:
        items = list(islice(value, MAX_ITEMS + 1))
        if len(items) > MAX_ITEMS:
            raise CodecError("iterator gives too many items")
        return {"r": [wire(item, depth) for item in items]}
    for base, content in _BASES:
        if issubclass(kind, base) and kind.__eq__ is base.__eq__:
            return wire(content(value), depth)
    raise CodecError(f"{kind.__name__} is not plain data")


def _hex(value: int) -> str:
    text = format(value, "x")
    if len(text) > MAX_HEX:
        raise CodecError("integer too large")
    return text


def dump(tree: Any) -> bytes:
    """A wire tree as bytes. Raises CodecError when it is larger than MAX_BYTES."""
    data = _ENCODE(tree).encode("ascii")
    if len(data) > MAX_BYTES:
        raise CodecError("value too large")
    return data


def encode(value: Any) -> bytes:
    """`dump(wire(value))`."""
    if type(value) is int and -_SMALL < value < _SMALL:
        return b"%d" % value  # the commonest answer, without touching the encoder's memory
    return dump(wire(value))


def parse(data: bytes) -> Any:
    """The wire tree in `data`, every limit and tag checked. Raises CodecError and nothing else."""
    if len(data) > MAX_BYTES:
        raise CodecError("frame too large")
    _check_depth(data)
    try:
        tree = _DECODER.decode(data.decode("ascii"))
    except CodecError:
        raise
    except (ValueError, RecursionError) as error:
        raise CodecError(f"not one JSON value: {error}"[:200]) from None
    _check(tree)
    return tree


def value(tree: Any) -> Any:
    """Python values for a checked wire tree. CodecError for an unhashable or repeated key."""
    kind = type(tree)
    if kind is list:
        return [value(item) for item in tree]
    if kind is not dict:
        return tree
    ((tag, body),) = tree.items()
    if tag in _SCALARS:
        return scalar(tag, body)
    if tag == "r":
        return iter([value(item) for item in body])
    if tag == "t":
        return tuple([value(item) for item in body])
    try:
        if tag == "d":
            pairs = {value(key): value(item) for key, item in body}
            if len(pairs) == len(body):
                return pairs
        else:
            members = {value(item) for item in body}
            if len(members) == len(body):
                return members if tag == "s" else frozenset(members)
    except TypeError:
        raise CodecError("a key or member is not hashable") from None
    raise CodecError("a key or member stands twice")


def decode(data: bytes) -> Any:
    """`value(parse(data))`."""
    return value(parse(data))


def scalar(tag: str, body: Any) -> Any:
    """The number or bytes behind a checked tag b, f, i or c."""
    if tag == "b":
        return bytes.fromhex(body)
    if tag == "f":
        return float(body)
    if tag == "i":
        return int(body, 16)
    return complex(*(part if type(part) is float else float(part["f"]) for part in body))


def _check_depth(data: bytes) -> None:
    if data.count(b"[") + data.count(b"{") <= MAX_DEPTH:
        return
    depth = 0
    for bracket in _STRINGS.sub(b"", data).translate(None, _NOT_BRACKETS):
        depth += 1 if bracket in b"[{" else -1
        if depth > MAX_DEPTH:
            raise CodecError("nested too deeply")


def _check(tree: Any) -> None:
    """Walk the tree without recursion; raise CodecError at the first thing out of place."""
    todo = [tree]
    while todo:
        node = todo.pop()
        if type(node) is list:
            todo.extend(node)
        elif type(node) is dict:
            ((tag, body),) = node.items()
            check = _SCALARS.get(tag)
            if check is not None:
                if not check(body):
                    raise CodecError(f"bad body for tag {tag}")
            elif type(body) is not list:
                raise CodecError(f"bad body for tag {tag}")
            elif tag == "d":
                for pair in body:
                    if type(pair) is not list or len(pair) != 2:
                        raise CodecError("bad pair in a dict")
                    todo.extend(pair)
            else:
                todo.extend(body)


def _is_part(part: Any) -> bool:
    return type(part) is float or (type(part) is dict and "f" in part and _is_non_finite(part["f"]))


def _is_non_finite(body: Any) -> bool:
    return type(body) is str and body in _NON_FINITE


def _is_large(body: Any) -> bool:
    return type(body) is str and len(body) <= MAX_HEX and _HEX.match(body) is not None


_SCALARS: dict[str, Any] = {
    "b": lambda body: type(body) is str and _BYTES.match(body) is not None,
    "f": _is_non_finite,
    "i": _is_large,
    "c": lambda body: type(body) is list and len(body) == 2 and all(map(_is_part, body)),
}
_TAGS = frozenset("tdszr") | frozenset(_SCALARS)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(pairs) != 1 or pairs[0][0] not in _TAGS:
        raise CodecError("an object must carry exactly one known tag")
    return dict(pairs)


def _integer(text: str) -> int:
    if len(text) > MAX_BITS // 3:
        raise CodecError("integer too long")
    return int(text)


def _float(text: str) -> float:
    number = float(text)
    if len(text) > 64 or not isfinite(number):
        raise CodecError("float out of range")
    return number


def _constant(text: str) -> float:
    raise CodecError(f"bare {text}")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object,
    parse_int=_integer,
    parse_float=_float,
    parse_constant=_constant,
)
