"""Forge tasks in HumanEval's fields, so that every tool that scores HumanEval scores them."""

from typing import Any

from neox.datasets.task import CallTest, Task


def to_humaneval(task: Task) -> dict[str, Any]:
    """A row with task_id, prompt, entry_point, canonical_solution and test.

    The prompt is the signature with a docstring: the statement, then the examples as a Python
    session. ValueError for a task without an entry point or with tests other than calls.
    """
    calls = [test for test in task.tests if isinstance(test, CallTest)]
    if task.entry_point is None or len(calls) < len(task.tests):
        raise ValueError(f"task {task.task_id} has no entry point or tests that are not calls")
    comment, _, signature = task.prompt.partition("\n")
    told = [f'    """{comment.removeprefix("# ")}', ""]
    for example in task.examples:
        given = ", ".join(map(repr, example.args))
        told += [f"    >>> {task.entry_point}({given})", f"    {example.expected!r}"]
    checks = [
        f"    assert candidate({', '.join(map(repr, test.args))}) == {test.expected!r}"
        for test in calls
    ]
    return {
        "task_id": task.task_id,
        "prompt": "\n".join([signature.rstrip("\n"), *told, '    """', ""]),
        "entry_point": task.entry_point,
        "canonical_solution": task.reference,
        "test": "\n".join(["", "", "def check(candidate):", *checks, ""]),
    }
