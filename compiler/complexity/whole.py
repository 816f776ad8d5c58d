"""The bound of a script: the proof where there is one, a sketch where there is not, and its class.

The class is one of seven, in the largest size or value of the input: every independent size counts
as n, and of a loop over test cases one test counts unless a test takes constant time. It is a
summary for people and for comparison with labels; the expressions say what is known.
"""

from __future__ import annotations

from fractions import Fraction

from neox.compiler import nodes as n
from neox.compiler.complexity.bound import Bound, Side
from neox.compiler.complexity.growth import ONE, Growth
from neox.compiler.complexity.inputs import readers, reads
from neox.compiler.complexity.record import replace
from neox.compiler.complexity.sketch import Rank, sketch
from neox.compiler.walk import walk

LARGEST = "largest size or value of the input"


def whole(proof: Bound, tree: n.Module) -> Bound:
    """A sketch is heuristic evidence and says so; it never makes a theta."""
    guess = sketch(tree)
    if proof.upper.growth is not None:
        return replace(proof, label=_label(proof, guess.rank, _reads_in_a_loop(tree)))
    notes = {*proof.notes, "upper: what programs of this shape usually cost; nothing is proved"}
    notes |= {f"not understood: {d}" for d in guess.doubts}
    lower = proof.lower if proof.lower.expression == "1" else Side("1", "proved", ONE)
    return replace(
        proof,
        lower=lower,  # one name cannot mean two things
        upper=Side(guess.rank.text(), "heuristic"),
        parameters=(("n", LARGEST),),
        notes=tuple(sorted(notes)),
        label=guess.rank.label,
    )


def _reads_in_a_loop(tree: n.Module) -> bool:
    renamed = readers(tree)
    return any(
        reads(inner, renamed)
        for node in walk(tree)
        if isinstance(node, n.For)
        for s in node.body
        for inner in walk(s)
    )


def _label(proof: Bound, guess: Rank, tests: bool) -> str:
    """The proof's class. Where a loop reads, the sketch's if smaller: it alone knows test cases."""
    high, low = proof.upper.growth, proof.lower.growth
    assert high is not None
    top = single(high)
    if proof.theta is not None and not tests:
        return top.label
    if guess > top:
        return top.label
    if proof.theta is None and low is not None and guess < single(low):
        return single(low).label
    return guess.label


def single(growth: Growth) -> Rank:
    """All sizes taken as one n: the largest monomial's total degree."""
    best = Rank()
    for m in growth.monomials:
        rank = Rank()
        for _, f in m:
            if f.factorial or f.rate != 1:
                rank = rank * Rank(exp=1)
            power = f.power if isinstance(f.power, Fraction) else Fraction(f.power.enclose()[0])
            rank = rank * Rank(0, max(Fraction(0), power), int(f.log > 0))
        best = max(best, rank)
    return best
