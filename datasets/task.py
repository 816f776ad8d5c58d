"""The record of one task: a prompt, the tests that a completion must pass, and what else is known.

Every reader and the forge give this record and nothing else. It knows nothing about how a test is
run: `jobs.py` turns tests into work for the sandbox. `to_json` and `from_json` are exact inverses
on JSON values.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class AssertTest:
    """One or more Python statements, usually `assert f(1) == 2`."""

    code: str


@dataclass(frozen=True, slots=True)
class CallTest:
    """The entry point called with `args` must return `expected`; both are JSON values."""

    args: tuple[Any, ...]
    expected: Any


@dataclass(frozen=True, slots=True)
class StdioTest:
    """The program fed with `input` must print `output`."""

    input: str
    output: str


@dataclass(frozen=True, slots=True)
class ProgramTest:
    """A program that defines `check(candidate)`, as in HumanEval."""

    code: str


Test = AssertTest | CallTest | StdioTest | ProgramTest


@dataclass(frozen=True, slots=True)
class Task:
    """One problem with its tests.

    `starter_code` is the code that a completion continues: equal to the prompt where the prompt is
    code (HumanEval, the forge), empty where it is only a docstring (MBPP). `reference` is a
    completion that is known to be right. `contract` is a cost such as "O(n log n)", or None where
    none is promised.
    """

    task_id: str
    prompt: str
    entry_point: str | None
    tests: tuple[Test, ...]
    examples: tuple[CallTest, ...] = ()
    starter_code: str = ""
    reference: str | None = None
    contract: str | None = None
    level: int = 0
    split: str = "train"
    family: str = ""
    source: str = ""
    license: str = ""
    meta: Mapping[str, Any] = field(default_factory=dict)

    def program(self, completion: str) -> str:
        """The whole program for `completion`."""
        return self.starter_code + completion


_PLAIN = (
    "task_id",
    "prompt",
    "entry_point",
    "starter_code",
    "reference",
    "contract",
    "level",
    "split",
    "family",
    "source",
    "license",
)


def encode_test(test: Test) -> dict[str, Any]:
    """`test` as a JSON object with its `kind`."""
    match test:
        case AssertTest(code):
            return {"kind": "assert", "code": code}
        case CallTest(args, expected):
            return {"kind": "call", "args": list(args), "expected": expected}
        case StdioTest(given, output):
            return {"kind": "stdio", "input": given, "output": output}
        case ProgramTest(code):
            return {"kind": "program", "code": code}


def decode_test(row: Mapping[str, Any]) -> Test:
    """The test that `row` describes. ValueError for an unknown kind or a missing field."""
    try:
        match row["kind"]:
            case "assert":
                return AssertTest(_text(row["code"]))
            case "call":
                return CallTest(tuple(row["args"]), row["expected"])
            case "stdio":
                return StdioTest(_text(row["input"]), _text(row["output"]))
            case "program":
                return ProgramTest(_text(row["code"]))
            case kind:
                raise ValueError(f"unknown kind of test {kind!r}")
    except KeyError as error:
        raise ValueError(f"a test lacks the field {error}") from None


def to_json(task: Task) -> dict[str, Any]:
    """The internal record as a JSON object; fields in the order of the class."""
    row: dict[str, Any] = {name: getattr(task, name) for name in _PLAIN}
    row["tests"] = [encode_test(test) for test in task.tests]
    row["examples"] = [encode_test(test) for test in task.examples]
    row["meta"] = dict(task.meta)
    return row


def from_json(row: Mapping[str, Any]) -> Task:
    """The task of `to_json`. ValueError names what is missing or wrong."""
    for name in ("task_id", "prompt", "tests"):
        if name not in row:
            raise ValueError(f"the field {name!r} is missing")
    examples = tuple(decode_test(test) for test in row.get("examples", ()))
    calls = tuple(test for test in examples if isinstance(test, CallTest))
    if len(calls) != len(examples):
        raise ValueError("an example must be a test of kind 'call'")
    return Task(
        task_id=_text(row["task_id"]),
        prompt=_text(row["prompt"]),
        entry_point=row.get("entry_point"),
        tests=tuple(decode_test(test) for test in row["tests"]),
        examples=calls,
        starter_code=_text(row.get("starter_code", "")),
        reference=row.get("reference"),
        contract=row.get("contract"),
        level=int(row.get("level", 0)),
        split=_text(row.get("split", "train")),
        family=_text(row.get("family", "")),
        source=_text(row.get("source", "")),
        license=_text(row.get("license", "")),
        meta=dict(row.get("meta") or {}),
    )


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"text expected, found {type(value).__name__}")
    return value
