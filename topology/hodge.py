"""Combinatorial Hodge Laplacians and their spectra.

L0 = B1 B1^T, L1 = B1^T B1 + B2 B2^T, L2 = B2^T B2 (Eckmann 1944; Lim 2020, arXiv 1507.05379). L1 is
never formed: its non-zero spectrum is that of L0 joined with that of L2.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from neox.topology.complexes import Complex

Array = NDArray[np.float64]
TOLERANCE = 1e-8


def spectra(complex_: Complex) -> tuple[Array, Array, Array]:
    """Eigenvalues of L0, L1 and L2, ascending, with multiplicity; zeros of L1 included."""
    b1 = complex_.boundary1().astype(np.float64)
    b2 = complex_.boundary2().astype(np.float64)
    spec0 = _eigenvalues(b1 @ b1.T)
    spec2 = _eigenvalues(b2.T @ b2)
    nonzero = np.concatenate([spec0[spec0 > TOLERANCE], spec2[spec2 > TOLERANCE]])
    zeros = np.zeros(max(0, len(complex_.edges) - len(nonzero)))
    return spec0, np.sort(np.concatenate([zeros, nonzero])), spec2


def vertex_spectrum(complex_: Complex) -> Array:
    """Eigenvalues of L0 alone."""
    b1 = complex_.boundary1().astype(np.float64)
    return _eigenvalues(b1 @ b1.T)


def _eigenvalues(matrix: Array) -> Array:
    if not len(matrix):
        return np.zeros(0)
    return np.clip(np.linalg.eigvalsh(matrix), 0.0, None)


def heat_trace(spectrum: Array, time: float) -> float:
    """Mean of exp(-time * eigenvalue): a size-free summary of a spectrum."""
    return float(np.exp(-time * spectrum).mean()) if len(spectrum) else 0.0
