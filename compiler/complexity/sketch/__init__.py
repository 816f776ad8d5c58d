"""A rough picture of a whole program's running time, for when nothing can be proved.

`sketch(program)` walks every statement once per context with sizes kept only as powers of one n.
It recognises what loops and recursions usually are and always has an answer; what it says is a
heuristic and is labelled so. Knows nothing of the proofs beside it.
"""

from neox.compiler.complexity.sketch.program import Sketch, sketch
from neox.compiler.complexity.sketch.rank import CLASSES, Rank

__all__ = ["CLASSES", "Rank", "Sketch", "sketch"]
