"""Algebraic multigrid as a preconditioner for blocks: the hierarchy is pyamg's, the cycle runs on blocks of vectors.

Smoothed aggregation (Vaněk, Mandel and Brezina 1996). pyamg solves one right-hand side at a time; here each level's
matrices are read once for a whole block.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from numba import njit

from baselines.resistance.laplacian import Laplacian

_DAMPING = 4.0 / 3.0  # over the spectral radius of D^-1 A: damps the upper three quarters of the spectrum best
_COARSEST = 400  # vertices that a dense pseudo-inverse handles


@dataclass(frozen=True)
class _Matrix:
    """A sparse matrix in compressed rows with the index types of the kernels."""

    indptr: np.ndarray
    indices: np.ndarray
    values: np.ndarray

    @classmethod
    def from_scipy(cls, matrix: sp.csr_array, dtype: np.dtype) -> _Matrix:
        matrix = sp.csr_array(matrix)
        return cls(matrix.indptr.astype(np.int64), matrix.indices.astype(np.uint32), matrix.data.astype(dtype))

    @property
    def arrays(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        return self.indptr, self.indices, self.values

    def add_product(self, factor: float, block: np.ndarray, base: np.ndarray, out: np.ndarray) -> None:
        """``out = base + factor * (self @ block)``; ``out`` may be ``base``, not ``block``."""
        _add_product(*self.arrays, out.dtype.type(factor), block, base, out)


@dataclass(frozen=True)
class _Level:
    matrix: _Matrix
    smoother: np.ndarray  # the damped inverse of the diagonal
    restrict: _Matrix
    prolong: _Matrix
    coarse_size: int


class VCycle:
    """One symmetric V-cycle with one damped Jacobi step before and after, on blocks of vectors.

    Parameters
    ----------
    laplacian
        The matrix to precondition.
    dtype
        float32 or float64, that of the blocks.

    Raises
    ------
    ImportError
        If pyamg is not installed.
    """

    def __init__(self, laplacian: Laplacian, dtype: type = np.float32) -> None:
        pyamg = import_pyamg()
        size = laplacian.num_nodes
        values = np.full(len(laplacian.neighbours), -1.0)
        off_diagonal = sp.csr_array((values, laplacian.neighbours.astype(np.int64), laplacian.indptr), (size, size))
        matrix = sp.csr_matrix(off_diagonal + sp.diags_array(laplacian.degree.astype(np.float64)))
        # Local weights come from row sums; the default would draw from NumPy's global random state.
        hierarchy = pyamg.smoothed_aggregation_solver(
            matrix,
            B=np.ones((size, 1)),
            smooth=("jacobi", {"omega": _DAMPING, "weighting": "local"}),
            presmoother=None,
            postsmoother=None,
            improve_candidates=None,
            max_coarse=_COARSEST,
        )
        self._levels = [_level(level, np.dtype(dtype)) for level in hierarchy.levels[:-1]]
        coarsest = hierarchy.levels[-1].A.toarray()
        self._coarse_inverse: np.ndarray = np.linalg.pinv(coarsest, hermitian=True, rcond=1e-10).astype(dtype)

    def __call__(self, residual: np.ndarray, out: np.ndarray) -> None:
        """Write an approximate solution for ``residual`` to ``out``; thread-safe."""
        self._descend(0, residual, out)

    def _descend(self, depth: int, residual: np.ndarray, out: np.ndarray) -> None:
        if depth == len(self._levels):
            np.matmul(self._coarse_inverse, residual, out=out)
            return
        level = self._levels[depth]
        work = np.empty_like(residual)
        coarse_residual = np.zeros((level.coarse_size, residual.shape[1]), dtype=residual.dtype)
        coarse = np.empty_like(coarse_residual)
        np.multiply(level.smoother[:, None], residual, out=out)
        level.matrix.add_product(-1.0, out, residual, work)
        level.restrict.add_product(1.0, work, coarse_residual, coarse_residual)
        self._descend(depth + 1, coarse_residual, coarse)
        level.prolong.add_product(1.0, coarse, out, work)
        _smooth(*level.matrix.arrays, level.smoother, residual, work, out)


def _level(level: Any, dtype: np.dtype) -> _Level:
    """Take over one level of pyamg's hierarchy."""
    diagonal = level.A.diagonal()
    radius = float((np.asarray(abs(level.A).sum(axis=1)).ravel() / diagonal).max())  # Gershgorin's bound
    return _Level(
        matrix=_Matrix.from_scipy(level.A, dtype),
        smoother=(_DAMPING / radius / diagonal).astype(dtype),
        restrict=_Matrix.from_scipy(level.R, dtype),
        prolong=_Matrix.from_scipy(level.P, dtype),
        coarse_size=level.P.shape[1],
    )


@njit(cache=True, nogil=True)
def _gather(
    indptr: np.ndarray, indices: np.ndarray, values: np.ndarray, row: int, block: np.ndarray, total: np.ndarray
) -> None:
    """Row ``row`` of the product, two entries at a time, so that ``total`` is read and written less often."""
    width = np.uint64(block.shape[1])
    total[:] = 0
    t, stop = indptr[row], indptr[row + 1]
    while t + 2 <= stop:
        a, b = np.uint64(indices[t]), np.uint64(indices[t + 1])
        x, y = values[t], values[t + 1]
        for j in range(width):
            total[j] += x * block[a, j] + y * block[b, j]
        t += 2
    if t < stop:
        a, x = np.uint64(indices[t]), values[t]
        for j in range(width):
            total[j] += x * block[a, j]


@njit(cache=True, nogil=True)
def _add_product(
    indptr: np.ndarray,
    indices: np.ndarray,
    values: np.ndarray,
    factor: float,
    block: np.ndarray,
    base: np.ndarray,
    out: np.ndarray,
) -> None:
    width = np.uint64(block.shape[1])
    total = np.empty(width, block.dtype)
    for u in range(np.uint64(len(out))):
        _gather(indptr, indices, values, u, block, total)
        for j in range(width):
            out[u, j] = base[u, j] + factor * total[j]


@njit(cache=True, nogil=True)
def _smooth(
    indptr: np.ndarray,
    indices: np.ndarray,
    values: np.ndarray,
    smoother: np.ndarray,
    residual: np.ndarray,
    block: np.ndarray,
    out: np.ndarray,
) -> None:
    """One damped Jacobi step: ``out = block + smoother * (residual - matrix @ block)``."""
    width = np.uint64(block.shape[1])
    total = np.empty(width, block.dtype)
    for u in range(np.uint64(len(smoother))):
        _gather(indptr, indices, values, u, block, total)
        factor = smoother[u]
        for j in range(width):
            out[u, j] = block[u, j] + factor * (residual[u, j] - total[j])


def import_pyamg() -> Any:
    """Return the module pyamg, or raise ``ImportError`` that says how to get it."""
    try:
        import pyamg
    except ImportError:
        raise ImportError("solver='amg' needs pyamg: pip install 'wis-graph[pyamg]'") from None
    return pyamg
