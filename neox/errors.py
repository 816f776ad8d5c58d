"""What a person must mend: one message that names the file, the line and the remedy.

The command line prints it alone and exits with status 2; anything else that escapes is a bug and
keeps its traceback.
"""

from __future__ import annotations

from pathlib import Path


class InputError(Exception):
    """A file, option or configuration that cannot be used."""

    def __init__(
        self,
        message: str,
        path: Path | str | None = None,
        line: int | None = None,
        remedy: str = "",
    ) -> None:
        self.path, self.line, self.remedy = path, line, remedy
        where = ""
        if path is not None and line is not None:
            where = f"{path}:{line}: "
        elif path is not None and str(path) not in message:
            where = f"{path}: "
        super().__init__(f"{where}{message}" + (f"\n  {remedy}" if remedy else ""))


class RunStopped(Exception):
    """A run that cannot usefully go on (no signal, failing rewards); the message says why."""
