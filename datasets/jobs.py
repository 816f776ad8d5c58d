"""Tests turned into work for the sandbox: one job for one completion of one task.

Call tests and plain asserts, `assert f(literals) == literal`, become data for one `Call`, so that
the process which runs the completion never sees an expected value. Everything else is run as
asserts in a process of its own. Knows nothing about scores.
"""

from functools import lru_cache
from typing import Any

from neox.compiler import Node, literal, nodes, parse
from neox.datasets.task import AssertTest, CallTest, ProgramTest, StdioTest, Task, Test
from neox.sandbox import Asserts, Call, Job, Limits, Script

Pair = tuple[list[Any], Any]


def job(task: Task, completion: str, limits: Limits | None = None) -> Job:
    """The job that decides whether `completion` solves `task`; ValueError as `program_job`."""
    return program_job(task, task.program(completion), limits)


def program_job(task: Task, code: str, limits: Limits | None = None) -> Job:
    """The job that decides whether the whole program `code` solves `task`.

    All call tests of a task go into one `Call`, all asserts into one `Asserts`. ValueError for a
    task without tests, without the entry point that its tests need, with tests of several kinds, or
    with more than one pair of input and output for a script.
    """
    match task.tests:
        case ():
            raise ValueError(f"task {task.task_id} has no tests")
        case (StdioTest(given, output),):
            return Script(code, given, output, limits=limits)
        case (StdioTest(), *_):
            raise ValueError(
                f"task {task.task_id} has several scripts: use one task for each input"
            )
    entry = _entry(task)
    if task.meta.get("inside"):
        return _inside(task, code, limits)
    pairs = as_calls(task.tests, entry)
    if pairs is not None:
        inputs = [arguments for arguments, _ in pairs]
        return Call(code, entry, inputs, [expected for _, expected in pairs], limits=limits)
    lines = [test.code for test in task.tests if isinstance(test, AssertTest | ProgramTest)]
    if len(lines) < len(task.tests):
        raise ValueError(f"task {task.task_id} mixes calls or scripts with tests that are code")
    return Asserts(code, "\n".join(lines), entry, prelude=prelude(task), limits=limits)


def prelude(task: Task) -> str:
    """The task's own code that its tests may use: what the prompt of HumanEval defines.

    A prompt ends inside a function, so a body is added to it.
    """
    return f"{task.starter_code}    pass\n" if task.starter_code else ""


def _inside(task: Task, code: str, limits: Limits | None) -> Job:
    """A call for asserts that need what only the solution's process has: its classes, its imports.

    The completion could read these asserts, so it is done only for tasks that are marked.
    """
    branches = []
    for at, test in enumerate(task.tests):
        if not isinstance(test, AssertTest):
            raise ValueError(f"task {task.task_id} is marked for asserts and has other tests")
        lines = "".join(f"        {line}\n" for line in test.code.splitlines())
        branches.append(f"    if i == {at}:\n{lines}")
    setup = task.meta.get("setup", "")
    whole = f"{code}\n{setup}\ndef test_of_neox(i):\n{''.join(branches)}    return True\n"
    count = len(task.tests)
    return Call(whole, "test_of_neox", [[at] for at in range(count)], [True] * count, limits=limits)


def as_calls(tests: tuple[Test, ...], entry: str) -> list[Pair] | None:
    """Arguments and expected value of every test, or None if one is more than a call on literals.

    >>> as_calls((AssertTest("assert f([1], 2) == {3: 4}"),), "f")
    [([[1], 2], {3: 4})]
    """
    pairs: list[Pair] = []
    for test in tests:
        match test:
            case CallTest(arguments, expected):
                pairs.append((list(arguments), expected))
            case AssertTest(code):
                found = _read_asserts(code, entry)
                if found is None:
                    return None
                pairs += found
            case _:
                return None
    return pairs or None


@lru_cache(maxsize=20_000)  # every completion of a task asks again; nobody changes the answer
def _read_asserts(code: str, entry: str) -> list[Pair] | None:
    program = parse(code)
    pairs = [_read_assert(statement, entry) for statement in program.tree.body]
    found = [pair for pair in pairs if pair is not None]
    return found if not program.diagnostics and len(found) == len(pairs) else None


def _read_assert(statement: Node, entry: str) -> Pair | None:
    """The arguments and the result of `assert entry(literals) == literal`, or None."""
    match statement:
        case nodes.Assert(
            test=nodes.Compare(
                left=nodes.Call(func=nodes.Name(id=name), args=arguments, keywords=[]),
                ops=["Eq"],
                comparators=[right],
            ),
            msg=None,
        ) if name == entry:
            try:
                return [literal(argument) for argument in arguments], literal(right)
            except ValueError:
                return None
    return None


def _entry(task: Task) -> str:
    if task.entry_point is None:
        raise ValueError(f"task {task.task_id} has tests but no entry point")
    return task.entry_point
