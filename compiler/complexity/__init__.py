"""Static complexity: two-sided symbolic bounds of the functions of a program.

>>> from neox.compiler import parse
>>> from neox.compiler.complexity import analyze, satisfies
>>> [bound] = analyze(parse("def f(n):\\n    return 1 if n < 2 else f(n - 1) + f(n - 1)\\n"))
>>> bound.theta
'2**n'
>>> satisfies(bound, "O(n**2)")
False
"""

from neox.compiler.complexity.analyze import analyze
from neox.compiler.complexity.bound import Bound, Side
from neox.compiler.complexity.contracts import Contract, ContractError, contracts, satisfies

__all__ = ["Bound", "Contract", "ContractError", "Side", "analyze", "contracts", "satisfies"]
