"""Contracts: what a function's cost is declared to be, and whether a bound keeps the declaration.

`# neox: O(n log n), n=len(a)` on or above a `def`. bound := (O | Omega | Theta) "(" expr ")"
{"," name "=" size}; expr is a sum of products of numbers, names, powers, log, loglog, sqrt, "!" and
c^n. Products may be written side by side. A contract that cannot be read is a `ContractError`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from fractions import Fraction

from neox.compiler import nodes as n
from neox.compiler.complexity.affine import Affine
from neox.compiler.complexity.bound import RANK, Bound, Side
from neox.compiler.complexity.exponent import Undecided
from neox.compiler.complexity.growth import ONE, UNIT, Factor, Growth, log_of, monomial, root_of
from neox.compiler.complexity.record import dataclass
from neox.compiler.program import Program
from neox.compiler.walk import walk

_HEAD = re.compile(r"\s*(O|Omega|Theta)\s*\(")
_TOKEN = re.compile(r"\s*(\d+(?:\.\d+)?|[A-Za-z_]\w*|\*\*|[-+*/^!()])")
_COMMENT = re.compile(r"#\s*neox:\s*(.*)$")
_MAX_TEXT = 500  # a contract is a line; longer input is a mistake or an attack


class ContractError(ValueError):
    """The text is not a contract; the message says what was expected where."""


@dataclass(frozen=True, slots=True)
class Contract:
    """`kind` is "O", "Omega" or "Theta"; `sizes` maps the names in `growth` to sizes."""

    kind: str
    growth: Growth
    sizes: tuple[tuple[str, str], ...]
    text: str

    @staticmethod
    def parse(text: str) -> Contract:
        """Read a contract; raises ContractError.

        >>> Contract.parse("O(n log n), n=len(a)").sizes
        (('n', 'len(a)'),)
        """
        head = _HEAD.match(text)
        if head is None or len(text) > _MAX_TEXT:
            raise ContractError(f"expected O(...), Omega(...) or Theta(...): {text[:80]!r}")
        depth, at = 1, head.end()
        while at < len(text) and depth:
            depth += {"(": 1, ")": -1}.get(text[at], 0)
            at += 1
        if depth:
            raise ContractError(f"unbalanced parentheses: {text!r}")
        try:
            growth = _Reader(text[head.end() : at - 1]).read()
        except (Undecided, RecursionError, OverflowError) as error:
            raise ContractError(f"too complicated: {text!r}") from error
        return Contract(head.group(1), growth, _sizes(text[at:]), text.strip())


def _sizes(text: str) -> tuple[tuple[str, str], ...]:
    if not text.strip():
        return ()
    if not text.lstrip().startswith(","):
        raise ContractError(f"expected ', name=size' and found {text.strip()!r}")
    found = []
    for part in text.split(",")[1:]:
        name, equals, size = part.partition("=")
        if not (equals and name.strip().isidentifier() and size.strip()):
            raise ContractError(f"expected name=size and found {part.strip()!r}")
        found.append((name.strip(), " ".join(size.split())))
    return tuple(found)


class _Reader:
    """Recursive descent over the expression; every value is a growth, or a plain number."""

    def __init__(self, text: str) -> None:
        self.tokens: list[str] = []
        at = 0
        while text[at:].strip():
            match = _TOKEN.match(text, at)
            if match is None:
                raise ContractError(f"unexpected {text[at:].strip()[:20]!r} in {text!r}")
            self.tokens.append(match.group(1))
            at = match.end()
        self.at = 0
        self.text = text

    def read(self) -> Growth:
        value = self._sum()
        if self.at < len(self.tokens):
            raise ContractError(f"unexpected {self.tokens[self.at]!r} in {self.text!r}")
        return _growth(value)

    def _peek(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def _next(self) -> str:
        self.at += 1
        return self.tokens[self.at - 1] if self.at <= len(self.tokens) else ""

    def _sum(self) -> Growth | Fraction:
        value = self._product()
        while self._peek() == "+":
            self._next()
            other = self._product()
            both = isinstance(value, Fraction) and isinstance(other, Fraction)
            value = value + other if both else _growth(value) + _growth(other)  # type: ignore[operator]
        return value

    def _product(self) -> Growth | Fraction:
        value = self._power()
        while self._peek() and self._peek() not in {"+", ")", "-"}:
            divide = self._peek() == "/"
            if self._peek() in {"*", "/"}:
                self._next()
            other = self._power()
            if isinstance(value, Fraction) and isinstance(other, Fraction):
                if divide and not other:
                    raise ContractError(f"division by zero in {self.text!r}")
                value = value / other if divide else value * other
            elif divide:
                raise ContractError(f"division by a size in {self.text!r}")
            else:
                value = _growth(value) * _growth(other)
        return value

    def _power(self) -> Growth | Fraction:
        base = self._atom()
        while self._peek() == "!":
            self._next()
            base = _factorial(base, self.text)
        if self._peek() not in {"^", "**"}:
            return base
        self._next()
        exponent = self._power()
        return _raise(base, exponent, self.text)

    def _atom(self) -> Growth | Fraction:
        token = self._next()
        if token == "(":
            value = self._sum()
            if self._next() != ")":
                raise ContractError(f"missing ')' in {self.text!r}")
            return value
        if token and token[0].isdigit():
            return Fraction(token)
        if token in {"log", "loglog", "sqrt", "ln", "lg", "factorial"}:
            inner = self._power()
            if token == "factorial":
                return _factorial(inner, self.text)
            if token == "sqrt":
                root = root_of(_growth(inner), 2)
                if root is None:
                    raise ContractError(f"no such root in {self.text!r}")
                return root
            return log_of(log_of(_growth(inner)) if token == "loglog" else _growth(inner))
        if token.isidentifier() and self._peek() != "(":
            return Growth.size(Affine.atom(token))
        raise ContractError(f"unexpected {token or 'end'!r} in {self.text!r}")


def _growth(value: Growth | Fraction) -> Growth:
    return ONE if isinstance(value, Fraction) else value


def _single(value: Growth | Fraction) -> Affine | None:
    """The size, where the value is one size to the first power."""
    if isinstance(value, Fraction) or len(value.monomials) != 1:
        return None
    (m,) = value.monomials
    return m[0][0] if len(m) == 1 and m[0][1] == Factor(power=UNIT) else None


def _factorial(value: Growth | Fraction, text: str) -> Growth:
    size = _single(value)
    if size is None:
        raise ContractError(f"factorial of something other than a name in {text!r}")
    return Growth(frozenset([monomial({size: Factor(factorial=1)})]))


def _raise(base: Growth | Fraction, exponent: Growth | Fraction, text: str) -> Growth | Fraction:
    if isinstance(exponent, Growth):
        size = _single(exponent)
        if not isinstance(base, Fraction) or base <= 0 or size is None:
            raise ContractError(f"only c^name is understood in {text!r}")
        return Growth(frozenset([monomial({size: Factor(rate=base)})]))
    if isinstance(base, Fraction):
        if exponent.denominator != 1 or abs(exponent) > 64:
            raise ContractError(f"a constant power in {text!r}")
        return base ** int(exponent)
    if exponent <= 0 or len(base.monomials) != 1 or exponent > 1000:
        raise ContractError(f"a power that is not understood in {text!r}")
    (m,) = base.monomials
    factors: dict[Affine, Factor] = {}
    for size, f in m:
        if not f.polylog or not isinstance(f.power, Fraction):
            raise ContractError(f"a power of an exponential in {text!r}")
        factors[size] = Factor(
            power=f.power * exponent, log=f.log * exponent, loglog=f.loglog * exponent
        )
    return Growth(frozenset([monomial(factors)]))


_DOCUMENTED = re.compile(r"^\s*Complexity:\s*(\S.*?)\s*$", re.MULTILINE)


def _inside(program: Program) -> dict[int, str]:
    """Contracts in a docstring (`Complexity: O(n)`) or a decorator (`@neox.bound("n")`)."""
    found: dict[int, str] = {}
    for node in walk(program.tree):
        if not isinstance(node, (n.FunctionDef, n.AsyncFunctionDef)):
            continue
        line = program.locate(node.start)[0]
        first = node.body[0] if node.body else None
        text = first.value if isinstance(first, n.Expr) else None
        if isinstance(text, n.Constant) and isinstance(text.value, str):
            match = _DOCUMENTED.search(text.value)
            if match is not None:
                found[line] = match.group(1)
        for decorator in node.decorator_list:
            if isinstance(decorator, n.Call) and _name(decorator.func) in {"bound", "neox.bound"}:
                found[line] = _decorated(decorator)
    return found


def _name(node: n.expr) -> str:
    if isinstance(node, n.Attribute):
        return f"{_name(node.value)}.{node.attr}"
    return node.id if isinstance(node, n.Name) else ""


def _decorated(call: n.Call) -> str:
    """The same grammar, written as arguments; O is meant where no kind is given."""
    parts = [a.value for a in call.args if isinstance(a, n.Constant) and isinstance(a.value, str)]
    if len(parts) != 1 or len(call.args) != 1:
        return "a decorator without one text"
    text = parts[0] if _HEAD.match(parts[0]) else f"O({parts[0]})"
    for keyword in call.keywords:
        value = keyword.value
        given = value.value if isinstance(value, n.Constant) else None
        size = given if isinstance(given, str) else "?"
        text += f", {keyword.arg}={size}"
    return text


def contracts(program: Program) -> dict[int, str]:
    """Contract texts by the line of the `def`: a comment on or above it, its docstring or
    decorator. A comment wins over the others.
    """
    lines = program.text.splitlines()
    found = _inside(program)
    for number, line in enumerate(lines, start=1):
        match = _COMMENT.search(line)
        if match is None:
            continue
        at = number
        while at <= len(lines) and line.lstrip().startswith("#"):
            at += 1
            line = lines[at - 1] if at <= len(lines) else ""
        while at <= len(lines) and lines[at - 1].lstrip().startswith("@"):
            at += 1
        if at <= len(lines) and lines[at - 1].lstrip().startswith(("def ", "async def ")):
            found[at] = match.group(1).strip()
    return found


def satisfies(bound: Bound, contract: Contract | str) -> bool | None:
    """True: the bound implies the contract. False: it contradicts it. None: neither is known.

    Only sides that are proved or assumed count. Names without a size are matched by the bound's
    own names, or directly where both sides speak of one size. Raises ContractError on bad text.
    """
    promise = Contract.parse(contract) if isinstance(contract, str) else contract
    upper = _renamed(bound.upper, bound, promise, largest=True)
    lower = _renamed(bound.lower, bound, promise, largest=False)
    single = len(promise.growth.sizes | (lower.sizes if lower else frozenset())) <= 1
    try:
        below = None if upper is None else upper <= promise.growth
        above = None if lower is None else promise.growth <= lower
        over = lower is not None and single and not lower <= promise.growth
        under = (
            upper is not None
            and len(promise.growth.sizes | upper.sizes) <= 1
            and not promise.growth <= upper
        )
    except Undecided:
        return None
    if promise.kind == "O":
        return True if below else False if over else None
    if promise.kind == "Omega":
        return True if above else False if under else None
    if below and above:
        return True
    return False if over or under else None


def _renamed(side: Side, bound: Bound, promise: Contract, *, largest: bool) -> Growth | None:
    """The side over the contract's names; None where a size has none or evidence is weak."""
    if side.growth is None or RANK[side.evidence] < RANK["assumed"]:
        return None
    names = _match(side.growth, bound, promise, largest)
    if names is None:
        return None
    return side.growth.map(
        lambda size, factor: Growth(frozenset([monomial({Affine.atom(names[size]): factor})]))
    )


def _match(
    growth: Growth, bound: Bound, promise: Contract, largest: bool
) -> Mapping[Affine, str] | None:
    given = {size.replace(" ", ""): name for name, size in promise.sizes}
    own = {size: name for name, size in bound.parameters}
    asked = [next(iter(s.atoms)) for s in promise.growth.sizes]
    names: dict[Affine, str] = {}
    for size in growth.sizes:
        text = size.text()
        kept = Affine.build({a: c for a, c in size.terms if c > 0}, Fraction(0))
        if text.replace(" ", "") in given:
            names[size] = given[text.replace(" ", "")]
        elif largest and kept.text() in given:
            names[size] = given[kept.text()]  # len(a) - i is at most len(a)
        elif given:
            return None
        elif len(bound.parameters) == 1 and len(asked) <= 1:
            names[size] = asked[0] if asked else own[text]
        elif own.get(text) in asked:
            names[size] = own[text]
        else:
            return None
    return names
