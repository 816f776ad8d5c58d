"""The command line: `neox COMMAND ...`.

Only the chosen command's module is imported, so `neox --help` and `neox verify` never load torch.
A mistake of the user's is one message and exit status 2; a check that failed is 1; fine is 0.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Iterable, Sequence
from typing import NoReturn

from neox import __version__
from neox.errors import InputError, RunStopped

COMMANDS = {
    "train": "imitate a corpus, then learn from rewards that can be checked",
    "evaluate": "judge a model, samples or references on held-out tasks or HumanEval",
    "generate": "write programs with a trained model",
    "chat": "talk with a trained model in the terminal",
    "serve": "a trained model behind OpenAI's HTTP interface",
    "verify": "bound the running time of functions, and check contracts",
    "compile": "show the tokens, the tree or the canonical text of a Python file",
    "report": "make a run's report.html again, or a page that compares evaluations",
    "sandbox": "run a program behind the sandbox's walls, alone or against tests",
    "plan": "count parameters, FLOP and memory of a model before it exists",
    "doctor": "versions, devices, and which layers of the sandbox are active",
}


class Formatter(argparse.HelpFormatter):
    """As wide as the terminal, without the archive modules that argparse would load to ask."""

    def __init__(self, prog: str) -> None:
        try:
            columns = int(os.environ.get("COLUMNS") or os.get_terminal_size().columns)
        except (OSError, ValueError):
            columns = 80
        super().__init__(prog, width=(columns or 80) - 2)


class Parser(argparse.ArgumentParser):
    """Errors become one message with the nearest option, and exit status 2."""

    def error(self, message: str) -> NoReturn:
        raise InputError(message, remedy=f"see `{self.prog} --help`")

    def parse_strictly(self, argv: Sequence[str]) -> argparse.Namespace:
        """Unknown options name the nearest known one."""
        args, unknown = self.parse_known_args(argv)
        if unknown:
            known = [o for action in self._actions for o in action.option_strings]
            word = next((u for u in unknown if u.startswith("-")), unknown[0])
            self.error(f"unknown argument {word}{nearest(word.split('=')[0], known)}")
        return args


def nearest(word: str, known: Iterable[str]) -> str:
    import difflib  # for mistakes alone: start-up counts

    found = difflib.get_close_matches(word, list(known), 1, 0.5)
    return f"; perhaps you meant {found[0]}" if found else ""


def usage() -> str:
    width = max(map(len, COMMANDS))
    rows = "\n".join(f"  {name:<{width}}  {text}" for name, text in COMMANDS.items())
    return (
        "neox: reinforcement learning for code models with rewards that can be checked\n\n"
        f"usage: neox COMMAND [OPTIONS]\n\n{rows}\n\n"
        "`neox COMMAND --help` explains a command; `neox --version` prints the version."
    )


def main(argv: Sequence[str] | None = None) -> int:
    argv = list(sys.argv[1:] if argv is None else argv)
    if not argv or argv[0] in ("-h", "--help"):
        print(usage())
        return 0
    if argv[0] in ("-V", "--version"):
        print(f"neox {__version__}")
        return 0
    try:
        return _run(argv)
    except InputError as error:
        print(f"neox: {error}", file=sys.stderr)
        return 2
    except RunStopped as error:
        print(f"neox: stopped: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        # the reader of our output has left: nothing to say, and nothing to flush at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        print("neox: interrupted", file=sys.stderr)
        return 130


def _run(argv: Sequence[str]) -> int:
    name = argv[0]
    if name not in COMMANDS:
        raise InputError(
            f"no command {name!r}{nearest(name, COMMANDS)}",
            remedy="commands: " + ", ".join(COMMANDS),
        )
    command = importlib.import_module(f"neox.commands.{name}")
    parser = Parser(
        prog=f"neox {name}",
        description=COMMANDS[name],
        allow_abbrev=False,
        formatter_class=Formatter,
    )
    command.add_arguments(parser)
    status: int = command.run(parser.parse_strictly(argv[1:]))
    return status
