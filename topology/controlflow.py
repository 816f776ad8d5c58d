"""C1: the closed control-flow multigraph of a function, a class body or a module.

Vertices are ENTRY, EXIT, one per simple statement, one per head of a compound statement, and a
triple (decision, arm, join) per decision inside an expression. Edges are the syntactic successors,
without constant folding, plus EXIT -> ENTRY. A decision has two successors, every other vertex one;
hence the first Betti number E - V + 1 is the number of decisions + 1, which is McCabe's number
(McCabe 1976). Definitions inside are one vertex each and graphs of their own; guards of cases are
no decisions and an assert is one whatever it asserts, as radon has it.
"""

from __future__ import annotations

from typing import Final

from neox.compiler import nodes as n
from neox.compiler.nodes import Node
from neox.compiler.walk import children, walk
from neox.topology.survey import Survey, survey

ENTRY: Final = 0
EXIT: Final = 1
Function = n.FunctionDef | n.AsyncFunctionDef
Unit = n.FunctionDef | n.AsyncFunctionDef | n.ClassDef | n.Module


class FlowGraph:
    """labels[v] says what vertex v is, nodes[v] is the number of its statement in the survey (the
    unit's own for ENTRY and EXIT); edges may be parallel.
    """

    __slots__ = ("edges", "labels", "nodes")

    def __init__(self, unit: int = 0) -> None:
        self.labels: list[str] = ["ENTRY", "EXIT"]
        self.nodes: list[int] = [unit, unit]
        self.edges: list[tuple[int, int]] = []

    def betti(self) -> tuple[int, int]:
        """Components and independent cycles."""
        parent = list(range(len(self.labels)))
        components = len(parent)
        for u, v in self.edges:
            while parent[u] != u:
                parent[u] = parent[parent[u]]
                u = parent[u]
            while parent[v] != v:
                parent[v] = parent[parent[v]]
                v = parent[v]
            if u != v:
                parent[u] = v
                components -= 1
        return components, len(self.edges) - len(self.labels) + components


def functions(tree: Node) -> list[Function]:
    """Every function and method, nested ones included, in order of appearance."""
    return [f for f in walk(tree) if isinstance(f, n.FunctionDef | n.AsyncFunctionDef)]


def units(tree: Node) -> list[Unit]:
    """Everything that has a graph of its own: functions, class bodies, the module."""
    return [u for u in walk(tree) if isinstance(u, Unit)]


def flow_graph(unit: Unit, known: Survey | None = None) -> FlowGraph:
    """The graph of a unit's body; `known` is a survey that the unit is part of."""
    known = known or survey(unit)
    builder = _Builder(known, known.numbers.get(unit, 0))
    ends = builder.block(unit.body, [ENTRY])
    builder.join(ends, EXIT)
    builder.graph.edges.append((EXIT, ENTRY))
    return builder.graph


def decisions(expression: Node) -> int:
    """Decisions of an expression: `and`, `or`, ternaries, comprehensions.

    >>> from neox.compiler import parse
    >>> decisions(parse("x = a and b or c").tree)
    2
    """
    total = 0
    waiting = [expression]
    while waiting:
        node = waiting.pop()
        if isinstance(node, n.BoolOp):
            total += len(node.values) - 1
        elif isinstance(node, n.IfExp):
            total += 1
        elif isinstance(node, n.comprehension):
            total += 1 + len(node.ifs)
        waiting += children(node)
    return total


class _Loop:
    """A loop being built: where continue goes, and who breaks."""

    __slots__ = ("breaks", "start")

    def __init__(self, start: int) -> None:
        self.start = start
        self.breaks: list[int] = []


class _Builder:
    """Walks statements; a list of vertices stands for the edges that still lack their target."""

    def __init__(self, known: Survey, unit: int) -> None:
        self.graph = FlowGraph(unit)
        self.known = known
        self.loops: list[_Loop] = []

    def vertex(self, label: str, number: int, before: list[int]) -> int:
        graph = self.graph
        new = len(graph.labels)
        graph.labels.append(label)
        graph.nodes.append(number)
        for v in before:
            graph.edges.append((v, new))
        return new

    def join(self, before: list[int], target: int) -> None:
        for v in before:
            self.graph.edges.append((v, target))

    def head(self, node: Node, before: list[int]) -> int:
        """The vertex of a statement, after the triples of its own expressions' decisions."""
        number = self.known.numbers[node]
        for _ in range(self.known.choices[number]):
            dec = self.vertex("decision", number, before)
            arm = self.vertex("arm", number, [dec])
            before = [self.vertex("join", number, [dec, arm])]
        return self.vertex(type(node).__name__, number, before)

    def block(self, body: list[n.stmt], before: list[int]) -> list[int]:
        for statement in body:
            before = self.statement(statement, before)
        return before

    def statement(self, node: n.stmt, before: list[int]) -> list[int]:
        if isinstance(node, (n.Assign, n.Expr, n.AugAssign)):
            return [self.head(node, before)]
        if isinstance(node, n.If):
            return self.choose(node, before)
        if isinstance(node, (n.Return, n.Raise)):
            self.graph.edges.append((self.head(node, before), EXIT))
            return []
        if isinstance(node, (n.For, n.AsyncFor)):
            head = self.head(node, before)
            return self.loop(head, head, node.body, node.orelse)
        if isinstance(node, n.While):
            first = len(self.graph.labels)  # the test's first vertex: the loop comes back to it
            return self.loop(self.head(node, before), first, node.body, node.orelse)
        if isinstance(node, (n.With, n.AsyncWith)):
            return self.block(node.body, [self.head(node, before)])
        if isinstance(node, (n.Try, n.TryStar)):
            return self.attempt(node.handlers, node.body + node.orelse, node.finalbody, before)
        if isinstance(node, n.Match):
            return self.match(node, before)
        if isinstance(node, (n.FunctionDef, n.AsyncFunctionDef, n.ClassDef)):
            return [self.vertex(type(node).__name__, self.known.numbers[node], before)]
        if isinstance(node, n.Assert):
            asserts = self.vertex("Assert", self.known.numbers[node], before)
            self.graph.edges.append((asserts, EXIT))
            return [asserts]
        if isinstance(node, (n.Break, n.Continue)):
            self.jump(self.head(node, before), isinstance(node, n.Break))
            return []
        return [self.head(node, before)]

    def jump(self, last: int, leaves: bool) -> None:
        """Outside every loop, where neither may stand, both go to EXIT."""
        if not self.loops:
            self.graph.edges.append((last, EXIT))
        elif leaves:
            self.loops[-1].breaks.append(last)
        else:
            self.graph.edges.append((last, self.loops[-1].start))

    def choose(self, node: n.If, before: list[int]) -> list[int]:
        """A chain of elif is a loop here, so that long chains do not recurse."""
        ends: list[int] = []
        while True:
            head = self.head(node, before)
            ends += self.block(node.body, [head])
            before = [head]
            rest = node.orelse
            if len(rest) == 1 and isinstance(rest[0], n.If):
                node = rest[0]
                continue
            return ends + self.block(rest, before)

    def loop(self, head: int, start: int, body: list[n.stmt], orelse: list[n.stmt]) -> list[int]:
        self.loops.append(_Loop(start))
        self.join(self.block(body, [head]), start)
        breaks = self.loops.pop().breaks
        return self.block(orelse, [head]) + breaks

    def attempt(
        self,
        handlers: list[n.excepthandler],
        body: list[n.stmt],
        finalbody: list[n.stmt],
        before: list[int],
    ) -> list[int]:
        """A chain of dispatch vertices before the body, one per handler; finally follows all."""
        ends: list[int] = []
        for handler in handlers:
            assert isinstance(handler, n.ExceptHandler)
            dispatch = self.head(handler, before)
            ends += self.block(handler.body, [dispatch])
            before = [dispatch]
        ends += self.block(body, before)
        return self.block(finalbody, ends)

    def match(self, node: n.Match, before: list[int]) -> list[int]:
        """A case that catches all, or a name that does, is no decision: nothing goes past it."""
        before = [self.head(node, before)]
        ends: list[int] = []
        catch_all = False
        for case in node.cases:
            head = self.head(case, before)
            ends += self.block(case.body, [head])
            before = [head]
            if not catch_all and isinstance(case.pattern, n.MatchAs):
                catch_all = case.pattern.pattern is None
                if catch_all:
                    before = []
        return ends + before
