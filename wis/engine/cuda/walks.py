"""WIS of an undirected graph at any depth on a GPU."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import cuda, int64

from wis.engine.cuda import device
from wis.engine.cuda.greedy import Family, greedy_order
from wis.engine.cuda.keys import Graph, Scratch
from wis.engine.cuda.rounds import RISEN, build_kernels
from wis.graphs import EdgeList


def removal_order(
    edges: EdgeList,
    *,
    depth: int,
    is_target: np.ndarray | None = None,
    priority: np.ndarray | None = None,
    chunk: int = 1,
    limit: int,
    progress: bool = False,
) -> np.ndarray:
    """Exact greedy order of (L-1)-WIS, the same as that of :mod:`wis.engine.walks`.

    Parameters
    ----------
    edges
        Undirected pairs.
    depth
        ``L >= 2``. Depths 2 and 3 are faster in ``degrees`` and ``triangles``.
    is_target
        bool ``[n]``: whose walk indices count. None: all.
    priority
        int64 ``[m]``, a permutation: the smaller wins a tie. None: canonical order.
    chunk
        Number of edges removed per evaluation.
    limit
        Number of edges to remove, at most ``m``.
    progress
        Show progress.

    Returns
    -------
    np.ndarray
        int64 ``[limit]``: positions of pairs, first removed first.

    Raises
    ------
    RuntimeError
        If there is no CUDA device, or the graph is directed; the message says why.
    MemoryError
        If the graph does not fit; the message says how much is needed.

    Notes
    -----
    A closed walk of length L through an edge stays within distance ``(L - 1) // 2`` of it, its ball. One block counts
    the walks in a ball, all of its vertices at once and one step after the other.
    """
    device.require_cuda()
    if edges.directed:
        raise RuntimeError("device='cuda': directed graphs are computed on the CPU only; use device='cpu'")
    return greedy_order(
        edges, _FAMILY,
        depth=depth, is_target=is_target, priority=priority, chunk=chunk, limit=limit, progress=progress,
    )  # fmt: skip


# Kinds of walks that are counted from every vertex of a ball, those to the ends u and v of the pair.
_TO_U_WITHOUT, _TO_V_WITHOUT, _TO_U, _TO_V = range(4)


@cuda.jit(device=True)
def _grow_ball(graph: Graph, scratch: Scratch, row: int, radius: int) -> None:
    """Add all vertices within the radius to those that are listed, and note their places."""
    low = 0
    for _ in range(radius):
        high = scratch.size[row]
        cuda.syncthreads()
        for i in range(low + cuda.threadIdx.x, high, cuda.blockDim.x):
            x = scratch.vertex[row, i]
            for j in range(graph.start[x], graph.start[x + 1]):
                y = graph.to[j]
                if graph.alive[graph.pair[j]] and cuda.atomic.cas(scratch.place, (row, y), -1, -2) == -1:
                    at = cuda.atomic.add(scratch.size, row, 1)
                    scratch.vertex[row, at] = y
                    scratch.place[row, y] = at
        cuda.syncthreads()
        low = high


@cuda.jit(device=True)
def _forget_places(scratch: Scratch, row: int) -> None:
    cuda.syncthreads()
    for i in range(cuda.threadIdx.x, scratch.size[row], cuda.blockDim.x):
        scratch.place[row, scratch.vertex[row, i]] = -1
    cuda.syncthreads()


@cuda.jit(device=True)
def _start_walks(scratch: Scratch, row: int, kind: int, source: int) -> None:
    for i in range(cuda.threadIdx.x, scratch.size[row], cuda.blockDim.x):
        scratch.walks[row, kind, 0, i] = i == source


@cuda.jit(device=True)
def _step_walks(graph: Graph, scratch: Scratch, row: int, kind: int, k: int, without: int) -> None:
    """Walks of length k from those of length k - 1, pair ``without`` left out."""
    for i in range(cuda.threadIdx.x, scratch.size[row], cuda.blockDim.x):
        x = scratch.vertex[row, i]
        total = scratch.walks[row, kind, k - 1, i]
        for j in range(graph.start[x], graph.start[x + 1]):
            pair = graph.pair[j]
            place = scratch.place[row, graph.to[j]]
            if graph.alive[pair] and pair != without and place >= 0:
                total += scratch.walks[row, kind, k - 1, place]
        scratch.walks[row, kind, k, i] = total


@cuda.jit(device=True)
def _list_losses(graph: Graph, scratch: Scratch, row: int, e: int) -> None:
    depth = graph.depth[0]
    cuda.syncthreads()
    if cuda.threadIdx.x < 2:
        scratch.vertex[row, cuda.threadIdx.x] = graph.ends[e, cuda.threadIdx.x]
        scratch.place[row, graph.ends[e, cuda.threadIdx.x]] = cuda.threadIdx.x
    if cuda.threadIdx.x == 0:
        scratch.size[row] = 2
    cuda.syncthreads()
    _grow_ball(graph, scratch, row, (depth - 1) // 2)
    for kind in range(4):
        _start_walks(scratch, row, kind, kind % 2)
    cuda.syncthreads()
    for k in range(1, depth):
        for kind in range(4):
            _step_walks(graph, scratch, row, kind, k, e if kind < 2 else -1)
        cuda.syncthreads()
    # By the first step over the pair: k steps to u without it, over to v, and the rest of the walk; or to v first.
    for i in range(cuda.threadIdx.x, scratch.size[row], cuda.blockDim.x):
        loss = int64(0)
        for k in range(depth):
            rest = depth - 1 - k
            loss += scratch.walks[row, _TO_U_WITHOUT, k, i] * scratch.walks[row, _TO_V, rest, i]
            loss += scratch.walks[row, _TO_V_WITHOUT, k, i] * scratch.walks[row, _TO_U, rest, i]
        scratch.loss[row, i] = loss
    _forget_places(scratch, row)


@cuda.jit(device=True)
def _list_risen(graph: Graph, scratch: Scratch, row: int, e: int, risen: Any, counters: Any) -> None:
    # A closed walk over two pairs has all four ends in the ball of each.
    for i in range(cuda.threadIdx.x, scratch.size[row], cuda.blockDim.x):
        scratch.place[row, scratch.vertex[row, i]] = i
    cuda.syncthreads()
    for i in range(cuda.threadIdx.x, scratch.size[row], cuda.blockDim.x):
        x = scratch.vertex[row, i]
        for j in range(graph.start[x], graph.start[x + 1]):
            pair, y = graph.pair[j], graph.to[j]
            if graph.alive[pair] and pair != e and x < y and scratch.place[row, y] >= 0:
                risen[cuda.atomic.add(counters, RISEN, 1)] = pair
    _forget_places(scratch, row)


@cuda.jit
def _closed_walks(graph: Graph, scratch: Scratch) -> None:
    """Walks of half the length out, one step more if it is odd, and half the length back."""
    total = cuda.shared.array(1, int64)
    row, half = cuda.blockIdx.x, graph.depth[0] // 2
    for t in range(row, len(graph.value), cuda.gridDim.x):
        cuda.syncthreads()
        if cuda.threadIdx.x == 0:
            scratch.vertex[row, 0] = t
            scratch.place[row, t] = 0
            scratch.size[row] = 1
            total[0] = 0
        cuda.syncthreads()
        _grow_ball(graph, scratch, row, half)
        _start_walks(scratch, row, 0, 0)
        cuda.syncthreads()
        for k in range(1, half + 1):
            _step_walks(graph, scratch, row, 0, k, -1)
            cuda.syncthreads()
        if graph.depth[0] % 2 == 1:
            _step_walks(graph, scratch, row, 0, half + 1, -1)
            cuda.syncthreads()
        for i in range(cuda.threadIdx.x, scratch.size[row], cuda.blockDim.x):
            out, back = scratch.walks[row, 0, half, i], scratch.walks[row, 0, graph.depth[0] - half, i]
            cuda.atomic.add(total, 0, out * back)
        _forget_places(scratch, row)
        if cuda.threadIdx.x == 0:
            graph.value[t] = total[0] if graph.degree[t] > 0 else 0


def _fill_values(graph: Graph, scratch: Scratch, shape: tuple[int, int]) -> None:
    _closed_walks[shape](graph, scratch)


_FAMILY = Family(build_kernels(_list_losses, _list_risen), _fill_values, balls=True)
