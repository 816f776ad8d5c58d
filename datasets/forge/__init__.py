"""The forge: small Python functions to write, with tests that hold. `forge.py` is the way in."""

from neox.datasets.forge.documents import Document
from neox.datasets.forge.export import to_humaneval
from neox.datasets.forge.forge import LEVELS, Forge, parse_name, tasks_from_name
from neox.datasets.forge.grammar import FAMILIES, Family, Op
from neox.datasets.forge.stream import FORGE_VERSION

__all__ = [
    "FAMILIES",
    "FORGE_VERSION",
    "LEVELS",
    "Document",
    "Family",
    "Forge",
    "Op",
    "parse_name",
    "tasks_from_name",
    "to_humaneval",
]
