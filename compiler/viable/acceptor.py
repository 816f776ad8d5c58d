"""Which text may come next: an incremental acceptor for whole Python programs, byte by byte.

`Acceptor.advance` gives the state after one more byte, or None where no program begins so. States
never change and share their tails: keep one to fork or to roll back. `complete` says whether the
text is a program as it stands, `cost` how many bytes lead to one at most.
"""

from __future__ import annotations

from typing import Final

from neox.compiler import tokens as t
from neox.compiler.viable import kinds as k
from neox.compiler.viable.automaton import LINE_WEIGHT, Automaton, Node, ending, endings, feed
from neox.compiler.viable.lexeme import Lex
from neox.compiler.viable.lexemes import Lexemes

MAX_BRACKETS: Final = 200
MAX_INDENTS: Final = 99
_OPEN: Final = k.bits(t.LPAR, t.LSQB, t.LBRACE, k.FIELD)
_CLOSE: Final = k.bits(t.RPAR, t.RSQB, t.RBRACE, k.FIELD_END)
_WORDLIKE: Final = k.bits(
    *k.NAMES, t.NUMBER, k.IMAGINARY, *t.KEYWORDS.values()
)  # kinds whose size in a plan counts the blank behind them


class Indent:
    """An open block: its column with tabs to 8 and with tabs to 1, and the blocks around it."""

    __slots__ = ("alternate", "below", "column", "count")

    def __init__(self, column: int, alternate: int, below: Indent | None) -> None:
        self.column = column
        self.alternate = alternate
        self.below = below
        self.count: int = 0 if below is None else below.count + 1


class State:
    """Where a text stands: the unfinished lexeme, the stacks, the blocks, the line begun."""

    __slots__ = ("alternate", "brackets", "column", "cost", "fixed", "indents", "lex", "nodes")

    def __init__(
        self,
        lex: Lex,
        nodes: list[Node],
        indents: Indent,
        brackets: int,
        column: int,
        alternate: int,
        fixed: int,
    ) -> None:
        self.lex = lex
        self.nodes = nodes
        self.indents = indents
        self.brackets = brackets
        self.column = column  # of the line begun, as long as only blanks stand on it
        self.alternate = alternate
        self.fixed = fixed  # the column before a backslash among these blanks
        self.cost = -1  # once it is known

    def fork(self) -> State:
        """A copy to apply events to."""
        return State(
            self.lex, self.nodes, self.indents, self.brackets, self.column, self.alternate,
            self.fixed,
        )  # fmt: skip


class Acceptor:
    """The acceptor of one Python version; its tables grow as it is used."""

    def __init__(self, version: tuple[int, int] = (3, 14)) -> None:
        self.version = version
        self.machine = Automaton(version[1])
        self.lexemes = Lexemes(version[1])
        self._start = State(
            self.lexemes.start(),
            [Node(self.machine.starts[0], None)],
            Indent(0, 0, None),
            0,
            0,
            0,
            0,
        )

    def start(self) -> State:
        """The state of the empty text."""
        return self._start

    def advance(self, state: State, byte: int) -> State | None:
        """The state after one more byte; None where that begins no program."""
        step = self.lexemes.step(state.lex, byte)
        if step is None:
            return None
        after = state.fork()
        after.lex = step.to
        for event in step.events:
            if not self.apply(after, event):
                return None
        return after if self.fits(after) else None

    def read(self, state: State, data: bytes) -> State | None:
        """The state after these bytes, or None."""
        current: State | None = state
        for byte in data:
            if current is None:
                break
            current = self.advance(current, byte)
        return current

    def fits(self, state: State) -> bool:
        """Can the unfinished lexeme become a token that may come here?"""
        may = state.lex.may
        if may == 0:
            if state.brackets or state.lex.mode != "comment" or state.lex.arg:
                return True
            may = 1 << t.NEWLINE  # a comment behind code ends the line
        machine = self.machine
        for node in state.nodes:  # noqa: SIM110 - `any` would make a generator for every byte
            if node.allowed(machine) & may:
                return True
        return False

    def apply(self, state: State, event: int) -> bool:
        """One event of the lexer, on a state that nobody else holds yet."""
        if event < k.KINDS:
            return self._token(state, event)
        if event == k.SPACE:
            state.column += 1
            state.alternate += 1
        elif event == k.LINE:
            return state.brackets > 0 or self._line(state)
        elif event == k.LINE_END or event == k.EMPTY:
            if event == k.LINE_END and not state.brackets and not self._token(state, t.NEWLINE):
                return False
            state.column = state.alternate = state.fixed = 0
        elif event == k.TAB:
            state.column = (state.column // 8 + 1) * 8
            state.alternate += 1
        elif event == k.FEED:
            state.column = state.alternate = 0
        elif event == k.JOINED and state.fixed == 0:
            state.fixed = state.column
        return True

    def _token(self, state: State, kind: int) -> bool:
        if _OPEN >> kind & 1:
            if state.brackets >= MAX_BRACKETS:
                return False
            state.brackets += 1
        elif _CLOSE >> kind & 1:
            state.brackets -= 1
        out: list[Node] = []
        for node in state.nodes:
            feed(self.machine, node, kind, out)
        state.nodes = out
        return len(out) > 0

    def _line(self, state: State) -> bool:
        """The first token of a logical line: does its column open a block, or close some?"""
        column, alternate = state.column, state.alternate
        if state.fixed:
            column = alternate = state.fixed
        state.column = state.alternate = state.fixed = 0
        indents = state.indents
        if column > indents.column:
            if alternate <= indents.alternate or indents.count >= MAX_INDENTS:
                return False
            state.indents = Indent(column, alternate, indents)
            return self._token(state, t.INDENT)
        while column < indents.column and indents.below is not None:
            indents = indents.below
            if not self._token(state, t.DEDENT):
                return False
        state.indents = indents
        return column == indents.column and alternate == indents.alternate

    def complete(self, state: State) -> bool:
        """Is the text a whole program?"""
        events = state.lex.eof
        if events is None or state.brackets > (1 if k.FIELD_END in events else 0):
            return False
        copy = state.fork()
        for event in events:
            if not self._token(copy, event):
                return False
        for _ in range(copy.indents.count):
            if not self._token(copy, t.DEDENT):
                return False
        return self._token(copy, t.END)

    def allowed_bytes(self, state: State) -> list[int]:
        """The bytes that may come next."""
        return [byte for byte in range(256) if self.advance(state, byte) is not None]

    def forced(self, state: State, limit: int = 64) -> bytes:
        """The bytes that must come next, whatever the program becomes."""
        found = bytearray()
        current = state
        while len(found) < limit and not self.complete(current):
            choices = self.allowed_bytes(current)
            if len(choices) != 1:
                break
            found.append(choices[0])
            following = self.advance(current, choices[0])
            assert following is not None
            current = following
        return bytes(found)

    def cost(self, state: State) -> int:
        """Bytes that are enough to make the text a program; 0 exactly where it is one.

        At most a few more than the fewest possible, and there is always a next byte that lowers it.
        """
        if state.cost < 0:
            state.cost = 0 if self.complete(state) else self._cost(state)
        return state.cost

    def _cost(self, state: State) -> int:
        best = 1 << 30
        lex = state.lex
        for node in state.nodes:
            if lex.comment == "code" and not state.brackets:
                ended: list[Node] = []
                feed(self.machine, node, t.NEWLINE, ended)
                for after in ended:
                    best = min(best, 1 + self._plan(after, state.indents)[0])
            elif not lex.ends:
                best = min(best, self._rest(state, node))
            for kind, size in lex.ends:
                if node.allowed(self.machine) >> kind & 1:
                    size += _WORDLIKE >> kind & 1
                    out: list[Node] = []
                    feed(self.machine, node, kind, out)
                    for after in out:
                        best = min(best, size + self._rest(state, after))
        extra = lex.extra
        if lex.comment == "blank" or (lex.comment and state.brackets):
            extra += 1
        return max(1, best + extra)

    def _rest(self, state: State, node: Node) -> int:
        """What the stack needs, with the blanks that begin its lines."""
        plan = self._plan(node, state.indents)
        if not state.lex.mode.startswith("start") or state.brackets:
            return plan[0]
        base, first, deeper = plan
        if first is None:
            return base
        whole = first.alternate + deeper
        column, alternate = state.column, state.alternate
        fixed = state.fixed or (column if state.lex.mode == "start backslash" else 0)
        if fixed:
            column = alternate = fixed
        if deeper and column > first.column and alternate > first.alternate:
            return base - whole
        if fixed:
            if not deeper and column == first.column and alternate == first.alternate:
                return base - whole
            return base + 1
        missing = first.alternate - alternate
        if missing >= 0 and can_reach(column, missing, first.column):
            return base - alternate
        return base + 1  # this line is left blank

    def _plan(self, node: Node, indents: Indent) -> tuple[int, Indent | None, int]:
        """Bytes to end every frame, the block of the first line that takes, 1 if it opens one."""
        machine = self.machine
        costs = machine.costs()
        if node.below is not None:
            endings(machine, node.below)
        total, first, deeper = 0, None, 0
        top = node
        around = indents
        state, shape = node.state, ending(machine, node.state, node.below)[2]
        while True:
            size, lines = costs[state][shape]
            total += size - lines * LINE_WEIGHT + lines * around.alternate
            if lines and first is None:
                first = around
                deeper = 1 if machine.own[state] >> t.INDENT & 1 else 0
            if machine.indented[top.state] and around.below is not None:
                around = around.below
            below = top.below
            if below is None:
                return total, first, deeper
            state = machine.returns[below.state][shape]
            shape = below.ends[shape][2]
            top = below


def can_reach(column: int, blanks: int, target: int) -> bool:
    """Can so many blanks, tabs and spaces, lead from one column to another?

    The fewest are a tab to each tab stop on the way and spaces behind the last; in place of a tab
    any number of the spaces before its stop will do, so every number up to spaces alone works.
    """
    stops = target // 8 - column // 8
    fewest = stops + target % 8 if stops > 0 else target - column
    return fewest <= blanks <= target - column
