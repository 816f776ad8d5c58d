"""What a forked, jailed process does with its job: call functions, run a script, serve or check.

Everything it says afterwards is a claim. The supervisor compares values; nothing here decides.
"""

from __future__ import annotations

import os
import struct
import sys
from typing import Any

from neox.sandbox.codec import CodecError, decode, encode

MAX_FRAME = 1 << 20


def write_frame(fd: int, value: Any) -> None:
    """One length-prefixed message; a value that cannot be encoded becomes ["x", why]."""
    try:
        raw = encode(value)
    except CodecError as error:
        raw = encode(["x", str(error)[:200]])
    data = struct.pack("<I", len(raw)) + raw
    while data:
        data = data[os.write(fd, data) :]


def read_frame(fd: int) -> Any:
    """The next message; EOFError when the other side has gone."""
    (length,) = struct.unpack("<I", _exactly(fd, 4))
    if length > MAX_FRAME:
        raise CodecError(f"a message of {length} bytes")
    return decode(_exactly(fd, length))


def _exactly(fd: int, count: int) -> bytes:
    data = b""
    while len(data) < count:
        part = os.read(fd, count - len(data))
        if not part:
            raise EOFError
        data += part
    return data


def load(code: str, name: str, file: str) -> dict[str, Any]:
    """Execute a module's text; returns its namespace."""
    space: dict[str, Any] = {"__name__": name, "__builtins__": __builtins__}
    exec(compile(code, file, "exec"), space)
    return space


def describe(error: BaseException) -> list[str]:
    """Name and short text of an exception, as plain strings."""
    try:
        text = str(error)
    except Exception as second:
        text = f"unprintable: {type(second).__name__}"
    return [type(error).__name__, str(text)[:300]]


def call(job: Any, result: int) -> None:
    """["m", ...] if the module or its entry fails, else one [ok, value | error] per input."""
    try:
        entry = load(job["code"], "__solution__", "solution.py")[job["entry"]]
    except BaseException as error:
        write_frame(result, ["m", *describe(error)])
        return
    claims: list[Any] = []
    for arguments in job["inputs"]:
        try:
            value = entry(*arguments)
            encode(value)
            claims.append([True, value])
        except BaseException as error:
            claims.append([False, describe(error)])
    write_frame(result, ["r", claims])


def script(job: Any, result: int) -> None:
    """["r"] if the program ends by itself or with exit status 0, else ["m", ...]."""
    claim: list[Any] = ["r"]
    try:
        load(job["code"], "__main__", "script.py")
    except SystemExit as error:
        if error.code not in (None, 0):
            claim = ["m", "SystemExit", str(error.code)[:100]]
    except BaseException as error:
        claim = ["m", *describe(error)]
    try:
        sys.stdout.flush()
    except Exception as error:
        claim = ["m", *describe(error)]
    write_frame(result, claim)


def serve(job: Any, channel: int) -> None:
    """Answer calls over the channel: ["ready"] once, then [ok, value | error] per request."""
    try:
        entry = load(job["code"], "__solution__", "solution.py")[job["entry"]]
    except BaseException as error:
        write_frame(channel, ["m", *describe(error)])
        return
    write_frame(channel, ["ready"])
    while True:
        try:
            arguments, keywords = read_frame(channel)
        except EOFError:
            return
        try:
            reply: list[Any] = [True, entry(*arguments, **keywords)]
            encode(reply)
        except BaseException as error:
            reply = [False, describe(error)]
        write_frame(channel, reply)


class SolutionError(Exception):
    """The solution raised something that is no built-in exception."""


class Unsupported(Exception):
    """The test needs values that are not plain data."""


def check(job: Any, result: int, channel: int) -> None:
    """Run the test text; the claim is [nonce, "r" or an error]. Only this side knows the nonce."""
    outcome: list[Any] = [job["nonce"], "r", "", ""]
    try:
        hello = read_frame(channel)
        if hello[0] != "ready":
            outcome = [job["nonce"], "m", *hello[1:]]
        else:
            _run_test(job, channel)
    except AssertionError as error:
        outcome = [job["nonce"], "fail", *describe(error)]
    except (EOFError, CodecError, ConnectionError) as error:
        outcome = [job["nonce"], "gone", *describe(error)]
    except BaseException as error:
        outcome = [job["nonce"], "error", *describe(error)]
    write_frame(result, outcome)


def _run_test(job: Any, channel: int) -> None:
    import builtins

    def candidate(*arguments: Any, **keywords: Any) -> Any:
        try:
            request = encode([list(arguments), keywords])
        except CodecError as error:
            raise Unsupported(str(error)) from None
        os.write(channel, struct.pack("<I", len(request)) + request)
        ok, value = read_frame(channel)
        if ok is True:
            return value
        kind = getattr(builtins, value[0], None)
        if isinstance(kind, type) and issubclass(kind, Exception) and kind is not AssertionError:
            raise kind(value[1])
        raise SolutionError(f"{value[0]}: {value[1]}")

    candidate.__name__ = job["entry"]
    space = load(job["prelude"], "__test__", "prelude.py")
    space[job["entry"]] = candidate
    exec(compile(job["test"], "test.py", "exec"), space)
    if "check" in space:
        space["check"](candidate)


RUNNERS = {"call": call, "script": script, "serve": serve}
