"""The tokens of a vocabulary grouped by what they do: a trie of lexer events for each lexer state.

From one state of the lexer each token gives a sequence of events and an unfinished lexeme. Tokens
with the same sequence share a path, so the grammar is asked once for all of them. Knows nothing of
the grammar's stacks.
"""

from __future__ import annotations

import gc
from typing import Final

from neox.compiler import tokens as t
from neox.compiler.viable import kinds as k
from neox.compiler.viable.lexeme import Lex
from neox.compiler.viable.lexemes import Lexemes
from neox.compiler.viable.vocabulary import Vocabulary

OPENING: Final = k.bits(t.LPAR, t.LSQB, t.LBRACE, k.FIELD)
CLOSING: Final = k.bits(t.RPAR, t.RSQB, t.RBRACE, k.FIELD_END)
FREE, LINES, BEGINS = 0, 1, 2  # parts of a group, see `part`
# First bytes that end any name, number or operator: what follows is then the same for all of these.
_COMMON: Final = b" \t\f\r\n()[]{},;#\\"
_LETTERS: Final = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_"
_FEW: Final = 48  # tokens that are kept as a list rather than as bits


class Chunk:
    """A set of tokens: a few numbers, and the bits of the others."""

    __slots__ = ("few", "id", "many")

    def __init__(self, number: int) -> None:
        self.id = number
        self.few: list[int] = []
        self.many = 0


class Term(Chunk):
    """Tokens that end in one unfinished lexeme."""

    __slots__ = ("comment", "lex", "may", "settled", "tokens")

    def __init__(self, number: int, lex: Lex, tokens: list[int]) -> None:
        super().__init__(number)
        self.lex = lex
        self.tokens = tokens
        self.may = lex.may
        self.comment: bool = lex.comment == "code"  # fits where the line may end, or in brackets
        self.settled = False

    def settle(self) -> None:
        """Find the bits, when they are first asked for."""
        if not self.settled:
            self.settled = True
            gather(self, self.tokens)


class Group:
    """What the tokens do next: some end here (terms), others have one more event (edges)."""

    __slots__ = ("children", "events", "id", "lined", "need", "terms", "whole")

    def __init__(
        self, number: int, terms: list[Term], events: list[int], children: list[Group]
    ) -> None:
        self.id = number
        self.terms = terms
        self.events = events
        self.children = children
        self.whole: Term | None = None  # all its tokens, when they are first asked for
        self.lined = False  # some token begins a logical line, in whatever column
        # Up to so many open brackets it matters how many there are, for what a line end means.
        self.need = 0
        for term in terms:
            if term.comment:
                self.need = 1
        for at, event in enumerate(events):
            child = children[at]
            need = child.need
            if event >= k.KINDS:
                need = max(1, need)
                self.lined = self.lined or event == k.LINE
            elif OPENING >> event & 1:
                need = max(0, need - 1)
            elif CLOSING >> event & 1 and need:
                need += 1
            self.need = max(self.need, need)
            self.lined = self.lined or child.lined


class Draft:
    """A group while it is built."""

    __slots__ = ("edges", "lexes", "tokens")

    def __init__(self) -> None:
        self.lexes: dict[int, Lex] = {}
        self.tokens: dict[int, list[int]] = {}
        self.edges: dict[int, Draft] = {}

    def add(self, lex: Lex, tokens: list[int]) -> None:
        known = self.tokens.get(lex.id)
        if known is None:
            self.lexes[lex.id] = lex
            self.tokens[lex.id] = tokens
        else:
            known.extend(tokens)

    def after(self, events: list[int]) -> Draft:
        found = self
        for event in events:
            inner = found.edges.get(event)
            if inner is None:
                inner = Draft()
                found.edges[event] = inner
            found = inner
        return found


class Groups:
    """The groups of each lexer state, built when it is first met."""

    def __init__(self, lexemes: Lexemes, vocabulary: Vocabulary) -> None:
        self.lexemes = lexemes
        self.vocabulary = vocabulary
        self.count = 0  # of chunks and groups: each has a number of its own
        self.empty = self._group([], [], [])
        self._roots: dict[int, list[Group]] = {}
        self._shared: dict[tuple[int, bytes], Group] = {}
        self._loops: dict[int, int] = {}
        self._interned: dict[tuple[int, ...], Group] = {}
        self._merged: dict[tuple[int, ...], Group] = {}
        self._parts: list[dict[int, Group]] = [{}, {}, {}]
        self._inlined: dict[int, Group] = {}

    def number(self) -> int:
        self.count += 1
        return self.count

    def _group(self, terms: list[Term], events: list[int], children: list[Group]) -> Group:
        return Group(self.number(), terms, events, children)

    def roots(self, lex: Lex) -> list[Group]:
        """The groups of all tokens from this lexer state on; together they have each once."""
        found = self._roots.get(lex.id)
        if found is None:
            # Many objects and no cycles among them: the collector would only look at them again.
            collecting = gc.isenabled()
            gc.disable()
            try:
                found = self._build_roots(lex)
            finally:
                if collecting:
                    gc.enable()
            self._roots[lex.id] = found
        return found

    def _build_roots(self, lex: Lex) -> list[Group]:
        """What follows the end of any lexeme or goes on with any name is shared between states."""
        code = self.lexemes.get("code", "", lex.context, lex.depth)
        found: list[Group] = []
        covered = b""
        for letters in (_COMMON, _LETTERS):
            before = self._ends_before_code(lex, code, letters)
            if before is not None:
                shared = self._share(code, letters)
                for event in reversed(before):
                    shared = self._group([], [event], [shared])
                found.append(shared)
                covered += letters
        if lex.mode == "word":
            name = self.lexemes.get("word", "", lex.context, lex.depth)
            same = bytes([byte for byte in _LETTERS if self._becomes(lex, byte, name)])
            found.append(self._share(name, same))
            covered += same
        found.append(self._built(lex, covered, False))
        return found

    def _share(self, lex: Lex, letters: bytes) -> Group:
        key = (lex.id, letters)
        found = self._shared.get(key)
        if found is None:
            found = self._built(lex, letters, True)
            self._shared[key] = found
        return found

    def _becomes(self, lex: Lex, byte: int, to: Lex) -> bool:
        step = self.lexemes.step(lex, byte)
        return step is not None and step.to is to and not step.events

    def _ends_before_code(self, lex: Lex, code: Lex, letters: bytes) -> list[int] | None:
        """The events with which each of these bytes ends the lexeme, then to be read as code."""
        before: list[int] | None = None
        for byte in letters:
            step, plain = self.lexemes.step(lex, byte), self.lexemes.step(code, byte)
            if step is None or plain is None:
                if step is not plain:
                    return None
                continue
            count = len(step.events) - len(plain.events)
            if step.to is not plain.to or count < 0 or step.events[count:] != plain.events:
                return None
            if before is not None and step.events[:count] != before:
                return None
            before = step.events[:count]
        return before

    def _built(self, lex: Lex, letters: bytes, inside: bool) -> Group:
        """The tokens that begin with these bytes, or with all others."""
        words, steps = self.vocabulary, self.lexemes
        draft = Draft()
        work: list[tuple[Draft, Lex, int]] = []
        for at, letter in enumerate(words.letters[0]):
            if (letter in letters) == inside:
                step = steps.step(lex, letter)
                if step is not None:
                    child = words.children[0][at]
                    work.append((draft.after(step.events), step.to, child))
        while work:
            here, state, node = work.pop()
            first = words.first[node]
            if words.inside[node] & ~self._loop(state) == 0:
                here.add(state, words.order[first : words.last[node]])
                continue
            if words.own_end[node] > first:
                here.add(state, words.order[first : words.own_end[node]])
            children = words.children[node]
            for at, letter in enumerate(words.letters[node]):
                step = steps.step(state, letter)
                if step is not None:
                    to = here if not step.events else here.after(step.events)
                    work.append((to, step.to, children[at]))
        return self._frozen(draft)

    def _loop(self, lex: Lex) -> int:
        """The bytes that change nothing: most of those in a string, a comment or a name."""
        found = self._loops.get(lex.id)
        if found is None:
            found = 0
            if lex.mode in ("string", "literal", "comment", "word"):
                for byte in range(256):
                    step = self.lexemes.step(lex, byte)
                    if step is not None and step.to is lex and not step.events:
                        found |= 1 << byte
            self._loops[lex.id] = found
        return found

    def _frozen(self, draft: Draft) -> Group:
        terms = [
            Term(self.number(), draft.lexes[number], tokens)
            for number, tokens in draft.tokens.items()
        ]
        events = sorted(draft.edges)
        return self._group(terms, events, [self._frozen(draft.edges[event]) for event in events])

    def intern(self, terms: list[Term], events: list[int], children: list[Group]) -> Group:
        """The one group with these terms and edges."""
        if not terms and not events:
            return self.empty
        ids = [term.id for term in terms]
        ids.sort()
        ids.append(-1)
        for at, event in enumerate(events):
            ids.append(event)
            ids.append(children[at].id)
        key = tuple(ids)
        found = self._interned.get(key)
        if found is None:
            found = self._group(terms, events, children)
            self._interned[key] = found
        return found

    def merge(self, groups: list[Group]) -> Group:
        """One group for all the tokens of several."""
        if len(groups) == 1:
            return groups[0]
        by_id = {group.id: group for group in groups}
        if len(by_id) == 1:
            return groups[0]
        key = tuple(sorted(by_id))
        found = self._merged.get(key)
        if found is None:
            terms: dict[int, Term] = {}
            edges: dict[int, list[Group]] = {}
            for group in by_id.values():
                for term in group.terms:
                    terms[term.id] = term
                for at, event in enumerate(group.events):
                    edges.setdefault(event, []).append(group.children[at])
            events = sorted(edges)
            merged = [self.merge(edges[event]) for event in events]
            found = self.intern(list(terms.values()), events, merged)
            self._merged[key] = found
        return found

    def part(self, group: Group, which: int) -> Group:
        """FREE: tokens for which lines do not matter; LINES: those that end lines or begin a
        comment; BEGINS: those that go on in a new line. Together they are all tokens.
        """
        known = self._parts[which].get(group.id)
        if known is not None:
            return known
        terms = [
            term for term in group.terms if which != BEGINS and term.comment == (which == LINES)
        ]
        events: list[int] = []
        children: list[Group] = []
        for at, event in enumerate(group.events):
            child = group.children[at]
            if event < k.KINDS:
                child = self.part(child, which)
            elif which == LINES:
                child = self.empty if event == k.LINE else self._without_lines(child)
            elif which == FREE:
                child = self.empty
            elif event != k.LINE:
                child = self.part(child, which)
            if child is not self.empty:
                events.append(event)
                children.append(child)
        found = self.intern(terms, events, children)
        self._parts[which][group.id] = found
        return found

    def _without_lines(self, group: Group) -> Group:
        events: list[int] = []
        children: list[Group] = []
        for at, event in enumerate(group.events):
            child = self.empty if event == k.LINE else self._without_lines(group.children[at])
            if child is not self.empty:
                events.append(event)
                children.append(child)
        return self.intern(group.terms, events, children)

    def inline(self, group: Group) -> Group:
        """The group as it is in brackets, where lines and the blanks before them mean nothing."""
        found = self._inlined.get(group.id)
        if found is None:
            events: list[int] = []
            children: list[Group] = []
            others: list[Group] = []
            for at, event in enumerate(group.events):
                if event < k.KINDS:
                    events.append(event)
                    children.append(group.children[at])
                else:
                    others.append(self.inline(group.children[at]))
            others.append(self.intern(group.terms, events, children))
            found = self.merge(others)
            self._inlined[group.id] = found
        return found

    def whole(self, group: Group) -> Term:
        """All the tokens of a group of which each ends in a blank line or in its beginning."""
        found = group.whole
        if found is None:
            tokens: list[int] = []
            work = [group]
            while work:
                each = work.pop()
                work += each.children
                for term in each.terms:
                    tokens += term.tokens
            found = Term(self.number(), self.lexemes.start(), tokens)
            group.whole = found
        return found


def gather(chunk: Chunk, tokens: list[int]) -> None:
    """Add tokens to a chunk."""
    if len(tokens) + len(chunk.few) <= _FEW:
        chunk.few += tokens
        return
    tokens = chunk.few + tokens
    chunk.few = []
    row = bytearray(max(tokens) // 8 + 1)
    for token in tokens:
        row[token >> 3] |= 1 << (token & 7)
    chunk.many |= int.from_bytes(row, "little")
