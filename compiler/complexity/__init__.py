"""Static complexity: two-sided symbolic bounds of the functions of a program.

>>> from neox.compiler import parse
>>> from neox.compiler.complexity import analyze, satisfies
>>> [bound] = analyze(parse("def f(n):\\n    return 1 if n < 2 else f(n - 1) + f(n - 1)\\n"))
>>> bound.theta
'2**n'
>>> satisfies(bound, "O(n**2)")
False

The names are loaded when they are first asked for: the linter's start-up counts.
"""

from __future__ import annotations

MYPY = False
if MYPY:
    from neox.compiler.complexity.analysis import analyze
    from neox.compiler.complexity.bound import Bound, Side
    from neox.compiler.complexity.contract import Contract, ContractError, contracts, satisfies

_HOMES = {
    "analyze": "analysis",
    "Bound": "bound",
    "Side": "bound",
    "Contract": "contract",
    "ContractError": "contract",
    "contracts": "contract",
    "satisfies": "contract",
}


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = __import__(f"{__name__}.{home}", fromlist=[name])
    globals()[name] = value = getattr(module, name)
    return value


__all__ = ["Bound", "Contract", "ContractError", "Side", "analyze", "contracts", "satisfies"]
