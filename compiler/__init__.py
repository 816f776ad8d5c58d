"""Python source to syntax tree and back, handwritten, for broken text too.

>>> from neox.compiler import emit, parse
>>> program = parse("x=1+ 2 # three")
>>> emit(program)
'x = 1 + 2\\n'
>>> program.source()
'x=1+ 2 # three'
"""

from neox.compiler.emitter import emit
from neox.compiler.literals import literal
from neox.compiler.nodes import Node
from neox.compiler.program import Diagnostic, Program, parse, tokenize
from neox.compiler.progress import progress
from neox.compiler.validate import validate
from neox.compiler.walk import children, walk

__all__ = [
    "Diagnostic",
    "Node",
    "Program",
    "children",
    "emit",
    "literal",
    "parse",
    "progress",
    "tokenize",
    "validate",
    "walk",
]
