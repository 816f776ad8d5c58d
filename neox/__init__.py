"""NEOX: reinforcement learning for code models with rewards that can be checked.

The parts are imported by name (`neox.compiler`, `neox.sandbox`, `neox.train`, ...); this module
imports none of them, so that `neox --help` costs no more than the interpreter.
"""

__version__ = "0.1.0"
