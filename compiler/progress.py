"""How far a text is a viable program: the measure behind the syntax reward.

The parser says where the first error is. What this adds is the end of the text: a word, operator,
number or string that the end cut off may still grow into something that fits.
"""

from __future__ import annotations

from neox.compiler.program import LATEST, Program, Version, parse
from neox.compiler.tokens import KEYWORDS, OPERATORS

_DIGITS = ("0", "0'", '0"')


def progress(source: str, version: Version = LATEST) -> float:
    """How far the text is a viable program, 0 to 1; 1 only for one that parses.

    The share of characters before the first error that no continuation could mend. A text that only
    ends too early is viable to its end, and gets just less than 1.

    >>> progress("x = 1")
    1.0
    >>> progress("f(1,") > 0.7 > progress("x = = 1")
    True
    """
    program = parse(source, version)
    if not program.diagnostics:
        return 1.0
    size = len(source)
    reached = program.reached
    if reached < size and _may_grow(program, version):
        reached = size
    return reached / (size + 1)


def _may_grow(program: Program, version: Version) -> bool:
    """Is the error in the last token, and can more text turn it into one that fits?"""
    text, reached = program.text, program.reached
    last = text[reached:]
    tails: list[str] = []
    if last in ("\\", "\\\n", "\\\r\n", "\\\r"):
        return True  # a joined line that has not begun
    quote = _quotes(last)
    if len(quote) < 3 and ("\n" in last or "\r" in last):
        return False
    if quote:
        tails += [quote, "}" + quote, "}}" + quote]
    elif last.isidentifier():
        words = [*KEYWORDS, "case"]
        tails += [word[len(last) :] for word in words if word.startswith(last) and word != last]
        tails += ["_", "''"]
    elif last[0].isdigit() or last[0] == ".":
        tails += _DIGITS if " " not in last else ()
    if len(last) < 3:
        tails += [op[len(last) :] for op in OPERATORS if op.startswith(last) and op != last]
    if last == ".":
        tails.append("5")
    return any(_reaches(text + tail, len(text), reached, version) for tail in tails)


def _quotes(literal: str) -> str:
    """The quotes a string literal opens with, or nothing."""
    for i in range(min(3, len(literal))):
        if literal[i] in "'\"":
            return literal[i] * (3 if literal.startswith(literal[i] * 3, i) else 1)
        if not literal[i].isalpha():
            break
    return ""


def _reaches(text: str, size: int, before: int, version: Version) -> bool:
    program = parse(text, version)
    return not program.diagnostics or (program.reached >= size and program.reached > before)
