"""Preconditioned conjugate gradients on a block of right-hand sides, each column with steps of its own.

Hestenes and Stiefel (1952); the loops over a block are fused so that an iteration reads it as rarely as possible.

The solver stops by the error, not by the residual: on graphs where it is slow (grids, long cycles) the residual falls
long before the error does. With ``x`` the solution, ``|x|^2 = x^T L x`` is the sum of the squared differences across
edges, which is what resistances are made of, and every step lowers the squared error in this norm by a number at hand.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from wis.baselines.resistance.laplacian import Laplacian, add_up

from wis.kernels import compiled

Preconditioner = Callable[[np.ndarray, np.ndarray], np.ndarray]

MOST_ITERATIONS = 20_000  # iterations after which a solve has failed
_FINEST_FLOAT32 = 1e-5  # below this tolerance blocks are float64
_MOST_CONTRAST_FLOAT32 = 1e3  # and above this quotient of weights: what weak edges do drowns in rounding errors


def solve_block(
    laplacian: Laplacian,
    rhs: np.ndarray,
    tol: float,
    max_iterations: int,
    precondition: Preconditioner | None = None,
    work: np.ndarray | None = None,
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
        A column is solved when its error is at most this share of its solution, both as root mean squares of the
        differences across edges: see :class:`ErrorEstimate`.
    max_iterations
        Give up after this many.
    precondition
        ``precondition(residual, out)`` writes the preconditioned residual to ``out`` and returns the float64 ``[w]``
        products of their columns. The default divides by the degrees (Jacobi).
    work
        Memory for four blocks, ``[4, n, w]`` of the type of ``rhs``, with any content; the solution is one of them.
        None: fresh memory, which takes the system as long as a few iterations to hand out.

    Returns
    -------
    tuple
        The solution ``[n, w]``, the number of iterations, and whether all columns are solved.

    Notes
    -----
    One product with the Laplacian an iteration.
    """
    if work is None:
        work = np.empty((4, *rhs.shape), dtype=rhs.dtype)
    solution, direction, applied, corrected = work
    solution[:] = direction[:] = 0
    if precondition is None:
        scale = (1.0 / laplacian.degree).astype(rhs.dtype)
        corrected = rhs
    else:
        scale = np.ones(len(rhs), dtype=rhs.dtype)
        precondition(rhs, corrected)
    error = ErrorEstimate(rhs.shape[1])
    _turn(np.zeros(rhs.shape[1], dtype=rhs.dtype), scale, corrected, direction)
    norm = _products(rhs, direction)
    for iteration in range(1, max_iterations + 1):
        curvature = laplacian.apply(direction, applied)
        alpha = _ratio(norm, curvature)
        next_norm = _move(alpha.astype(rhs.dtype), scale, direction, applied, solution, rhs)
        if error.add(alpha * norm) <= tol:
            return solution, iteration, True
        if precondition is not None:
            next_norm = precondition(rhs, corrected)
        _turn(_ratio(next_norm, norm).astype(rhs.dtype), scale, corrected, direction)
        norm = next_norm
    return solution, max_iterations, False


def fits_float32(tol: float, weights: np.ndarray | None) -> bool:
    """Whether float32 is precise enough for a tolerance and weights ``[m]``, None where all are the same."""
    if weights is not None and weights.max() > _MOST_CONTRAST_FLOAT32 * weights.min():
        return False
    return tol >= _FINEST_FLOAT32


def unsolved(tol: float, iterations: int) -> ArithmeticError:
    """The error to raise if a system is not solved."""
    return ArithmeticError(
        f"a Laplacian system is not solved to tol={tol} after {iterations} iterations; raise tol, or use solver='exact'"
    )


class ErrorEstimate:
    """The relative error of conjugate gradients in the energy norm, ``|x - x_k| / |x|``, from the steps so far.

    Step ``j`` lowers the squared error by ``alpha_j r_j^T M r_j`` exactly, so what the last ``d`` steps gained bounds
    the squared error before them from below, and is most of it if that error has since fallen a good deal (Hestenes and
    Stiefel 1952, Theorem 6:1; Strakoš and Tichý, *On error estimation in the conjugate gradient method and why it works
    in finite precision computations*, ETNA 2002). ``d`` is a quarter of the steps so far, because the slower the
    convergence, the longer the look back has to be.

    Parameters
    ----------
    width
        Number of columns ``w``.
    """

    def __init__(self, width: int) -> None:
        self._gains = np.zeros((64, width))
        self._total = np.zeros(width)
        self._steps = 0

    def add(self, gain: np.ndarray) -> float:
        """Record the gain of a step, float64 ``[w]``; return the estimate for the column that has the largest."""
        if self._steps == len(self._gains):
            self._gains = np.concatenate([self._gains, np.zeros_like(self._gains)])
        self._gains[self._steps] = gain
        self._total += gain
        self._steps += 1
        recent = self._gains[self._steps - max(self._steps // 4, 1) : self._steps].sum(axis=0)
        return float(np.sqrt(_ratio(recent, self._total).max(initial=0.0)))


def _ratio(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    """The quotient, 0 where a column is solved to the last digit and has nothing left to divide by."""
    return np.divide(numerator, denominator, out=np.zeros_like(numerator), where=denominator > 0)


@compiled
def _move(
    alpha: np.ndarray,
    scale: np.ndarray,
    direction: np.ndarray,
    applied: np.ndarray,
    solution: np.ndarray,
    residual: np.ndarray,
) -> np.ndarray:
    """Move along the direction; return the squared norms of the residuals, each row weighted by its scale."""
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
            part[j] += factor * left * left
        if u % 256 == 255 or u + 1 == size:
            add_up(part, norm)
    return norm


@compiled
def _turn(beta: np.ndarray, scale: np.ndarray, corrected: np.ndarray, direction: np.ndarray) -> None:
    """The next direction."""
    size, width = np.uint64(direction.shape[0]), np.uint64(direction.shape[1])
    for u in range(size):
        factor = scale[u]
        for j in range(width):
            direction[u, j] = factor * corrected[u, j] + beta[j] * direction[u, j]


@compiled
def _products(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """float64 ``[w]``: the product of each pair of columns."""
    size, width = np.uint64(left.shape[0]), np.uint64(left.shape[1])
    part = np.zeros(width, left.dtype)
    product = np.zeros(width, np.float64)
    for u in range(size):
        for j in range(width):
            part[j] += left[u, j] * right[u, j]
        if u % 256 == 255 or u + 1 == size:
            add_up(part, product)
    return product
