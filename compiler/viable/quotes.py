"""String literals, byte by byte: plain ones and the literal parts of f-strings and t-strings."""

from __future__ import annotations

from typing import Final

from neox.compiler import tokens as t
from neox.compiler.viable import characters as ch
from neox.compiler.viable import kinds as k
from neox.compiler.viable.lexeme import Context, Lex, Step
from neox.compiler.viable.numbers import Numbers

MAX_NEST: Final = 149
_HEX: Final = "0123456789abcdefABCDEF"
_ESCAPES: Final = {"x": 2, "u": 4, "U": 8}
PREFIXES: Final = {
    "r": t.STRING, "u": t.STRING, "b": k.BYTES, "br": k.BYTES, "rb": k.BYTES, "f": t.FSTART,
    "fr": t.FSTART, "rf": t.FSTART, "t": k.TSTART, "tr": k.TSTART, "rt": k.TSTART,
}  # fmt: skip


class Quotes(Numbers):
    """The detail of a `string` state: quote, flags (b bytes, r raw, 3 triple), colon, phase.

    The detail of a `literal` state (of an f-string) is the phase alone. Phases: `q` and `qq` after
    opening quotes, nothing in the body, `1` and `2` after closing ones of three, `\\...` an escape.
    """

    def prefix(self, word: str) -> int:
        """The kind of literal that this prefix begins, or -1."""
        kind = PREFIXES.get(word.lower(), -1)
        return -1 if kind == k.TSTART and self.minor < 14 else kind

    def open_quote(self, lex: Lex, word: str, c: int, events: list[int]) -> Step | None:
        kind = self.prefix(word) if word else t.STRING
        lower = word.lower()
        if kind in (t.STRING, k.BYTES):
            flags = ("b" if kind == k.BYTES else "") + ("r" if "r" in lower else "")
            return self.to(lex, "string", chr(c) + flags + ":q", events)
        flags = ("r" if "r" in lower else "") + ("t" if kind == k.TSTART else "")
        inner = self.context(lex.context, lex.depth, chr(c), flags, 0)
        if inner.nest > MAX_NEST:
            return None
        return Step(self.get("literal", "q", inner, 0), [*events, kind])

    def describe_string(self, lex: Lex) -> None:
        head, _, phase = lex.arg.partition(":")
        kind = k.BYTES if "b" in head else t.STRING
        close = 3 if "3" in head else 1
        if phase in ("q", "qq"):  # two quotes passed before: a third cannot close at once
            needs = (2 if lex.run == 2 else 1) if phase == "q" else 0
        else:
            needs = close - int(phase) if phase in ("1", "2") else close + escape_rest(phase)
        self.pending(lex, [(kind, needs)])

    def string(self, lex: Lex, c: int) -> Step | None:
        head, _, phase = lex.arg.partition(":")
        kind = k.BYTES if "b" in head else t.STRING
        char = chr(c)
        if phase == "qq":
            if char != head[0]:
                return self.code(lex, c, [kind])
            return self.to(lex, "string", head + "3:")
        if phase == "q" and char == head[0]:
            return self.to(lex, "string", head + ":qq")
        if phase.startswith("\\"):
            after = self.escape(phase, c, "r" in head, "b" in head)
            if after is None:
                return None
            if after != "!":
                return self._in_string(lex, head, after, c)
        if char == head[0]:
            if "3" not in head or phase == "2":
                return Step(self.get("code", "", lex.context, lex.depth), [kind])
            return self.to(lex, "string", head + (":2" if phase == "1" else ":1"))
        if char == "\\":
            return self.to(lex, "string", head + ":\\")
        if char in "\r\n" and "3" not in head:
            return None
        return self._in_string(lex, head, "", c)

    def _in_string(self, lex: Lex, head: str, phase: str, c: int) -> Step | None:
        if c >= 128:
            return None if "b" in head else self.wide(lex, c, "string", head + ":" + phase)
        return self.to(lex, "string", head + ":" + phase)

    def escape(self, phase: str, c: int, raw: bool, as_bytes: bool) -> str | None:
        """The phase after one more byte of an escape; "!": read the byte again in the body."""
        char = chr(c)
        if phase == "\\":
            if char == "\r":
                return "\\\r"
            if raw or char not in "xuUN" or (as_bytes and char != "x"):
                return ""
            return "\\" + char
        if phase == "\\\r":
            return "" if char == "\n" else "!"
        if phase == "\\N":
            return "\\N{" if char == "{" else None
        if phase.startswith("\\N{"):
            name = phase[3:]
            if char == "}":
                return "" if name and ch.name_rest(name) == 0 else None
            return phase + char if ch.name_rest(name + char) >= 0 else None
        digits = phase[2:] + char
        if char not in _HEX or (phase[1] == "U" and not _is_code(digits)):
            return None
        return "" if len(digits) == _ESCAPES[phase[1]] else phase + char

    def describe_literal(self, lex: Lex) -> None:
        """A literal part fits for sure; what it needs before it can end is counted extra."""
        phase = lex.arg
        if phase in ("1", "2") and not lex.context.spec:
            lex.extra -= int(phase)
        elif phase in ("{", "}"):
            lex.extra += 1
        elif phase.startswith("\\"):
            lex.extra += escape_rest(phase)
        if phase == "qq":
            lex.ends = [(t.FEND, 0)]
            lex.eof = [t.FEND, t.NEWLINE]

    def literal(self, lex: Lex, c: int) -> Step | None:
        context, phase = lex.context, lex.arg
        char = chr(c)
        if phase == "q" and char == context.quote:
            return Step(self.get("literal", "qq", context, 0), [])
        if phase == "qq":
            if char != context.quote:
                return self._after_string(context, c)
            return Step(self.get("literal", "", self._tripled(context), 0), [])
        if phase == "{":
            if char == "{":
                return Step(self.get("literal", "", context, 0), [])
            return self.code(self.get("code", "", context, 0), c, [k.FIELD])
        if phase == "}":
            return Step(self.get("literal", "", context, 0), []) if char == "}" else None
        if phase.startswith("\\"):
            after: str | None = "!"
            if phase != "\\" or char not in "{}":
                after = self.escape(phase, c, context.raw, False)
            if after is None:
                return None
            if after != "!":
                return self._in_literal(context, after, c)
        return self._literal_body(context, phase, c)

    def _literal_body(self, context: Context, phase: str, c: int) -> Step | None:
        char = chr(c)
        if char == context.quote:
            if not context.triple or phase == "2":
                if context.spec or context.outer is None:
                    return None
                return Step(self.get("code", "", context.outer, context.depth), [t.FEND])
            return Step(self.get("literal", "2" if phase == "1" else "1", context, 0), [])
        if char == "\\":
            return Step(self.get("literal", "\\", context, 0), [])
        if char == "{":
            if not context.spec:
                return Step(self.get("literal", "{", context, 0), [])
            if context.level >= (2 if self.old else 3):
                return None
            return Step(self.get("code", "", context, 0), [k.FIELD])
        if char == "}":
            if not context.spec:
                return Step(self.get("literal", "}", context, 0), [])
            assert context.outer is not None
            return Step(self.get("literal", "", context.outer, 0), [k.FIELD_END])
        if char in "\r\n" and not context.triple:
            return None
        return self._in_literal(context, "", c)

    def _in_literal(self, context: Context, phase: str, c: int) -> Step | None:
        if c >= 128:
            return self.wide(self.get("literal", "", context, 0), c, "literal", phase)
        return Step(self.get("literal", phase, context, 0), [])

    def _after_string(self, context: Context, c: int) -> Step | None:
        """A byte after the two quotes of an empty f-string."""
        assert context.outer is not None
        return self.code(self.get("code", "", context.outer, context.depth), c, [t.FEND])

    def _tripled(self, context: Context) -> Context:
        return self.context(context.outer, context.depth, context.quote, _flags(context) + "3", 0)

    def begin_spec(self, lex: Lex, events: list[int]) -> Step:
        context = lex.context
        flags = _flags(context) + ("3" if context.triple else "")
        flags += "" if context.spec else "s"
        inner = self.context(context, 0, context.quote, flags, context.level + 1)
        return Step(self.get("literal", "", inner, 0), [*events, k.SPEC])

    def end_field(self, lex: Lex, events: list[int]) -> Step:
        return Step(self.get("literal", "", lex.context, 0), [*events, k.FIELD_END])

    def wide(self, lex: Lex, c: int, mode: str, arg: str) -> Step | None:
        """The first byte of a character beyond ASCII, in text; then the state to go on in."""
        if not ch.can_become(bytes([c]), ch.TEXT):
            return None
        return self.to(lex, "wide", f"{c:02x} {ch.TEXT} {mode} {arg}")


def _flags(context: Context) -> str:
    flags = ("r" if context.raw else "") + ("t" if context.template else "")
    return flags + ("s" if context.spec else "")


def _is_code(digits: str) -> bool:
    """Can these first digits of eight be those of a code point?"""
    return int(digits.ljust(8, "0"), 16) <= 0x10FFFF


def escape_rest(phase: str) -> int:
    """The bytes that an unfinished escape still needs."""
    if phase in ("", "\\\r", "q", "qq"):
        return 0
    if phase == "\\":
        return 1
    if phase == "\\N":
        return 1 + 3
    if phase.startswith("\\N{"):
        return ch.name_rest(phase[3:]) + 1
    return _ESCAPES[phase[1]] - len(phase) + 2
