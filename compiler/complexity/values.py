"""What a variable may hold during symbolic execution, and the state of one execution path.

A value is a number known as an affine expression, a number known up to growth, a container whose
length is tracked on the heap, an element of unknown content, or nothing known. Sizes at function
entry are named after the parameters: `n` for a value, `len(a)` for a length.
"""

from __future__ import annotations

from typing import Literal

from neox.compiler.complexity.affine import Affine
from neox.compiler.complexity.growth import ONE, Growth
from neox.compiler.complexity.record import dataclass, field, replace


class GaveUp(Exception):
    """The analysis of this function stops here; the text says why."""


@dataclass(frozen=True, slots=True)
class Num:
    """An integer known exactly as an affine expression."""

    value: Affine


@dataclass(frozen=True, slots=True)
class Product:
    """A product of affine integers, kept for guards such as `i * i <= n`."""

    factors: tuple[Affine, ...]


@dataclass(frozen=True, slots=True)
class Magnitude:
    """A number known up to a constant factor."""

    growth: Growth
    root_of: Affine | None = None  # the whole square root of this, rounded somehow


@dataclass(frozen=True, slots=True)
class Remainder:
    """`left % right` of two affine integers."""

    left: Affine
    right: Affine


@dataclass(frozen=True, slots=True)
class Element:
    """Content of an input. `free`: the caller may choose it at will, independently of sizes.

    `path` names the container it came from, empty where it was computed; `index` where in it.
    """

    path: str
    free: bool = True
    index: Affine | None = None


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter or a closed-over variable: number or container, whichever use shows."""

    name: str


@dataclass(frozen=True, slots=True)
class Reference:
    """A container on the heap of the state."""

    key: str


@dataclass(frozen=True, slots=True)
class Several:
    """A tuple written out: its items are known one by one."""

    items: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Progression:
    """`range(start, stop, step)`."""

    start: Value
    stop: Value
    step: Value


@dataclass(frozen=True, slots=True)
class Lazy:
    """An iterator over `parts` in step: zip, enumerate (first part absent), items, reversed."""

    kind: Literal["zip", "enumerate", "plain", "items"]
    parts: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Instance:
    """An object of a class of the file; its attributes are kept in `env` under `key.name`."""

    family: str
    key: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """Nothing is known; `heavy` where it may be a container of any size."""

    heavy: bool = False


Value = (
    Num
    | Product
    | Magnitude
    | Remainder
    | Element
    | Parameter
    | Reference
    | Several
    | Progression
    | Lazy
    | Instance
    | Unknown
)


@dataclass(frozen=True, slots=True)
class Container:
    """A container made or changed by the function; `length` None means unknown."""

    kind: str
    length: Affine | None
    element: Value
    growth: Growth | None = None
    built: bool = False  # made empty by the function itself


@dataclass(frozen=True, slots=True)
class Condition:
    """A decision taken on a path.

    "size": `value >= 1`, "nonzero": `value != 0`; "data": the input can be chosen so, provided
    `value`, where given, is not 0; "prime": a prime `value` is not divisible by `other`; "opaque":
    none of these.
    """

    kind: Literal["size", "nonzero", "data", "prime", "opaque"]
    line: int
    value: Affine | None = None
    other: Affine | None = None
    degree: int = 1  # of a guard value**degree <= other
    operands: tuple[object, object] | None = None  # of "data": what is compared,
    outcomes: frozenset[str] = frozenset()  # and the orders that are left
    about: frozenset[str] = frozenset()  # the containers whose content it is about


ONCE = Affine.number(1)


@dataclass(frozen=True, slots=True)
class CallSite:
    """A recursive call: the callee's entry sizes in terms of ours, and how often it happens."""

    sizes: tuple[tuple[str, Affine | None], ...]
    times: Affine = ONCE
    index: str | None = None
    maybe: bool = False
    euclid: tuple[str, str] | None = None  # (a, b) of a call f(b, a % b)
    parts: tuple[tuple[str, str], ...] = ()  # parameters given an attribute of themselves


YIELDED = "yield#"  # where the items of a generator are kept

Status = Literal["normal", "return", "raise", "break", "continue"]


@dataclass(slots=True)
class State:
    """One path of execution so far; `high` None means the cost from above is unknown."""

    env: dict[str, Value]
    heap: dict[str, Container] = field(default_factory=dict)
    low: Growth = ONE
    high: Growth | None = ONE
    calls: list[CallSite] = field(default_factory=list)
    conditions: list[Condition] = field(default_factory=list)
    status: Status = "normal"
    result: Value = field(default_factory=Unknown)
    notes: set[str] = field(default_factory=set)
    assumed_low: set[str] = field(default_factory=set)
    assumed_high: set[str] = field(default_factory=set)
    touched: set[str] = field(default_factory=set)  # containers changed on this path
    rounds: Affine = field(default_factory=Affine)  # of all loops so far, at least; exact sums

    def copy(self) -> State:
        return replace(
            self,
            env=dict(self.env),
            heap=dict(self.heap),
            calls=list(self.calls),
            conditions=list(self.conditions),
            notes=set(self.notes),
            assumed_low=set(self.assumed_low),
            assumed_high=set(self.assumed_high),
            touched=set(self.touched),
        )

    def charge(self, low: Growth, high: Growth | None) -> None:
        self.low = self.low + low
        self.high = None if self.high is None or high is None else self.high + high

    def lose(self, why: str) -> None:
        """From here on the cost from above is unknown."""
        self.high = None
        self.notes.add(why)
