"""Numbers, byte by byte: what may follow in each part of a literal."""

from __future__ import annotations

from typing import Final

from neox.compiler.tokens import NUMBER
from neox.compiler.viable.kinds import IMAGINARY
from neox.compiler.viable.lexeme import Base, Lex, Step

GLUED: Final = ("and", "else", "for", "if", "in", "is", "not", "or")  # words right after a number
MAX_DIGITS: Final = 4300
_DIGITS: Final = "0123456789"
_RADIX: Final = {"x": "0123456789abcdefABCDEF", "o": "01234567", "b": "01"}
# Parts of a number, with the bytes it needs before it can end.
_NEEDS: Final = {
    "zero": 0, "zeros": 0, "integer": 0, "fraction": 0, "point": 0, "power": 0, "octal": 2,
    "long": 2, "_zeros": 1, "_integer": 1, "_octal": 3, "_long": 3, "_fraction": 1, "_power": 1,
    "e": 1, "sign": 1,
}  # fmt: skip


class Numbers(Base):
    def describe_number(self, lex: Lex) -> None:
        part = lex.arg
        if part[0] in _RADIX and part[1:] in ("", "_", "0"):
            self.pending(lex, [(NUMBER, 0 if part[1:] == "0" else 1)])
            return
        needs = _NEEDS[part.lstrip("!")]
        if part in ("octal", "long", "_octal", "_long"):
            self.pending(lex, [(NUMBER, needs - 1), (IMAGINARY, needs - 1)])
        else:
            self.pending(lex, [(NUMBER, needs), (IMAGINARY, needs + 1)])

    def first_digit(self, lex: Lex, c: int, events: list[int]) -> Step:
        return self.to(lex, "number", "zero" if c == 48 else "integer", events)

    def number(self, lex: Lex, c: int) -> Step | None:
        part = lex.arg
        char = chr(c)
        if part[0] in _RADIX and part[1:] in ("", "_", "0"):
            return self._radix(lex, part, char)
        name = part.lstrip("_!")
        if char in _DIGITS and part != "!":
            return self.to(lex, "number", _after_digit(name, char))
        if part.startswith("_") or name == "sign":
            return None
        if char == "_":
            return None if name in ("e", "point") else self.to(lex, "number", "_" + _plain(name))
        if name == "e":
            if char in "+-":
                return self.to(lex, "number", "sign")
            if char == "l" and part == "!e":
                return self.to(lex, "glued", "el", [NUMBER])
            return None
        if name == "zero" and char in "xXoObB":
            return self.to(lex, "number", char.lower())
        if char in "jJ":
            return self.to(lex, "imaginary")
        if char in "eE" and name != "power":
            plain = char == "e" and name not in ("octal", "long")
            return self.to(lex, "number", "!e" if plain else "e")
        if char == "." and name not in ("fraction", "point", "power"):
            return self.to(lex, "number", "point")
        if name in ("octal", "long"):
            return None
        return self.after_number(lex, c, NUMBER)

    def _radix(self, lex: Lex, part: str, char: str) -> Step | None:
        if char in _RADIX[part[0]]:
            return self.to(lex, "number", part[0] + "0")
        if char == "_":
            return self.to(lex, "number", part[0] + "_") if part[1:] != "_" else None
        if part[1:] != "0" or char in _DIGITS:
            return None
        return self.after_number(lex, ord(char), NUMBER)

    def after_number(self, lex: Lex, c: int, kind: int) -> Step | None:
        """What follows a number: a keyword at once, or anything that is no word."""
        char = chr(c)
        if char in "aefino":
            return self.to(lex, "glued", char, [kind])
        if char.isalnum() or char == "_" or c >= 128:
            return None
        return self.code(lex, c, [kind])


def _plain(name: str) -> str:
    """The part that underscores go on with."""
    return {"zero": "zeros"}.get(name, name)


def _after_digit(name: str, char: str) -> str:
    if name in ("zero", "zeros"):
        return "zeros" if char == "0" else "octal"
    if name in ("e", "sign", "power"):
        return "power"
    return "fraction" if name == "point" else name
