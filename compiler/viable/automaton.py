"""The grammar as a deterministic pushdown automaton, and its stacks as immutable linked nodes.

A rule is a finite automaton over tokens and over what other rules give back; calling a rule pushes
its first state. A frame that cannot read a token gives its shape to the frame below. Stacks share
their tails, so keeping an old one costs nothing. Knows nothing of characters.
"""

from __future__ import annotations

from typing import Final

from neox.compiler import tokens as t
from neox.compiler.viable import kinds as k
from neox.compiler.viable.grammar import GRAMMAR
from neox.compiler.viable.notation import ANY, SHAPES, Nfa

_SHAPES: Final = len(SHAPES)
LINE_WEIGHT: Final = 8  # what a line start counts when ends of a text are compared
FAR: Final = 1 << 20
ALL: Final = (1 << _SHAPES) - 1  # the shapes that the outermost frame may give
_LINE_WORDS: Final = (t.EXCEPT, t.FINALLY, t.DEF, t.CLASS)  # where only they lead to an end


class Automaton:
    """Tables by state: where a token leads, what a frame gives, what follows what it is given."""

    def __init__(self, minor: int) -> None:
        self._nfa = Nfa(GRAMMAR, minor)
        self._ids: dict[frozenset[int], int] = {}
        self._sets: list[frozenset[int]] = []
        self.shape: list[int] = []  # what the state gives back if it can end here, or -1
        self.final: list[bool] = []  # it can do nothing else
        self.own: list[int] = []  # the kinds it can read, itself or by a call
        self.returns: list[list[int]] = []  # of a waiting state: what follows, by shape; or empty
        self.tokens: list[dict[int, int]] = []
        self.calls: list[list[tuple[int, int]]] = []  # rule, the state that waits for it
        self.plans: list[list[list[list[int]] | None]] = []  # by state and kind
        self.indented: list[bool] = []  # the frame has begun a deeper block and not ended it
        self.starts = [self._start(name) for name in self._nfa.names]
        self._first: dict[int, int] = {}
        self._build()
        for state in range(len(self.own)):
            self.own[state] = self._readable(state)
        self._costs: list[list[tuple[int, int]]] = []
        self._mark_blocks()
        # The shapes that each state can still give, as bits; what is memoised below hangs on them.
        self.reach = [
            k.bits(*[shape for shape, (size, _) in enumerate(row) if size < FAR])
            for row in self.costs()
        ]
        self._through: dict[int, int] = {}
        self._live: dict[int, int] = {}
        self._ways: dict[int, list[list[int]]] = {}

    def _mark_blocks(self) -> None:
        """Follow each INDENT to its DEDENT."""
        self.indented = [False] * len(self._sets)
        work = [row[t.INDENT] for row in self.tokens if t.INDENT in row]
        while work:
            state = work.pop()
            if self.indented[state]:
                continue
            self.indented[state] = True
            work += [to for kind, to in self.tokens[state].items() if kind != t.DEDENT]
            for _, waiting in self.calls[state]:
                self.indented[waiting] = True
                work += [to for to in self.returns[waiting] if to >= 0]

    def _start(self, name: str) -> int:
        return self._state(frozenset([self._nfa.starts[name]]))

    def _state(self, members: frozenset[int]) -> int:
        """The number of a set of states of the nondeterministic automaton, closed."""
        nfa = self._nfa
        closed = set(members)
        work = list(members)
        while work:
            for other in nfa.empty[work.pop()]:
                if other not in closed:
                    closed.add(other)
                    work.append(other)
        useful = frozenset(s for s in closed if nfa.tokens[s] or nfa.calls[s] or nfa.shape[s] >= 0)
        found = self._ids.get(useful)
        if found is None:
            found = self._new()
            self._ids[useful] = found
            self._sets[found] = useful
            shapes = [nfa.shape[s] for s in useful if nfa.shape[s] >= 0]
            self.shape[found] = min(shapes, default=-1)
        return found

    def _new(self) -> int:
        self._sets.append(frozenset())
        self.shape.append(-1)
        self.final.append(False)
        self.own.append(0)
        self.returns.append([])
        self.tokens.append({})
        self.calls.append([])
        self.plans.append([None] * k.KINDS)
        return len(self._sets) - 1

    def _build(self) -> None:
        nfa = self._nfa
        state = 0
        while state < len(self._sets):
            tokens: dict[int, set[int]] = {}
            calls: dict[int, list[tuple[int, int]]] = {}
            for member in self._sets[state]:
                for kind, to in nfa.tokens[member]:
                    tokens.setdefault(kind, set()).add(to)
                for rule, shape, to in nfa.calls[member]:
                    calls.setdefault(rule, []).append((shape, to))
            for kind in sorted(tokens):
                self.tokens[state][kind] = self._state(frozenset(tokens[kind]))
            for rule in sorted(calls):
                waiting = self._new()
                for shape in range(_SHAPES):
                    after = frozenset(to for want, to in calls[rule] if want in (ANY, shape))
                    self.returns[waiting].append(self._state(after) if after else -1)
                self.calls[state].append((rule, waiting))
            self.final[state] = self.shape[state] >= 0 and not tokens and not calls
            state += 1

    def _readable(self, state: int) -> int:
        found = 0
        for kind in self.tokens[state]:
            found |= 1 << kind
        for rule, _ in self.calls[state]:
            if rule not in self._first:
                self._first[rule] = self._readable(self.starts[rule])
            found |= self._first[rule]
        return found

    def plan(self, state: int, kind: int) -> list[list[int]]:
        """The states that replace this one on the stack when it reads a token; each way to."""
        row = self.plans[state]
        known = row[kind]
        if known is None:
            known = []
            if self.own[state] >> kind & 1:
                direct = self.tokens[state].get(kind, -1)
                if direct >= 0:
                    known.append([direct])
                for rule, waiting in self.calls[state]:
                    if self._first[rule] >> kind & 1:
                        for tail in self.plan(self.starts[rule], kind):
                            known.append([waiting, *tail])
            row[kind] = known
        return known

    def through(self, waiting: int, wanted: int) -> int:
        """The shapes that a waiting frame can be given, if its own frame has to give one wanted."""
        key = waiting << _SHAPES | wanted
        found = self._through.get(key, -1)
        if found < 0:
            found = 0
            for shape, after in enumerate(self.returns[waiting]):
                if after >= 0 and self.reach[after] & wanted:
                    found |= 1 << shape
            self._through[key] = found
        return found

    def ways(self, state: int, kind: int, wanted: int) -> list[list[int]]:
        """Those of `plan` that can end in a shape that is wanted of the frame."""
        key = (state << _SHAPES | wanted) * k.KINDS + kind
        found = self._ways.get(key)
        if found is None:
            found = []
            for way in self.plan(state, kind):
                inner = wanted
                for waiting in way[:-1]:
                    inner = self.through(waiting, inner)
                if self.reach[way[-1]] & inner:
                    found.append(way)
            self._ways[key] = found
        return found

    def live(self, state: int, wanted: int) -> int:
        """The kinds that the state can read on the way to a shape that is wanted of its frame."""
        key = state << _SHAPES | wanted
        found = self._live.get(key, -1)
        if found < 0:
            found = 0
            own = self.own[state]
            for kind in range(k.KINDS):
                if own >> kind & 1 and self.ways(state, kind, wanted):
                    found |= 1 << kind
            self._live[key] = found
        return found

    def costs(self) -> list[list[tuple[int, int]]]:
        """By state and shape: the fewest bytes to give that shape, and the line starts in them.

        A fixpoint: costs only fall, each round over all states, until nothing changes.
        """
        if not self._costs:
            far = (FAR, 0)
            table = [[far] * _SHAPES for _ in self._sets]
            for state, shape in enumerate(self.shape):
                if shape >= 0:
                    table[state][shape] = (0, 0)
            changed = True
            while changed:
                changed = False
                for state in range(len(table) - 1, -1, -1):
                    changed = self._relax(table, state) or changed
            self._costs = table
        return self._costs

    def _relax(self, table: list[list[tuple[int, int]]], state: int) -> bool:
        row = table[state]
        before = list(row)
        for kind, to in self.tokens[state].items():
            size, lines = _weight(kind)
            for shape in range(_SHAPES):
                size2, lines2 = table[to][shape]
                row[shape] = min(row[shape], (size + size2, lines + lines2))
        for rule, waiting in self.calls[state]:
            inner = table[self.starts[rule]]
            for given in range(_SHAPES):
                after = self.returns[waiting][given]
                if after >= 0 and inner[given][0] < FAR:
                    size, lines = inner[given]
                    for shape in range(_SHAPES):
                        size2, lines2 = table[after][shape]
                        row[shape] = min(row[shape], (size + size2, lines + lines2))
        return row != before


def _weight(kind: int) -> tuple[int, int]:
    """Bytes, and how many line starts; a first blank more for a deeper block."""
    size = k.SIZES[kind]
    if kind == t.INDENT:
        return size + LINE_WEIGHT + 1, 1
    return (size + LINE_WEIGHT, 1) if kind in _LINE_WORDS else (size, 0)


class Node:
    """A stack: its top state and the stack below it. Never changed once made."""

    __slots__ = ("_allowed", "below", "ends", "state", "takes")

    def __init__(self, state: int, below: Node | None) -> None:
        self.state = state
        self.below = below
        self._allowed = -1
        self.takes = -1  # see `wanted`
        self.ends: list[tuple[int, int, int]] = []  # see `endings`

    def same(self, other: Node) -> bool:
        """Equal stacks; shared tails end the comparison early."""
        a: Node | None = self
        b: Node | None = other
        while a is not b:
            if a is None or b is None or a.state != b.state:
                return False
            a, b = a.below, b.below
        return True

    def allowed(self, machine: Automaton) -> int:
        """The kinds of tokens that may come next, as bits."""
        if self._allowed < 0:
            found = machine.live(self.state, wanted(machine, self.below))
            below = pop(machine, self)
            if below is not None:
                found |= below.allowed(machine)
            self._allowed = found
        return self._allowed


def wanted(machine: Automaton, node: Node | None) -> int:
    """The shapes that these waiting frames can be given, so that the whole stack can end."""
    chain: list[Node] = []
    each = node
    while each is not None and each.takes < 0:
        chain.append(each)
        each = each.below
    found = ALL if each is None else each.takes
    for each in reversed(chain):
        found = machine.through(each.state, found)
        each.takes = found
    return found


def pop(machine: Automaton, node: Node) -> Node | None:
    """The stack after the top frame has given its shape, or None where it cannot end."""
    shape, below = machine.shape[node.state], node.below
    if shape < 0 or below is None or not wanted(machine, below) >> shape & 1:
        return None
    return Node(machine.returns[below.state][shape], below.below)


def endings(machine: Automaton, node: Node) -> list[tuple[int, int, int]]:
    """By the shape a waiting frame is given: bytes and line starts to end the whole stack then,
    and the shape that its own frame gives for that. Kept with the node.
    """
    chain: list[Node] = []
    each: Node | None = node
    while each is not None and not each.ends:
        chain.append(each)
        each = each.below
    for each in reversed(chain):
        each.ends = [ending(machine, to, each.below) for to in machine.returns[each.state]]
    return node.ends


def ending(machine: Automaton, state: int, below: Node | None) -> tuple[int, int, int]:
    """The same for a stack with this state on top; `below` has its endings."""
    best = (FAR, 0, -1)
    if state < 0:
        return best
    for shape, (size, lines) in enumerate(machine.costs()[state]):
        if below is not None:
            rest = below.ends[shape]
            size, lines = size + rest[0], lines + rest[1]
        if size < FAR:
            best = min(best, (size, lines, shape))
    return best


def feed(machine: Automaton, node: Node, kind: int, out: list[Node]) -> None:
    """Add the stacks after one more token to `out`: none where it does not fit."""
    top: Node | None = node
    while top is not None:
        ways = machine.ways(top.state, kind, wanted(machine, top.below))
        if ways:
            for way in ways:
                stack: Node | None = top.below
                for state in way:
                    stack = Node(state, stack)
                while stack is not None and machine.final[stack.state] and stack.below is not None:
                    stack = pop(machine, stack)
                if stack is not None and not any(stack.same(known) for known in out):
                    out.append(stack)
            return
        top = pop(machine, top)
