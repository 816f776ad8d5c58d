"""What a group of tokens does to one frame of the grammar's stack, worked out once.

A summary says which tokens fit whatever is below the frame, and which go on below it, once the
frame has given its shape. So masks are put together frame by frame, and stacks that differ only
below what a token can reach share all the work. Knows nothing of columns.
"""

from __future__ import annotations

from typing import Final

from neox.compiler import tokens as t
from neox.compiler.viable import kinds as k
from neox.compiler.viable.automaton import ALL, Automaton, Node, wanted
from neox.compiler.viable.groups import CLOSING, OPENING, Chunk, Group, Groups, Term, gather

_NEWLINE: Final = 1 << t.NEWLINE
_DEPTHS: Final = 512  # more than brackets can be open
_WANTS: Final = ALL + 1


class Rest:
    """Tokens that outlive a frame: the shape it gives, the brackets opened or closed, the group."""

    __slots__ = ("change", "group", "shape")

    def __init__(self, shape: int, change: int, group: Group) -> None:
        self.shape = shape
        self.change = change
        self.group = group


class Summary(Chunk):
    """The tokens that fit, and those that go on below."""

    __slots__ = ("rests",)

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.rests: list[Rest] = []


class Place:
    """Where work goes on: a group at a state, so many frames up in the new part of the stack."""

    __slots__ = ("change", "group", "level", "state")

    def __init__(self, level: int, state: int, group: Group, change: int) -> None:
        self.level = level
        self.state = state
        self.group = group
        self.change = change


class Summaries:
    def __init__(self, machine: Automaton, groups: Groups) -> None:
        self.machine = machine
        self.groups = groups
        self._known: dict[int, Summary] = {}

    def forget(self) -> None:
        self._known.clear()

    def __len__(self) -> int:
        return len(self._known)

    def summary(self, group: Group, state: int, wants: int, brackets: int) -> Summary:
        """What the group does to a frame in this state, in so many open brackets, if the frames
        below want one of these shapes.
        """
        depth = min(brackets, group.need)
        key = ((group.id * len(self.machine.own) + state) * _WANTS + wants) * _DEPTHS + depth
        found = self._known.get(key)
        if found is None:
            found = self._work_out(group, state, wants, depth)
            self._known[key] = found
        return found

    def _work_out(self, group: Group, state: int, wants: int, depth: int) -> Summary:
        machine = self.machine
        result = Summary(self.groups.number())
        shape = machine.shape[state]
        if shape >= 0 and not wants >> shape & 1:
            shape = -1
        if machine.final[state]:
            if shape >= 0:
                result.rests.append(Rest(shape, 0, group))
            return result
        own = machine.live(state, wants)
        leaving: dict[int, list[Group]] = {}  # by shape and change
        terms: list[Term] = []
        for term in group.terms:
            may = term.may
            if term.comment:
                may = 0 if depth else _NEWLINE
            if may == 0 or own & may:
                self._take(result, term)
            elif shape >= 0:
                terms.append(term)
        events: list[int] = []
        children: list[Group] = []
        for at, event in enumerate(group.events):
            child = group.children[at]
            if event >= k.KINDS:
                if depth:
                    self._run(result, leaving, [state], wants, child, depth, 0)
                    continue
                assert event == k.LINE_END, "a line begins inside of a token"
                ways = machine.ways(state, t.NEWLINE, wants)
                if ways:
                    whole = self.groups.intern([self.groups.whole(child)], [], [])
                    for way in ways:
                        self._run(result, leaving, way, wants, whole, 0, 0)
                elif shape >= 0:
                    events.append(event)
                    children.append(child)
                continue
            if own >> event & 1:
                change = (OPENING >> event & 1) - (CLOSING >> event & 1)
                for way in machine.ways(state, event, wants):
                    self._run(result, leaving, way, wants, child, depth, change)
            elif shape >= 0:
                events.append(event)
                children.append(child)
        if terms or events:
            passed = self.groups.intern(terms, events, children)
            leaving.setdefault(shape * _DEPTHS + _DEPTHS // 2, []).append(passed)
        for key, found in leaving.items():
            change = key % _DEPTHS - _DEPTHS // 2
            result.rests.append(Rest(key // _DEPTHS, change, self.groups.merge(found)))
        return result

    def _run(
        self,
        result: Summary,
        leaving: dict[int, list[Group]],
        way: list[int],
        wants: int,
        group: Group,
        depth: int,
        change: int,
    ) -> None:
        """A group on the frames that replace the one at hand, until it fits or has left them."""
        returns = self.machine.returns
        wanted_of = [wants]
        for waiting in way[:-1]:
            wanted_of.append(self.machine.through(waiting, wanted_of[-1]))
        work = [Place(len(way) - 1, way[-1], group, change)]
        while work:
            place = work.pop()
            inner = self.summary(
                place.group, place.state, wanted_of[place.level], max(0, depth + place.change)
            )
            self._take(result, inner)
            for rest in inner.rests:
                total = place.change + rest.change
                if place.level == 0:
                    key = rest.shape * _DEPTHS + _DEPTHS // 2 + total
                    leaving.setdefault(key, []).append(rest.group)
                else:
                    after = returns[way[place.level - 1]][rest.shape]
                    if after >= 0:
                        work.append(Place(place.level - 1, after, rest.group, total))

    def _take(self, result: Summary, chunk: Chunk) -> None:
        if isinstance(chunk, Term):
            chunk.settle()
        if chunk.few:
            gather(result, chunk.few)
        if chunk.many:
            result.many |= chunk.many

    def collect(self, group: Group, node: Node, brackets: int, found: list[Chunk]) -> None:
        """Add the tokens of the group that fit on this stack to `found`."""
        returns = self.machine.returns
        work: list[tuple[Group, Node, int]] = [(group, node, brackets)]
        while work:
            each, top, depth = work.pop()
            inner = self.summary(each, top.state, wanted(self.machine, top.below), depth)
            if inner.few or inner.many:
                found.append(inner)
            below = top.below
            if below is None:
                continue
            for rest in inner.rests:
                after = returns[below.state][rest.shape]
                if after >= 0:
                    work.append((rest.group, Node(after, below.below), depth + rest.change))
