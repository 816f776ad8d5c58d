"""A growth as a number: what a bound says for given arguments, up to a constant factor.

For comparison with operation counts. Logarithms are taken of size + 2, so that they stay positive.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from neox.compiler.complexity.affine import Affine
from neox.compiler.complexity.growth import Factor, Growth


class NoSize(Exception):
    """A size of the bound cannot be computed from the arguments."""


def cost(growth: Growth, arguments: Mapping[str, Any]) -> float:
    """The growth at the sizes of these arguments, at least 1. Raises NoSize."""
    total = 0.0
    for m in growth.monomials:
        value = 0.0
        for size, factor in m:
            value += _logarithm(max(1.0, _size(size, arguments)), factor)
        total += math.exp(min(value, 600.0))
    return max(1.0, total)


def _logarithm(x: float, f: Factor) -> float:
    value = math.lgamma(x + 1) * f.factorial
    value += math.log(_real(f.rate)) * x + _real(f.power) * math.log(x)
    value += float(f.log) * math.log(math.log(x + 2))
    return value + float(f.loglog) * math.log(math.log(math.log(x + 2) + 2))


def _real(value: object) -> float:
    if isinstance(value, Fraction):
        return float(value)
    low, high = value.enclose()  # type: ignore[attr-defined]
    return float((low + high) / 2)


def _size(size: Affine, arguments: Mapping[str, Any]) -> float:
    total = float(size.const)
    for atom, c in size.terms:
        total += float(c) * atom_value(atom, arguments)
    return total


def atom_value(atom: str, arguments: Mapping[str, Any]) -> float:
    """`n`, `len(a)`, `len(a[])` (the longest row), `sum(len(a))`, `min(a, b)`."""
    if atom.startswith("min(") and atom.endswith(")"):
        parts = [p.strip() for p in atom[4:-1].split(", ")]
        return min(atom_value(p, arguments) for p in parts)
    if atom.startswith("sum(len(") and atom.endswith("))"):
        return float(sum(len(row) for row in _argument(atom[8:-2], arguments)))
    if atom.startswith("len(") and atom.endswith("[])"):
        return float(max((len(row) for row in _argument(atom[4:-3], arguments)), default=0))
    if atom.startswith("len(") and atom.endswith(")"):
        return float(len(_argument(atom[4:-1], arguments)))
    value = _argument(atom, arguments)
    if isinstance(value, (int, float)):
        return float(value)
    raise NoSize(atom)


def _argument(name: str, arguments: Mapping[str, Any]) -> Any:
    if name not in arguments:
        raise NoSize(name)
    return arguments[name]
