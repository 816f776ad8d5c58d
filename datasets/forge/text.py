"""A program written down: as Python, as English, and as Python with chosen parts gone wrong.

Code and statement come from the same tree, so they cannot disagree. A `Variant` says for each part
of a node which form it takes; all zeros is the reference. Knows nothing about running code.
"""

import re
from functools import cache

from neox.datasets.forge.grammar import PYTHON_TYPE, VARIABLE, Const, Node, Program

RIGHT, HABIT, CONSTANT, COMPARISON, DROPPED = range(5)
"""The forms of a part: as stated; its habit; a neighbouring constant; a neighbouring comparison;
left out.
"""

Variant = tuple[int, ...]
"""One form per entry of `Node.parts`."""

NAMES = ("the ", "whether ", "how ", "where ", "what ")
"""Starts of wordings that name a result; it is taken on the way and returned at the end."""

_NEIGHBOUR = {" < ": " <= ", " <= ": " < ", " > ": " >= ", " >= ": " > "}
_COMPARISON = re.compile(r" [<>]=? ")


@cache
def node_code(node: Node, variant: Variant) -> tuple[str, ...]:
    """The lines of `node` in the given forms; the last line is the expression of the result."""
    forms = iter(variant)
    text = _choose(node.op.code, node.op.wrong, node.const, node.op.consts, next(forms))
    expression = predicate = None
    if node.expression is not None and (form := next(forms)) != DROPPED:
        unit = node.expression
        expression = _choose(unit.code, unit.wrong, node.expression_const, unit.consts, form)
    if node.predicate is not None and (form := next(forms)) != DROPPED:
        unit = node.predicate
        predicate = _choose(unit.code, unit.wrong, node.predicate_const, unit.consts, form)
    base = 0
    if node.base is not None and (form := next(forms)) != DROPPED:
        base = node.base - 1 if form == HABIT else node.base
    if expression is not None and _binds_loosely(text, expression):
        expression = f"({expression})"
    text = text.replace("{E}", expression or "v").replace("{B}", str(base))
    *before, result = _with_predicate(text.split("\n"), predicate)
    return (*before, result.removeprefix("return "))


@cache
def node_words(node: Node) -> str:
    """The English of `node`, without a capital or a full stop."""
    words = _fill(node.op.words[node.says[0]], node.const)

    def numbers(match: re.Match[str]) -> str:
        phrase = match[1]
        if node.predicate is not None:
            told = node.predicate.nouns[node.says[2]]
            phrase = f"{phrase} {_fill(told, node.predicate_const)}"
        if node.expression is not None:
            told = _fill(node.expression.nouns[node.says[1]], node.expression_const)
            phrase = told.replace("{}", phrase)
        return phrase

    words = re.sub(r"\{(the \w+)\}", numbers, words)
    if "{B}" in words:
        return words.replace("{B}", str(node.base or 0))
    return words if node.base is None else f"{words}, starting from {node.base}"


def statement(program: Program) -> str:
    """One sentence, the nodes in order.

    An operation that names its result is taken on the way ("take the sum") and returned at the end.
    """
    clauses = []
    last = len(program.nodes) - 1
    for index, node in enumerate(program.nodes):
        words = node_words(node)
        if words.startswith(NAMES):
            words = f"{'return' if index == last else 'take'} {words}"
        clauses.append(words)
    told = clauses[0] if last == 0 else f"{', '.join(clauses[:-1])} and {clauses[-1]}"
    return f"{told[0].upper()}{told[1:]}."


def prompt(program: Program) -> str:
    """The statement as a comment and the line of the definition."""
    parameters = f"{VARIABLE[program.takes]}: {PYTHON_TYPE[program.takes]}"
    if program.extra == "k":
        parameters += ", k: int"
    elif program.extra == "b":
        parameters += ", b: list[int]"
    return f"# {statement(program)}\ndef f({parameters}) -> {PYTHON_TYPE[program.gives]}:\n"


def body(program: Program, variants: tuple[Variant, ...]) -> str:
    """The completion: the lines of every node, four spaces deep, with a final newline."""
    lines: list[str] = []
    last = len(program.nodes) - 1
    for index, (node, variant) in enumerate(zip(program.nodes, variants, strict=True)):
        *before, result = node_code(node, variant)
        lines += before
        variable = VARIABLE[node.op.gives]
        if index == last:
            lines.append(f"return {result}")
        elif result != variable:
            lines.append(f"{variable} = {result}")
    return "".join(f"    {line}\n" for line in lines)


def right(program: Program) -> tuple[Variant, ...]:
    """The variants of the reference."""
    return tuple((RIGHT,) * len(node.parts) for node in program.nodes)


def neighbour(text: str) -> str | None:
    """`text` with its first comparison made strict or lax, or None. Loops are left alone: they
    might not end.
    """
    match = None if "\n" in text else _COMPARISON.search(text)
    return match and text[: match.start()] + _NEIGHBOUR[match[0]] + text[match.end() :]


def _choose(code: str, wrong: str, const: Const, consts: tuple[int | str, ...], form: int) -> str:
    if form == HABIT:
        code = wrong
    elif form == COMPARISON:
        code = neighbour(code) or code
    elif form == CONSTANT:
        if const == "k":
            return code.replace("{c}", "(k + 1)")
        if isinstance(const, int):
            const += 1
        else:
            const = next(other for other in consts if other != const)
    return _fill(code, const)


def _fill(text: str, const: Const) -> str:
    if isinstance(const, str) and const != "k":
        return text.replace("{c}", repr(const))
    return text.replace("{c}", str(const))


def _with_predicate(lines: list[str], predicate: str | None) -> tuple[str, ...]:
    """Fill in `{P}`, or take its line out and move the block below it to the left."""
    if predicate is not None:
        return tuple(line.removeprefix("~").replace("{P}", predicate) for line in lines)
    kept: list[str] = []
    inside: int | None = None
    for line in lines:
        depth = len(line) - len(line.lstrip())
        if line.startswith("~"):
            continue
        if inside is not None and depth <= inside:
            inside = None
        if "{P}" in line:
            inside = depth
            continue
        kept.append(line[4:] if inside is not None else line)
    return tuple(kept)


def _binds_loosely(code: str, expression: str) -> bool:
    """Whether `expression` needs brackets: only to the right of a minus or a times."""
    loose = " " in expression and not re.fullmatch(r"\w+\(.*\)", expression)
    return loose and re.search(r"[-*] \{E\}", code) is not None
