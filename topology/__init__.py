"""Programs as graphs and complexes: Betti numbers, Hodge spectra, hyperbolic coordinates.

>>> from neox.compiler import parse
>>> from neox.topology import features
>>> int(features(parse("def f(n):\\n    return n if n else 1\\n"))["mccabe/total"])
2
"""

from neox.topology.features import Features, NoComplex, batch, features
from neox.topology.views import to_networkx

__all__ = ["Features", "NoComplex", "batch", "features", "to_networkx"]
