"""Which text may come next: an acceptor of the prefixes of Python programs.

>>> from neox.compiler.viable import Acceptor
>>> acceptor = Acceptor((3, 14))
>>> state = acceptor.read(acceptor.start(), b"for x in range(3")
>>> acceptor.complete(state), acceptor.cost(state)
(False, 4)
>>> acceptor.read(state, b"]") is None  # no program begins so
True
>>> acceptor.complete(acceptor.read(state, b"): print(x)"))
True

Every text that is accepted so far can be made a program that `ast.parse` accepts (no dead ends),
and every beginning of every program is accepted. States never change and share their tails, so
keeping one is a fork, and going back to it a rollback. `Masks` does the same for the tokens of a
vocabulary.
"""

from neox.compiler.viable.acceptor import Acceptor, State
from neox.compiler.viable.masks import Masks
from neox.compiler.viable.vocabulary import Vocabulary

__all__ = ["Acceptor", "Masks", "State", "Vocabulary"]
