"""What one step of a counted program costs, in elementary operations.

A loop pass, a call and an element touched cost 1 each; what C code does in one step of the
interpreter costs the size it touches, from a table of the built-in operations. The prices are those
of the worst case (a sort costs n log n whatever the order of its input), so that a count never
flatters. Counts are the same in every run. Knows nothing about syntax trees.
"""

from __future__ import annotations

import operator
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterator
from math import log2
from types import BuiltinFunctionType, FunctionType, MethodType
from typing import Any

WORD = 64  # bits; smaller integers cost the same, whatever their value
NAME = "__meter__"  # of the meter among a counted program's globals

_SIZED = (str, bytes, bytearray, list, tuple, set, frozenset, dict, deque)
_SEQUENCES = (str, bytes, bytearray, list, tuple, deque)
_BUILDERS = frozenset(
    (list, tuple, set, frozenset, dict, bytes, bytearray, deque, Counter, OrderedDict, defaultdict)
)
_CONSUMERS = frozenset(("sum", "min", "max", "any", "all", "sorted", "join", "extend", "update"))
_SORTS = frozenset(("sort", "sorted"))
_LOGARITHMIC = frozenset(
    ("heappush", "heappop", "heapreplace", "heappushpop", "bisect", "bisect_left", "bisect_right")
)
# Whatever they are given. `pop`, `insert` and `del` depend on the place.
_CONSTANT = frozenset(
    "abs add append appendleft callable chr clear delattr discard divmod get getattr hasattr hash "
    "id isinstance issubclass items iter keys len next ord popitem popleft randint random "
    "randrange round setattr setdefault values bit_length sqrt isqrt gcd floor ceil log log2 log10 "
    "exp sin cos time perf_counter".split()
)
_BY_ARGUMENT = frozenset(("startswith", "endswith", "extend", "extendleft", "update"))
_WHOLE = frozenset(  # of sets, dicts and counters; all else these do is by hash
    "copy union intersection difference symmetric_difference issubset issuperset isdisjoint "
    "fromkeys elements most_common".split()
)


class TooMany(BaseException):
    """The count went over its cap: no handler of the program may hold it up."""


def size(value: Any) -> int:
    """How many elements, characters or digits copying `value` would touch."""
    if isinstance(value, _SIZED):
        return len(value)
    return value.bit_length() // WORD if type(value) is int else 0


class Meter:
    """The counter and the operations that charge it; `names` is what a counted program calls."""

    def __init__(self, cap: int) -> None:
        self.count = 0
        self._cap = cap

    def tick(self, cost: int = 1) -> bool:
        """Charge; True, so that it can stand in a condition. TooMany over the cap."""
        self.count += cost
        if self.count > self._cap:
            raise TooMany
        return True

    def sized(self, value: Any) -> Any:
        """`value`, charged for its size: slices, f-strings, unpacked arguments."""
        self.tick(1 + size(value))
        return value

    def counted(self, items: Iterator[Any]) -> Iterator[Any]:
        """The same items, each charged: for iterators that C code consumes."""
        for item in items:
            self.tick()
            yield item

    def callee(self, function: Any) -> Any:
        """What to call instead of `function`: itself if it counts its own steps."""
        self.tick()
        kind = type(function)
        if kind is FunctionType or kind is MethodType:
            inner = function.__func__ if kind is MethodType else function
            if getattr(inner, "__globals__", {}).get(NAME) is self:
                return function
        elif kind is not BuiltinFunctionType and not (kind is type and function in _KINDS):
            return function
        name = getattr(function, "__name__", "")
        return function if name in _CONSTANT else self._priced(function, name)

    def _priced(self, function: Any, name: str) -> Any:
        def call(*arguments: Any, **keywords: Any) -> Any:
            owner = getattr(function, "__self__", None)
            if name in _CONSUMERS or function in _BUILDERS:
                given = [self.counted(a) if hasattr(a, "__next__") else a for a in arguments]
            else:
                given = list(arguments)
            if name in ("pop", "insert"):
                self.tick(_shifted(owner, name, arguments))
            elif name in _LOGARITHMIC:
                self.tick(int(log2(2 + size(arguments[0]))))
            else:
                self.tick(sum(map(size, arguments)) + _touched(owner, name))
            result = function(*given, **keywords)
            if name in _SORTS:
                total = size(result if name == "sorted" else owner)
                self.tick(int(total * log2(total + 1)))
            elif name == "join" or function in (str, repr):
                self.tick(size(result))
            return result

        return call

    def binary(self, sign: str, left: Any, right: Any) -> Any:
        """An arithmetic operator: constant for machine numbers, sizes for all else."""
        result = _BINARY[sign](left, right)
        if type(left) is int and type(right) is int:
            heavy = sign in ("*", "//", "%", "**")
            words, others = size(left), size(right)
            self.tick(1 + (words * max(others, 1) if heavy else words + others))
        else:
            self.tick(1 + max(size(result), size(left) + size(right)) * (sign in _COPYING))
        return result

    def inplace(self, sign: str, left: Any, right: Any) -> Any:
        """`left += right`: what can change is not copied."""
        if isinstance(left, list | set | dict | deque | bytearray) and sign != "*":
            if hasattr(right, "__next__"):
                right = self.counted(right)
            self.tick(1 + size(right))
            return _INPLACE[sign](left, right)
        return self.binary(sign, left, right)

    def contains(self, item: Any, whole: Any) -> bool:
        """`item in whole`: a sequence is searched up to the item."""
        if hasattr(whole, "__next__"):
            whole = self.counted(whole)
        found = item in whole
        if isinstance(whole, _SEQUENCES):
            self.tick(1 + (whole.index(item) if found else len(whole)))
        else:
            self.tick()
        return found

    def compare(self, sign: str, left: Any, right: Any) -> Any:
        """Two sequences are compared up to the end of the shorter one."""
        both = isinstance(left, _SIZED) and isinstance(right, _SIZED)
        if both and not (sign in ("==", "!=") and len(left) != len(right)):
            self.tick(1 + min(len(left), len(right)))
        return _COMPARE[sign](left, right)

    def removing(self, owner: Any, index: Any) -> None:
        """Before `del owner[index]`."""
        self.tick(1 + (_shifted(owner, "pop", (index,)) if type(index) is int else size(owner)))


_KINDS = _BUILDERS | {str, int, float}
_COPYING = frozenset("+*%|&-^")
_BINARY: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv,
    "//": operator.floordiv, "%": operator.mod, "**": operator.pow, "@": operator.matmul,
    "<<": operator.lshift, ">>": operator.rshift, "|": operator.or_, "&": operator.and_,
    "^": operator.xor,
}  # fmt: skip
_INPLACE: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.iadd, "-": operator.isub, "|": operator.ior, "&": operator.iand,
    "^": operator.ixor,
}  # fmt: skip
_COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    "==": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt,
    ">=": operator.ge,
}  # fmt: skip


def _touched(owner: Any, name: str) -> int:
    """Elements of a method's owner that one call goes over."""
    if name in _BY_ARGUMENT or not (isinstance(owner, _SEQUENCES) or name in _WHOLE):
        return 0
    return size(owner)


def _shifted(owner: Any, name: str, arguments: tuple[Any, ...]) -> int:
    """Elements that move when one comes into a list, or leaves it."""
    if not isinstance(owner, list | bytearray) or not arguments or type(arguments[0]) is not int:
        return 0
    index = arguments[0] if arguments[0] >= 0 else len(owner) + arguments[0]
    return max(0, len(owner) - index - (name == "pop"))
