"""The compiled part of the wheel; everything else is in pyproject.toml.

Wheels carry the frontend's hot modules compiled by mypyc beside their sources. Editable installs
stay plain, because an extension would go on shadowing the edited source; NEOX_PURE=1 builds a plain
wheel, and so does a machine without a C compiler.
"""

import os
import sys

from setuptools import setup

HOT = [
    "neox/compiler/arguments.py",
    "neox/compiler/atoms.py",
    "neox/compiler/cursor.py",
    "neox/compiler/describe.py",
    "neox/compiler/emit_expressions.py",
    "neox/compiler/emitter.py",
    "neox/compiler/expressions.py",
    "neox/compiler/fields.py",
    "neox/compiler/fstrings.py",
    "neox/compiler/headroom.py",
    "neox/compiler/lexer.py",
    "neox/compiler/nodes.py",
    "neox/compiler/numbers.py",
    "neox/compiler/parameters.py",
    "neox/compiler/patterns.py",
    "neox/compiler/recovery.py",
    "neox/compiler/salvage.py",
    "neox/compiler/scan.py",
    "neox/compiler/simple.py",
    "neox/compiler/source.py",
    "neox/compiler/statements.py",
    "neox/compiler/strings.py",
    "neox/compiler/tokens.py",
    "neox/compiler/tolerant.py",
    "neox/compiler/viable/acceptor.py",
    "neox/compiler/viable/automaton.py",
    "neox/compiler/viable/budget.py",
    "neox/compiler/viable/characters.py",
    "neox/compiler/viable/groups.py",
    "neox/compiler/viable/kinds.py",
    "neox/compiler/viable/lexeme.py",
    "neox/compiler/viable/lexemes.py",
    "neox/compiler/viable/masks.py",
    "neox/compiler/viable/numbers.py",
    "neox/compiler/viable/quotes.py",
    "neox/compiler/viable/summaries.py",
    "neox/compiler/viable/vocabulary.py",
    "neox/compiler/walk.py",
]

extensions = []
if "bdist_wheel" in sys.argv and os.environ.get("NEOX_PURE") != "1":
    from mypyc.build import mypycify

    # no configuration file: mypy's plugins are not there while a wheel is built
    extensions = mypycify(["--config-file=", *HOT], group_name="neox")
    for extension in extensions:
        extension.optional = True
setup(ext_modules=extensions)
