"""Another turn for a program that failed an example: what went wrong is told, and it is written
again.

For a model of plain text the failed program and a comment come before the prompt; a chat model gets
them as turns. Only the given examples are looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from neox.generate.behaviour import Behaviour, Example, behaviours
from neox.sandbox import Call, Sandbox

Write = Callable[[str, int], tuple[str, int]]
"""From a prompt and the number of the turn to a completion and the tokens it took."""


@dataclass(frozen=True, slots=True)
class Turn:
    program: str
    tokens: int
    feedback: str  # nothing where the examples pass


def repair(
    box: Sandbox,
    write: Write,
    prompt: str,
    entry: str,
    examples: Sequence[Example],
    turns: int,
) -> list[Turn]:
    """A first program and up to `turns` repairs; ends when the examples pass."""
    done: list[Turn] = []
    asked = prompt
    for number in range(turns + 1):
        completion, tokens = write(asked, number)
        program = prompt + completion
        told = feedback(box, program, entry, examples)
        done.append(Turn(program, tokens, told))
        if not told:
            break
        asked = f"{program.rstrip()}\n\n# Wrong: {told}\n{prompt}"
    return done


def feedback(box: Sandbox, program: str, entry: str, examples: Sequence[Example]) -> str:
    """One line on the first example that fails, or nothing."""
    found: Behaviour = behaviours(box, [program], entry, [e.args for e in examples], examples)[0]
    if found.trouble and not any(found.passed):
        return found.trouble
    if found.right:
        return ""
    at = next((i for i, good in enumerate(found.passed) if not good), 0)
    call = f"{entry}({', '.join(map(repr, examples[at].args))})"
    job = Call(program, entry, [list(examples[at].args)], [examples[at].expected])
    tests = box.run(job).tests
    why = tests[0].detail.splitlines()[0][:120] if tests and tests[0].detail else found.trouble
    return f"{call} must be {examples[at].expected!r}" + (f": {why}" if why else "")
