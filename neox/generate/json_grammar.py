"""A JSON schema as rules for `Pushdown`: what it accepts is JSON and fits the schema.

Supported: type (also a list), properties in the order given, required, additionalProperties false
or absent, items, prefixItems without items, minItems and maxItems up to 64, enum, const, anyOf,
oneOf (as anyOf), minLength and maxLength up to 256, $ref into $defs (recursive too), title and the
other annotations. Any other keyword is refused by name, never ignored. There is at most one blank,
after a comma or a colon, so that a text cannot be made of blanks.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from neox.generate.pushdown import Rules, Symbol, literal

ANNOTATIONS = {"title", "description", "default", "examples", "$schema", "$id", "$defs", "format",
               "definitions", "$comment", "deprecated", "readOnly", "writeOnly"}  # fmt: skip
KNOWN = {
    "null": set[str](),
    "boolean": set[str](),
    "integer": set[str](),
    "number": set[str](),
    "string": {"minLength", "maxLength"},
    "array": {"items", "prefixItems", "minItems", "maxItems"},
    "object": {"properties", "required", "additionalProperties"},
}
MOST_ITEMS, LONGEST = 64, 256


class SchemaError(ValueError):
    """A schema that cannot be followed; the message names the place and the keyword."""


def _span(low: int, high: int) -> frozenset[int]:
    return frozenset(range(low, high + 1))


_DIGIT, _ONE = _span(0x30, 0x39), _span(0x31, 0x39)
_TAIL = _span(0x80, 0xBF)
_HEX = _DIGIT | _span(0x41, 0x46) | _span(0x61, 0x66)
BASE: dict[str, list[list[Symbol]]] = {
    "blank": [[], literal(b" ")],
    "char": [
        [_span(0x20, 0x7F) - {0x22, 0x5C, 0x7F}],
        [frozenset(b"\\"), frozenset(b'"\\/bfnrt')],
        [
            *literal(b"\\u"),
            _span(0x30, 0x39) | _span(0x61, 0x63),
            _HEX,
            _HEX,
            _HEX,
        ],  # no surrogates
        [_span(0xC2, 0xDF), _TAIL],
        [frozenset([0xE0]), _span(0xA0, 0xBF), _TAIL],
        [_span(0xE1, 0xEC) | _span(0xEE, 0xEF), _TAIL, _TAIL],
        [frozenset([0xED]), _span(0x80, 0x9F), _TAIL],
        [frozenset([0xF0]), _span(0x90, 0xBF), _TAIL, _TAIL],
        [_span(0xF1, 0xF3), _TAIL, _TAIL, _TAIL],
        [frozenset([0xF4]), _span(0x80, 0x8F), _TAIL, _TAIL],
    ],
    "chars": [[], ["char", "chars"]],
    "string": [[*literal(b'"'), "chars", *literal(b'"')]],
    "digits": [[], [_DIGIT, "digits"]],
    "natural": [literal(b"0"), [_ONE, "digits"]],
    "integer": [["natural"], [*literal(b"-"), "natural"]],
    "fraction": [[], [*literal(b"."), _DIGIT, "digits"]],
    "sign": [[], [frozenset(b"+-")]],
    "exponent": [[], [frozenset(b"eE"), "sign", _DIGIT, "digits"]],
    "number": [["integer", "fraction", "exponent"]],
    "boolean": [literal(b"true"), literal(b"false")],
    "null": [literal(b"null")],
    "value": [["string"], ["number"], ["boolean"], ["null"], ["array"], ["object"]],
    "comma": [[*literal(b","), "blank"]],
    "items": [["value"], ["value", "comma", "items"]],
    "array": [literal(b"[]"), [*literal(b"["), "items", *literal(b"]")]],
    "member": [["string", *literal(b":"), "blank", "value"]],
    "members": [["member"], ["member", "comma", "members"]],
    "object": [literal(b"{}"), [*literal(b"{"), "members", *literal(b"}")]],
}


def rules(schema: Any) -> Rules:
    """The rules of a schema; the start is "schema". SchemaError for what is not supported."""
    return _Maker(schema).rules


def any_object() -> Rules:
    """Any JSON object, the start again "schema"."""
    return {**BASE, "schema": [["object"]]}


class _Maker:
    def __init__(self, schema: Any) -> None:
        self.root = schema
        self.rules: dict[str, Sequence[Sequence[Symbol]]] = dict(BASE)
        self._refs: dict[str, str] = {}
        self.rules["schema"] = [[self._of(schema, "#")]]

    def _new(self, ways: Sequence[Sequence[Symbol]]) -> str:
        name = f"r{len(self.rules)}"
        self.rules[name] = ways
        return name

    def _of(self, schema: Any, at: str) -> str:
        """The rule of a schema at a JSON pointer."""
        if schema is True or schema == {}:
            return "value"
        if not isinstance(schema, dict):
            raise SchemaError(f"{at}: a schema must be an object")
        if "$ref" in schema:
            return self._ref(schema["$ref"], at)
        if "enum" in schema or "const" in schema:
            self._only(schema, {"enum", "const", "type"}, at)
            values = schema.get("enum", [schema.get("const")])
            if not isinstance(values, list) or not values:
                raise SchemaError(f"{at}/enum: must be a list of values")
            return self._new([literal(_text(value)) for value in values])
        for word in ("anyOf", "oneOf"):
            if word in schema:
                self._only(schema, {word}, at)
                return self._new(
                    [[self._of(s, f"{at}/{word}/{i}")] for i, s in enumerate(schema[word])]
                )
        kinds = schema.get("type") or self._guess(schema)
        if isinstance(kinds, list):
            one = [{**_part(schema, kind), "type": kind} for kind in kinds]
            return self._new([[self._of(s, at)] for s in one])
        if kinds is None:
            self._only(schema, set(), at)
            return "value"
        if kinds not in KNOWN:
            raise SchemaError(f"{at}/type: unknown type {kinds!r}")
        self._only(schema, KNOWN[kinds] | {"type"}, at)
        if kinds == "object":
            return self._object(schema, at)
        if kinds == "array":
            return self._array(schema, at)
        if kinds == "string":
            return self._string(schema, at)
        return str(kinds)

    def _only(self, schema: dict[str, Any], known: set[str], at: str) -> None:
        for word in schema:
            if word not in known | ANNOTATIONS:
                raise SchemaError(f"{at}/{word}: this keyword is not supported here")

    def _guess(self, schema: dict[str, Any]) -> str | None:
        """Keywords that belong to one type say which, where `type` is absent."""
        found = [kind for kind, words in KNOWN.items() if words & set(schema)]
        return found[0] if found else None

    def _ref(self, ref: Any, at: str) -> str:
        if not isinstance(ref, str) or not ref.startswith("#"):
            raise SchemaError(f"{at}/$ref: only references into the schema itself, as #/$defs/NAME")
        if ref not in self._refs:
            found: Any = self.root
            for part in ref[1:].split("/")[1:]:
                part = part.replace("~1", "/").replace("~0", "~")
                if not isinstance(found, dict) or part not in found:
                    raise SchemaError(f"{at}/$ref: nothing at {ref}")
                found = found[part]
            name = self._refs[ref] = self._new([])
            self.rules[name] = [[self._of(found, ref)]]
            self._check_progress(name, at)
        return self._refs[ref]

    def _check_progress(self, name: str, at: str) -> None:
        """A reference that begins with itself would never end."""
        work, seen = [name], set[str]()
        while work:
            rule = work.pop()
            for way in self.rules[rule]:
                if way and isinstance(way[0], str):
                    if way[0] == name:
                        raise SchemaError(f"{at}/$ref: the schema refers to itself at once")
                    if way[0] not in seen:
                        seen.add(way[0])
                        work.append(way[0])

    def _object(self, schema: dict[str, Any], at: str) -> str:
        properties = schema.get("properties", {})
        required = schema.get("required", [])
        extra = schema.get("additionalProperties", not properties)
        for name in required:
            if name not in properties:
                raise SchemaError(f"{at}/required: {name!r} is not among the properties")
        if not properties:
            if extra is False:
                return self._new([literal(b"{}")])
            if extra is True:
                return "object"
            member = self._member("string", self._of(extra, f"{at}/additionalProperties"))
            more = self._new([])
            self.rules[more] = [[member], [member, "comma", more]]
            return self._new([literal(b"{}"), [*literal(b"{"), more, *literal(b"}")]])
        # properties come in their order; those that are not required may be left out
        ends: Symbol = self._new([[]])
        first, later = ends, ends
        for name, inner in reversed(properties.items()):
            key = self._new([literal(_text(name))])
            member = self._member(key, self._of(inner, f"{at}/properties/{name}"))
            optional = name not in required
            first = self._new([[member, later], *([[first]] if optional else [])])
            later = self._new([["comma", member, later], *([[later]] if optional else [])])
        return self._new([[*literal(b"{"), first, *literal(b"}")]])

    def _member(self, key: str, value: str) -> str:
        return self._new([[key, *literal(b":"), "blank", value]])

    def _array(self, schema: dict[str, Any], at: str) -> str:
        low, high = schema.get("minItems", 0), schema.get("maxItems")
        if "prefixItems" in schema:
            parts = [
                self._of(s, f"{at}/prefixItems/{i}") for i, s in enumerate(schema["prefixItems"])
            ]
            joined: list[Symbol] = []
            for i, part in enumerate(parts):
                joined += ["comma", part] if i else [part]
            return self._new([[*literal(b"["), *joined, *literal(b"]")]])
        item = self._of(schema.get("items", {}), f"{at}/items")
        if not 0 <= low <= MOST_ITEMS or not (high is None or low <= high <= MOST_ITEMS):
            raise SchemaError(f"{at}: minItems and maxItems must lie in 0..{MOST_ITEMS}, in order")
        tail = self._tail(
            ["comma", item], max(low - 1, 0), None if high is None else max(high - 1, 0)
        )
        ways: list[list[Symbol]] = (
            [] if high == 0 else [[*literal(b"["), item, tail, *literal(b"]")]]
        )
        if low == 0:
            ways.append(literal(b"[]"))
        return self._new(ways)

    def _string(self, schema: dict[str, Any], at: str) -> str:
        low, high = schema.get("minLength", 0), schema.get("maxLength")
        if low == 0 and high is None:
            return "string"
        if not 0 <= low <= LONGEST or not (high is None or low <= high <= LONGEST):
            raise SchemaError(f"{at}: minLength and maxLength must lie in 0..{LONGEST}, in order")
        inner = self._tail(["char"], low, high)
        return self._new([[*literal(b'"'), inner, *literal(b'"')]])

    def _tail(self, unit: list[Symbol], low: int, high: int | None) -> str:
        """`unit` from `low` to `high` times, without end where high is None."""
        if high is None:
            rest = self._new([])
            self.rules[rest] = [[], [*unit, rest]]
        else:
            rest = self._new([[]])
            for _ in range(high - low):
                rest = self._new([[], [*unit, rest]])
        return self._new([[*unit * low, rest]])


def _part(schema: dict[str, Any], kind: str) -> dict[str, Any]:
    """The keywords of a schema that belong to one of its types, or to none."""
    others = {word for other, words in KNOWN.items() if other != kind for word in words}
    return {w: v for w, v in schema.items() if w not in others - KNOWN.get(kind, set())}


def _text(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
