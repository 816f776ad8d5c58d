"""C1: the closed control-flow multigraph of a function.

Vertices are ENTRY, EXIT, one per simple statement, one per head of a compound statement, and a
triple (decision, arm, join) per decision inside an expression. Edges are the syntactic successors,
without constant folding, plus EXIT -> ENTRY. A decision has two successors, every other vertex one;
hence the first Betti number E - V + 1 is the number of decisions + 1, which is McCabe's number
(McCabe 1976). Nested functions are graphs of their own.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from neox.compiler import children, nodes, walk
from neox.compiler.nodes import Node

ENTRY, EXIT = 0, 1
Function = nodes.FunctionDef | nodes.AsyncFunctionDef
_APART = (nodes.FunctionDef, nodes.AsyncFunctionDef, nodes.ClassDef)


@dataclass(slots=True)
class FlowGraph:
    """labels[v] says what vertex v is; edges may be parallel."""

    labels: list[str] = field(default_factory=lambda: ["ENTRY", "EXIT"])
    edges: list[tuple[int, int]] = field(default_factory=list)

    def betti(self) -> tuple[int, int]:
        """Components and independent cycles."""
        parent = list(range(len(self.labels)))

        def root(v: int) -> int:
            while parent[v] != v:
                parent[v] = parent[parent[v]]
                v = parent[v]
            return v

        for u, v in self.edges:
            parent[root(u)] = root(v)
        components = sum(parent[v] == v for v in range(len(parent)))
        return components, len(self.edges) - len(self.labels) + components


def functions(tree: nodes.Module) -> list[Function]:
    """Every function and method, nested ones included, in order of appearance."""
    return [n for n in walk(tree) if isinstance(n, nodes.FunctionDef | nodes.AsyncFunctionDef)]


def flow_graph(unit: Function | nodes.Module) -> FlowGraph:
    """The graph of a function's body, or of the statements of a module."""
    builder = _Builder()
    ends = builder.block(unit.body, [ENTRY])
    builder.join(ends, EXIT)
    builder.graph.edges.append((EXIT, ENTRY))
    return builder.graph


def decisions(expression: Node) -> int:
    """Decisions of a statement's own expressions: `and`, `or`, ternaries, comprehensions."""
    total = 0
    waiting = [expression]
    while waiting:
        node = waiting.pop()
        if isinstance(node, nodes.BoolOp):
            total += len(node.values) - 1
        elif isinstance(node, nodes.IfExp):
            total += 1
        elif isinstance(node, nodes.comprehension):
            total += 1 + len(node.ifs)
        waiting += children(node)
    return total


class _Builder:
    """Walks statements; a list of vertices stands for the edges that still lack their target."""

    def __init__(self) -> None:
        self.graph = FlowGraph()
        self.loops: list[tuple[int, list[int]]] = []  # where continue goes, who breaks

    def vertex(self, label: str, before: list[int]) -> int:
        self.graph.labels.append(label)
        new = len(self.graph.labels) - 1
        self.join(before, new)
        return new

    def join(self, before: list[int], target: int) -> None:
        self.graph.edges += [(v, target) for v in before]

    def block(self, body: list[nodes.stmt], before: list[int]) -> list[int]:
        for statement in body:
            before = self.statement(statement, before)
        return before

    def expressions(self, parts: list[Node], before: list[int]) -> list[int]:
        """The triples of the decisions in these expressions."""
        for _ in range(sum(decisions(p) for p in parts)):
            dec = self.vertex("decision", before)
            arm = self.vertex("arm", [dec])
            before = [self.vertex("join", [dec, arm])]
        return before

    def statement(self, node: nodes.stmt, before: list[int]) -> list[int]:
        method = getattr(self, "s_" + type(node).__name__, None)
        if method is not None:
            after: list[int] = method(node, before)
            return after
        label = type(node).__name__
        own = [] if isinstance(node, _APART) else list(children(node))
        return [self.vertex(label, self.expressions(own, before))]

    def s_Return(self, node: nodes.Return | nodes.Raise, before: list[int]) -> list[int]:
        last = self.vertex(type(node).__name__, self.expressions(list(children(node)), before))
        self.join([last], EXIT)
        return []

    s_Raise = s_Return

    def s_Assert(self, node: nodes.Assert, before: list[int]) -> list[int]:
        """One decision whatever it asserts, as radon counts it."""
        head = self.vertex("Assert", before)
        self.join([head], EXIT)
        return [head]

    def s_Break(self, node: nodes.Break, before: list[int]) -> list[int]:
        last = self.vertex("Break", before)
        if self.loops:
            self.loops[-1][1].append(last)
        else:
            self.join([last], EXIT)
        return []

    def s_Continue(self, node: nodes.Continue, before: list[int]) -> list[int]:
        last = self.vertex("Continue", before)
        self.join([last], self.loops[-1][0] if self.loops else EXIT)
        return []

    def s_If(self, node: nodes.If, before: list[int]) -> list[int]:
        """A chain of elif is a loop here, so that long chains do not recurse."""
        ends: list[int] = []
        while True:
            head = self.vertex("If", self.expressions([node.test], before))
            ends += self.block(node.body, [head])
            rest = node.orelse
            if len(rest) == 1 and isinstance(rest[0], nodes.If):
                node, before = rest[0], [head]
                continue
            return ends + self.block(rest, [head])

    def _loop(
        self, head: int, start: int, body: list[nodes.stmt], orelse: list[nodes.stmt]
    ) -> list[int]:
        self.loops.append((start, []))
        self.join(self.block(body, [head]), start)
        _, breaks = self.loops.pop()
        return self.block(orelse, [head]) + breaks

    def s_While(self, node: nodes.While, before: list[int]) -> list[int]:
        first = len(self.graph.labels)  # the test's first vertex: the loop comes back to it
        head = self.vertex("While", self.expressions([node.test], before))
        return self._loop(head, first, node.body, node.orelse)

    def s_For(self, node: nodes.For | nodes.AsyncFor, before: list[int]) -> list[int]:
        head = self.vertex("For", self.expressions([node.iter], before))
        return self._loop(head, head, node.body, node.orelse)

    s_AsyncFor = s_For

    def s_With(self, node: nodes.With | nodes.AsyncWith, before: list[int]) -> list[int]:
        head = self.vertex("With", self.expressions(list(node.items), before))
        return self.block(node.body, [head])

    s_AsyncWith = s_With

    def s_Try(self, node: nodes.Try | nodes.TryStar, before: list[int]) -> list[int]:
        """A chain of dispatch vertices before the body, one per handler; finally follows all."""
        ends: list[int] = []
        for handler in node.handlers:
            assert isinstance(handler, nodes.ExceptHandler)
            dispatch = self.vertex("ExceptHandler", before)
            ends += self.block(handler.body, [dispatch])
            before = [dispatch]
        ends += self.block(node.body + node.orelse, before)
        return self.block(node.finalbody, ends)

    s_TryStar = s_Try

    def s_Match(self, node: nodes.Match, before: list[int]) -> list[int]:
        before = [self.vertex("Match", self.expressions([node.subject], before))]
        ends: list[int] = []
        catch_all = False
        for case in node.cases:
            head = self.vertex("match_case", before)
            ends += self.block(case.body, [head])
            if _catches_all(case.pattern) and not catch_all:
                catch_all = True
                before = []
            else:
                before = [head]
        return ends + before


def _catches_all(pattern: nodes.pattern) -> bool:
    return isinstance(pattern, nodes.MatchAs) and pattern.pattern is None
