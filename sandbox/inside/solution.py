"""What a jailed execution does with its job: call functions, run a script, or serve calls.

Everything written to the pipe is a claim, worth only what the supervisor finds it to be worth. The
process knows code and inputs and nothing else, so there is nothing here to find: no expected value,
no verdict, no channel that carries authority.
"""

from __future__ import annotations

import json
import os
import sys
from types import ModuleType
from typing import Any

from neox.sandbox import wire
from neox.sandbox.codec import CodecError, decode, encode

PIPE, CHANNEL = 4, 5  # where an execution finds its descriptors
_MAX_TEXT = 300


class Claims:
    """Writes frames, and stops before the pipe would block."""

    def __init__(self, fd: int = PIPE, limit: int = wire.MAX_CLAIMS) -> None:
        self._fd, self._left = fd, limit

    def send(self, kind: int, body: bytes = b"") -> None:
        """Raises SystemExit, after saying so, when there would be too much."""
        self._left -= len(body) + wire.FRAME.size
        if self._left < 0:
            write(self._fd, wire.FRAME.pack(0, wire.TOO_LARGE))
            os._exit(0)
        write(self._fd, wire.FRAME.pack(len(body), kind) + body)


def write(fd: int, data: bytes) -> None:
    while data:
        data = data[os.write(fd, data) :]


def describe(error: BaseException) -> bytes:
    """The names of the exception's type and its bases, then a short text, as JSON."""
    names = [kind.__name__ for kind in type(error).__mro__[:-1]]
    try:
        text = str(error)[:_MAX_TEXT]
    except Exception:
        text = ""
    return json.dumps([names, text]).encode("ascii")


def load(code: str, name: str, filename: str) -> dict[str, Any]:
    """Execute a module's text as module `name`; returns its namespace."""
    space = module_space(name)
    exec(compile(code, filename, "exec", dont_inherit=True), space)
    return space


def module_space(name: str) -> dict[str, Any]:
    """The namespace of a new, empty module."""
    module = ModuleType(name)
    sys.modules[name] = module
    return module.__dict__


def call(payload: Any) -> None:
    """One frame per input, then END; or BROKEN when the module or its entry fails."""
    claims = Claims()
    try:
        function = load(payload[0], "solution", "solution.py")[payload[1]]
    except BaseException as error:
        claims.send(wire.BROKEN, describe(error))
        return
    for arguments in payload[2]:
        _answer(claims, function, arguments, {})
    claims.send(wire.END)


def _answer(claims: Claims, function: Any, arguments: list[Any], keywords: dict[str, Any]) -> None:
    try:
        got = function(*arguments, **keywords)
        kind, body = wire.VALUE, b""
        try:
            body = encode(got)
        except (CodecError, ValueError, RecursionError) as error:
            kind = wire.NOT_PLAIN
            body = describe(AlwaysEqual(str(error)) if _equals_all(got) else error)
    except BaseException as error:
        kind, body = wire.RAISED, describe(error)
    claims.send(kind, body)


class AlwaysEqual(CodecError):
    """Not plain data, and made to pass for anything: worth a name of its own."""


def _equals_all(got: Any) -> bool:
    try:
        return bool(got == AlwaysEqual)
    except BaseException:
        return False


def script(payload: Any) -> None:
    """END if the program ends by itself or with status 0; the output is in descriptor 1."""
    claims = Claims()
    sys.argv[:] = ["main.py"]
    try:
        load(payload[0], "__main__", "main.py")
    except SystemExit as error:
        if error.code not in (None, 0):
            claims.send(wire.BROKEN, describe(error))
            return
    except BaseException as error:
        claims.send(wire.BROKEN, describe(error))
        return
    finally:
        flush()
    claims.send(wire.END)


def flush() -> None:
    """Bring out what was printed; what is too much for the file shows in its size."""
    for stream in {sys.stdout, sys.__stdout__}:
        try:
            stream.flush()  # type: ignore[union-attr]
        except BaseException:
            continue


def serve(payload: Any) -> None:
    """Answer calls over the channel until the other side goes away."""
    claims = Claims(CHANNEL, 1 << 30)
    try:
        function = load(payload[0], "solution", "solution.py")[payload[1]]
    except BaseException as error:
        claims.send(wire.BROKEN, describe(error))
        return
    claims.send(wire.END)
    while True:
        frame = read_frame(CHANNEL)
        if frame is None:
            return
        arguments, keywords = decode(frame[1])
        _answer(claims, function, arguments, keywords)


def read_frame(fd: int) -> tuple[int, bytes] | None:
    """The next frame, or None when the other side has gone. CodecError when it is too long."""
    head = _exactly(fd, wire.FRAME.size)
    if head is None:
        return None
    length, kind = wire.FRAME.unpack(head)
    if length > wire.PIPE_BYTES:
        raise CodecError("frame too large")
    body = _exactly(fd, length)
    return None if body is None else (kind, body)


def _exactly(fd: int, count: int) -> bytes | None:
    data = b""
    while len(data) < count:
        part = os.read(fd, count - len(data))
        if not part:
            return None
        data += part
    return data
