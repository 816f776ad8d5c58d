"""Is the claimed value the expected one? The walk is driven by the expected value.

Both a claimed length and a claimed type are checked before descending, and claimed keys are looked
up in the *expected* container, so the work is bounded by what the task's author wrote and no hash
table is ever built from claimed data. The claim is a wire tree of `codec.parse`: plain JSON, with
no operators a program could overload.
Knows nothing about processes.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection
from math import isfinite, isnan
from typing import Any

from neox.sandbox.codec import CodecError, scalar, wire
from neox.sandbox.jobs import Approx, Compare

_PLAIN = (bool, int, float, complex, str, type(None), list, tuple, dict, set, frozenset, bytes)
_MAX_NESTED_KEYS = 256  # members of a claimed frozenset used as a key


def matches(claim: Any, expected: Any, mode: Compare) -> bool:
    """Whether the wire tree `claim` is right for `expected` under `mode` (see `jobs.Call`)."""
    if mode == "any_of":
        return any(_same(claim, answer, False, None) for answer in expected)
    if mode == "truth":
        return truth(claim) is expected
    if mode == "unordered":
        return _unordered(claim, expected)
    if mode == "approx":
        mode = Approx()
    if isinstance(mode, Approx):
        return _same(claim, expected, False, mode)
    if mode not in ("eq", "exact"):
        raise ValueError(f"unknown compare mode {mode!r}")
    return _same(claim, expected, mode == "exact", None)


def truth(claim: Any) -> bool:
    """Whether the value of a wire tree counts as true in Python."""
    if type(claim) is not dict:
        return bool(claim)
    ((tag, body),) = claim.items()
    if tag in ("b", "f", "i", "c"):
        return bool(scalar(tag, body))
    return tag == "r" or bool(body)  # an iterator is true, whatever it gives


def close(got: float | int, want: float | int, approx: Approx) -> bool:
    """abs(got - want) <= atol + rtol * abs(want); infinities by sign, a NaN is right for a NaN."""
    try:
        if (isinstance(got, float) and not isfinite(got)) or not isfinite(want):
            return got == want or (isnan(got) and isnan(want))
        return abs(got - want) <= approx.atol + approx.rtol * abs(want)
    except OverflowError:
        return got == want


def _same(claim: Any, expected: Any, exact: bool, approx: Approx | None) -> bool:
    kind = type(expected)
    if kind not in _PLAIN:
        raise TypeError(f"expected values must be plain data, not {kind.__name__}")
    if kind in (bool, int, float, complex):
        number = _number(claim)
        if number is None:
            return False
        if exact:
            same = number == expected or (number != number and expected != expected)
            return type(number) is kind and same
        if approx and kind is not bool and type(number) is not bool and kind is not complex:
            return type(number) is not complex and close(number, expected, approx)
        return bool(number == expected)
    if kind is str or expected is None:
        return type(claim) is kind and claim == expected
    if kind is list:
        return _sequence(claim, expected, exact, approx) if type(claim) is list else False
    if type(claim) is not dict:
        return False
    ((tag, body),) = claim.items()
    if kind is tuple:
        return tag == "t" and _sequence(body, expected, exact, approx)
    if kind is dict:
        return tag == "d" and _mapping(body, expected, exact, approx)
    if kind is set or kind is frozenset:
        if tag not in ("s", "z") or (exact and tag != ("s" if kind is set else "z")):
            return False
        return len(body) == len(expected) and _all_found(body, expected, exact) is not None
    return bool(tag == "b" and scalar(tag, body) == expected)


def _sequence(items: list[Any], expected: Any, exact: bool, approx: Approx | None) -> bool:
    if len(items) != len(expected):
        return False
    return all(_same(item, want, exact, approx) for item, want in zip(items, expected, strict=True))


def _mapping(
    pairs: list[Any], expected: dict[Any, Any], exact: bool, approx: Approx | None
) -> bool:
    if len(pairs) != len(expected):
        return False
    keys = _all_found([key for key, _ in pairs], expected, exact)
    if keys is None:
        return False
    return all(
        _same(item, expected[key], exact, approx)
        for key, (_, item) in zip(keys, pairs, strict=True)
    )


def _all_found(claims: list[Any], expected: Collection[Any], exact: bool) -> list[Any] | None:
    """The expected keys the claims stand for, in the claims' order, or None unless all distinct."""
    own = {key: key for key in expected}  # the expected container's table, never the claim's
    found = []
    for claim in claims:
        try:
            key = own.pop(_key(claim))
        except (KeyError, TypeError, CodecError):
            return None
        if exact and not _same(claim, key, True, None):
            return None
        found.append(key)
    return found


def _key(claim: Any) -> Any:
    """A claimed key as a hashable value. Raises CodecError for what cannot be one."""
    if type(claim) is not dict:
        if type(claim) is list:
            raise CodecError("a list is not a key")
        return claim
    ((tag, body),) = claim.items()
    if tag in ("b", "f", "i", "c"):
        return scalar(tag, body)
    if tag == "t":
        return tuple(_key(item) for item in body)
    if tag == "z" and len(body) <= _MAX_NESTED_KEYS:
        return frozenset(_key(item) for item in body)
    raise CodecError("not a key")


def _number(claim: Any) -> Any:
    if type(claim) in (bool, int, float):
        return claim
    if type(claim) is dict:
        ((tag, body),) = claim.items()
        if tag in ("f", "i", "c"):
            return scalar(tag, body)
    return None


def _unordered(claim: Any, expected: Any) -> bool:
    """Equal as multisets of canonical texts; a tuple answer wants a tuple, a list a list."""
    if type(expected) is tuple and type(claim) is dict and "t" in claim:
        claim, expected = claim["t"], list(expected)
    if type(claim) is not list or type(expected) is not list or len(claim) != len(expected):
        return False
    return Counter(map(_canonical, claim)) == Counter(_canonical(wire(item)) for item in expected)


def _canonical(tree: Any) -> str:
    return json.dumps(_normal(tree), separators=(",", ":"))


def _normal(tree: Any) -> Any:
    """Equal values get equal trees: True, 1 and 1.0 become 1, sets and dicts are sorted."""
    if type(tree) is bool or (type(tree) is float and tree.is_integer()):
        number = int(tree)
        return wire(number)
    if type(tree) is list:
        return [_normal(item) for item in tree]
    if type(tree) is not dict:
        return tree
    ((tag, body),) = tree.items()
    if tag == "t":
        return {"t": [_normal(item) for item in body]}
    if tag == "d":
        pairs = [[_normal(key), _normal(item)] for key, item in body]
        return {"d": sorted(pairs, key=_canonical)}
    if tag in ("s", "z"):
        return {"s": sorted((_normal(item) for item in body), key=_canonical)}
    return tree
