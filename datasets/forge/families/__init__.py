"""The families of the forge, one file each. To add one: copy a file, and name it in the line below."""

from neox.datasets.forge.families import (
    arithmetic,
    digits,
    filters,
    folds,
    maps,
    recursion,
    sorting,
)

__all__ = ["arithmetic", "digits", "filters", "folds", "maps", "recursion", "sorting"]
