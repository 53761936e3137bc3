"""Preconditioned conjugate gradients on a block of right-hand sides, each column with steps of its own.

Hestenes and Stiefel (1952); the loops over a block are fused so that an iteration reads it as rarely as possible.

The solver stops by the error, not by the residual: on graphs where it is slow (grids, long cycles) the residual falls
long before the error does. With ``x`` the solution, ``|x|^2 = x^T L x`` is the sum of the squared differences across
edges, which is what resistances are made of, and every step lowers the squared error in this norm by a number at hand.

Steps may gain next to nothing while much is missing: between dense parts of a graph that few or light edges join, the
right-hand sides are small, and steps go where they are large. What is missing is at most the residual over the least
eigenvalue of the preconditioned Laplacian, which :func:`least_eigenvalue` finds beforehand.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import scipy.linalg
import scipy.sparse as sp
from wis.baselines.resistance.laplacian import Laplacian, add_up

from wis.kernels import compiled

Preconditioner = Callable[[np.ndarray, np.ndarray], np.ndarray]

MOST_ITERATIONS = 20_000  # iterations after which a solve has failed
_FINEST_FLOAT32 = 1e-5  # below this tolerance blocks are float64
_DOUBT = 5.0  # times the tolerance: the error that a residual may leave room for
_PROBES = 2  # right-hand sides from which the least eigenvalue is estimated
_PROBE_ITERATIONS = 40
_PROBED = 1e-8  # share of the squared residual that is left where the estimate cannot become better
_NO_EIGENVALUE = 1e-13
_MOST_CONTRAST_FLOAT32 = 1e3  # and above this quotient of weights: what weak edges do drowns in rounding errors


def solve_block(
    laplacian: Laplacian,
    rhs: np.ndarray,
    tol: float,
    max_iterations: int,
    precondition: Preconditioner | None = None,
    work: np.ndarray | None = None,
    least: float = 1.0,
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
    least
        :func:`least_eigenvalue` of the Laplacian; not used with ``precondition``.

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
    error = ErrorEstimate(rhs.shape[1], tol, least)
    _turn(np.zeros(rhs.shape[1], dtype=rhs.dtype), scale, corrected, direction)
    norm = _products(rhs, direction)
    for iteration in range(1, max_iterations + 1):
        curvature = laplacian.apply(direction, applied)
        alpha = _ratio(norm, curvature)
        next_norm = _move(alpha.astype(rhs.dtype), scale, direction, applied, solution, rhs)
        if error.add(alpha * norm, next_norm if precondition is None else None):
            return solution, iteration, True
        if precondition is not None:
            next_norm = precondition(rhs, corrected)
        _turn(_ratio(next_norm, norm).astype(rhs.dtype), scale, corrected, direction)
        norm = next_norm
    return solution, max_iterations, False


def fits_float32(tol: float, weights: np.ndarray | None, least: float = 1.0) -> bool:
    """Whether float32 is precise enough.

    For a tolerance, weights ``[m]`` (None where all are the same), and the least eigenvalue.
    """
    if weights is not None and weights.max() > _MOST_CONTRAST_FLOAT32 * weights.min():
        return False
    # Rounding errors are a share of what is large, and what belongs to the least eigenvalue is that much smaller.
    return tol >= _FINEST_FLOAT32 and bool(tol * least > np.finfo(np.float32).eps)


@np.errstate(over="ignore", invalid="ignore")  # infinite weights have no eigenvalue
def least_eigenvalue(laplacian: Laplacian) -> float:
    """The least eigenvalue of ``D^-1 L`` that is not 0, estimated from above.

    Conjugate gradients are Lanczos's method, whose tridiagonal matrix is made of their steps; its outer eigenvalues are
    found first (Golub and Van Loan, *Matrix Computations*, on Lanczos methods). The right-hand sides are random, and
    have all eigenvectors in equal parts.

    Raises
    ------
    ArithmeticError
        If it is so small that rounding errors drown it.

    Notes
    -----
    O(m) time an iteration, of which there are at most 40. An eigenvalue that stands apart, as that of a part of the
    graph with few edges to the others, takes a dozen.
    """
    degree = laplacian.degree.astype(np.float64)[:, None]
    residual = np.sqrt(degree) * np.random.default_rng(0).standard_normal((len(degree), _PROBES))
    residual -= degree * _component_sums(laplacian, residual) / _component_sums(laplacian, degree)
    direction, applied = residual / degree, np.empty_like(residual)
    norm = start = _products(residual, direction)
    alphas, betas = [], []
    for _ in range(_PROBE_ITERATIONS):
        alphas.append(_ratio(norm, laplacian.apply(direction, applied)))
        residual -= alphas[-1] * applied
        corrected = residual / degree
        next_norm = _products(residual, corrected)
        betas.append(_ratio(next_norm, norm))
        if (next_norm <= _PROBED * start).any():
            break
        direction = corrected + betas[-1] * direction
        norm = next_norm
    least = min(_ritz_value(*steps) for steps in zip(np.transpose(alphas), np.transpose(betas), strict=True))
    if not least > _NO_EIGENVALUE:
        raise ArithmeticError(
            "the weights of the edges differ too much for conjugate gradients: what joins some parts of the graph is "
            f"less than {_NO_EIGENVALUE:.0e} of what is in them; raise the smallest weights, or use another method"
        )
    return least


def _component_sums(laplacian: Laplacian, block: np.ndarray) -> np.ndarray:
    """For every vertex the sum over its connected component."""
    size = laplacian.num_nodes
    ones = np.ones(len(laplacian.neighbours), dtype=np.int8)
    adjacency = sp.csr_array((ones, laplacian.neighbours.astype(np.int32), laplacian.indptr), (size, size))
    part = sp.csgraph.connected_components(adjacency, directed=False)[1]
    return np.stack([np.bincount(part, column)[part] for column in block.T], axis=1)


def _ritz_value(alpha: np.ndarray, beta: np.ndarray) -> float:
    """The least eigenvalue of Lanczos's matrix, from the steps of one column."""
    if not (alpha > 0).all():
        return 0.0  # no step is left, and not all is solved
    beta = beta[:-1]
    diagonal = 1 / alpha
    diagonal[1:] += beta / alpha[:-1]
    return float(scipy.linalg.eigvalsh_tridiagonal(diagonal, np.sqrt(beta) / alpha[:-1], "i", (0, 0))[0])


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

    Where steps gain little, though the residual leaves room for an error of many times the tolerance, they go on until
    it leaves none.

    Parameters
    ----------
    width
        Number of columns ``w``.
    tol
        The relative error to come down to.
    least
        The least eigenvalue of the preconditioned Laplacian.
    """

    def __init__(self, width: int, tol: float, least: float = 1.0) -> None:
        self._tol, self._least = tol, least
        self._certain = False
        self._residual = np.full(width, np.inf)
        self._gains = np.zeros((64, width))
        self._total = np.zeros(width)
        self._steps = 0

    def add(self, gain: np.ndarray, residual: np.ndarray | None = None) -> bool:
        """Record the gain of a step, float64 ``[w]``; return whether all columns are solved.

        ``residual``: what the squared norms of the preconditioned residuals are after it, ``[w]``; None: not known.
        """
        if self._steps == len(self._gains):
            self._gains = np.concatenate([self._gains, np.zeros_like(self._gains)])
        self._gains[self._steps] = gain
        self._total += gain
        self._steps += 1
        recent = self._gains[self._steps - max(self._steps // 4, 1) : self._steps].sum(axis=0)
        if residual is None:
            return self._relative(recent) <= self._tol
        # The error falls at every step, which the residual need not do: what it left room for once still bounds it.
        np.minimum(self._residual, residual, out=self._residual)
        if self._relative(recent) > self._tol:
            return False
        most = self._relative(self._residual / self._least)
        self._certain = self._certain or most > _DOUBT * self._tol
        return not self._certain or most <= self._tol

    def _relative(self, squares: np.ndarray) -> float:
        return float(np.sqrt(_ratio(squares, self._total).max(initial=0.0)))


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
