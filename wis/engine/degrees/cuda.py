"""1-WIS (depth 2) of an undirected graph on a GPU."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import cuda

from wis.engine.cuda import device
from wis.engine.cuda.host import Family, greedy_order
from wis.engine.cuda.keys import Graph, Scratch, is_cut_off
from wis.engine.cuda.rounds import build_kernels
from wis.graphs.edge_list import EdgeList


def removal_order(
    edges: EdgeList,
    *,
    depth: int = 2,
    is_target: np.ndarray | None = None,
    priority: np.ndarray | None = None,
    chunk: int = 1,
    limit: int,
    progress: bool = False,
) -> np.ndarray:
    """Exact greedy order of 1-WIS, the same as that of :mod:`wis.engine.degrees.cpu`.

    Parameters
    ----------
    edges
        Undirected pairs.
    depth
        2, the only depth that this module computes.
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
        If there is no CUDA device; the message says why.
    MemoryError
        If the graph does not fit; the message says how much is needed.
    """
    if depth != 2 or edges.directed:
        raise ValueError(f"only depth 2 of undirected graphs, got depth {depth}, directed={edges.directed}")
    device.require_cuda()
    return greedy_order(
        edges, _FAMILY,
        depth=depth, is_target=is_target, priority=priority, chunk=chunk, limit=limit, progress=progress,
    )  # fmt: skip


@cuda.jit(device=True)
def _list_losses(graph: Graph, scratch: Scratch, row: int, e: int) -> None:
    cuda.syncthreads()
    i = cuda.threadIdx.x
    if i < 2:
        scratch.vertex[row, i] = graph.ends[e, i]
        scratch.loss[row, i] = 2 if is_cut_off(graph, scratch, row, i) else 1
    if i == 0:
        scratch.size[row] = 2
    cuda.syncthreads()


@cuda.jit(device=True)
def _list_risen(graph: Graph, scratch: Scratch, row: int, e: int, risen: Any, counters: Any) -> None:
    """Degrees only fall, and keys with them."""


@cuda.jit
def _values(graph: Graph) -> None:
    for t in range(cuda.grid(1), len(graph.value), cuda.gridsize(1)):
        graph.value[t] = graph.degree[t] + 1 if graph.degree[t] > 0 else 0


def _fill_values(graph: Graph, scratch: Scratch) -> None:
    device.launch(_values, device.enough_blocks(len(graph.value)), device.THREADS, graph)


_FAMILY = Family(*build_kernels(_list_losses, _list_risen), _fill_values, threads=32)
