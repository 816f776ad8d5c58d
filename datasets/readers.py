"""Task files of several dialects, read into the one record.

The dialect of a row follows from its keys: HumanEval (`test` and `entry_point`), MBPP
(`test_list`), verl (`reward_model`), APPS and TACO (`input_output`), AceCode (`test_cases`), and
`prompt` with `tests`, which is also NEOX's own record. To add one, write a
function from a row to a `Task` and name its keys in `DIALECTS`. A row that cannot be used is an
`InputError` with file, line and remedy.
"""

import builtins
import gzip
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from neox.datasets.task import AssertTest, ProgramTest, Task, from_json
from neox.errors import InputError

Row = Mapping[str, Any]

_CALLED = re.compile(r"\b([A-Za-z_]\w*)\s*\(")
_DEFINED = re.compile(r"^def\s+(\w+)", re.MULTILINE)
# Asserts that use a class or an import of the solution, or compare with a Counter or defaultdict:
# they can be judged only in the process that runs the solution.
_MBPP_INSIDE = frozenset((40, 88, 533, 596, 601, 653, 902))
_MBPP_SPLITS = ((10, "prompt"), (510, "test"), (600, "validation"))


def read(path: str | Path, split: str | None = None, columns: bool = False) -> list[Task]:
    """The tasks of a JSON Lines file, plain or `.gz`, or of a parquet file; only those of `split`
    where one is given.

    With `columns` a row needs no tests, and its fields stand in `meta["columns"]`, for reward
    functions to read.

    InputError for a file that is missing, empty, or has no task of `split`, and for the first row
    that is not a task or repeats an id.
    """
    tasks: list[Task] = []
    lines: dict[str, int] = {}
    for number, row in _rows(Path(path)):
        try:
            task = _with_columns(row, number) if columns else _task(row, number)
        except (ValueError, TypeError) as error:
            remedy = "correct the line; docs of neox.datasets.readers list the dialects"
            raise InputError(str(error), path, number, remedy) from None
        if task.task_id in lines:
            reason = f"the task_id {task.task_id!r} is that of line {lines[task.task_id]}"
            raise InputError(reason, path, number, "give every task an id of its own")
        lines[task.task_id] = number
        tasks.append(task)
    if not tasks:
        raise InputError("the file has no tasks", path, None, "put one JSON object on each line")
    chosen = [task for task in tasks if split is None or task.split == split]
    if not chosen:
        known = ", ".join(sorted({task.split for task in tasks}))
        raise InputError(f"no task of split {split!r}", path, None, f"ask for one of: {known}")
    return chosen


def task_of(row: Row, number: int = 1) -> Task:
    """The task that one row describes. ValueError for a row of no dialect."""
    return _task(row, number)


def entry_point(tests: list[str], code: str | None = None) -> str | None:
    """The function that asserts call: one that `code` defines, else the first that is not built in.

    >>> entry_point(["assert set(g([1])) == {1}"])
    'g'
    """
    defined = set(_DEFINED.findall(code)) if code is not None else None
    for test in tests:
        for name in _CALLED.findall(test):
            known = hasattr(builtins, name) if defined is None else name not in defined
            if not known and name != "assert":
                return str(name)
    return None


def rows(path: Path, fields: tuple[str, ...] = ()) -> Iterator[tuple[int, Row]]:
    """Line numbers from 1, and the JSON objects of the lines that are not blank.

    InputError for a file or line that cannot be read, or that lacks one of `fields`.
    """
    for number, row in _rows(path):
        if missing := [name for name in fields if name not in row]:
            reason = f"the row has no {', '.join(missing)}"
            raise InputError(reason, path, number, f"give every row {', '.join(fields)}")
        yield number, row


def _rows(path: Path) -> Iterator[tuple[int, Row]]:
    if not path.is_file():
        raise InputError("there is no such file", path, None, "check the name of the task file")
    if path.suffix == ".parquet":
        yield from _parquet(path)
        return
    number = 0
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    yield number, _object(path, number, line)
    except (gzip.BadGzipFile, EOFError) as error:
        raise InputError(f"broken gzip data ({error})", path, number + 1, "copy it again") from None


def _parquet(path: Path) -> Iterator[tuple[int, Row]]:
    """Row numbers from 1, and the rows as JSON values."""
    try:
        import pyarrow.parquet
    except ImportError:
        remedy = "pip install 'neox[parquet]', or convert the file to JSON Lines"
        raise InputError("a parquet file needs the package pyarrow", path, None, remedy) from None
    try:
        table = pyarrow.parquet.ParquetFile(path)
        for batch in table.iter_batches():
            yield from enumerate(batch.to_pylist(), 1)
    except pyarrow.lib.ArrowException as error:
        raise InputError(f"broken parquet data ({error})", path, None, "copy it again") from None


def _with_columns(row: Row, number: int) -> Task:
    """A task, with tests where a dialect finds some, and its row for reward functions."""
    for keys, dialect in DIALECTS:
        if all(row.get(key) is not None for key in keys):
            task = dialect(row, number)
            break
    else:
        if "prompt" not in row:
            raise ValueError(f"the field 'prompt' is missing (found {', '.join(sorted(row))})")
        task = _own({**row, "tests": []}, number)
    rest = {name: value for name, value in row.items() if name not in ("prompt", "meta")}
    return replace(task, meta={**task.meta, "columns": rest})


def _object(path: Path, number: int, line: bytes) -> Row:
    try:
        row = json.loads(line)
    except UnicodeDecodeError:
        raise InputError("not UTF-8 text", path, number, "save the file as UTF-8") from None
    except json.JSONDecodeError as error:
        reason = f"not JSON ({error.msg} at column {error.colno})"
        raise InputError(reason, path, number, "put one JSON object on each line") from None
    if not isinstance(row, dict):
        reason = f"a JSON {type(row).__name__} instead of an object"
        raise InputError(reason, path, number, "put one JSON object on each line")
    return row


def _task(row: Row, number: int) -> Task:
    for keys, dialect in DIALECTS:
        if all(key in row for key in keys):
            return dialect(row, number)
    told = "; ".join(", ".join(keys) for keys, _ in DIALECTS)
    raise ValueError(f"no dialect has the fields {', '.join(sorted(row))} (wanted: {told})")


def _humaneval(row: Row, number: int) -> Task:
    """HumanEval: the prompt is code, and `test` defines check(candidate)."""
    name = _text(row, "entry_point")
    return Task(
        task_id=_text(row, "task_id"),
        prompt=_text(row, "prompt"),
        entry_point=name,
        tests=(ProgramTest(f"{_text(row, 'test')}\ncheck({name})"),),
        starter_code=_text(row, "prompt"),
        reference=row.get("canonical_solution"),
        split="test",
        source="humaneval",
        license="MIT",
    )


def _mbpp(row: Row, number: int) -> Task:
    """MBPP: evalplus' prompt, a docstring of the text and the first assert; the splits go by id."""
    tests = row["test_list"]
    if not tests or not all(isinstance(test, str) for test in tests):
        raise ValueError("test_list must be a list of asserts")
    code = _text(row, "code").replace("\r\n", "\n")
    name = entry_point(tests, code)
    if name is None:
        raise ValueError("the asserts call no function that the code defines")
    index = int(row["task_id"])
    setup = row.get("test_setup_code", "")
    meta = {"inside": True, "setup": setup} if setup or index in _MBPP_INSIDE else {}
    return Task(
        task_id=f"Mbpp/{index}",
        prompt=f'"""\n{_text(row, "text")}\n{tests[0]}\n"""\n',
        entry_point=name,
        tests=tuple(AssertTest(test) for test in tests),
        reference=code,
        split=next((split for last, split in _MBPP_SPLITS if index <= last), "train"),
        source="mbpp",
        license="CC-BY-4.0",
        meta=meta,
    )


def conversation(row: Row) -> Row:
    """A row whose `prompt` is a list of messages keeps them in `meta`; its prompt is their text."""
    messages = row.get("prompt")
    if not isinstance(messages, list):
        return row
    if not messages or not all(
        isinstance(m, dict) and isinstance(m.get("role"), str) and isinstance(m.get("content"), str)
        for m in messages
    ):
        raise ValueError("prompt must be text or a list of messages with role and content")
    text = "\n".join(m["content"] for m in messages)
    return {**row, "prompt": text, "meta": {**(row.get("meta") or {}), "messages": messages}}


def _own(row: Row, number: int) -> Task:
    """NEOX's record; `prompt` and `tests` are enough, and a test may be a text with an assert."""
    tests = row["tests"]
    if not isinstance(tests, list) or not all(isinstance(test, dict | str) for test in tests):
        raise ValueError("tests must be a list of asserts or of objects with a kind")
    objects = [{"kind": "assert", "code": t} if isinstance(t, str) else t for t in tests]
    filled = {"task_id": f"line-{number}", **conversation(row), "tests": objects}
    if filled.get("entry_point") is None:
        code = row.get("reference")
        texts = [test.get("code", "") for test in objects if test.get("kind") == "assert"]
        name = entry_point(texts, code) if isinstance(code, str) else None
        filled["entry_point"] = name or entry_point(texts)
    return from_json(filled)


def _text(row: Row, name: str) -> str:
    value = row.get(name)
    if not isinstance(value, str):
        raise ValueError(f"the field {name!r} must be text")
    return value


def _verl(row: Row, number: int) -> Task:
    """verl: messages, and a ground truth that tests where it is asserts or inputs and outputs."""
    model = row["reward_model"]
    truth = model.get("ground_truth") if isinstance(model, dict) else None
    extra = row.get("extra_info") or {}
    given = {"prompt": row["prompt"], "tests": _truth(truth), "source": str(row["data_source"])}
    if extra.get("split") in ("train", "test"):
        given["split"] = extra["split"]
    return _own(given, number)


def _truth(truth: Any) -> list[Any]:
    """Tests of a ground truth, which may be JSON text; none where it is anything else."""
    try:
        value = json.loads(truth) if isinstance(truth, str) else truth
        return _pairs(value) if isinstance(value, dict) else _asserts(value)
    except ValueError:
        return []


def _asserts(value: Any) -> list[Any]:
    if not isinstance(value, list) or not all(isinstance(test, str) for test in value):
        raise ValueError("expected a list of asserts")
    return value


def _pairs(value: Row) -> list[Any]:
    """`{"inputs", "outputs", "fn_name"?}` of APPS and TACO: calls, or one script."""
    name, inputs, outputs = value.get("fn_name"), value.get("inputs"), value.get("outputs")
    if not isinstance(inputs, list) or not isinstance(outputs, list) or len(inputs) != len(outputs):
        raise ValueError("inputs and outputs must be lists of one length")
    if name:
        # the reference solutions' outputs are wrapped in a list of one
        found = [o[0] if isinstance(o, list) and len(o) == 1 else o for o in outputs]
        return [
            {"kind": "call", "args": args, "expected": wanted}
            for args, wanted in zip(inputs, found, strict=True)
        ]
    if len(inputs) > 1:
        raise ValueError(f"{len(inputs)} scripts in one task: give every input a task of its own")
    return [
        {"kind": "stdio", "input": i, "output": o} for i, o in zip(inputs, outputs, strict=True)
    ]


def _apps(row: Row, number: int) -> Task:
    """APPS and TACO: `question`, and `input_output` as JSON text."""
    value = json.loads(_text(row, "input_output"))
    given = {
        "prompt": _text(row, "question"),
        "tests": _pairs(value),
        "entry_point": value.get("fn_name"),
        "starter_code": row.get("starter_code") or "",
        "source": "apps",
    }
    return _own(given, number)


def _acecode(row: Row, number: int) -> Task:
    """AceCode: `question`, and `test_cases` as asserts."""
    return _own({"prompt": _text(row, "question"), "tests": _asserts(row["test_cases"])}, number)


DIALECTS: tuple[tuple[tuple[str, ...], Callable[[Row, int], Task]], ...] = (
    (("prompt", "tests"), _own),
    (("task_id", "prompt", "entry_point", "test"), _humaneval),
    (("text", "code", "test_list", "task_id"), _mbpp),
    (("data_source", "prompt", "reward_model"), _verl),
    (("question", "input_output"), _apps),
    (("question", "test_cases"), _acecode),
)
