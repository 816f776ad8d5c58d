"""The lexer as a finite automaton over bytes, built as it is used.

A step gives the next state and the events on the way: kinds of tokens, and what happens at line
ends (kinds.py). It knows nothing of the grammar, nor of brackets outside of f-strings; what depends
on them is left to the caller: whether a line end counts, and whether a token fits.
"""

from __future__ import annotations

from typing import Final

from neox.compiler import tokens as t
from neox.compiler.viable import characters as ch
from neox.compiler.viable import kinds as k
from neox.compiler.viable.lexeme import Context, Lex, Step
from neox.compiler.viable.numbers import GLUED
from neox.compiler.viable.quotes import PREFIXES, Quotes

_WORD: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789")
_OPERATORS: Final = {**t.OPERATORS}
STARTS: Final = frozenset(text[:i] for text in _OPERATORS for i in range(1, 4)) | {"!"}
_WORDS: Final = {**t.KEYWORDS, **k.SOFT}
KNOWN: Final = frozenset(word[:i] for word in _WORDS for i in range(1, len(word) + 1)) | frozenset(
    a + b
    for word in PREFIXES
    for a in (word[0], word[0].upper())
    for b in ("", word[1:], word[1:].upper())
)


class Lexemes(Quotes):
    def start(self) -> Lex:
        return self.get("start", "", self.top, 0)

    def step(self, lex: Lex, c: int) -> Step | None:
        """Where byte `c` leads; None where no lexeme goes on so."""
        if lex.filled[c]:
            return lex.steps[c]
        found = self._compute(lex, c)
        lex.steps[c] = found
        lex.filled[c] = 1
        return found

    def _compute(self, lex: Lex, c: int) -> Step | None:
        if c == 0 or (lex.mode == "wide") != (0x80 <= c < 0xC0):
            return None
        run = 0
        if self.old and lex.context.outer is not None:
            run = self._enclosed(lex, c)
            if run < 0:
                return None
        found = self._dispatch(lex, c)
        if run and found is not None:
            to = found.to
            found = Step(self.get(to.mode, to.arg, to.context, to.depth, run), found.events)
        return found

    def _dispatch(self, lex: Lex, c: int) -> Step | None:
        mode = lex.mode
        if mode == "code" or mode == "joined":
            return self.code(lex, c, [])
        if mode == "start" or mode == "start joined":
            return self._line_start(lex, c)
        if mode == "word":
            return self._word(lex, c)
        if mode == "string":
            return self.string(lex, c)
        if mode == "literal":
            return self.literal(lex, c)
        if mode == "operator":
            return self._operator(lex, c)
        if mode == "comment":
            return self._comment(lex, c)
        if mode == "number":
            return self.number(lex, c)
        if mode == "imaginary":
            return self.after_number(lex, c, k.IMAGINARY)
        if mode == "glued":
            return self._glued(lex, c)
        if mode == "wide":
            return self._wide(lex, c)
        if mode == "joined return":
            if c == 10:
                return self.to(lex, "joined")
            return self.code(lex, c, [])
        if mode == "start joined return":
            if c == 10:
                return self.to(lex, "start joined")
            return self._line_start(lex, c)
        if mode == "conversion":
            return self.code(lex, c, []) if chr(c) in "}:" else None
        return self._backslash(lex, c)

    def _enclosed(self, lex: Lex, c: int) -> int:
        """Before 3.12: is the byte possible in the fields around? How many quotes passed, or -1."""
        context: Context | None = lex.context
        char = chr(c)
        run = 0
        literal = lex.mode == "literal" and not (lex.arg == "{" and char != "{")
        closed = lex.arg.endswith("qq")  # an empty string, unless a third quote follows
        inside = (literal or lex.mode == "string" or lex.mode == "wide") and not closed
        while literal and context is not None and context.spec:
            context = context.outer
        if literal and context is not None:
            context = context.outer
        while context is not None and context.outer is not None:
            if char == "\\" or (char in "\r\n" and not context.triple):
                return -1
            if char == "#" and not inside:
                return -1
            if char == context.quote:
                run = lex.run + 1
                if not context.triple or run == 3:
                    return -1
            context = context.outer
        return run

    def describe(self, lex: Lex) -> None:
        mode = lex.mode
        if mode == "code" or mode == "conversion" or mode == "joined return":
            lex.eof = [t.NEWLINE] if mode != "joined return" else None
        elif mode == "start":
            lex.eof = []
        elif mode == "comment":
            lex.comment = "blank" if lex.arg else "code"
            lex.eof = [] if lex.arg else [t.NEWLINE]
        elif mode == "word":
            self._describe_word(lex)
        elif mode == "glued":
            words = [word for word in GLUED if word.startswith(lex.arg)]
            self.pending(lex, [(t.KEYWORDS[word], len(word) - len(lex.arg)) for word in words])
        elif mode == "operator":
            self._describe_operator(lex)
        elif mode == "number":
            self.describe_number(lex)
        elif mode == "imaginary":
            self.pending(lex, [(k.IMAGINARY, 0)])
        elif mode == "string":
            self.describe_string(lex)
        elif mode == "literal":
            self.describe_literal(lex)
        elif mode == "wide":
            self._describe_wide(lex)
        elif mode == "backslash" or mode == "start backslash":
            lex.extra += 2
        elif mode in ("joined", "start joined", "start joined return"):
            lex.extra += 1

    def code(self, lex: Lex, c: int, events: list[int]) -> Step | None:
        char = chr(c)
        if char in " \t\f":
            return self.to(lex, "code", "", events)
        if char in "\r\n":
            return self.to(lex, "start", "", [*events, k.LINE_END])
        if char in _WORD:
            if char.isdigit():
                return self.first_digit(lex, c, events)
            return self.to(lex, "word", char if char in KNOWN else "", events)
        if char in "'\"":
            return self.open_quote(lex, "", c, events)
        if char == "#":
            return self.to(lex, "comment", "", events)
        if char == "\\":
            return self.to(lex, "backslash", "", events)
        if c >= 128:
            if not ch.can_become(bytes([c]), ch.START):
                return None
            return self.to(lex, "wide", f"{c:02x} {ch.START} word ", events)
        if lex.context.outer is not None and lex.depth == 0:
            if char == ":":
                return self.begin_spec(lex, events)
            if char == "}":
                return self.end_field(lex, events)
        if char in "([{)]}":
            change = 0
            if lex.context.outer is not None:
                change = 1 if char in "([{" else -1
            to = self.get("code", "", lex.context, max(0, lex.depth + change))
            return Step(to, [*events, _OPERATORS[char]])
        if char in ",;~":
            return self.to(lex, "code", "", [*events, _OPERATORS[char]])
        if char in STARTS:
            return self.to(lex, "operator", char, events)
        return None

    def _line_start(self, lex: Lex, c: int) -> Step | None:
        """Blanks, comments and joined lines before the first token of a line."""
        blank = {32: k.SPACE, 9: k.TAB, 12: k.FEED}.get(c, -1)
        if blank >= 0:
            return self.to(lex, "start", "", [blank])
        if c == 10 or c == 13:
            return self.to(lex, "start", "", [k.EMPTY])
        if c == 35:
            return self.to(lex, "comment", "blank")
        if c == 92:
            return self.to(lex, "start backslash")
        return self.code(lex, c, [k.LINE])

    def _backslash(self, lex: Lex, c: int) -> Step | None:
        """After a backslash that joins lines: only a line end."""
        before = "start " if lex.mode == "start backslash" else ""
        events = [k.JOINED] if before else []
        if c == 10:
            return self.to(lex, before + "joined", "", events)
        return self.to(lex, before + "joined return", "", events) if c == 13 else None

    def _comment(self, lex: Lex, c: int) -> Step | None:
        if c == 10 or c == 13:
            return self.to(lex, "start", "", [k.EMPTY if lex.arg else k.LINE_END])
        if c >= 128:
            return self.wide(lex, c, "comment", lex.arg)
        return self.to(lex, "comment", lex.arg)

    def _describe_word(self, lex: Lex) -> None:
        text = lex.arg
        kind = _WORDS.get(text, t.NAME)
        ends = [(kind, 0)]
        if kind != t.NAME:
            ends.append((t.NAME, 1))
        if text:
            for word, other in _WORDS.items():
                if word.startswith(text) and word != text:
                    ends.append((other, len(word) - len(text)))
            for word in PREFIXES:
                if word.startswith(text.lower()) and self.prefix(word) >= 0:
                    ends.append((self.prefix(word), len(word) - len(text) + _quotes(word)))
        self.pending(lex, ends)

    def _word(self, lex: Lex, c: int) -> Step | None:
        text, char = lex.arg, chr(c)
        if char in _WORD:
            return self.to(lex, "word", text + char if text and text + char in KNOWN else "")
        if c >= 128:
            if not ch.can_become(bytes([c]), ch.CONTINUE):
                return None
            return self.to(lex, "wide", f"{c:02x} {ch.CONTINUE} word ")
        if char in "'\"" and text and self.prefix(text) >= 0:
            return self.open_quote(lex, text, c, [])
        return self.code(lex, c, [_WORDS.get(text, t.NAME)])

    def _glued(self, lex: Lex, c: int) -> Step | None:
        """A keyword right after a number."""
        text, char = lex.arg, chr(c)
        if char in _WORD:
            text += char
            return self.to(lex, "glued", text) if any(w.startswith(text) for w in GLUED) else None
        return self.code(lex, c, [t.KEYWORDS[text]]) if c < 128 and text in GLUED else None

    def _describe_operator(self, lex: Lex) -> None:
        text = lex.arg
        if text == "..":
            self.pending(lex, [(t.ELLIPSIS, 1)])
            return
        ends = [
            (kind, len(op) - len(text)) for op, kind in _OPERATORS.items() if op.startswith(text)
        ]
        if text == ".":
            ends += [(t.NUMBER, 1), (k.IMAGINARY, 2)]
        elif text == "!" and self._in_field(lex):
            ends.append((k.CONVERSION, 1))
        self.pending(lex, ends)

    def _in_field(self, lex: Lex) -> bool:
        return lex.context.outer is not None and lex.depth == 0

    def _operator(self, lex: Lex, c: int) -> Step | None:
        text, char = lex.arg, chr(c)
        if char.isdigit() and c < 128 and text in (".", ".."):
            return self.to(lex, "number", "fraction", [] if text == "." else [t.DOT])
        if text == ".." and char != ".":
            return self.code(lex, c, [t.DOT, t.DOT])
        if text == "!" and char in "sra" and self._in_field(lex):
            return self.to(lex, "conversion" if self.old else "code", "", [k.CONVERSION])
        if text + char in STARTS:
            longer = text + char
            if longer in _OPERATORS and not any(
                op.startswith(longer) and op != longer for op in _OPERATORS
            ):
                return self.to(lex, "code", "", [_OPERATORS[longer]])
            return self.to(lex, "operator", longer)
        if text == "!" or (text == "<" and char == ">"):
            return None
        return self.code(lex, c, [_OPERATORS[text]])

    def _describe_wide(self, lex: Lex) -> None:
        """An unfinished character: what its state will be, and the bytes until then."""
        data, _, target = self._parts(lex)
        missing = (2 if data[0] < 0xE0 else 3 if data[0] < 0xF0 else 4) - len(data)
        lex.extra = target.extra + missing
        lex.ends, lex.may, lex.comment = target.ends, target.may, target.comment
        if target.mode == "word":
            lex.extra = target.extra
            lex.ends = [(kind, size + missing) for kind, size in target.ends]

    def _parts(self, lex: Lex) -> tuple[bytes, int, Lex]:
        data, wanted, mode, arg = lex.arg.split(" ", 3)
        target = self.get(mode, arg, lex.context, lex.depth)
        return bytes.fromhex(data), int(wanted), target

    def _wide(self, lex: Lex, c: int) -> Step | None:
        data, wanted, target = self._parts(lex)
        data += bytes([c])
        if not ch.can_become(data, wanted):
            return None
        if ch.is_whole(data):
            return Step(target, [])
        rest = lex.arg.split(" ", 1)[1]
        return self.to(lex, "wide", f"{data.hex()} {rest}")


def _quotes(prefix: str) -> int:
    """The bytes that a literal needs after its prefix, of those its kind does not count itself."""
    return 1 if "f" in prefix or "t" in prefix else 2
