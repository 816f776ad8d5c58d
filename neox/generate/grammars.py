"""The grammars of one vocabulary, made when first asked for and kept."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterable, Sequence
from typing import Any

from neox.generate.constrained import Constraint, Grammar
from neox.generate.json_grammar import any_object, rules
from neox.generate.pushdown import Pushdown

MOST = 64  # schemas kept


class Grammars:
    def __init__(self, vocabulary: Sequence[bytes], end: Iterable[int]) -> None:
        self._words, self._end = vocabulary, list(end)
        self._python: dict[tuple[int, int], Grammar] = {}
        self._json: dict[str, Grammar] = {}
        self._lock = threading.Lock()

    def python(self, prefix: bytes, version: tuple[int, int] | None = None) -> Constraint:
        """Programs that begin with `prefix`; the running interpreter's Python unless told."""
        from neox.generate.python_grammar import PythonGrammar

        version = version or (sys.version_info.major, sys.version_info.minor)
        with self._lock:
            if version not in self._python:
                self._python[version] = PythonGrammar(self._words, self._end, version)
        return Constraint(self._python[version], prefix, self._words)

    def json(self, schema: Any | None) -> Constraint:
        """JSON that fits the schema, or any object for None. SchemaError."""
        key = json.dumps(schema, sort_keys=False)
        with self._lock:
            if key not in self._json:
                made = any_object() if schema is None else rules(schema)
                if len(self._json) >= MOST:
                    self._json.pop(next(iter(self._json)))
                self._json[key] = Pushdown(made, "schema", self._words, self._end)
            grammar = self._json[key]
        return Constraint(grammar, b"", self._words)
