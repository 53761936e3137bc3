"""Preconditioned conjugate gradients on a block of right-hand sides, each column with steps of its own.

Hestenes and Stiefel (1952); the loops over a block are fused so that an iteration reads it as rarely as possible.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numba import njit

from baselines.resistance.laplacian import Laplacian

Preconditioner = Callable[[np.ndarray, np.ndarray], None]


def solve_block(
    laplacian: Laplacian,
    rhs: np.ndarray,
    tol: float,
    max_iterations: int,
    precondition: Preconditioner | None = None,
) -> tuple[np.ndarray, int, bool]:
    """Solve ``L x = rhs`` for every column.

    Parameters
    ----------
    laplacian
        The matrix. It is singular: columns of ``rhs`` must sum to zero over each component, and ``x`` is determined up
        to one constant a component.
    rhs
        float32 or float64 ``[n, w]``. Overwritten by the residual.
    tol
        A column is solved when its residual, in the norm of the preconditioner, has fallen by this factor.
    max_iterations
        Give up after this many.
    precondition
        ``precondition(residual, out)`` writes the preconditioned residual to ``out``. The default divides by the
        degrees (Jacobi).

    Returns
    -------
    tuple
        The solution ``[n, w]``, the number of iterations, and whether all columns are solved.

    Notes
    -----
    One product with the Laplacian an iteration; five blocks of memory.
    """
    scale = (1.0 / laplacian.degree).astype(rhs.dtype)
    solution = np.zeros_like(rhs)
    applied = np.zeros_like(rhs)
    direction = np.empty_like(rhs)
    corrected = np.empty_like(rhs)
    zero = np.zeros(rhs.shape[1], dtype=rhs.dtype)

    def step(alpha: np.ndarray) -> np.ndarray:
        norm = _step(alpha, scale, direction, applied, solution, rhs, corrected)
        if precondition is None:
            return norm
        precondition(rhs, corrected)
        return _products(rhs, corrected)

    direction[:] = 0
    norm = step(zero)
    target = norm * tol**2
    np.copyto(direction, corrected)
    for iteration in range(1, max_iterations + 1):
        curvature = laplacian.apply(direction, applied)
        next_norm = step(_ratio(norm, curvature).astype(rhs.dtype))
        if np.all(next_norm <= target):
            return solution, iteration, True
        _turn(_ratio(next_norm, norm).astype(rhs.dtype), corrected, direction)
        norm = next_norm
    return solution, max_iterations, bool(np.all(norm <= target))


def _ratio(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    """The quotient, 0 where a column is solved to the last digit and has nothing left to divide by."""
    return np.divide(numerator, denominator, out=np.zeros_like(numerator), where=denominator > 0)


@njit(cache=True, nogil=True)
def _step(
    alpha: np.ndarray,
    scale: np.ndarray,
    direction: np.ndarray,
    applied: np.ndarray,
    solution: np.ndarray,
    residual: np.ndarray,
    corrected: np.ndarray,
) -> np.ndarray:
    """Move along the direction; return the squared Jacobi norms of the residuals and leave them scaled in place."""
    size, width = np.uint64(residual.shape[0]), np.uint64(residual.shape[1])
    part = np.zeros(width, residual.dtype)
    norm = np.zeros(width, np.float64)
    for u in range(size):
        factor = scale[u]
        for j in range(width):
            solution[u, j] += alpha[j] * direction[u, j]
        for j in range(width):
            left = residual[u, j] - alpha[j] * applied[u, j]
            residual[u, j] = left
            corrected[u, j] = factor * left
            part[j] += factor * left * left
        if u % 256 == 255 or u + 1 == size:
            for j in range(width):
                norm[j] += part[j]
                part[j] = 0
    return norm


@njit(cache=True, nogil=True)
def _turn(beta: np.ndarray, corrected: np.ndarray, direction: np.ndarray) -> None:
    """The next direction."""
    size, width = np.uint64(direction.shape[0]), np.uint64(direction.shape[1])
    for u in range(size):
        for j in range(width):
            direction[u, j] = corrected[u, j] + beta[j] * direction[u, j]


@njit(cache=True, nogil=True)
def _products(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """float64 ``[w]``: the product of each pair of columns."""
    size, width = np.uint64(left.shape[0]), np.uint64(left.shape[1])
    part = np.zeros(width, left.dtype)
    product = np.zeros(width, np.float64)
    for u in range(size):
        for j in range(width):
            part[j] += left[u, j] * right[u, j]
        if u % 256 == 255 or u + 1 == size:
            for j in range(width):
                product[j] += part[j]
                part[j] = 0
    return product
