"""What calls of built-in functions and methods cost and give, in ranks."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from neox.compiler.complexity.sketch.rank import EXP, LOG, ONE, N, Rank
from neox.compiler.complexity.sketch.values import Val, container, number

Charge = Callable[[Rank], None]

_LISTS = {"list", "tuple", "sorted", "reversed", "iter", "enumerate", "bytearray"}
_PLAIN = {"abs", "round", "ord", "chr", "bool", "hash", "id", "isinstance", "float", "type"}
_SCANS = {"sum", "any", "all", "math.prod", "math.fsum", "statistics.mean", "functools.reduce"}
_SAME = {
    "int",
    "float",
    "abs",
    "round",
    "math.floor",
    "math.ceil",
    "math.trunc",
    "Decimal",
}
_HEAP = {"heappush", "heappop", "heapreplace", "heappushpop"}
READERS = {"input", "sys.stdin.readline", "sys.stdin.read", "sys.stdin.readlines", "stdin.readline"}
READERS |= {"sys.stdin.buffer.read", "sys.stdin.buffer.readline", "open", "stdin.read", "readline"}
READERS |= {
    "sys.stdin.buffer.readlines",
    "raw_input",
    "os.read",
    "stdin.readlines",
    "stdin.buffer.read",
}


def cost_of_items(v: Val) -> Rank:
    """What running through an iterable costs."""
    return v.len * v.per


def call_function(name: str, args: list[Val], charge: Charge) -> Val | None:
    """None where the name is not known."""
    first = args[0] if args else Val()
    last = name.rpartition(".")[2]
    if name in READERS:
        text = Val("str", ONE, N, Val("str", N, ONE, read=True), read=True)
        return text
    if name == "len":
        return number(first.len)
    if name in _SAME and args:
        return Val("num", first.mag if first.mag != ONE else (N if first.read else ONE), ONE)
    if last in {"sqrt", "isqrt"}:
        return number(first.mag.root(2))
    if last in {"log", "log2", "log10"}:
        return number(first.mag.logarithm())
    if last in {"gcd", "lcm", "pow"} and (last != "pow" or len(args) > 2):
        charge(max((a.mag for a in args), default=ONE).logarithm())
        return number(first.mag)
    if last == "factorial":
        charge(first.mag)
        return number(EXP)
    if last == "comb":
        charge(first.mag)
        return number(EXP)
    if name in {"min", "max"}:
        if len(args) > 1:
            return number(max(a.mag for a in args))
        charge(cost_of_items(first))
        return first.item()
    if name in _SCANS:
        charge(cost_of_items(args[-1] if last == "reduce" else first))
        return number(max(first.item().mag, first.len if first.item().mag == ONE else ONE))
    if name == "range":
        stop = max((a.mag for a in args[:2]), default=ONE)
        step = args[2].mag if len(args) > 2 else ONE
        geometric = any(a.geometric for a in args)
        length = stop
        if step != ONE and step.power <= stop.power:  # range(i, n, i): harmonic on average
            length = LOG if step.power == stop.power else Rank(0, stop.power - step.power)
        return Val("range", ONE, length, Val("num", stop, geometric=geometric), geometric=geometric)
    if last in {"sorted"}:
        charge(cost_of_items(first) * (LOG if first.len != ONE else ONE))
        return container("list", first.len, first.elem, first.items)
    if name in _LISTS:
        if name == "enumerate":
            return Val(
                "list",
                ONE,
                first.len,
                container("tuple", ONE, None, [number(first.len), first.item()]),
                per=first.per,
            )
        if name not in {"reversed", "iter"} and not first.read:
            charge(cost_of_items(first))
        return Val("list", ONE, first.len, first.elem, items=first.items, read=first.read)
    if last in {"set", "frozenset", "Counter", "dict", "OrderedDict", "deque", "defaultdict"}:
        if last == "defaultdict":
            return container("dict", ONE, Val())
        charge(cost_of_items(first) if args else ONE)
        kind = {"deque": "deque", "set": "set", "frozenset": "set"}.get(last, "dict")
        return container(kind, first.len if args else ONE, first.elem)
    if name == "zip":
        each = [a.item() for a in args]
        return container(
            "list", min((a.len for a in args), default=ONE), container("tuple", ONE, None, each)
        )
    if last in _HEAP:
        charge(first.len.logarithm())
        if last == "heappush" and len(args) > 1 and first.elem is None:
            first.elem = args[1]
        return first.item()
    if last == "heapify":
        charge(first.len)
        return Val()
    if last in {"nlargest", "nsmallest", "merge"}:
        charge(max((a.len for a in args), default=ONE) * LOG)
        return args[-1]
    if last.startswith(("bisect", "insort")):
        charge(first.len if last.startswith("insort") else first.len.logarithm())
        return number(first.len)
    if last in {"permutations", "product", "combinations", "combinations_with_replacement"}:
        return _choices(last, args)
    if last in {"accumulate", "islice", "chain", "groupby", "cycle", "starmap", "filter"}:
        whole = max(args, key=lambda a: a.len, default=Val())
        return container("list", whole.len, whole.elem or (args[-1].elem if args else None))
    if name in {"str", "repr", "bin", "hex", "oct", "format"}:
        charge(first.len if first.kind in {"list", "dict", "set"} else ONE)
        return container("str", first.len)
    if name == "print":
        charge(max((a.len for a in args if a.kind != "str"), default=ONE))
        return Val()
    if last in {"deepcopy", "copy"}:
        charge(first.len * first.item().len)
        return first
    if name == "divmod" and args:
        return container("tuple", ONE, None, [number(first.mag), number(args[1].mag)])
    if name in _PLAIN or name.startswith(("math.", "sys.", "time.", "random.", "os.", "cmath.")):
        return number(first.mag)
    if name in {
        "exit",
        "quit",
        "super",
        "object",
        "next",
        "setattr",
        "getattr",
        "hasattr",
        "globals",
    }:
        return first.item() if name == "next" else Val()
    return None


def _choices(name: str, args: list[Val]) -> Val:
    first = args[0] if args else Val()
    many = args[1].mag if len(args) > 1 else ONE
    inner = container("tuple", ONE, first.item())
    if name == "permutations":
        big = first.len != ONE
        if len(args) > 1 and many == ONE:
            count = first.len * first.len
        else:
            count = EXP if big else ONE
            inner.len = first.len
        return Val("list", ONE, count, inner, per=inner.len)
    if name == "product":
        if len(args) > 1 and args[-1].kind == "repeat":
            inner.len = args[-1].mag
            count = EXP if inner.len != ONE else first.len * first.len
            return Val("list", ONE, count, inner, per=inner.len)
        count = ONE
        for a in args:
            count = count * a.len
        return container("list", count, container("tuple", ONE, None, [a.item() for a in args]))
    if first.len == ONE:
        return container("list", ONE, inner)
    if many != ONE:
        inner.len = many
        return Val("list", ONE, EXP, inner, per=many)
    power = first.len.power * (
        int(args[1].attrs["value"].mag.power) if len(args) > 1 and "value" in args[1].attrs else 2
    )
    return container("list", Rank(0, Fraction(power), 0), inner)


def call_method(name: str, me: Val, args: list[Val], charge: Charge) -> Val | None:
    first = args[0] if args else Val()
    if name in {"split", "splitlines", "rsplit"}:
        if not me.read:
            charge(me.len)
        return Val(
            "list", ONE, me.len, Val("str", N if me.read else ONE, ONE, read=me.read), read=me.read
        )
    if name in {
        "strip",
        "rstrip",
        "lstrip",
        "lower",
        "upper",
        "replace",
        "title",
        "decode",
        "encode",
        "zfill",
        "swapcase",
        "ljust",
        "rjust",
        "capitalize",
        "translate",
        "casefold",
    }:
        if not me.read:
            charge(me.len)
        return Val(
            "str", me.mag, max(me.len, first.mag if "just" in name else ONE), me.elem, read=me.read
        )
    if name == "join":
        charge(first.len * max(first.item().len, ONE))
        return container("str", first.len * first.item().len)
    if name in {"append", "appendleft", "add", "push"}:
        me.elem = first if me.elem is None or first.len >= me.elem.len else me.elem
        return Val()
    if name in {"extend", "extendleft", "update"}:
        charge(cost_of_items(first))
        me.len = max(me.len, first.len)
        me.elem = me.elem or first.elem
        return Val()
    if name in {"pop", "popleft", "popitem"}:
        if name == "pop" and args and me.kind in {"list", ""} and not _minus_one(first):
            charge(me.len)
        return me.item()
    if name in {
        "index",
        "count",
        "remove",
        "insert",
        "find",
        "rfind",
        "startswith",
        "endswith",
        "reverse",
        "copy",
        "rotate",
    }:
        if me.kind in {"set", "dict", "deque"} and name in {"remove", "count"}:
            return Val()
        cost = first.len if name.endswith("with") else me.len
        charge(first.mag if name == "rotate" else cost)
        if name == "copy":
            return Val(me.kind, ONE, me.len, me.elem)
        return number(me.len)
    if name == "sort":
        charge(me.len * (LOG if me.len != ONE else ONE))
        return Val()
    if name in {"keys", "values", "items"}:
        item = me.item()
        if name == "items":
            item = container("tuple", ONE, None, [Val(), me.item()])
        return container("list", me.len, item)
    if name in {"get", "setdefault"}:
        return me.item()
    if name in {"most_common"}:
        charge(me.len * LOG)
        return container("list", me.len)
    if name in {"union", "intersection", "difference", "issubset", "symmetric_difference"}:
        charge(max(me.len, first.len))
        return container("set", max(me.len, first.len), me.elem)
    if name in {"bit_length", "bit_count"}:
        return number(me.mag.logarithm())
    if name in {
        "clear",
        "discard",
        "isdigit",
        "isalpha",
        "isupper",
        "islower",
        "isalnum",
        "isspace",
        "write",
        "flush",
        "format",
        "close",
        "isnumeric",
    }:
        return container("str", ONE) if name == "format" else Val()
    if name in {"readline", "read", "readlines"}:
        return Val("str", ONE, N, Val("str", N, ONE, read=True), read=True)
    return None


def _minus_one(v: Val) -> bool:
    return v.attrs.get("value") is not None and v.attrs["value"].mag == Rank(0, Fraction(-1))
