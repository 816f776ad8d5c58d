"""What programs do: every program on the same inputs in the sandbox, as keys that can be compared.

A timeout, a crash and a text that does not parse are behaviours of their own. Nothing here knows a
right answer except the given examples'.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from neox.compiler import parse
from neox.sandbox import Call, Evaluate, Limits, Sandbox, codec

LIMITS = Limits(cpu_s=1.0, wall_s=4.0)
_PROBE = """
def neox_probe(rows):
    found = []
    for row in rows:
        try:
            found.append([0, {entry}(*row)])
        except Exception as error:
            found.append([1, type(error).__name__])
    return found
"""


@dataclass(frozen=True, slots=True)
class Example:
    """A call with its known result."""

    args: tuple[Any, ...]
    expected: Any


@dataclass(frozen=True, slots=True)
class Behaviour:
    """key: equal for programs that did the same on all inputs. passed: of the examples, in order;
    trouble: why it gave no results, or nothing."""

    key: str
    passed: tuple[bool, ...] = ()
    trouble: str = ""

    @property
    def right(self) -> bool:
        return all(self.passed) and not self.trouble


def behaviours(
    box: Sandbox,
    programs: Sequence[str],
    entry: str,
    inputs: Sequence[Sequence[Any]],
    examples: Sequence[Example] = (),
) -> list[Behaviour]:
    """What each program does; equal texts are run once."""
    texts = list(dict.fromkeys(programs))
    broken = {text: parse(text).diagnostics for text in texts}
    run = [text for text in texts if not broken[text]]
    wide = [list(row) for row in inputs]
    probing = [
        box.submit(Evaluate(f"{text}\n{_PROBE.format(entry=entry)}", "neox_probe", [wide], LIMITS))
        for text in run
    ]
    judging = [
        box.submit(
            Call(
                text,
                entry,
                [list(e.args) for e in examples],
                [e.expected for e in examples],
                limits=LIMITS,
            )
        )
        for text in run
        if examples
    ]
    found: dict[str, Behaviour] = {}
    for at, text in enumerate(run):
        outcome = probing[at].result()
        trouble = "" if outcome.verdict == "pass" else f"{outcome.verdict}: {outcome.detail}"
        key = canonical(outcome.claim) if not trouble else f"! {outcome.verdict}"
        passed: tuple[bool, ...] = ()
        if examples:
            tests = judging[at].result().tests
            passed = tuple(
                i < len(tests) and tests[i].verdict == "pass" for i in range(len(examples))
            )
        found[text] = Behaviour(key, passed, trouble)
    for text in texts:
        if broken[text]:
            message = broken[text][0].message
            found[text] = Behaviour("! syntax", (False,) * len(examples), f"syntax: {message}")
    return [found[text] for text in programs]


def canonical(claim: bytes) -> str:
    """The claim's tree as text; sets and dictionaries in an order of their own."""
    return json.dumps(_sorted(codec.parse(claim)), separators=(",", ":"))


def _sorted(tree: Any) -> Any:
    if isinstance(tree, list):
        return [_sorted(item) for item in tree]
    if isinstance(tree, dict):
        (tag, inner), *_ = tree.items()
        inner = _sorted(inner)
        return {tag: sorted(inner, key=json.dumps) if tag in ("d", "s", "z") else inner}
    return tree
