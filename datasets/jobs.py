"""A completion of a task as work for the sandbox.

All call tests of a task run in one process, by data. Asserts are turned into data where their
syntax tree allows; a task with any other test runs its text in a checker process of its own.
"""

from __future__ import annotations

from typing import Any

from neox.compiler import literal, nodes, parse
from neox.datasets.task import AssertTest, CallTest, ProgramTest, StdioTest, Task
from neox.sandbox import Asserts, Call, Limits, Script
from neox.sandbox.jobs import Job


def job(task: Task, completion: str, limits: Limits | None = None) -> Job:
    """The job that judges `completion`. ValueError for a task without tests."""
    code = task.program(completion)
    calls: list[tuple[list[Any], Any]] = []
    texts: list[str] = []
    for test in task.tests:
        if isinstance(test, StdioTest):
            return Script(code, test.input, test.output, limits)
        if isinstance(test, CallTest):
            calls.append((list(test.args), test.expected))
        elif isinstance(test, AssertTest):
            found = as_call(test.code, task.entry_point)
            calls += [found] if found else []
            texts.append(test.code)
        elif isinstance(test, ProgramTest):
            texts.append(test.code)
    if task.entry_point is None or not task.tests:
        raise ValueError(f"{task.task_id} has no test that can be run")
    if len(calls) == len(task.tests):
        inputs, expected = zip(*calls, strict=True)
        return Call(code, task.entry_point, inputs, expected, limits=limits)
    return Asserts(code, "\n".join(texts), task.entry_point, task.starter_code, limits)


def as_call(text: str, entry: str | None) -> tuple[list[Any], Any] | None:
    """Arguments and expected value of `assert entry(literals...) == literal`, or None."""
    program = parse(text)
    if program.diagnostics or len(program.tree.body) != 1:
        return None
    statement = program.tree.body[0]
    if not isinstance(statement, nodes.Assert) or statement.msg is not None:
        return None
    test = statement.test
    if not (isinstance(test, nodes.Compare) and test.ops == ["Eq"]):
        return None
    call, expected = test.left, test.comparators[0]
    if not (
        isinstance(call, nodes.Call)
        and isinstance(call.func, nodes.Name)
        and call.func.id == entry
        and not call.keywords
    ):
        return None
    try:
        return [literal(a) for a in call.args], literal(expected)
    except ValueError:
        return None
