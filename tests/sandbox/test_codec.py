"""Plain data crosses unchanged; nothing else crosses, and no bytes crash the reader."""

from __future__ import annotations

import json
import math
import time
from collections import Counter, OrderedDict, defaultdict, namedtuple
from http import HTTPStatus
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neox.sandbox.codec import MAX_BYTES, CodecError, decode, encode, parse
from neox.sandbox.compare import matches


def large(number: int) -> int:
    """Beyond what decimal conversion is allowed."""
    return (number << 15_000) + number


scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(-9, 9).map(large)
    | st.floats(allow_nan=False)
    | st.text()
    | st.binary()
    | st.complex_numbers(allow_nan=False)
)
keys = st.recursive(
    scalars, lambda inner: st.tuples(inner, inner) | st.frozensets(inner, max_size=3), max_leaves=4
)
plain = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=4).map(tuple)
        | st.dictionaries(keys, inner, max_size=4)
        | st.sets(keys, max_size=4)
        | st.frozensets(keys, max_size=4)
    ),
    max_leaves=10,
)


def same(left: Any, right: Any) -> bool:
    """Equal, and of the same types all the way down."""
    if type(left) is not type(right):
        return False
    if isinstance(left, list | tuple):
        return len(left) == len(right) and all(map(same, left, right))
    return bool(left == right)


@settings(max_examples=300, deadline=None)
@given(plain)
def test_plain_data_comes_back(value: Any) -> None:
    assert same(decode(encode(value)), value)


def test_not_a_number_comes_back() -> None:
    assert math.isnan(decode(encode(float("nan"))))


Point = namedtuple("Point", "x y")


@pytest.mark.parametrize(
    ("value", "arrives"),
    [
        (Counter("aab"), {"a": 2, "b": 1}),
        (defaultdict(int, {1: 2}), {1: 2}),
        (OrderedDict([(1, 2)]), {1: 2}),
        (Point(1, 2), (1, 2)),
    ],
)
def test_the_standard_containers_arrive_as_what_they_equal(value: Any, arrives: Any) -> None:
    assert same(decode(encode(value)), arrives)


def test_an_iterator_arrives_as_an_iterator() -> None:
    assert list(decode(encode(map(abs, [-1, 2])))) == [1, 2]
    assert list(decode(encode(range(3)))) == [0, 1, 2]


class Int(int):
    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = int.__hash__


class Sly(str):
    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = str.__hash__


def deep(levels: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    "value",
    [object(), len, int, Int(1), Sly("x"), [Int(1)], {1: Sly("x")}, bytearray(b"x"), deep(1000),
     "x" * MAX_BYTES, 1 << 4_000_000, iter(int, 1)],
    ids=lambda v: type(v).__name__,
)  # fmt: skip
def test_everything_else_is_refused(value: Any) -> None:
    with pytest.raises(CodecError):
        encode(value)


@pytest.mark.parametrize(
    "data",
    [
        b"", b" ", b"1 2", b"[1,2", b"NaN", b"Infinity", b"-Infinity", b"1e999", b"nul", b"\xff",
        b"{}", b'{"t":[1],"s":[1]}', b'{"t":[1],"t":[2]}', b'{"q":[1]}', b'{"t":1}', b'{"d":[1]}',
        b'{"d":[[1]]}', b'{"d":[[1,2,3]]}', b'{"f":"1.0"}', b'{"f":1}', b'{"b":"0"}', b'{"b":"AA"}',
        b'{"b":7}', b'{"i":"x"}', b'{"i":17}', b'{"c":[1.0]}', b'{"c":[1,2]}', b'{"c":"1j"}',
        b'{"s":[[1]]}', b'{"s":[1,1]}', b'{"d":[[1,2],[1,3]]}', b'{"d":[[[1],2]]}',
        b"[" * 100_000, b"[" * 100 + b"]" * 100, b'{"t":' * 5000, b"9" * 5000,
        b"1" * (MAX_BYTES + 1),
        b'{"i":"' + b"f" * 600_000 + b'"}',
    ],
    ids=lambda data: repr(data[:24]),
)  # fmt: skip
def test_malformed_data_is_refused(data: bytes) -> None:
    with pytest.raises(CodecError):
        decode(data)


@settings(max_examples=500, deadline=None)
@given(st.binary(max_size=200) | st.text('[]{}"tdszbficr:,0123456789.-enul \\', max_size=60))
def test_no_bytes_raise_anything_but_its_own_error(data: bytes | str) -> None:
    raw = data.encode() if isinstance(data, str) else data
    try:
        tree = parse(raw)
        decode(raw)
    except CodecError:
        return
    json.dumps(tree)  # what is let through is JSON


@settings(max_examples=300, deadline=None)
@given(plain, st.data())
def test_a_mutated_frame_never_passes_for_what_it_is_not(value: Any, data: st.DataObject) -> None:
    """It is refused, or means another value, and comparing says the same as decoding."""
    raw = bytearray(encode(value))
    position = data.draw(st.integers(0, len(raw) - 1))
    replacement = data.draw(st.integers(0, 255).filter(lambda byte: byte != raw[position]))
    raw[position] = replacement
    try:
        tree, changed = parse(bytes(raw)), decode(bytes(raw))
    except CodecError:
        return
    assert matches(tree, value, "exact") == same(changed, value)


def test_claimed_keys_with_one_hash_cost_no_time() -> None:
    """`parse` builds no table: 40,000 members of equal hash would take minutes in a set."""
    prime = (1 << 61) - 1
    members = ",".join(str(prime * k) for k in range(1, 40_001))
    tree = parse(f'{{"s":[{members}]}}'.encode())
    assert len(tree["s"]) == 40_000


def test_a_subclass_stands_for_what_its_base_holds() -> None:
    class Text(str): ...

    class Lying(list[Any]):
        def __iter__(self) -> Any:
            return iter([3])

        def __len__(self) -> int:
            return 1

    class Table(dict[Any, Any]): ...

    assert same(decode(encode(Text("ab"))), "ab")
    assert same(decode(encode(Lying([1, 2]))), [1, 2])
    assert same(decode(encode(Table({Text("k"): Lying()}))), {"k": []})
    assert same(decode(encode(HTTPStatus.OK)), 200)


@pytest.mark.parametrize("tail", [b"", b"\\", b"\\\n", b'"', b'\\"]'])
def test_quotes_without_end_take_no_longer_than_their_number(tail: bytes) -> None:
    """A search that starts again at each of them would take hours."""
    started = time.process_time()
    with pytest.raises(CodecError):
        parse(b"[" * 65 + b'"' + b'\\"' * 400_000 + tail)
    assert time.process_time() - started < 2
