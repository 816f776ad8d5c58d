"""Reads the cases beside this file and compares a bound with an answer, as functions."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise, product
from pathlib import Path

import mpmath
import sympy

from neox.compiler import parse
from neox.compiler.complexity import Bound, analyze

FOLDER = Path(__file__).parent / "cases"


@dataclass(frozen=True, slots=True)
class Case:
    name: str
    file: str
    code: str
    head: dict[str, str] = field(default_factory=dict)

    def bound(self) -> Bound:
        found = analyze(parse(self.code))
        wanted = self.head.get("function")
        if wanted is None:
            return [b for b in found if "." not in b.function and b.function != "<module>"][-1]
        return next(b for b in reversed(found) if b.function == wanted)

    @property
    def sizes(self) -> dict[str, str]:
        """The size each name stands for; empty where the one size needs no name."""
        text = self.head.get("size", "")
        names: dict[str, str] = {}
        depth, part = 0, ""
        for character in text + ",":
            depth += {"(": 1, ")": -1}.get(character, 0)
            if character == "," and not depth:
                name, _, size = part.partition("=")
                if size:
                    names[name.strip()] = size.replace(" ", "")
                part = ""
            else:
                part += character
        return names


def load() -> list[Case]:
    cases = []
    for file in sorted(FOLDER.glob("*.txt")):
        for block in file.read_text(encoding="utf-8").split("# case: ")[1:]:
            name, _, rest = block.partition("\n")
            lines = rest.splitlines()
            count = next(i for i, line in enumerate(lines) if not line.startswith("# "))
            head = dict(line[2:].partition(": ")[::2] for line in lines[:count])
            cases.append(Case(name.strip(), file.stem, "\n".join(lines[count:]) + "\n", head))
    return cases


def verdict(case: Case) -> str:
    """ "right", "open" (nothing claimed that could be), or what is wrong."""
    bound = case.bound()
    low, high, theta = bound.lower.expression, bound.upper.expression, bound.theta
    if case.head.get("theta") == "unknown":
        return "right" if theta is None and high is None else f"wrong: claimed {theta or high}"
    wanted = case.head.get("theta")
    top, bottom = wanted or case.head.get("upper"), wanted or case.head.get("lower")
    if high is not None and top is not None:
        if wanted is not None and theta is not None:
            return "right" if _same(case, bound, theta, wanted) else f"wrong: {theta}"
        if wanted is None and _same(case, bound, high, top):
            return "right"
    if low is not None and low != "1" and top is not None and not _below(case, bound, low, top):
        return f"wrong: lower {low}"
    if high is not None and bottom is not None and not _below(case, bound, bottom, high, True):
        return f"wrong: upper {high}"
    return "open"


def _renamed(case: Case, bound: Bound, text: str) -> sympy.Expr:
    """The bound's expression over the case's names."""
    own = {size.replace(" ", ""): name for name, size in case.sizes.items()}
    names = {}
    for name, size in bound.parameters:
        short = size.replace(" ", "")
        if not own:
            target = "n"
        else:
            target = own.get(short, f"other_{name}")
            if len(bound.parameters) == 1 and len(own) == 1:
                target = next(iter(own.values()))
        names[name] = sympy.Symbol(target, positive=True)
    return sympy.sympify(text, locals=names)


def _own(text: str) -> sympy.Expr:
    names = {name: sympy.Symbol(name, positive=True) for name in "nmkpwWSijabRCHNE"}
    return sympy.sympify(text, locals=names)


def _gaps(left: sympy.Expr, right: sympy.Expr) -> list[list[mpmath.mpf]]:
    """log(left / right) along several directions in which all sizes grow."""
    symbols = sorted(left.free_symbols | right.free_symbols, key=str)
    form = sympy.lambdify(symbols, sympy.log(left) - sympy.log(right), "mpmath")
    directions = list(product((1, 2), repeat=len(symbols))) if len(symbols) < 4 else [(1,) * 4]
    with mpmath.workdps(60):
        return [
            [form(*[mpmath.mpf(10) ** (e * d) for d in ds]) for e in (3, 5, 7)] for ds in directions
        ]


def same_growth(left: sympy.Expr, right: sympy.Expr) -> bool:
    """Is log(left / right) bounded while all sizes grow?

    For the exponential-polynomial-logarithmic expressions met here the ratio of two different
    classes moves by more than 0.05 between the two largest points.
    """
    return all(
        abs(b - a) < mpmath.mpf("0.05") for line in _gaps(left, right) for a, b in pairwise(line)
    )


def _same(case: Case, bound: Bound, text: str, wanted: str) -> bool:
    return same_growth(_renamed(case, bound, text), _own(wanted))


def _below(case: Case, bound: Bound, small: str, big: str, swapped: bool = False) -> bool:
    """Is small = O(big)? The bound's own text is `big` when swapped."""
    left = _own(small) if swapped else _renamed(case, bound, small)
    right = _renamed(case, bound, big) if swapped else _own(big)
    return all(b - a < mpmath.mpf("0.05") for line in _gaps(left, right) for a, b in pairwise(line))
