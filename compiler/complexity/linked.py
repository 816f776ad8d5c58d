"""Recursion over linked nodes: every call is on an attribute of the node itself.

In a tree (no node is reached in two ways, which the assumption says) each node is visited at most
once, so the cost is at most the nodes times the work in one. It is as much where every call leads
to all of a node's parts, and where the caller may choose a tree that is one long branch.
"""

from __future__ import annotations

from neox.compiler.complexity.affine import Affine
from neox.compiler.complexity.growth import ONE, Growth
from neox.compiler.complexity.select import witness
from neox.compiler.complexity.solution import Solution
from neox.compiler.complexity.values import CallSite, Condition, State


def linked(paths: list[State], recursive: list[State]) -> Solution | None:
    """The solution in `nodes(x)`, where every recursive call passes a part of x for x."""
    names = {name for p in recursive for site in p.calls for name, _ in site.parts}
    if len(names) != 1:
        return None
    name = names.pop()
    followed = [[_part(site, name) for site in p.calls] for p in recursive]
    for parts in followed:
        if None in parts or len(set(parts)) != len(parts):
            return None
    if not all(_checked(p, name) for p in recursive):
        return None
    nodes = Growth.size(Affine.atom(f"nodes({name})"))
    total = ONE
    for p in paths:
        if p.high is None or not all(_same(size, recursive) for size in p.high.sizes):
            return None
        total = total + p.high
    everything = {part for parts in followed for part in parts}
    bare = [p for p in paths if not p.calls and p.status != "raise"]
    sure = all(
        set(parts) == everything and not any(site.maybe for site in p.calls)
        for p, parts in zip(recursive, followed, strict=True)
    )
    trace = ["recurrence: T(x) = T of the parts of x + toll; each node of a tree is visited once"]
    assumed = {f"tree:{name}"}
    if sure and all(_at_the_end(p, name) for p in bare):
        return Solution(nodes, nodes * total, assumed, {f"tree:{name}"}, trace)
    for p in recursive:
        rest = [c for c in p.conditions if not _about(c, name)]
        taken = witness(rest)
        if taken is not None and not any(site.maybe for site in p.calls):
            return Solution(nodes, nodes * total, assumed | taken, {f"tree:{name}"}, trace)
    return Solution(ONE, nodes * total, set(), {f"tree:{name}"}, trace)


def _part(site: CallSite, name: str) -> str | None:
    if site.times != Affine.number(1) or site.index is not None:
        return None
    return dict(site.parts).get(name)


def _checked(path: State, name: str) -> bool:
    """Is the node known to be one: the recursion ends below the leaves."""
    return any(f"some:{name}" in c.about or _nonzero(c, name) for c in path.conditions)


def _nonzero(c: Condition, name: str) -> bool:
    return c.kind == "nonzero" and c.value == Affine.atom(name)


def _about(c: Condition, name: str) -> bool:
    return f"some:{name}" in c.about or _nonzero(c, name)


def _at_the_end(path: State, name: str) -> bool:
    """The path without calls is taken below the leaves only."""
    return any(
        f"none:{name}" in c.about
        or (c.kind == "size" and c.value is not None and c.value.linear() == -Affine.atom(name))
        for c in path.conditions
    )


def _same(size: Affine, recursive: list[State]) -> bool:
    for path in recursive:
        for site in path.calls:
            sizes = dict(site.sizes)
            if size.map_atoms(lambda a, sizes=sizes: sizes.get(a, Affine.atom(a))) != size:  # type: ignore[misc]
                return False
    return True
