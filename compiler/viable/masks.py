"""Masks: which tokens of a vocabulary keep a text the beginning of a Python program.

A mask has one bit for each token, in whole 32-bit words: token `t` is bit `t & 7` of byte `t >> 3`,
which is bit `t & 31` of the little-endian word `t >> 5`. The end token is allowed exactly where
the text is a program. Masks are exact: a token is allowed if and only if the acceptor reads its
bytes. Takes any writable buffer; knows nothing of tensors.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from neox.compiler.viable import kinds as k
from neox.compiler.viable.acceptor import MAX_BRACKETS, Acceptor, State
from neox.compiler.viable.budget import Budget
from neox.compiler.viable.groups import BEGINS, FREE, LINES, Chunk, Group, Groups, Term
from neox.compiler.viable.lexeme import Lex
from neox.compiler.viable.lexemes import KNOWN, STARTS, Lexemes
from neox.compiler.viable.sample import SAMPLE
from neox.compiler.viable.summaries import Summaries
from neox.compiler.viable.vocabulary import Vocabulary

if TYPE_CHECKING:
    from typing_extensions import Buffer

USUAL: Final = [
    ("start", ""), ("code", ""), ("word", ""), ("comment", ""), ("comment", "blank"),
    ("number", "zero"), ("number", "integer"), ("number", "point"), ("number", "fraction"),
    *(("operator", text) for text in sorted(STARTS)),
]  # fmt: skip
_ROWS: Final = 4096  # masks kept, and
_SUMMARIES: Final = 100_000  # summaries kept, before the store begins anew


class Masks:
    """The masks of one vocabulary and one Python version; its tables grow as they are used."""

    def __init__(self, vocabulary: Vocabulary, version: tuple[int, int] = (3, 14)) -> None:
        self.vocabulary = vocabulary
        self.acceptor = Acceptor(version)
        self.groups = Groups(self.acceptor.lexemes, vocabulary)
        self.summaries = Summaries(self.acceptor.machine, self.groups)
        self.budget = Budget(self.acceptor, self.groups, vocabulary)
        self._rows: dict[tuple[int, ...], bytes] = {}

    def start(self) -> State:
        """The state of the empty text."""
        return self.acceptor.start()

    def read(self, state: State, data: bytes) -> State | None:
        """The state after these bytes, of a prompt for example; None if no program begins so."""
        return self.acceptor.read(state, data)

    def advance(self, state: State, token: int) -> State | None:
        """The state after one more token, None if it is not allowed; an end token changes none."""
        if token in self.vocabulary.end:
            return state if self.acceptor.complete(state) else None
        data = self.vocabulary.tokens[token]
        return self.acceptor.read(state, data) if data else None

    def complete(self, state: State) -> bool:
        """Is the text a whole program?"""
        return self.acceptor.complete(state)

    def prepare(self) -> None:
        """Build the tables for the usual situations, lest a mask wait for them: some seconds."""
        for lex in usual(self.acceptor.lexemes):
            for group in self.groups.roots(lex):
                for which in (FREE, LINES, BEGINS):
                    self.groups.part(group, which)
        state: State | None = self.start()
        for byte in SAMPLE.encode():
            assert state is not None
            self.mask(state)
            state = self.acceptor.advance(state, byte)

    def mask(self, state: State, budget: int | None = None) -> bytes:
        """The tokens that may come next, as bits.

        With a budget of so many tokens more, the next one included and the end token not: only
        those after which they are enough to finish the program. ValueError for a vocabulary that
        lacks single bytes as tokens, because the count is of bytes.
        """
        if budget is None or self.budget.is_ample(state, budget):
            return self._mask(state)
        row = bytearray(self.vocabulary.row_bytes)
        set_bits(row, self.budget.tokens(state, budget))
        if self.acceptor.complete(state):
            set_bits(row, self.vocabulary.end)
        return bytes(row)

    def _mask(self, state: State) -> bytes:
        if state.brackets + self.vocabulary.widest > MAX_BRACKETS:
            return self._one_by_one(state)
        found: list[Chunk] = []
        lex = state.lex
        for group in self.groups.roots(lex):
            if not begins_lines(lex):
                self._collect(group, state, found)
            elif state.brackets:
                self._collect(self.groups.inline(group), state, found)
            else:
                self._lines(group, state, found)
        ids = sorted({chunk.id for chunk in found})
        complete = self.acceptor.complete(state)
        ids.append(-1 if complete else -2)
        key = tuple(ids)
        row = self._rows.get(key)
        if row is None:
            row = self._row(found, complete)
            if len(self._rows) >= _ROWS:
                self._rows.clear()
            if len(self.summaries) >= _SUMMARIES:
                self.summaries.forget()
            self._rows[key] = row
        return self._with_long(state, row) if self.vocabulary.long else row

    def fill(self, state: State, buffer: Buffer, budget: int | None = None) -> None:
        """Write the mask into a buffer of `vocabulary.row_bytes` bytes (a numpy row, ...)."""
        view = memoryview(buffer).cast("B")
        if len(view) != self.vocabulary.row_bytes:
            raise ValueError(
                f"a buffer of {len(view)} bytes for a mask of {self.vocabulary.row_bytes}"
            )
        view[:] = self.mask(state, budget)

    def fill_batch(
        self, states: Sequence[State], buffer: Buffer, budgets: Sequence[int | None] = ()
    ) -> None:
        """Write one mask after another into a buffer of as many rows."""
        view = memoryview(buffer).cast("B")
        size = self.vocabulary.row_bytes
        if len(view) != size * len(states):
            raise ValueError(
                f"a buffer of {len(view)} bytes for {len(states)} masks of {size} bytes each"
            )
        for at, state in enumerate(states):
            view[at * size : (at + 1) * size] = self.mask(state, budgets[at] if budgets else None)

    def _collect(self, group: Group, state: State, found: list[Chunk]) -> None:
        """The tokens of a group that begins inside of a line, or in brackets."""
        groups, brackets = self.groups, state.brackets
        for which in (FREE, LINES):
            part = groups.part(group, which)
            if part is not groups.empty:
                for node in state.nodes:
                    self.summaries.collect(part, node, brackets, found)
        part = groups.part(group, BEGINS)
        if part is not groups.empty:
            self._follow(part, state, found)

    def _lines(self, group: Group, state: State, found: list[Chunk]) -> None:
        """The tokens of a group that begins at the start of a logical line: blanks count."""
        if not group.lined:
            found.append(self.groups.whole(group))
            return
        for term in group.terms:
            found.append(term)
        for at, event in enumerate(group.events):
            after = state.fork()
            if self.acceptor.apply(after, event):
                if event == k.LINE:
                    self._collect(group.children[at], after, found)
                else:
                    self._lines(group.children[at], after, found)

    def _follow(self, group: Group, state: State, found: list[Chunk]) -> None:
        """Event by event, up to the beginning of a logical line."""
        for at, event in enumerate(group.events):
            after = state.fork()
            if self.acceptor.apply(after, event):
                child = group.children[at]
                if event == k.LINE and not state.brackets:
                    self._collect(child, after, found)
                else:
                    for term in child.terms:
                        if self._fits(term, after):
                            found.append(term)
                    self._follow(child, after, found)

    def _fits(self, term: Term, state: State) -> bool:
        state.lex = term.lex
        return self.acceptor.fits(state)

    def _row(self, found: list[Chunk], complete: bool) -> bytes:
        many = 0
        for chunk in found:
            if isinstance(chunk, Term):
                chunk.settle()
            many |= chunk.many
        row = bytearray(many.to_bytes(self.vocabulary.row_bytes, "little"))
        for chunk in found:
            set_bits(row, chunk.few)
        if complete:
            set_bits(row, self.vocabulary.end)
        return bytes(row)

    def _with_long(self, state: State, row: bytes) -> bytes:
        """With the tokens that are too long for the trie."""
        longer = bytearray(row)
        for token in self.vocabulary.long:
            if self.acceptor.read(state, self.vocabulary.tokens[token]) is not None:
                longer[token >> 3] |= 1 << (token & 7)
        return bytes(longer)

    def _one_by_one(self, state: State) -> bytes:
        """Byte by byte through the trie: for places near the limit of brackets."""
        words = self.vocabulary
        row = bytearray(self.vocabulary.row_bytes)
        work: list[tuple[State, int]] = [(state, 0)]
        while work:
            before, node = work.pop()
            set_bits(row, words.order[words.first[node] : words.own_end[node]])
            for at, letter in enumerate(words.letters[node]):
                after = self.acceptor.advance(before, letter)
                if after is not None:
                    work.append((after, words.children[node][at]))
        if self.acceptor.complete(state):
            set_bits(row, words.end)
        return self._with_long(state, bytes(row))


def begins_lines(lex: Lex) -> bool:
    """Does nothing but blanks and comments stand on the line so far?"""
    return lex.mode.startswith("start") or lex.comment == "blank"


def set_bits(row: bytearray, tokens: list[int]) -> None:
    for token in tokens:
        row[token >> 3] |= 1 << (token & 7)


def usual(lexemes: Lexemes) -> list[Lex]:
    """Where most tokens end: in code, in names and keywords, in strings, in fields of f-strings."""
    top = lexemes.top
    found = [lexemes.get(mode, arg, top, 0) for mode, arg in USUAL]
    found += [lexemes.get("word", word, top, 0) for word in KNOWN]
    for quote in ("'", '"'):
        found.append(lexemes.get("string", quote + "3:", top, 0))
        for flags in ("", "r", "b", "br"):
            found += [lexemes.get("string", f"{quote}{flags}:{end}", top, 0) for end in ("", "q")]
        for flags in ("", "3"):
            inside = lexemes.context(top, 0, quote, flags, 0)
            found.append(lexemes.get("literal", "", inside, 0))
            found += [lexemes.get(mode, "", inside, 0) for mode in ("code", "word")]
            found += [lexemes.get(mode, "", inside, 1) for mode in ("code", "word")]
    return found
