"""The one error of this room: a file that the user has to repair.

The message names the file, the line where there is one, what is wrong and what to do about it, so
that a command can print it as it is and end with status 2. It knows nothing about commands.
"""

from pathlib import Path


class InputError(ValueError):
    """A task file that cannot be used as it is.

    >>> str(InputError("tasks.jsonl", 3, "not JSON", "repair or delete the line"))
    'tasks.jsonl, line 3: not JSON; repair or delete the line'
    """

    def __init__(self, path: str | Path, line: int | None, reason: str, remedy: str) -> None:
        where = f"{path}, line {line}" if line is not None else f"{path}"
        super().__init__(f"{where}: {reason}; {remedy}")
        self.path = str(path)
        self.line = line
        self.reason = reason
        self.remedy = remedy
