"""NEOX: reinforcement learning for code models with rewards that can be checked.

The parts are imported by name (`neox.compiler`, `neox.sandbox`, `neox.train`, ...); this module
imports none of them, so that `neox --help` costs no more than the interpreter.
"""

__version__ = "0.1.0"


def bound(expression: str, **sizes: str):  # type: ignore[no-untyped-def]
    """A contract on running time as a decorator; it changes nothing at run time.

    >>> @bound("n*log(n)", n="len(a)")
    ... def ordered(a):
    ...     return sorted(a)
    >>> ordered([2, 1])
    [1, 2]
    """
    return lambda function: function
