"""The families of the forge, one file each. To add one: copy a file, and name it below."""

from neox.datasets.forge.families import (
    arithmetic,
    dictionaries,
    digits,
    filters,
    folds,
    logic,
    maps,
    recursion,
    search,
    sets,
    sorting,
    strings,
    theory,
    windows,
    words,
)

__all__ = [
    "arithmetic",
    "dictionaries",
    "digits",
    "filters",
    "folds",
    "logic",
    "maps",
    "recursion",
    "search",
    "sets",
    "sorting",
    "strings",
    "theory",
    "windows",
    "words",
]
