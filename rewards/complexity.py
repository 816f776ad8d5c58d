"""1 where the attempt's running time keeps the task's contract, else 0.

Kept is what is proved from above (expected hashing is granted), or, with a sandbox, what operation
counts agree with on at least five sizes of every input family that fits, adversarial ones included.
Unknown is never positive. The contract comes from the task; comments of the attempt say nothing.
Like structure it does not say that the attempt is right, so `Rewards` pays it only where the tests
pass. A task without a contract gives 0.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from neox.compiler import nodes as n
from neox.compiler.complexity import Bound, Contract, ContractError, analyze, satisfies
from neox.compiler.complexity.affine import Affine
from neox.compiler.complexity.growth import Factor, Growth, monomial
from neox.compiler.complexity.record import replace
from neox.compiler.complexity.unit import Unit, dotted, read
from neox.compiler.program import Program
from neox.compiler.walk import walk
from neox.rewards.score import Attempt, Score, scored
from neox.sandbox import Sandbox

# What an upper bound may rest on: hashing, the range of arguments, one length for all rows.
_GRANTED = re.compile(r"hash-O1|uniform-lengths:.*|[\w\s()\[\].*+-]+ >= -?\d+")
# Ways to run what is not in the text, or to change what the text means.
_DENIED = frozenset(
    "eval exec compile __import__ globals locals vars setattr delattr builtins __builtins__ ctypes "
    "gc inspect settrace setprofile importlib sys os threading multiprocessing".split()
)
_DUNDERS = frozenset({"__init__", "__repr__", "__str__"})


def complexity(attempts: Sequence[Attempt]) -> list[Score]:
    """By proof alone; needs no sandbox."""
    return [scored("complexity", float(_Claim(a).proved)) for a in attempts]


class Complexity:
    """By proof, else by operation counts in the sandbox."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    def __call__(self, attempts: Sequence[Attempt]) -> list[Score]:
        return [scored("complexity", float(self._kept(a))) for a in attempts]

    def _kept(self, attempt: Attempt) -> bool:
        claim = _Claim(attempt)
        return claim.proved or claim.counted(self._sandbox)


class _Claim:
    """One attempt against its task's contract."""

    def __init__(self, attempt: Attempt) -> None:
        self.attempt = attempt
        self.contract: Contract | None = None
        self.bound: Bound | None = None
        self.unit: Unit | None = None
        entry = attempt.task.entry_point
        text, program = attempt.task.contract, attempt.program
        if text is None or entry is None or program.diagnostics or not honest(program, entry):
            return
        try:
            self.contract = Contract.parse(text)
        except ContractError:
            return
        self.unit = read(program.tree, program.text)
        bounds = [b for b in analyze(program) if b.function == entry]
        self.bound = bounds[-1] if bounds else None

    @property
    def proved(self) -> bool:
        bound, contract = self.bound, self.contract
        if bound is None or contract is None:
            return False
        if any(" constant of " in x for x in bound.notes):  # 10**9 rounds are no constant
            return False
        granted = all(_GRANTED.fullmatch(a) for a in bound.upper.assumptions)
        return granted and satisfies(bound, contract) is True

    def counted(self, box: Sandbox) -> bool:
        """Do the counts of all families stay within the contract?"""
        if self.bound is None or self.contract is None or self.unit is None:
            return False
        function = self.unit.top.get(self.bound.function)
        if function is None or self.contract.kind != "O":
            return False
        from neox.rewards.counting import check

        claim = self._in_sizes(self.contract)
        bound = replace(self.bound, parameters=self.contract.sizes or self.bound.parameters)
        if claim is None:
            return False
        return check(box, self.attempt.code, function, bound, claim).agrees is True

    def _in_sizes(self, contract: Contract) -> Growth | None:
        """The contract over sizes of arguments instead of its own names."""
        sizes = dict(contract.sizes)
        if not sizes and len(contract.growth.sizes) == 1 and self.unit is not None:
            name = next(iter(contract.growth.sizes)).atoms[0]
            function = self.unit.top[self.bound.function] if self.bound else None
            if function is None or not function.parameters:
                return None
            first = function.parameters[0]
            sizes = {name: f"len({first})" if first in function.containers else first}

        def change(size: Affine, factor: Factor) -> Growth:
            atom = Affine.atom(sizes.get(size.atoms[0], size.atoms[0]))
            return Growth(frozenset([monomial({atom: factor})]))

        return contract.growth.map(change)


def honest(program: Program, entry: str) -> bool:
    """Nothing in the text can do work that neither analysis nor counting would see."""
    for node in walk(program.tree):
        if isinstance(node, n.Name) and node.id in _DENIED:
            return False
        if isinstance(node, n.Attribute) and (node.attr in _DENIED or node.attr.startswith("__")):
            return False
        if isinstance(node, (n.Import, n.ImportFrom)):
            module = getattr(node, "module", None) or ""
            names = [a.name.partition(".")[0] for a in node.names] + [module.partition(".")[0]]
            if _DENIED & set(names):
                return False
        if isinstance(node, n.ClassDef) and not _plain(node):
            return False
        if isinstance(node, n.Name) and node.id == entry and node.ctx != "Load":
            return False
    return all(_idle(s) for s in program.tree.body)


def _plain(node: n.ClassDef) -> bool:
    """No method that an operator would call unseen, no metaclass."""
    methods = {s.name for s in node.body if isinstance(s, (n.FunctionDef, n.AsyncFunctionDef))}
    hidden = {m for m in methods if m.startswith("__")} - _DUNDERS
    return not hidden and not node.keywords and not node.decorator_list


def _idle(s: n.stmt) -> bool:
    """A module-level statement that computes nothing ahead: definitions, imports, constants."""
    if isinstance(s, (n.FunctionDef, n.ClassDef, n.Import, n.ImportFrom, n.Pass)):
        return True
    if isinstance(s, n.Expr):
        return isinstance(s.value, n.Constant)
    if isinstance(s, (n.Assign, n.AnnAssign)):
        value = s.value
        if isinstance(value, n.Call):
            return not value.args and dotted(value.func) in {"dict", "list", "set"}
        if isinstance(value, (n.Dict, n.List, n.Set)):
            return not any(isinstance(x, (n.Call, n.BinOp)) for x in walk(value))
        return value is None or isinstance(value, (n.Constant, n.Tuple, n.UnaryOp))
    return False
