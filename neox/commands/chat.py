"""`neox chat`: a conversation with a model in the terminal.

A model with a chat template sees the whole conversation; one without continues the text that was
typed, as `neox generate` does. An empty line sends; Ctrl-D leaves.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from neox.errors import InputError

if TYPE_CHECKING:
    from neox.generate.engine import Request
    from neox.policy import Policy

HELP = """/new begins again, /temperature T, /tokens N, /python on|off (only programs), /quit"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--model", metavar="DIR", help="run or model folder (default: the newest run)"
    )
    parser.add_argument("--temperature", type=float, default=0.0, help="0 is greedy (default)")
    parser.add_argument("--max-new-tokens", type=int, default=128)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--system", help="a first message that sets the tone")


def run(args: argparse.Namespace) -> int:
    if args.temperature < 0 or args.max_new_tokens < 1:
        raise InputError("--temperature must not be negative, --max-new-tokens at least 1")
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    from neox.commands.generate import newest_run
    from neox.policy import load

    talk = Talk(load(args.model or newest_run()), args)
    print(f"An empty line sends, Ctrl-D leaves. {HELP}", file=sys.stderr)
    for text in turns():
        if text.startswith("/"):
            if text.split()[0] == "/quit":
                break
            print(talk.command(text.split()), file=sys.stderr)
        elif text.strip():
            talk.answer(text)
    return 0


def turns() -> Iterator[str]:
    """What is typed, up to an empty line each; a line that begins with / stands alone."""
    lines: list[str] = []
    while True:
        if sys.stdin.isatty():
            print("... " if lines else ">>> ", end="", file=sys.stderr, flush=True)
        line = sys.stdin.readline()
        if line and (line.strip() or not lines) and not (line.startswith("/") and not lines):
            if line.strip():
                lines.append(line)
            continue
        if lines:
            yield "".join(lines)
        if line.startswith("/"):
            yield line.strip()
        lines = []
        if not line:
            return


class Talk:
    """The conversation so far, and one engine for all of it: what was read is not read again."""

    def __init__(self, policy: Policy, args: argparse.Namespace) -> None:
        from neox.generate.engine import Engine
        from neox.generate.grammars import Grammars
        from neox.generate.runner import runner
        from neox.generate.vocabulary import words

        self.policy, self.args, self.python = policy, args, False
        self.engine = Engine(runner(policy, 1))
        self.grammars = Grammars(words(policy.tokenizer), self.engine.runner.stops)
        core = getattr(policy.tokenizer, "core", None)
        self.template = bool(getattr(core, "chat_template", None))
        self.messages: list[dict[str, str]] = []
        self.command(["/new"])

    def command(self, words: list[str]) -> str:
        name, value = words[0], words[1] if len(words) > 1 else ""
        try:
            if name == "/new":
                system = self.args.system
                self.messages = [{"role": "system", "content": system}] if system else []
                return "a new conversation"
            if name == "/temperature" and float(value) >= 0:
                self.args.temperature = float(value)
                return f"temperature {float(value):g}"
            if name == "/tokens" and int(value) > 0:
                self.args.max_new_tokens = int(value)
                return f"at most {value} tokens"
            if name == "/python":
                self.python = value != "off"
                return "programs only" if self.python else "any text"
        except ValueError:
            pass
        return HELP

    def answer(self, text: str) -> None:
        from neox.commands.stream import Printer

        self.messages.append({"role": "user", "content": text.rstrip("\n")})
        shown = "" if self.template else text
        try:
            request = self._request(text)
            printer: Any = Printer(shown, self.policy.tokenizer)
            stream = self.engine.run([request], printer)[0]
        except (ValueError, InputError) as error:
            self.messages.pop()
            print(f"neox: {error}", file=sys.stderr)
            return
        reply = self.policy.tokenizer.decode(stream.ids)
        self.messages.append({"role": "assistant", "content": reply})
        if stream.finish == "length":
            print(f"neox: cut off at {len(stream.ids)} tokens", file=sys.stderr)

    def _request(self, text: str) -> Request:
        from neox.generate.engine import Request
        from neox.generate.law import Law
        from neox.train.seeding import fold

        tokenizer = self.policy.tokenizer
        ids = tokenizer.encode_chat(self.messages) if self.template else tokenizer.encode(text)
        bound = None
        if self.python:
            bound = self.grammars.python(b"" if self.template else text.encode())
        seed = fold(self.args.seed, "chat", len(self.messages))
        return Request(ids, Law(self.args.temperature), self.args.max_new_tokens, seed, bound)
