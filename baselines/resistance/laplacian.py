"""A graph Laplacian applied to blocks of vectors.

A block is ``[n, w]``, row-major: the ``w`` entries of one vertex lie side by side, so that following an edge costs one
contiguous read however many vectors there are. The innermost loops run over a block's width, known only at run time:
that is what lets the compiler vectorise them. Indices are unsigned, which spares the test for negative ones.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from wis.graphs.csr import build_csr
from wis.graphs.edge_list import EdgeList
from wis.kernels import compiled


@dataclass(frozen=True)
class Laplacian:
    """The Laplacian of a simple graph without isolated vertices.

    Attributes
    ----------
    indptr
        int64 ``[n + 1]``: where the neighbours of each vertex begin.
    neighbours
        uint32 ``[2m]``.
    conductances
        float64 ``[2m]``: the weight of the edge to each neighbour; None where all are 1.
    degree
        The sum of the weights at every vertex: float64 ``[n]``, or int64 where all weights are 1.
    """

    indptr: np.ndarray
    neighbours: np.ndarray
    conductances: np.ndarray | None
    degree: np.ndarray

    @classmethod
    def from_pairs(cls, num_nodes: int, pairs: np.ndarray, weights: np.ndarray | None = None) -> Laplacian:
        """Build it from int64 ``[2, m]``, each undirected pair once in canonical order, and their weights ``[m]``."""
        indptr, neighbours, pair = build_csr(EdgeList(num_nodes, pairs))
        if weights is None:
            return cls(indptr, neighbours.astype(np.uint32), None, np.diff(indptr))
        degree = np.bincount(pairs.ravel(), np.tile(weights, 2), num_nodes)
        return cls(indptr, neighbours.astype(np.uint32), weights[pair], degree)

    @property
    def num_nodes(self) -> int:
        """Number of vertices ``n``."""
        return len(self.indptr) - 1

    def apply(self, block: np.ndarray, out: np.ndarray) -> np.ndarray:
        """Write the Laplacian times ``block`` to ``out``; return the float64 ``[w]`` products of their columns."""
        return _apply(self.indptr, self.neighbours, self.conductances, self.degree, block, out)

    def average(self, block: np.ndarray, out: np.ndarray) -> None:
        """Write the mean over the neighbours of every vertex, weighted as the edges are, to ``out``."""
        _average(self.indptr, self.neighbours, self.conductances, self.degree, block, out)


@compiled
def _gather(
    indptr: np.ndarray,
    neighbours: np.ndarray,
    conductances: np.ndarray | None,
    u: int,
    block: np.ndarray,
    total: np.ndarray,
) -> None:
    """Sum the rows of the neighbours of ``u``, each times its conductance.

    Without conductances four rows at a time, so that ``total`` is read and written less often. Numba compiles only the
    branch for what it is given.
    """
    width = np.uint64(block.shape[1])
    total[:] = 0
    t, stop = indptr[u], indptr[u + 1]
    if conductances is not None:
        while t < stop:
            a, x = np.uint64(neighbours[t]), block.dtype.type(conductances[t])
            for j in range(width):
                total[j] += x * block[a, j]
            t += 1
        return
    while t + 4 <= stop:
        a, b = np.uint64(neighbours[t]), np.uint64(neighbours[t + 1])
        c, d = np.uint64(neighbours[t + 2]), np.uint64(neighbours[t + 3])
        for j in range(width):
            total[j] += (block[a, j] + block[b, j]) + (block[c, j] + block[d, j])
        t += 4
    while t < stop:
        a = np.uint64(neighbours[t])
        for j in range(width):
            total[j] += block[a, j]
        t += 1


@compiled
def add_up(part: np.ndarray, total: np.ndarray) -> None:
    """Move short sums, in the precision of a block, to the float64 sums of all."""
    for j in range(np.uint64(len(part))):
        total[j] += part[j]
        part[j] = 0


@compiled
def _apply(
    indptr: np.ndarray,
    neighbours: np.ndarray,
    conductances: np.ndarray | None,
    degree: np.ndarray,
    block: np.ndarray,
    out: np.ndarray,
) -> np.ndarray:
    size, width = np.uint64(block.shape[0]), np.uint64(block.shape[1])
    total = np.empty(width, block.dtype)
    part = np.zeros(width, block.dtype)
    product = np.zeros(width, np.float64)
    for u in range(size):
        _gather(indptr, neighbours, conductances, u, block, total)
        diagonal = block.dtype.type(degree[u])
        for j in range(width):
            value = diagonal * block[u, j] - total[j]
            out[u, j] = value
            part[j] += value * block[u, j]
        if u % 256 == 255 or u + 1 == size:
            add_up(part, product)
    return product


@compiled
def _average(
    indptr: np.ndarray,
    neighbours: np.ndarray,
    conductances: np.ndarray | None,
    degree: np.ndarray,
    block: np.ndarray,
    out: np.ndarray,
) -> None:
    size, width = np.uint64(block.shape[0]), np.uint64(block.shape[1])
    total = np.empty(width, block.dtype)
    for u in range(size):
        _gather(indptr, neighbours, conductances, u, block, total)
        scale = block.dtype.type(1.0 / degree[u])
        for j in range(width):
            out[u, j] = scale * total[j]
