"""Masks for a text that has to end soon: the tokens after which the rest still fits.

Asks the acceptor what the shortest end costs after each group of tokens that end in the same place.
Knows nothing of how masks are stored.
"""

from __future__ import annotations

from neox.compiler.viable.acceptor import Acceptor, State
from neox.compiler.viable.groups import Group, Groups
from neox.compiler.viable.vocabulary import Vocabulary


class Budget:
    def __init__(self, acceptor: Acceptor, groups: Groups, vocabulary: Vocabulary) -> None:
        self.acceptor = acceptor
        self.groups = groups
        self.vocabulary = vocabulary
        self._longest = max(map(len, vocabulary.tokens), default=0)
        self._newlines = max(
            (token.count(b"\n") + token.count(b"\r") for token in vocabulary.tokens), default=0
        )
        single = {token[0] for token in vocabulary.tokens if len(token) == 1}
        needed = {9, 10, *range(32, 127), *range(0x80, 0xC0)}
        self._missing = sorted(needed - single)

    def is_ample(self, state: State, budget: int) -> bool:
        """Is the program sure to fit whatever token comes next? No byte adds more than this."""
        if self._missing:
            raise ValueError(
                f"a budget needs a vocabulary with all single bytes; {self._missing[0]:#04x} is not"
            )
        line = 24 + state.indents.alternate + state.alternate + self._longest
        return budget > self.acceptor.cost(state) + 4 * self._longest + line * (1 + self._newlines)

    def tokens(self, state: State, budget: int) -> list[int]:
        """The tokens after which the program can be finished with `budget - 1` more."""
        acceptor = self.acceptor
        found: list[int] = []
        work: list[tuple[Group, State]] = [(root, state) for root in self.groups.roots(state.lex)]
        while work:
            group, here = work.pop()
            for term in group.terms:
                after = here.fork()
                after.lex = term.lex
                if acceptor.fits(after) and acceptor.cost(after) < budget:
                    found += term.tokens
            for at, event in enumerate(group.events):
                after = here.fork()
                if acceptor.apply(after, event):
                    work.append((group.children[at], after))
        for token in self.vocabulary.long:
            ahead = acceptor.read(state, self.vocabulary.tokens[token])
            if ahead is not None and acceptor.cost(ahead) < budget:
                found.append(token)
        return found
