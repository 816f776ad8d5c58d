"""Reads the grammar's notation into one nondeterministic automaton per rule.

Knows the notation of grammar.py and the kinds of tokens; knows nothing of stacks or texts.
"""

from __future__ import annotations

import re
from typing import Final

from neox.compiler.tokens import KEYWORDS, NAMES, OPERATORS
from neox.compiler.viable import kinds as k

SHAPES: Final = {"name": 0, "single": 1, "del": 2, "tgt": 3, "": 4}
OTHER: Final = 4  # the shape of whatever no target asks for
ANY: Final = -1
_TOKENS: Final = re.compile(r"\s*('[^']+'|->|[A-Za-z_]+(?:\.[a-z]+)?|@-?\d+|[()\[\]|*+])")
_WORDS: Final = {
    **{text: kind for kind, text in NAMES.items() if text.isupper()},
    "END": 0, "NEWLINE": 1, "INDENT": 2, "DEDENT": 3, "NUMBER": 5, "STRING": 6, "FSTART": 8,
    "FEND": 10, "BYTES": k.BYTES, "IMAGINARY": k.IMAGINARY, "TSTART": k.TSTART, "FIELD": k.FIELD,
    "FIELD_END": k.FIELD_END, "SPEC": k.SPEC, "CONVERSION": k.CONVERSION, "MATCH": k.MATCH,
    "CASE": k.CASE, "TYPE": k.TYPE, "UNDERSCORE": k.UNDERSCORE,
}  # fmt: skip


class Nfa:
    """States as numbers; edges that read nothing, a token, or what another rule reads."""

    def __init__(self, grammar: str, minor: int) -> None:
        self.minor = minor
        self.empty: list[list[int]] = []
        self.tokens: list[list[tuple[int, int]]] = []
        self.calls: list[list[tuple[int, int, int]]] = []  # rule, shape, to
        self.shape: list[int] = []  # what an accepting state gives, or -1
        self.starts: dict[str, int] = {}
        self.names: list[str] = []
        self.bodies: dict[str, list[str]] = {}
        self._words: list[str] = []
        self._at = 0
        for name, mark, body in _rules(grammar):
            self.bodies[name] = _TOKENS.findall(body)
            if mark == ":":
                self.names.append(name)
        for name in self.names:
            start = self._state()
            self.starts[name] = start
            self._rule(self.bodies[name], start)

    def _state(self) -> int:
        self.empty.append([])
        self.tokens.append([])
        self.calls.append([])
        self.shape.append(-1)
        return len(self.empty) - 1

    def _rule(self, words: list[str], start: int) -> None:
        """The alternatives of a rule, each with its shape."""
        self._words, self._at = words, 0
        while True:
            stop = self._sequence(start)
            shape = ""
            if self._peek() == "->":
                shape = self._words[self._at + 1]
                self._at += 2
            self.shape[stop] = SHAPES[shape]
            if self._peek() != "|":
                return
            self._at += 1

    def _peek(self) -> str:
        return self._words[self._at] if self._at < len(self._words) else ""

    def _choice(self, start: int) -> int:
        stop = self._state()
        while True:
            self.empty[self._sequence(start)].append(stop)
            if self._peek() != "|":
                return stop
            self._at += 1

    def _sequence(self, start: int) -> int:
        while self._peek() not in ("", "|", ")", "]", "->"):
            start = self._item(start)
        return start

    def _item(self, start: int) -> int:
        """An element with its repetition and version; a fresh state before it keeps loops apart."""
        begin = self._state()
        word = self._words[self._at]
        self._at += 1
        if word in ("(", "["):
            stop = self._choice(begin)
            self._at += 1
            if word == "[":
                self.empty[begin].append(stop)
        else:
            stop = self._word(word, begin)
        if self._peek() in ("*", "+"):
            end = self._state()
            self.empty[stop] += [begin, end]
            if self._peek() == "*":
                self.empty[begin].append(end)
            self._at += 1
            stop = end
        if self._peek().startswith("@"):
            version = int(self._peek()[1:])
            self._at += 1
            if not (self.minor >= version if version > 0 else self.minor < -version):
                return self._state()  # never reached
        self.empty[start].append(begin)
        return stop

    def _word(self, word: str, begin: int) -> int:
        stop = self._state()
        name, _, shape = word.partition(".")
        if word.startswith("'"):
            text = word[1:-1]
            kind = OPERATORS[text] if text in OPERATORS else KEYWORDS[text]
            self.tokens[begin].append((kind, stop))
        elif word in ("NAME", "CAPTURE"):
            for kind in k.NAMES if word == "NAME" else k.CAPTURES:
                self.tokens[begin].append((kind, stop))
        elif word in _WORDS:
            self.tokens[begin].append((_WORDS[word], stop))
        elif name in self.names:
            wanted = SHAPES[shape] if shape else ANY
            self.calls[begin].append((self.names.index(name), wanted, stop))
        else:
            words, at = self._words, self._at
            self._words, self._at = self.bodies[word], 0
            inner = self._choice_or_shapes(begin)
            self._words, self._at = words, at
            self.empty[inner].append(stop)
        return stop

    def _choice_or_shapes(self, start: int) -> int:
        """The alternatives of an abbreviation; those with a shape end here, accepting."""
        stop = self._state()
        while True:
            end = self._sequence(start)
            if self._peek() == "->":
                self.shape[end] = SHAPES[self._words[self._at + 1]]
                self._at += 2
            else:
                self.empty[end].append(stop)
            if self._peek() != "|":
                return stop
            self._at += 1


def _rules(grammar: str) -> list[tuple[str, str, str]]:
    """Name, `:` or `=`, and body of each rule; indented lines go on with the one before."""
    found: list[tuple[str, str, str]] = []
    for line in grammar.splitlines():
        if line.startswith(" "):
            name, mark, body = found[-1]
            found[-1] = (name, mark, body + line)
        elif line:
            head = re.match(r"([a-z_]+)\s*([:=])", line)
            assert head is not None, line
            found.append((head[1], head[2], line[head.end() :]))
    return found
