"""The product-aggregation GNN on many inputs, exactly, modulo 2**31 - 1.

The inputs of the vertices of ``I`` take R values and those of the others R values, which makes R * R inputs of the
whole graph: a matrix whose rank is the separation rank of the GNN, or R if that is smaller.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from wis.graphs.csr import build_csr
from wis.graphs.edge_list import EdgeList
from wis.interactions.modular import MODULUS, times
from wis.kernels import compiled, kernel

_P = np.uint64(MODULUS)


class Weights(NamedTuple):
    """Weights of the GNN, uint32 below 2**31 - 1.

    Attributes
    ----------
    first
        ``W^(1)``, ``[D_h, D_x]``.
    later
        ``W^(2)`` to ``W^(L)``, ``[L - 1, D_h, D_h]``.
    output
        ``W^(o)``, ``[D_h]``.
    """

    first: np.ndarray
    later: np.ndarray
    output: np.ndarray


def draw_weights(rng: np.random.Generator, depth: int, width: int, input_width: int) -> Weights:
    """Weights that are uniform over the whole field: small integers are not generic."""
    shapes = (width, input_width), (depth - 1, width, width), (width,)
    return Weights(*(rng.integers(MODULUS, size=shape, dtype=np.uint32) for shape in shapes))


def values(edges: EdgeList, inside: np.ndarray, target: int | None, weights: Weights, inputs: np.ndarray) -> np.ndarray:
    """The output of the GNN for every input of ``I`` with every input of the other vertices.

    Parameters
    ----------
    edges
        The graph. In a directed one a vertex takes in its in-neighbours.
    inside
        bool ``[n]``: the vertices of ``I``.
    target
        Vertex whose output is taken; None: the product over all vertices, for graph prediction.
    weights
        Weights; their number of matrices is the depth.
    inputs
        uint32 ``[n, D_x, R]`` below 2**31 - 1: R inputs of every vertex.

    Returns
    -------
    np.ndarray
        uint32 ``[R, R]``: the inputs of ``I`` are those of the row, the others those of the column.

    Notes
    -----
    ``h^(l,i) = prod over j in N(i) of W^(l) h^(l-1,j)`` with ``i`` in ``N(i)``: the GNN of Razin, Verbin, Cohen
    (NeurIPS 2023, arXiv:2211.16494). O(R^2 L D (n D + m)) time.
    """
    start, neighbour, _ = build_csr(edges, reverse=True)
    samples = inputs.shape[2]
    result = np.empty((samples, samples), dtype=np.uint32)
    needed = _needed(edges, len(weights.later) + 1, target)
    _fill(start, neighbour, needed, inside, -1 if target is None else target, *weights, inputs, result)
    return result


def _needed(edges: EdgeList, depth: int, target: int | None) -> np.ndarray:
    """Which vertices of which layer the output depends on: bool ``[L + 1, n]``, the inputs first."""
    needed = np.ones((depth + 1, edges.num_nodes), dtype=np.bool_)
    if target is None:
        return needed
    needed[depth] = np.arange(edges.num_nodes) == target
    tail, head = edges.pairs
    for layer in range(depth, 0, -1):
        needed[layer - 1] = needed[layer]
        needed[layer - 1, tail[needed[layer, head]]] = True
        if not edges.directed:
            needed[layer - 1, head[needed[layer, tail]]] = True
    return needed


@compiled
def _fill(
    start: np.ndarray,
    neighbour: np.ndarray,
    needed: np.ndarray,
    inside: np.ndarray,
    target: int,
    first: np.ndarray,
    later: np.ndarray,
    output: np.ndarray,
    inputs: np.ndarray,
    result: np.ndarray,
) -> None:
    n, _, samples = inputs.shape
    width = len(output)
    mapped = np.empty((n, width, samples), dtype=np.uint32)
    _map(needed[0], first, inputs, mapped)
    # The product of a vertex of the first layer is one of the row's inputs times one of the column's.
    of_row = np.empty((n, width, samples), dtype=np.uint32)
    of_column = np.empty((n, width, samples), dtype=np.uint32)
    _multiply(start, neighbour, needed[1], inside, mapped, of_row)
    _multiply(start, neighbour, needed[1], ~inside, mapped, of_column)
    everywhere = np.ones(n, dtype=np.bool_)
    state = np.empty((n, width, samples), dtype=np.uint32)
    empty_product = np.ones((width, samples), dtype=np.uint32)
    for a in range(samples):
        _start_row(needed[1], of_row, of_column, a, state)
        for layer in range(len(later)):
            _map(needed[layer + 1], later[layer], state, mapped)
            _multiply(start, neighbour, needed[layer + 2], everywhere, mapped, state)
        if target < 0:
            _multiply_all(state)
        _finish_row(state[max(target, 0)] if n > 0 else empty_product, output, result[a])


@kernel
def _start_row(needed: np.ndarray, of_row: np.ndarray, of_column: np.ndarray, a: int, state: np.ndarray) -> None:
    """The first layer for one input of ``I`` and all of the others."""
    for i in range(len(needed)):
        if needed[i]:
            for d in range(state.shape[1]):
                factor = np.uint64(of_row[i, d, a])
                for b in range(state.shape[2]):
                    state[i, d, b] = times(of_column[i, d, b], factor)


@kernel
def _multiply_all(state: np.ndarray) -> None:
    """Put the product over all vertices in the place of the first."""
    for i in range(1, len(state)):
        for d in range(state.shape[1]):
            _times_into(state[0, d], state[i, d])


@kernel
def _finish_row(state: np.ndarray, output: np.ndarray, result: np.ndarray) -> None:
    result[:] = 0
    for d in range(len(output)):
        _add_scaled(result, state[d], np.uint64(output[d]))


@kernel
def _map(needed: np.ndarray, matrix: np.ndarray, state: np.ndarray, mapped: np.ndarray) -> None:
    """Multiply the vector of every vertex that is needed by a matrix."""
    for j in range(len(needed)):
        if needed[j]:
            for d in range(matrix.shape[0]):
                mapped[j, d] = 0
                for e in range(matrix.shape[1]):
                    _add_scaled(mapped[j, d], state[j, e], np.uint64(matrix[d, e]))


@kernel
def _multiply(
    start: np.ndarray,
    neighbour: np.ndarray,
    needed: np.ndarray,
    taken: np.ndarray,
    mapped: np.ndarray,
    state: np.ndarray,
) -> None:
    """For every vertex that is needed, the product over those of its neighbours and itself that are taken."""
    for i in range(len(needed)):
        if not needed[i]:
            continue
        for d in range(mapped.shape[1]):
            state[i, d] = 1
            if taken[i]:
                _times_into(state[i, d], mapped[i, d])
            for at in range(start[i], start[i + 1]):
                j = neighbour[at]
                if taken[j]:
                    _times_into(state[i, d], mapped[j, d])


@kernel
def _times_into(x: np.ndarray, y: np.ndarray) -> None:
    for b in range(len(x)):
        x[b] = times(x[b], y[b])


@kernel
def _add_scaled(x: np.ndarray, y: np.ndarray, factor: int) -> None:
    for b in range(len(x)):
        total = np.uint64(x[b]) + times(y[b], factor)
        x[b] = total - _P if total >= _P else total
