"""What a program reads: which calls read, and how sizes and values of the input are named.

An atom with an `@` is a number read from the input (`n@`) or the length of something read
(`len(a@)`), named after the variable that keeps it; the mark is dropped where names are shown.
Knows syntax only.
"""

from __future__ import annotations

from collections.abc import Callable

from neox.compiler import nodes as n
from neox.compiler.walk import walk

MARK = "@"
TEXT, NUMBERS = f"input{MARK}", f"numbers{MARK}"
_STREAMS = ("sys.stdin.", "stdin.", "sys.stdin.buffer.", "stdin.buffer.")
_READS = ("readline", "read", "readlines")
KEEPS = frozenset({"split", "rsplit", "strip", "rstrip", "lstrip", "splitlines", "decode"})


def dotted(node: n.Node) -> str:
    if isinstance(node, n.Name):
        return node.id
    if isinstance(node, n.Attribute):
        head = dotted(node.value)
        return f"{head}.{node.attr}" if head else ""
    return ""


def is_reader(name: str, renamed: frozenset[str]) -> bool:
    """Does calling this name read the input?"""
    if name in {"input", "raw_input"} or name in renamed:
        return True
    head, _, last = name.rpartition(".")
    return last in _READS and f"{head}." in _STREAMS


def readers(tree: n.Module) -> frozenset[str]:
    """Names bound to a reading method: `input = sys.stdin.readline`."""
    found = set()
    for node in walk(tree):
        if isinstance(node, n.Assign) and is_reader(dotted(node.value), frozenset()):
            found |= {t.id for t in node.targets if isinstance(t, n.Name)}
    return frozenset(found)


def reads(node: n.Node, renamed: frozenset[str]) -> bool:
    """Does the call read the input itself?"""
    if not isinstance(node, n.Call):
        return False
    if is_reader(dotted(node.func), renamed):
        return True
    inner = node.func.value if isinstance(node.func, n.Attribute) else None
    opened = isinstance(inner, n.Call) and dotted(inner.func) == "open" and bool(inner.args)
    if opened and isinstance(node.func, n.Attribute) and node.func.attr in _READS:
        first = inner.args[0] if isinstance(inner, n.Call) else None
        return isinstance(first, n.Constant) and first.value in (0, "/dev/stdin")
    return False


def only_reads(body: list[n.stmt], reading: Callable[[n.Node], bool]) -> bool:
    """A loop body that only takes the input apart and keeps it."""
    if not any(reading(x) for s in body for x in walk(s)):
        return False
    for s in body:
        if isinstance(s, (n.Assign, n.AnnAssign)):
            continue
        call = s.value if isinstance(s, n.Expr) else None
        kept = isinstance(call, n.Call) and dotted(call.func).rpartition(".")[2] in {
            "append",
            "add",
        }
        if not kept:
            return False
    return True
