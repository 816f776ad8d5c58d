"""Combinatorial Hodge Laplacians, their spectra, and what of them can be had in linear time.

With D_k = W_{k-1}^(-1/2) B_k W_k^(1/2) for positive weights W of the simplices,
L_k = D_k^T D_k + D_{k+1} D_{k+1}^T (Eckmann 1944; Lim 2020, arXiv 1507.05379). D_k D_{k+1} = 0
whatever the weights, and so the kernel keeps its dimension, the Betti number, while the eigenvalues
move. The spectrum of L1 is that of L0 joined with that of the lower part of L2, zeros apart, so
that L1 is never formed for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse, special

from neox.topology.complexes import Complex, Ints

Array = NDArray[np.float64]
Weights = tuple[Array, Array, Array]
TOLERANCE = 1e-8
DENSE = 6_000  # vertices up to which a whole spectrum is computed: 6,000 are 300 MB
MOMENTS, PROBES = 24, 16


def operators(complex_: Complex, weights: Weights | None = None) -> tuple[Any, Any]:
    """D1 [vertices, edges] and D2 [edges, triangles], sparse; B1 and B2 where no weights are."""
    b1 = complex_.boundary(1, np.float64)
    b2 = complex_.boundary(2, np.float64)
    if weights is None:
        return b1, b2
    roots = [np.sqrt(w) for w in weights]
    scaled = [
        sparse.diags_array(1 / low) @ b @ sparse.diags_array(high)
        for low, b, high in zip(roots, (b1, b2), roots[1:], strict=False)
    ]
    return scaled[0], scaled[1]


def laplacian(complex_: Complex, k: int, weights: Weights | None = None) -> Any:
    """L_k, sparse and symmetric; k is 0, 1 or 2."""
    d1, d2 = operators(complex_, weights)
    match k:
        case 0:
            return d1 @ d1.T
        case 1:
            return d1.T @ d1 + d2 @ d2.T
        case 2:
            return d2.T @ d2
    raise ValueError(f"a complex of dimension 2 has Laplacians 0, 1 and 2, not {k}")


def laplacians(complex_: Complex, weights: Weights | None = None) -> tuple[Any, Any, Any]:
    """L0, L1 and L2, sparse and symmetric: the blocks of the square of the Dirac operator, the
    symmetric matrix with D1 and D2 beside its diagonal. One product is cheaper than four.
    """
    n0, n1, n2 = complex_.vertices, len(complex_.edges), len(complex_.triangles)
    edge, triangle = np.arange(n0, n0 + n1), np.arange(n0 + n1, n0 + n1 + n2)
    rows = np.concatenate([complex_.edges.ravel(), n0 + complex_.sides().ravel()])
    columns = np.concatenate([np.repeat(edge, 2), np.repeat(triangle, 3)])
    values = np.concatenate([np.tile((-1.0, 1.0), n1), np.tile((1.0, -1.0, 1.0), n2)])
    if weights is not None:
        root = np.sqrt(np.concatenate(weights))
        values *= root[columns] / root[rows]
    ends = np.concatenate([rows, columns]), np.concatenate([columns, rows])
    size = n0 + n1 + n2
    dirac: Any = sparse.csr_array((np.tile(values, 2), ends), shape=(size, size))
    square = dirac @ dirac
    one, two = n0, n0 + n1
    return square[:one, :one], square[one:two, one:two], square[two:, two:]


def jitter(complex_: Complex, rng: np.random.Generator, sigma: float = 0.3) -> Weights:
    """Log-normal weights of vertices, edges and triangles: other eigenvalues, the same kernels.

    This is NEOX 3.1's perturbation that preserves the topological invariants. ValueError above
    sigma 1, where eigenvalues spread over so many orders of magnitude that zeros are hard to tell.
    """
    if not 0 <= sigma <= 1:
        raise ValueError(f"sigma is between 0 and 1, not {sigma}")
    sizes = complex_.vertices, len(complex_.edges), len(complex_.triangles)
    vertices, edges, triangles = (np.exp(rng.normal(0, sigma, size)) for size in sizes)
    return vertices, edges, triangles


def spectra(complex_: Complex, weights: Weights | None = None) -> tuple[Array, Array, Array]:
    """Eigenvalues of L0, L1 and L2, ascending, with multiplicity; zeros of L1 included.

    ValueError for more than DENSE vertices; `chebyshev_moments` are for those.
    """
    if max(complex_.vertices, len(complex_.triangles)) > DENSE:
        raise ValueError(
            f"{complex_.vertices} vertices and {len(complex_.triangles)} triangles are too many"
            f" for a whole spectrum (up to {DENSE}); use chebyshev_moments"
        )
    d1, d2 = operators(complex_, weights)
    spec0 = _eigenvalues((d1 @ d1.T).toarray())
    spec2 = _eigenvalues((d2.T @ d2).toarray())
    nonzero = np.concatenate([spec0[spec0 > TOLERANCE], spec2[spec2 > TOLERANCE]])
    zeros = np.zeros(max(0, len(complex_.edges) - len(nonzero)))
    return spec0, np.sort(np.concatenate([zeros, nonzero])), spec2


def vertex_spectrum(complex_: Complex) -> Array:
    """Eigenvalues of L0 alone."""
    return _eigenvalues(laplacian(complex_, 0).toarray())


def _eigenvalues(matrix: Array) -> Array:
    if not len(matrix):
        return np.zeros(0)
    return np.clip(np.linalg.eigvalsh(matrix), 0.0, None)


def heat_trace(spectrum: Array, time: float) -> float:
    """Mean of exp(-time * eigenvalue): a size-free summary of a spectrum."""
    return float(np.exp(-time * spectrum).mean()) if len(spectrum) else 0.0


def walk_matrix(vertices: int, edges: Ints) -> Any:
    """D^(-1/2) A D^(-1/2), sparse: the identity less the normalised L0; spectrum in [-1, 1]."""
    degree = np.bincount(edges.ravel(), minlength=vertices)
    root = 1 / np.sqrt(np.maximum(degree, 1))
    u, v = edges.T
    values = root[u] * root[v]
    return sparse.csr_array(
        (np.tile(values, 2), (np.concatenate([u, v]), np.concatenate([v, u]))),
        shape=(vertices, vertices),
    )


def chebyshev_moments(matrix: Any, places: Ints, part: Ints, parts: int) -> Array:
    """Means over eigenvalues of the Chebyshev polynomials T_0..T_23, [MOMENTS, parts], each part of
    a block-diagonal matrix by itself.

    Estimated with PROBES fixed random signs per vertex (kernel polynomial method, Weisse et al.
    2006): `places` [vertices] number the vertices within their part, and the signs follow from the
    place alone, so that a program gets the same figures in any company. Error about 0.01.
    """
    signs = np.random.default_rng(0).integers(0, 2, (int(places.max(initial=0)) + 1, PROBES))
    start: Any = (2.0 * signs - 1)[places]
    sizes = np.maximum(np.bincount(part, minlength=parts), 1) * PROBES
    bounds = np.flatnonzero(np.diff(part, prepend=-1))

    def dot(x: Array, y: Array) -> Array:
        out = np.zeros(parts)
        sums = np.einsum("ij,ij->i", x, y)
        if len(bounds):
            out[part[bounds]] = np.add.reduceat(sums, bounds)
        return np.asarray(out / sizes)

    moments = np.zeros((MOMENTS, parts))
    before: Any = start
    now: Any = matrix @ start
    moments[0], moments[1] = dot(start, start), dot(start, now)
    for k in range(1, MOMENTS // 2):  # T_2k = 2 T_k^2 - T_0, T_2k+1 = 2 T_k T_k+1 - T_1
        moments[2 * k] = 2 * dot(now, now) - moments[0]
        after = matrix @ now
        after *= 2
        after -= before
        moments[2 * k + 1] = 2 * dot(now, after) - moments[1]
        before, now = now, after
    return moments


def heats(moments: Array, times: Sequence[float]) -> Array:
    """Mean of exp(-t (1 - x)) over eigenvalues x, [times, parts], from their Chebyshev moments."""
    orders = np.arange(len(moments))
    out = []
    for t in times:
        weights = special.ive(orders, t) * np.where(orders, 2.0, 1.0)
        out.append(weights @ moments)
    return np.array(out)
