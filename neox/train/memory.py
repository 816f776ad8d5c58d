"""Give freed memory back to the system.

A step frees many tensors of changing sizes; glibc keeps their pages, and a run of hundreds of steps
would hold several times what it uses.
"""

from __future__ import annotations

import ctypes
import sys


def release_freed_memory() -> None:
    """Trim the heap, where the C library can (glibc); elsewhere nothing."""
    if sys.platform.startswith("linux"):
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)
