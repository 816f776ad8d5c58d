"""Rules of `case` patterns beyond their grammar: names, alternatives, keys, what can never match.

As CPython's compiler checks them (compiler_match in Python/codegen.c), in its words.
"""

from __future__ import annotations

from neox.compiler import nodes as n
from neox.compiler.literals import literal
from neox.compiler.scopes import Wrong


def case_rules(node: n.Match) -> list[Wrong]:
    """What is wrong with the cases of a match statement, in order."""
    rules = _Rules()
    last = len(node.cases) - 1
    for i, case in enumerate(node.cases):
        rules.names = {}
        if not (i == last and i > 0 and _is_wildcard(case.pattern)):
            rules.check(case.pattern, i == last or case.guard is not None)
    return rules.wrong


def _is_wildcard(node: n.pattern) -> bool:
    return isinstance(node, n.MatchAs) and node.name is None


class _Rules:
    def __init__(self) -> None:
        self.names: dict[str, n.pattern] = {}  # bound so far in this case
        self.wrong: list[Wrong] = []

    def _fail(self, message: str, node: n.Node) -> None:
        self.wrong.append((message, node.start, node.end))

    def _bind(self, name: str | None, node: n.pattern) -> None:
        if name is None:
            return
        if name == "__debug__":
            self._fail("cannot assign to __debug__", node)
        if name in self.names:
            self._fail(f"multiple assignments to name {name!r} in pattern", node)
        self.names[name] = node

    def check(self, node: n.pattern, irrefutable: bool) -> None:
        """`irrefutable`: may this pattern match everything? Nesting is bounded by brackets."""
        if isinstance(node, n.MatchValue):
            if isinstance(node.value, (n.JoinedStr, n.TemplateStr)):
                self._fail("patterns may only match literals and attribute lookups", node)
        elif isinstance(node, n.MatchStar):
            self._bind(node.name, node)
        elif isinstance(node, n.MatchAs):
            self._as(node, irrefutable)
        elif isinstance(node, n.MatchOr):
            self._or(node, irrefutable)
        elif isinstance(node, n.MatchSequence):
            if sum(isinstance(p, n.MatchStar) for p in node.patterns) > 1:
                self._fail("multiple starred names in sequence pattern", node)
            for one in node.patterns:
                self.check(one, True)
        elif isinstance(node, n.MatchMapping):
            self._mapping(node)
        elif isinstance(node, n.MatchClass):
            seen: set[str] = set()
            for name in node.kwd_attrs:
                if name in seen:
                    self._fail(f"attribute name repeated in class pattern: {name}", node)
                if name == "__debug__":
                    self._fail("cannot assign to __debug__", node)
                seen.add(name)
            for one in [*node.patterns, *node.kwd_patterns]:
                self.check(one, True)

    def _as(self, node: n.MatchAs, irrefutable: bool) -> None:
        if node.pattern is not None:
            self.check(node.pattern, irrefutable)
        elif not irrefutable:
            what = f"name capture {node.name!r}" if node.name is not None else "wildcard"
            self._fail(f"{what} makes remaining patterns unreachable", node)
        self._bind(node.name, node)

    def _or(self, node: n.MatchOr, irrefutable: bool) -> None:
        outer = self.names
        first: dict[str, n.pattern] = {}
        for i, one in enumerate(node.patterns):
            self.names = {}
            self.check(one, irrefutable and i == len(node.patterns) - 1)
            if i == 0:
                first = self.names
            elif self.names.keys() != first.keys():
                self._fail("alternative patterns bind different names", node)
                break
        self.names = outer
        for name in first:
            self._bind(name, node)

    def _mapping(self, node: n.MatchMapping) -> None:
        seen = set()
        for key in node.keys:
            if key is None:
                continue
            if isinstance(key, (n.JoinedStr, n.TemplateStr)):
                message = "mapping pattern keys may only match literals and attribute lookups"
                self._fail(message, node)
            elif not isinstance(key, n.Attribute):
                value = literal(key)
                if value in seen:
                    self._fail(f"mapping pattern checks duplicate key ({value!r})", node)
                seen.add(value)
        for one in node.patterns:
            self.check(one, True)
        self._bind(node.rest, node)
