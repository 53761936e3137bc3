"""Rank of a matrix modulo 2**31 - 1, by Gaussian elimination."""

from __future__ import annotations

from typing import Any

import numpy as np

from wis.interactions.modular import MODULUS, reduced, times
from wis.kernels import kernel

_P = np.uint64(MODULUS)


@kernel
def rank_modulo(matrix: np.ndarray) -> int:
    """Rank of a matrix modulo 2**31 - 1.

    Parameters
    ----------
    matrix
        uint32 ``[rows, columns]``, entries below 2**31 - 1. It is overwritten.

    Returns
    -------
    int
        The rank.

    Notes
    -----
    O(rows * columns * rank) time, about a nanosecond a step.
    """
    rows, columns = matrix.shape
    rank = 0
    for column in range(columns):
        pivot = _first_nonzero(matrix, rank, column)
        if pivot == rows:
            continue
        for j in range(column, columns):
            matrix[rank, j], matrix[pivot, j] = matrix[pivot, j], matrix[rank, j]
        inverse = _power(np.uint64(matrix[rank, column]), MODULUS - 2)
        for i in range(rank + 1, rows):
            if matrix[i, column] != 0:
                factor = _P - times(np.uint64(matrix[i, column]), inverse)
                _add_multiple(matrix[i, column:], matrix[rank, column:], factor)
        rank += 1
        if rank == rows:
            break
    return rank


@kernel
def _first_nonzero(matrix: np.ndarray, row: int, column: int) -> int:
    while row < len(matrix) and matrix[row, column] == 0:
        row += 1
    return row


@kernel
def _add_multiple(row: np.ndarray, other: np.ndarray, factor: int) -> None:
    for j in range(len(row)):
        row[j] = reduced(np.uint64(row[j]) + np.uint64(other[j]) * factor)


@kernel
def _power(base: Any, exponent: int) -> Any:
    result = np.uint64(1)
    while exponent > 0:
        if exponent & 1:
            result = times(result, base)
        base = times(base, base)
        exponent >>= 1
    return result
