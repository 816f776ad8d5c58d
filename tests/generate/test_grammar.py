"""Constrained decoding: every text parses, hot, short or speculative; JSON fits its schema."""

from __future__ import annotations

import ast
import importlib.util
import json
import re
import warnings
from pathlib import Path

import pytest

from neox.errors import InputError
from neox.generate.beam import beam_search
from neox.generate.contrastive import contrastive_search
from neox.generate.drafts import PromptLookup
from neox.generate.engine import Engine, Request
from neox.generate.grammars import Grammars
from neox.generate.json_grammar import SchemaError, rules
from neox.generate.law import GREEDY, Law
from neox.generate.pushdown import Pushdown
from neox.generate.runner import runner
from neox.generate.text import TextStream
from neox.generate.vocabulary import words

_spec = importlib.util.spec_from_file_location("models", Path(__file__).parent / "models.py")
assert _spec is not None
assert _spec.loader is not None
models = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(models)

POLICY = models.policy(5)
WORDS = words(POLICY.tokenizer)
GRAMMARS = Grammars(WORDS, [POLICY.tokenizer.eos])
PROMPT = "# Sum.\ndef f(a):\n"


def parses(text: str) -> bool:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # `0if 1else 2` is a program, and a warning
        ast.parse(text)
    return True


def written(requests: list[Request], slots: int = 8) -> list[str]:
    streams = Engine(runner(POLICY, slots)).run(requests)
    return [POLICY.tokenizer.decode_bytes(s.ids).decode() for s in streams]


@pytest.mark.parametrize("temperature", [0.0, 0.7, 1.5, 2.0])
def test_every_sample_of_a_random_model_is_a_program(temperature: float) -> None:
    python, ids = GRAMMARS.python(PROMPT.encode()), POLICY.tokenizer.encode(PROMPT)
    law = Law(temperature)
    some = [Request(ids, law, 20 + 2 * i, seed=i, constraint=python) for i in range(6)]
    for text in written(some):
        assert parses(PROMPT + text)


def test_speculation_and_searches_keep_the_grammar() -> None:
    python, ids = GRAMMARS.python(PROMPT.encode()), POLICY.tokenizer.encode(PROMPT)
    plain = [Request(ids, Law(1.0), 24, seed=i, constraint=python) for i in range(4)]
    lookup = PromptLookup(longest=1, shortest=1)
    fast = [Request(ids, Law(1.0), 24, seed=i, constraint=python, drafter=lookup) for i in range(4)]
    assert written(plain) == written(fast)
    one = Request(ids, GREEDY, 12, constraint=python)
    for found in (
        beam_search(runner(POLICY, 2), one, 2)[0],
        contrastive_search(runner(POLICY, 1), [one], 3, 0.6)[0],
    ):
        assert parses(PROMPT + POLICY.tokenizer.decode_bytes(found.ids).decode())


def test_greedy_text_that_is_a_program_is_left_alone() -> None:
    """The mask never moves a token that was allowed."""
    ids = POLICY.tokenizer.encode("x = 1\n")
    free = Engine(runner(POLICY, 1)).run([Request(ids, GREEDY, 16)])[0]
    bound = GRAMMARS.python(b"x = 1\n")
    place, same = bound.start(), 0
    for token in free.ids:
        if token not in bound.allowed(place, 64):
            break
        place = bound.advance(place, token)
        same += 1
    held = Engine(runner(POLICY, 1)).run([Request(ids, GREEDY, 64, constraint=bound)])[0]
    assert held.ids[:same] == free.ids[:same]


def test_a_prompt_that_begins_no_program_is_refused() -> None:
    with pytest.raises(InputError, match="not the beginning"):
        GRAMMARS.python(b"please write a function")
    bound = GRAMMARS.python(b"try:\n    x = [[[")
    with pytest.raises(ValueError, match="the grammar needs up to"):
        Engine(runner(POLICY, 1)).run([Request((5,), GREEDY, 4, constraint=bound)])


PERSON = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "maxLength": 8},
        "age": {"type": "integer"},
        "tags": {"type": "array", "items": {"enum": ["a", "b\n", 3]}, "maxItems": 3},
        "more": {"anyOf": [{"type": "null"}, {"$ref": "#/$defs/pair"}]},
    },
    "required": ["name", "age"],
    "additionalProperties": False,
    "$defs": {"pair": {"type": "array", "prefixItems": [{"type": "boolean"}, {"type": "number"}]}},
}


def test_json_of_a_random_model_fits_its_schema() -> None:
    bound, ids = GRAMMARS.json(PERSON), POLICY.tokenizer.encode("x = {")
    some = [Request(ids, Law(1.5), 60 + 8 * i, seed=i, constraint=bound) for i in range(6)]
    for text in written(some):
        found = json.loads(text)
        assert {"name", "age"} <= set(found) <= {"name", "age", "tags", "more"}
        assert isinstance(found["name"], str)
        assert len(found["name"]) <= 8
        assert type(found["age"]) is int
        assert all(tag in ("a", "b\n", 3) for tag in found.get("tags", []))
        more = found.get("more")
        assert more is None or (type(more[0]) is bool and isinstance(more[1], int | float))


@pytest.mark.parametrize(
    ("schema", "yes", "no"),
    [
        ({"type": "integer"}, ["0", "-7", "120"], ["01", "1.5", "--1", "1e3", '"1"']),
        ({"type": "number"}, ["0.5", "-1e-9", "3E+4"], [".5", "1.", "+1", "NaN"]),
        ({"type": ["string", "null"]}, ['"é\\n\\u00e9"', "null"], ['"\n"', '"\\x"', "nul"]),
        ({"type": "object", "additionalProperties": {"type": "integer"}}, ["{}", '{"a": 1,"b":2}'],
         ['{"a": "x"}', '{"a":1,}']),
        ({"type": "array", "minItems": 1, "maxItems": 2, "items": {"const": [1]}},
         ["[[1]]", "[[1],[1]]"], ["[]", "[[1],[1],[1]]"]),
        ({"$ref": "#/$defs/tree", "$defs": {"tree": {"type": "object", "properties": {
            "kids": {"type": "array", "items": {"$ref": "#/$defs/tree"}}}, "required": ["kids"]}}},
         ['{"kids":[]}', '{"kids":[{"kids":[]},{"kids":[]}]}'], ["{}", '{"kids":[1]}']),
        ({}, ['{"a": [1,{"b":null}]}', "true"], ["{a:1}", "[1 2]"]),
    ],
)  # fmt: skip
def test_a_schema_is_followed_exactly(schema: object, yes: list[str], no: list[str]) -> None:
    grammar = Pushdown(rules(schema), "schema", [bytes([b]) for b in range(256)], [])
    for text in yes:
        json.loads(text)
        place = grammar.read(grammar.start(), text.encode())
        assert place is not None
        assert grammar.complete(place)
    for text in no:
        place = grammar.read(grammar.start(), text.encode())
        assert place is None or not grammar.complete(place)


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        ({"type": "string", "pattern": "a+"}, "#/pattern: this keyword is not supported"),
        ({"type": "integer", "minimum": 3}, "#/minimum"),
        ({"type": "objekt"}, "unknown type 'objekt'"),
        ({"$ref": "#/nowhere"}, "nothing at #/nowhere"),
        ({"$ref": "#"}, "refers to itself at once"),
        ({"type": "object", "required": ["a"]}, "'a' is not among the properties"),
        ({"allOf": [{}]}, "#/allOf"),
    ],
)
def test_what_a_schema_asks_for_in_vain_is_named(schema: object, message: str) -> None:
    with pytest.raises(SchemaError, match=re.escape(message)):
        rules(schema)


def test_masks_agree_with_reading_the_bytes() -> None:
    for bound, text in ((GRAMMARS.python(b""), b"for x in"), (GRAMMARS.json(PERSON), b'{"name":')):
        place = bound.grammar.read(bound.start(), text)
        allowed = set(bound.allowed(place, 2000))
        expected = {
            t
            for t, word in enumerate(WORDS)
            if word and bound.grammar.read(place, word) is not None
        }
        assert allowed == expected


def test_behind_a_keyword_argument_only_another_may_begin() -> None:
    """A text that could only go on for ever was allowed once: nothing ends `f(a=1, b != c`."""
    python = GRAMMARS.python(b"")
    assert python.grammar.read(python.start(), b"f(a=1, b!=") is None
    assert python.grammar.read(python.start(), b"f(a=1, b=c, *d, **e)") is not None


def test_a_stop_is_held_back_and_never_shown() -> None:
    stream = TextStream(["\nclass", "END"])
    shown = [
        stream.push(piece) for piece in ("é".encode()[:1], "é".encode()[1:] + b"\ncl", b"ap", b" E")
    ]
    assert shown == ["", "é", "\nclap", " "]
    assert stream.push(b"NDing") == ""
    assert stream.stopped
    assert (stream.text, stream.close()) == ("é\nclap ", "")
    rest = TextStream(["END"])
    rest.push(b"a EN\xff")
    assert rest.text + rest.close() == "a EN\ufffd"
