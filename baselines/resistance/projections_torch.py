"""The projections of :mod:`wis.baselines.resistance.projections` on a GPU, through torch.

The signs are drawn on the CPU by the same generator, so both devices estimate the same numbers, up to rounding.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import scipy.sparse as sp
import torch
from wis.baselines.resistance.cg import MOST_ITERATIONS, ErrorEstimate, fits_float32, least_eigenvalue, unsolved
from wis.baselines.resistance.laplacian import Laplacian
from wis.baselines.resistance.signs import random_bits

_GATHERED = 1 << 25  # entries of a block that are gathered for edges at a time


class TorchProjections:
    """The graph on a device, and block conjugate gradients with the Jacobi preconditioner.

    Parameters
    ----------
    laplacian, pairs, weights
        The graph, on the CPU; ``weights`` is None where all are 1.
    tol
        Tolerance of the solver; blocks are float32 unless it, or the contrast of the weights, is beyond them.
    entropy
        Seed of the signs.
    device
        A torch device. The CPU works too, for tests.
    """

    def __init__(
        self,
        laplacian: Laplacian,
        pairs: np.ndarray,
        tol: float,
        entropy: Any,
        device: str,
        weights: np.ndarray | None = None,
    ) -> None:
        self.tol = tol
        self.entropy = entropy
        self.device = torch.device(device)
        self.least = least_eigenvalue(laplacian)
        self.dtype = torch.float32 if fits_float32(tol, weights, self.least) else torch.float64
        self.pairs = torch.from_numpy(np.array(pairs)).to(self.device)
        self.degree = torch.from_numpy(laplacian.degree).to(self.device, self.dtype)[:, None]
        size, count = laplacian.num_nodes, pairs.shape[1]
        weights, edges = np.ones(count) if weights is None else weights, np.arange(count)
        ends = pairs.ravel(), pairs[::-1].ravel()
        self.adjacency = self._matrix(sp.csr_array((np.tile(weights, 2), ends), shape=(size, size)))
        # B^T W^1/2, B the incidence matrix: the root of the weight at the first endpoint of an edge, minus it at its
        # second.
        places, roots = (pairs.ravel(), np.tile(edges, 2)), np.sqrt(weights)
        self.incidence = self._matrix(sp.csr_array((np.append(roots, -roots), places), shape=(size, count)))

    def threads(self) -> int:
        """One block at a time: it fills the device."""
        return 1

    def squares(self, block: int, width: int) -> np.ndarray:
        """For every edge, the sum of ``(y_u - y_v)^2`` over the columns of this block: float64 ``[m]``."""
        num_pairs = self.pairs.shape[1]
        bits = np.concatenate([part for _, part in random_bits(self.entropy, block, num_pairs, width)])
        signs = 1 - 2 * torch.from_numpy(bits).to(self.device).to(self.dtype)
        smoothed = self.adjacency @ self._solve(self.incidence @ signs) / self.degree
        step = max(_GATHERED // width, 1)
        parts = []
        for start in range(0, num_pairs, step):
            tail, head = self.pairs[:, start : start + step]
            parts.append((smoothed[tail] - smoothed[head]).square_().sum(dim=1, dtype=torch.float64))
        return torch.cat(parts).cpu().numpy()

    def _matrix(self, matrix: sp.csr_array) -> torch.Tensor:
        """The same matrix on the device."""
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Sparse CSR tensor support is in beta", UserWarning)
            return torch.sparse_csr_tensor(
                torch.from_numpy(matrix.indptr.astype(np.int64)),
                torch.from_numpy(matrix.indices.astype(np.int64)),
                torch.from_numpy(matrix.data),
                matrix.shape,
                dtype=self.dtype,
                check_invariants=True,
            ).to(self.device)

    def _solve(self, residual: torch.Tensor) -> torch.Tensor:
        """Conjugate gradients as in :func:`wis.baselines.resistance.cg.solve_block`."""
        solution = torch.zeros_like(residual)
        direction = residual / self.degree
        norm = (residual * direction).sum(dim=0, dtype=torch.float64)
        error = ErrorEstimate(residual.shape[1], self.tol, self.least)
        for _ in range(MOST_ITERATIONS):
            applied = self.degree * direction - self.adjacency @ direction
            curvature = (direction * applied).sum(dim=0, dtype=torch.float64)
            alpha = _ratio(norm, curvature)
            step = alpha.to(self.dtype)
            solution += step * direction
            residual -= step * applied
            corrected = residual / self.degree
            next_norm = (residual * corrected).sum(dim=0, dtype=torch.float64)
            if error.add((alpha * norm).cpu().numpy(), next_norm.cpu().numpy()):
                return solution
            direction = corrected + _ratio(next_norm, norm).to(self.dtype) * direction
            norm = next_norm
        raise unsolved(self.tol, MOST_ITERATIONS)


def _ratio(numerator: torch.Tensor, denominator: torch.Tensor) -> torch.Tensor:
    return torch.where(denominator > 0, numerator / denominator, torch.zeros_like(numerator))
