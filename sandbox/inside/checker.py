"""Runs a test text in a jail of its own, where the solution is only reachable as data.

The asserts that stand directly in the test, or in a function of it, are each seen on their own, so
that a solution which fails one still gets the others; those inside a loop, a `with` or a `try` keep
Python's flow. Everything is counted: a test in which no assert ran is no pass. The claim carries a
nonce that the solution's process never has.
"""

from __future__ import annotations

import ast
import builtins
import json
import os
from typing import Any

from neox.sandbox import wire
from neox.sandbox.codec import CodecError, decode, encode
from neox.sandbox.inside.solution import CHANNEL, Claims, load, read_frame, write

_PASSED, _FAILED = "__assert_passed__", "__assert_failed__"


class SolutionError(Exception):
    """The solution raised a type of its own, which does not exist on this side."""


class Gone(BaseException):
    """The solution's process ended; not for any handler in the test to catch."""


class Candidate:
    """The solution's function, by remote call: plain data out, plain data or an exception back."""

    def __init__(self, name: str) -> None:
        self.__name__ = name
        self.raised: BaseException | None = None

    def __call__(self, *arguments: Any, **keywords: Any) -> Any:
        body = encode([list(arguments), keywords])
        try:
            write(CHANNEL, wire.FRAME.pack(len(body), wire.VALUE) + body)
            frame = read_frame(CHANNEL)
        except OSError:
            raise Gone from None
        if frame is None:
            raise Gone
        kind, answer = frame
        if kind == wire.VALUE:
            return decode(answer)
        self.raised = _exception(answer) if kind == wire.RAISED else CodecError(_text(answer))
        raise self.raised


def _exception(body: bytes) -> Exception:
    """The nearest built-in type; exits and interrupts are no business of this process."""
    names, text = _claim(body)
    for name in names:
        kind = getattr(builtins, name, None)
        if isinstance(kind, type) and issubclass(kind, Exception) and kind is not Exception:
            try:
                return kind(text)
            except TypeError:  # UnicodeDecodeError wants five arguments
                break
    return SolutionError(f"{names[0]}: {text}")


def _claim(body: bytes) -> tuple[list[str], str]:
    claim = decode(body)
    if (
        isinstance(claim, list)
        and len(claim) == 2
        and isinstance(claim[0], list)
        and claim[0]
        and all(isinstance(name, str) for name in claim[0])
        and isinstance(claim[1], str)
    ):
        return claim[0], claim[1]
    raise CodecError("malformed exception")


def _text(body: bytes) -> str:
    return _claim(body)[1]


class _Asserts(ast.NodeTransformer):
    """Adds a count after every assert; wraps the direct ones so that the rest still run."""

    def visit_Assert(self, node: ast.Assert) -> Any:
        return [node, _call(_PASSED)]

    def visit_Module(self, node: ast.Module) -> Any:
        return self._body(node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> Any:
        return self._body(node)

    def _body(self, node: Any) -> Any:
        body: list[ast.stmt] = []
        for statement in node.body:
            if isinstance(statement, ast.Assert):
                handler = ast.ExceptHandler(
                    ast.Name("Exception", ast.Load()), "__error__", [_call(_FAILED, "__error__")]
                )
                body.append(ast.Try([statement, _call(_PASSED)], [handler], [], []))
            else:
                new = self.visit(statement)
                body.extend(new if isinstance(new, list) else [new])
        node.body = body
        return node


def _call(name: str, *arguments: str) -> ast.stmt:
    loaded: list[ast.expr] = [ast.Name(a, ast.Load()) for a in arguments]
    return ast.Expr(ast.Call(ast.Name(name, ast.Load()), loaded, []))


def check(payload: Any) -> None:
    """Claims [nonce, how it ended, text, [[ok, how, text], ...]] in one frame, then END."""
    test, prelude, entry, nonce = payload
    candidate = Candidate(entry)
    seen: list[list[Any]] = []
    ended = ["end", ""]
    try:
        hello = read_frame(CHANNEL)
        if hello is None:
            raise Gone
        if hello[0] != wire.END:
            ended = ["broken", ": ".join([_claim(hello[1])[0][0], _text(hello[1])])]
        else:
            _run(test, prelude, entry, candidate, seen)
    except Gone:
        ended = ["gone", ""]
    except BaseException as error:
        ended = _kind(error, candidate)
    try:
        body = encode([nonce, *ended, seen])
    except CodecError:
        body = encode([nonce, *ended, []])
    claims = Claims()
    claims.send(wire.VALUE, body)
    claims.send(wire.END)


def _run(test: str, prelude: str, entry: str, candidate: Candidate, seen: list[list[Any]]) -> None:
    space = load(prelude, "test", "prelude.py")
    space[entry] = candidate
    space[_PASSED] = lambda: seen.append([True, "pass", ""])
    space[_FAILED] = lambda error: seen.append([False, *_kind(error, candidate)])
    tree = ast.fix_missing_locations(_Asserts().visit(ast.parse(test, "test.py")))
    exec(compile(tree, "test.py", "exec", dont_inherit=True), space)
    if "check" in space and entry != "check":
        space["check"](candidate)


def _kind(error: BaseException, candidate: Candidate) -> list[str]:
    """`raised` when the exception is the very one the solution raised, else `fail`."""
    text = f"{type(error).__name__}: {error}"[:300]
    if error is candidate.raised and not isinstance(error, CodecError):
        return ["memory" if isinstance(error, MemoryError) else "raised", text]
    return ["fail", text]


def main(payload: Any) -> None:
    try:
        check(payload)
    finally:
        os.close(CHANNEL)


def warm() -> None:
    """Touch what every check touches."""
    tree = _Asserts().visit(ast.parse("def check(candidate):\n    assert candidate(1) == 2\n"))
    compile(ast.fix_missing_locations(tree), "test.py", "exec")
    json.dumps([1])
