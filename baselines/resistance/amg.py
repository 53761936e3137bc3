"""Algebraic multigrid as a preconditioner for blocks: aggregates are pyamg's, the cycle runs on blocks of vectors.

Smoothed aggregation (Vaněk, Mandel and Brezina 1996). pyamg solves one right-hand side at a time; here each level's
matrices are read once for a whole block. With ``A`` a level's matrix, ``S`` its damped inverse diagonal and ``P`` its
prolongator, one Jacobi step before and one after make the cycle

    r -> (2S - S A S) r + (I - S A) P M P^T (I - A S) r,        M the cycle of the next level,

so with ``G = A S`` and ``Q = (I - S A) P``, made once, a level is two sweeps over its vertices: ``Q^T r`` on the way
down, ``S (2r - G r) + Q (M Q^T r)`` on the way up.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from wis.baselines.resistance.laplacian import Laplacian, add_up

from wis.extras import needed_for
from wis.kernels import compiled

_DAMPING = 4.0 / 3.0  # over the spectral radius of D^-1 A: damps the upper three quarters of the spectrum best
_COARSEST = 400  # vertices that a dense pseudo-inverse handles
_VANISHED = 1e-9  # entries of a Laplacian are at least 1, those of its coarse levels a fraction of that
_ROUNDING = 1e-14  # what is left of the largest entry where sums cancel


@dataclass(frozen=True)
class _Matrix:
    """A sparse matrix in compressed rows with the index types of the kernels."""

    indptr: np.ndarray
    indices: np.ndarray
    values: np.ndarray

    @classmethod
    def of(cls, matrix: sp.csr_array, values: np.ndarray, dtype: np.dtype) -> _Matrix:
        """The places of ``matrix`` with other values."""
        return cls(matrix.indptr.astype(np.int64), matrix.indices.astype(np.uint32), values.astype(dtype))

    @property
    def arrays(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        return self.indptr, self.indices, self.values


@dataclass(frozen=True)
class _Level:
    scaled: _Matrix  # G
    lift: _Matrix  # Q
    smoother: np.ndarray  # the diagonal of S
    coarse_size: int


class TooDenseError(Exception):
    """The coarse matrices of a graph have too many entries to be of use."""


class VCycle:
    """One symmetric V-cycle with one damped Jacobi step before and after, on blocks of vectors.

    Parameters
    ----------
    laplacian
        The matrix to precondition. Any number of components.
    dtype
        float32 or float64, that of the blocks.
    most_work
        Give up if making a coarse matrix takes more than this many multiplications an entry of the Laplacian. About 10
        on grids; hundreds on graphs with hubs, whose aggregates touch each other all.

    Raises
    ------
    ImportError
        If pyamg is not installed.
    TooDenseError
        If it gave up.
    """

    def __init__(self, laplacian: Laplacian, dtype: type = np.float32, most_work: float = np.inf) -> None:
        aggregate = import_pyamg().aggregation.aggregate.standard_aggregation
        self._levels: list[_Level] = []
        matrix = _as_scipy(laplacian)
        most_work *= matrix.nnz
        while matrix.shape[0] > _COARSEST:
            level, matrix = _coarsen(matrix, aggregate, np.dtype(dtype), most_work)
            self._levels.append(level)
        self._coarse_inverse: np.ndarray = _pseudo_inverse(matrix.toarray()).astype(dtype)

    def __call__(self, residual: np.ndarray, out: np.ndarray) -> np.ndarray:
        """Write an approximate solution for ``residual`` to ``out``; return the products of their columns.

        Both blocks are ``[n, w]``, the products float64 ``[w]``. Thread-safe.
        """
        return self._descend(0, residual, out)

    def _descend(self, depth: int, residual: np.ndarray, out: np.ndarray) -> np.ndarray:
        if depth == len(self._levels):
            np.matmul(self._coarse_inverse, residual, out=out)
            return np.einsum("ij,ij->j", residual, out, dtype=np.float64)
        level = self._levels[depth]
        coarse_residual = np.zeros((level.coarse_size, residual.shape[1]), dtype=residual.dtype)
        _restrict(*level.lift.arrays, residual, coarse_residual)
        coarse = np.empty_like(coarse_residual)
        self._descend(depth + 1, coarse_residual, coarse)
        return _rise(*level.scaled.arrays, *level.lift.arrays, level.smoother, residual, coarse, out)


def _as_scipy(laplacian: Laplacian) -> sp.csr_array:
    size = laplacian.num_nodes
    ones = np.ones(len(laplacian.neighbours))
    values = -(ones if laplacian.conductances is None else laplacian.conductances)
    off_diagonal = sp.csr_array((values, laplacian.neighbours.astype(np.int32), laplacian.indptr), (size, size))
    return sp.csr_array(off_diagonal + sp.diags_array(laplacian.degree.astype(np.float64)))


def _coarsen(matrix: sp.csr_array, aggregate: Any, dtype: np.dtype, most_work: float) -> tuple[_Level, sp.csr_array]:
    """One level of the cycle, and the matrix of the next."""
    diagonal = matrix.diagonal()
    # A component that is one vertex by now has nothing left to solve: zero but for rounding errors.
    lives = diagonal > max(_VANISHED, _ROUNDING * diagonal.max())
    inverse = np.divide(1.0, diagonal, out=np.zeros_like(diagonal), where=lives)
    reach = np.asarray(abs(matrix).sum(axis=1)).ravel()
    local = np.divide(_DAMPING, reach, out=np.zeros_like(reach), where=lives)
    radius = max(float((reach * inverse).max()), 1.0)  # Gershgorin's bound
    smoother = _DAMPING / radius * inverse
    tentative = sp.csr_array(aggregate(sp.csr_matrix(matrix))[0].astype(np.float64))
    # One Jacobi step on the aggregates' indicators, each row by its own bound on the spectral radius.
    prolong = sp.csr_array(tentative - _scale_rows(matrix @ tentative, local))
    if _work(matrix, prolong) > most_work:
        raise TooDenseError
    applied = sp.csr_array(matrix @ prolong)
    coarse = sp.csr_array(prolong.T.tocsr() @ applied)
    lift = sp.csr_array(prolong - _scale_rows(applied, smoother))
    level = _Level(
        scaled=_Matrix.of(matrix, matrix.data * smoother[matrix.indices], dtype),
        lift=_Matrix.of(lift, lift.data, dtype),
        smoother=smoother.astype(dtype),
        coarse_size=prolong.shape[1],
    )
    return level, coarse


def _work(matrix: sp.csr_array, prolong: sp.csr_array) -> float:
    """At most so many multiplications make ``P^T (A P)``."""
    width = np.diff(prolong.indptr).astype(np.float64)
    pattern = sp.csr_array((np.ones(matrix.nnz), matrix.indices, matrix.indptr), shape=matrix.shape)
    return float(width @ (pattern @ width))


def _scale_rows(matrix: sp.csr_array, factors: np.ndarray) -> sp.csr_array:
    """Multiply the rows of a matrix in place."""
    matrix.data *= np.repeat(factors, np.diff(matrix.indptr))
    return matrix


def _pseudo_inverse(matrix: np.ndarray) -> np.ndarray:
    """The pseudo-inverse of a small Laplacian, which may be nothing but rounding errors (NumPy's inverts those)."""
    values, vectors = np.linalg.eigh(matrix)
    chosen = values > max(_VANISHED, 1e-10 * values.max(initial=0.0))
    return (vectors[:, chosen] / values[chosen]) @ vectors[:, chosen].T


@compiled
def _restrict(
    indptr: np.ndarray, indices: np.ndarray, values: np.ndarray, residual: np.ndarray, coarse: np.ndarray
) -> None:
    """Add the transpose of a matrix, times ``residual``, to ``coarse``."""
    width = np.uint64(residual.shape[1])
    for u in range(np.uint64(len(residual))):
        for t in range(np.uint64(indptr[u]), np.uint64(indptr[u + 1])):
            a, x = np.uint64(indices[t]), values[t]
            for j in range(width):
                coarse[a, j] += x * residual[u, j]


@compiled
def _add_row(
    indptr: np.ndarray, indices: np.ndarray, values: np.ndarray, row: int, block: np.ndarray, total: np.ndarray
) -> None:
    """Add a row of a product to ``total``, four entries at a time, so that ``total`` is read and written less often."""
    width = np.uint64(block.shape[1])
    t, stop = np.uint64(indptr[row]), np.uint64(indptr[row + 1])
    while t + np.uint64(4) <= stop:
        a, b = np.uint64(indices[t]), np.uint64(indices[t + np.uint64(1)])
        c, d = np.uint64(indices[t + np.uint64(2)]), np.uint64(indices[t + np.uint64(3)])
        w, x = values[t], values[t + np.uint64(1)]
        y, z = values[t + np.uint64(2)], values[t + np.uint64(3)]
        for j in range(width):
            total[j] += (w * block[a, j] + x * block[b, j]) + (y * block[c, j] + z * block[d, j])
        t += np.uint64(4)
    while t < stop:
        a, x = np.uint64(indices[t]), values[t]
        for j in range(width):
            total[j] += x * block[a, j]
        t += np.uint64(1)


@compiled
def _rise(
    scaled_indptr: np.ndarray,
    scaled_indices: np.ndarray,
    scaled_values: np.ndarray,
    lift_indptr: np.ndarray,
    lift_indices: np.ndarray,
    lift_values: np.ndarray,
    smoother: np.ndarray,
    residual: np.ndarray,
    coarse: np.ndarray,
    out: np.ndarray,
) -> np.ndarray:
    """``out = S (2r - G r) + Q coarse``; return the products of the columns of ``r`` and ``out``."""
    size, width = np.uint64(residual.shape[0]), np.uint64(residual.shape[1])
    part = np.zeros(width, residual.dtype)
    product = np.zeros(width, np.float64)
    within = np.empty(width, residual.dtype)
    above = np.empty(width, residual.dtype)
    two = residual.dtype.type(2)
    for u in range(size):
        within[:] = 0
        above[:] = 0
        _add_row(scaled_indptr, scaled_indices, scaled_values, u, residual, within)
        _add_row(lift_indptr, lift_indices, lift_values, u, coarse, above)
        factor = smoother[u]
        for j in range(width):
            value = factor * (two * residual[u, j] - within[j]) + above[j]
            out[u, j] = value
            part[j] += value * residual[u, j]
        if u % 256 == 255 or u + 1 == size:
            add_up(part, product)
    return product


def import_pyamg() -> Any:
    """Return the module pyamg, or raise ``ImportError`` that says how to get it."""
    with needed_for("solver='amg'"):
        import pyamg
    return pyamg
