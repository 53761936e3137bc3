"""Entries of the inverse of a sparse matrix at the non-zeros of its triangular factor.

For ``A = L D L^T`` and ``Z = A^-1`` (Takahashi, Fagan and Chen 1973), with ``P`` the rows below the diagonal in column
``i`` of ``L``:

    Z_ji = - sum_{k in P} L_ki Z_kj  for j in P,        Z_ii = 1 / D_i - sum_{k in P} L_ki Z_ki

so the columns follow from last to first. The last columns, which fill-in has made dense, are one dense matrix and are
inverted by LAPACK.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import scipy.linalg
import scipy.sparse as sp

from wis.kernels import compiled

_SLICE = 256  # columns between two looks at Ctrl-C and the progress bar
_DENSE = 0.5  # share of non-zeros from which a column counts as dense


def selected_inverse(
    lower: sp.csc_array,
    pivots: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
    advance: Callable[[int], None],
) -> tuple[np.ndarray, np.ndarray]:
    """Compute the diagonal of the inverse and its entries ``(low, high)``.

    Parameters
    ----------
    lower
        Strictly lower triangle of the unit factor ``L``, ``[n, n]``, sorted indices, all fill-in stored.
    pivots
        float64 ``[n]``: the diagonal ``D``.
    low, high
        int64 ``[q]``, ``low <= high``: entries of the inverse to return, non-zeros of ``L`` or diagonal.
    advance
        Called with the numbers of columns done.

    Returns
    -------
    tuple
        float64 ``[n]``, the diagonal, and float64 ``[q]``, the entries.

    Notes
    -----
    O(sum over columns of the squared number of their non-zeros) time, at most three times the memory of ``L``.
    """
    size = len(pivots)
    indptr, indices = lower.indptr.astype(np.int64), lower.indices.astype(np.int64)
    first = _first_dense(np.diff(indptr))
    core = _invert_core(lower, pivots, first)
    advance(size - first)
    diagonal = np.empty(size, dtype=np.float64)
    diagonal[first:] = np.diagonal(core)
    entries = np.empty_like(lower.data)
    place = np.full(size, -1, dtype=np.int64)
    for stop in range(first, 0, -_SLICE):
        start = max(stop - _SLICE, 0)
        _columns(start, stop, indptr, indices, lower.data, pivots, core, diagonal, entries, place)
        advance(stop - start)
    return diagonal, _look_up(low, high, indptr, indices, entries, diagonal, core)


def _first_dense(counts: np.ndarray) -> int:
    """The column from which on all columns are dense."""
    full = np.arange(len(counts) - 1, -1, -1)
    sparse = np.flatnonzero(counts < _DENSE * full)
    return int(sparse[-1]) + 1 if len(sparse) else 0


def _invert_core(lower: sp.csc_array, pivots: np.ndarray, first: int) -> np.ndarray:
    """Inverse of the part from column ``first`` on, dense."""
    factor = lower[first:, first:].toarray(order="F")
    np.fill_diagonal(factor, 1.0)
    factor *= np.sqrt(pivots[first:])
    inverse, info = scipy.linalg.lapack.dpotri(factor, lower=1, overwrite_c=1)
    if info != 0:
        raise ArithmeticError(f"LAPACK could not invert the dense part of the factor (info={info})")
    _mirror(inverse.T)
    return inverse.T


@compiled
def _mirror(matrix: np.ndarray) -> None:
    """Copy the upper triangle onto the lower one, in blocks that fit the cache."""
    size = len(matrix)
    for top in range(0, size, 64):
        for left in range(0, top + 1, 64):
            for i in range(top, min(top + 64, size)):
                for j in range(left, min(left + 64, i)):
                    matrix[i, j] = matrix[j, i]


@compiled
def _columns(
    start: int,
    stop: int,
    indptr: np.ndarray,
    indices: np.ndarray,
    values: np.ndarray,
    pivots: np.ndarray,
    core: np.ndarray,
    diagonal: np.ndarray,
    entries: np.ndarray,
    place: np.ndarray,
) -> None:
    """Fill columns ``start`` to ``stop - 1`` of ``entries`` and ``diagonal``, last first. ``place`` is all -1."""
    first = len(pivots) - len(core)
    sums = np.empty(len(pivots), dtype=np.float64)
    for i in range(stop - 1, start - 1, -1):
        begin = indptr[i]
        rows = indices[begin : indptr[i + 1]]
        column = values[begin : indptr[i + 1]]
        for a in range(len(rows)):
            place[rows[a]] = a
            sums[a] = 0.0
        for b in range(len(rows)):
            k = rows[b]
            if k >= first:
                for a in range(b, len(rows)):
                    z = core[k - first, rows[a] - first]
                    sums[a] += column[b] * z
                    if a != b:
                        sums[b] += column[a] * z
                continue
            sums[b] += column[b] * diagonal[k]
            for t in range(indptr[k], indptr[k + 1]):
                a = place[indices[t]]
                if a >= 0:
                    sums[a] += column[b] * entries[t]
                    sums[b] += column[a] * entries[t]
        total = 1.0 / pivots[i]
        for a in range(len(rows)):
            place[rows[a]] = -1
            entries[begin + a] = -sums[a]
            total += column[a] * sums[a]
        diagonal[i] = total


@compiled
def _look_up(
    low: np.ndarray,
    high: np.ndarray,
    indptr: np.ndarray,
    indices: np.ndarray,
    entries: np.ndarray,
    diagonal: np.ndarray,
    core: np.ndarray,
) -> np.ndarray:
    first = len(diagonal) - len(core)
    found = np.empty(len(low), dtype=np.float64)
    for q in range(len(low)):
        i, j = low[q], high[q]
        if i == j:
            found[q] = diagonal[i]
        elif i >= first:
            found[q] = core[i - first, j - first]
        else:
            found[q] = entries[indptr[i] + np.searchsorted(indices[indptr[i] : indptr[i + 1]], j)]
    return found
