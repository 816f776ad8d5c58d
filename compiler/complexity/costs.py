"""The cost table of built-in operations (CPython), as data.

An entry says what one call costs from below and from above in terms of a touched length k:
"1", "log", "k" or "klogk", plus the kind of result. From below, a search may stop at once. Entries
follow the Python wiki's TimeComplexity page. Knows nothing about states or syntax.
"""

from __future__ import annotations

from typing import Literal

from neox.compiler.complexity.record import dataclass

Cost = Literal["1", "log", "k", "klogk"]
Result = Literal[
    "unknown", "number", "same", "list", "set", "dict", "lazy", "element", "none", "part", "parts"
]


@dataclass(frozen=True, slots=True)
class Entry:
    """`low` and `high` cost; what comes back; the change of the receiver's length, if any."""

    low: Cost
    high: Cost
    result: Result = "unknown"
    grows: int | None = 0  # None: by an unknown amount
    assumption: str | None = None


_ONE = Entry("1", "1")
_SCAN = Entry("k", "k")
_SEARCH = Entry("1", "k")

# Functions, by their qualified name; k is the length of the first argument.
FUNCTIONS: dict[str, Entry] = {
    **dict.fromkeys(["abs", "bool", "callable", "chr", "divmod", "float", "hash", "id"], _ONE),
    **dict.fromkeys(["int", "isinstance", "issubclass", "iter", "next", "ord", "round"], _ONE),
    **dict.fromkeys(["complex", "type", "object", "math.sqrt", "math.log", "math.log2"], _ONE),
    **dict.fromkeys(["math.floor", "math.ceil", "math.isqrt", "math.sin", "math.cos"], _ONE),
    **dict.fromkeys(["math.exp", "math.log10", "math.pow", "math.fabs", "math.hypot"], _ONE),
    "slice": _ONE,
    "all": _SEARCH,
    "any": _SEARCH,
    "max": _SCAN,
    "min": _SCAN,
    "sum": _SCAN,
    "math.fsum": _SCAN,
    "math.prod": _SCAN,
    "list": Entry("k", "k", "list"),
    "tuple": Entry("k", "k", "list"),
    "bytes": Entry("k", "k", "list"),
    "bytearray": Entry("k", "k", "list"),
    "set": Entry("k", "k", "set", assumption="hash-O1"),
    "frozenset": Entry("k", "k", "set", assumption="hash-O1"),
    "dict": Entry("k", "k", "dict", assumption="hash-O1"),
    "collections.Counter": Entry("k", "k", "dict", assumption="hash-O1"),
    "collections.deque": Entry("k", "k", "list"),
    "collections.OrderedDict": Entry("k", "k", "dict", assumption="hash-O1"),
    "reversed": Entry("1", "1", "lazy"),
    "sorted": Entry("k", "klogk", "list"),
    "bisect.bisect": Entry("log", "log", "number"),
    "bisect.bisect_left": Entry("log", "log", "number"),
    "bisect.bisect_right": Entry("log", "log", "number"),
    "bisect.insort": Entry("log", "k", "none", 1),
    "bisect.insort_left": Entry("log", "k", "none", 1),
    "bisect.insort_right": Entry("log", "k", "none", 1),
    "heapq.heapify": Entry("k", "k", "none"),
    "heapq.heappush": Entry("1", "log", "none", 1),
    "heapq.heappop": Entry("1", "log", "element", -1),
    "heapq.heappushpop": Entry("1", "log", "element"),
    "heapq.heapreplace": Entry("1", "log", "element"),
    "copy.copy": Entry("k", "k", "same"),
    "itertools.accumulate": Entry("k", "k", "list"),
    "itertools.chain.from_iterable": Entry("k", "k", "lazy"),
    "itertools.cycle": Entry("1", "1", "unknown"),
    **dict.fromkeys(
        ["math.gcd", "math.log1p", "math.tan", "math.atan2", "math.dist", "bin", "hex", "oct"], _ONE
    ),
    **dict.fromkeys(["getattr", "hasattr", "setattr", "super", "time.time", "exit"], _ONE),
    **dict.fromkeys(["sys.setrecursionlimit", "sys.exit", "quit", "operator.itemgetter"], _ONE),
    **dict.fromkeys(["ValueError", "TypeError", "KeyError", "IndexError", "Exception"], _ONE),
    **dict.fromkeys(["RuntimeError", "StopIteration", "AssertionError", "OverflowError"], _ONE),
    **dict.fromkeys(["NotImplementedError", "AttributeError", "ZeroDivisionError"], _ONE),
}

# The worst case of these is reached whatever the content, or on a content the caller may choose.
WORST_IS_HIGH = {"sorted", "sort", "heapq.heappop", "heapq.heappush", "heapq.heapreplace"}

# Methods by kind of receiver; "any" is a receiver of unknown type with a tell-tale method name.
METHODS: dict[str, dict[str, Entry]] = {
    "list": {
        "append": Entry("1", "1", "none", 1),
        "clear": Entry("1", "k", "none", None),
        "copy": Entry("k", "k", "same"),
        "count": Entry("k", "k", "number"),
        "extend": Entry("1", "1", "none", None),
        "index": Entry("1", "k", "number"),
        "insert": Entry("1", "k", "none", 1),
        "pop": Entry("1", "1", "element", -1),
        "remove": Entry("1", "k", "none", -1),
        "reverse": Entry("k", "k", "none"),
        "sort": Entry("k", "klogk", "none"),
    },
    "deque": {
        "copy": Entry("k", "k", "same"),
        "rotate": Entry("1", "k", "none"),
        "count": Entry("k", "k", "number"),
        "reverse": Entry("k", "k", "none"),
        "append": Entry("1", "1", "none", 1),
        "appendleft": Entry("1", "1", "none", 1),
        "pop": Entry("1", "1", "element", -1),
        "popleft": Entry("1", "1", "element", -1),
        "clear": Entry("1", "k", "none", None),
        "extend": Entry("1", "1", "none", None),
    },
    "set": {
        "add": Entry("1", "1", "none", None, "hash-O1"),
        "discard": Entry("1", "1", "none", None, "hash-O1"),
        "remove": Entry("1", "1", "none", -1, "hash-O1"),
        "copy": Entry("k", "k", "same", 0, "hash-O1"),
        "pop": Entry("1", "1", "element", -1, "hash-O1"),
        "clear": Entry("1", "k", "none", None),
    },
    "dict": {
        "get": Entry("1", "1", "unknown", 0, "hash-O1"),
        "setdefault": Entry("1", "1", "unknown", None, "hash-O1"),
        "pop": Entry("1", "1", "unknown", None, "hash-O1"),
        "items": Entry("1", "1", "lazy"),
        "keys": Entry("1", "1", "lazy"),
        "values": Entry("1", "1", "lazy"),
        "copy": Entry("k", "k", "same"),
        "clear": Entry("1", "k", "none", None),
    },
    "str": {
        **dict.fromkeys(
            ["isalpha", "isdigit", "isalnum", "isspace", "isupper", "islower"], Entry("1", "k")
        ),
        **dict.fromkeys(["lower", "upper", "swapcase", "title"], Entry("k", "k", "same")),
        **dict.fromkeys(["strip", "lstrip", "rstrip", "encode", "decode"], Entry("1", "k", "part")),
        **dict.fromkeys(["split", "rsplit", "splitlines"], Entry("k", "k", "parts")),
        **dict.fromkeys(["find", "rfind", "count", "index"], Entry("1", "k", "number")),
        **dict.fromkeys(["startswith", "endswith"], Entry("1", "k", "number")),
    },
}
SIZE_CHANGING = frozenset(
    name for table in METHODS.values() for name, entry in table.items() if entry.grows != 0
) | {"update", "popitem", "intersection_update", "difference_update", "setdefault", "rotate"}
