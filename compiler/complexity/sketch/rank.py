"""`Rank`: growth in one size n, as exponential degree, power and log power; ordered by growth."""

from __future__ import annotations

from fractions import Fraction

from neox.compiler.complexity.record import dataclass

CLASSES = ("constant", "log n", "n", "n log n", "n^2", "n^3", "exponential")


@dataclass(frozen=True, slots=True, order=True)
class Rank:
    """2**(exp * n) * n**power * log(n)**log, up to constants in the exponent."""

    exp: int = 0
    power: Fraction = Fraction(0)
    log: int = 0

    def __mul__(self, other: Rank) -> Rank:
        return Rank(
            min(2, self.exp + other.exp), self.power + other.power, min(6, self.log + other.log)
        )

    def __add__(self, other: Rank) -> Rank:
        return max(self, other)

    def logarithm(self) -> Rank:
        if self.exp:
            return N
        return LOG if self.power else ONE

    def root(self, degree: int) -> Rank:
        if self.exp:
            return self
        return Rank(0, self.power / degree, self.log)

    def text(self) -> str:
        """sympy syntax in n."""
        parts = ["2**n"] * bool(self.exp)
        if self.power == Fraction(1, 2):
            parts.append("sqrt(n)")
        elif self.power:
            parts.append("n" if self.power == 1 else f"n**{_number(self.power)}")
        if self.log:
            parts.append("log(n)" if self.log == 1 else f"log(n)**{self.log}")
        return "*".join(parts) or "1"

    @property
    def label(self) -> str:
        """The nearest of the seven classes."""
        if self.exp:
            return "exponential"
        if self.power == 0:
            return "log n" if self.log else "constant"
        if self.power <= 1:
            return "n log n" if self.power == 1 and self.log else "n"
        return "n^2" if self.power <= 2 else "n^3"


def _number(value: Fraction) -> str:
    return str(value) if value.denominator == 1 else f"({value})"


ONE = Rank()
LOG = Rank(log=1)
N = Rank(power=Fraction(1))
EXP = Rank(exp=1)
