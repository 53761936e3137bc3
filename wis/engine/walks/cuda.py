"""WIS at any depth, of directed and undirected graphs, on a GPU."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import cuda, int64

from wis.engine.cuda import device
from wis.engine.cuda.balls import (
    forget_places,
    grow_ahead,
    grow_back,
    start_at_vertex,
    start_ball,
    start_walks,
    step_ahead,
    step_back,
)
from wis.engine.cuda.graph import Graph, Scratch
from wis.engine.cuda.host import Family, greedy_order
from wis.engine.cuda.keys import is_cut_off
from wis.engine.cuda.pool import RISEN
from wis.engine.cuda.rounds import build_kernels
from wis.engine.task import Task


def removal_order(task: Task) -> np.ndarray:
    """Exact greedy order of (L-1)-WIS, the same as that of :mod:`wis.engine.walks.cpu`.

    A closed walk of length L over an edge (u, v) stays in its ball: the vertices within ``(L - 1) // 2`` steps to u or
    from v. One block counts the walks in a ball, all of its vertices at once and one step after the other.
    """
    return greedy_order(task, _FAMILY)


# Kinds of walks: to u without the pair and from v; and, of undirected graphs, to v without the pair and from u.
_TO_U_WITHOUT, _FROM_V, _TO_V_WITHOUT, _FROM_U = range(4)


@cuda.jit(device=True)
def _list_losses(graph: Graph, scratch: Scratch, row: int, e: int) -> None:
    depth, undirected = graph.depth, graph.directed == 0
    start_ball(graph, scratch, row, e)
    grow_back(graph, scratch, row, (depth - 1) // 2)
    grow_ahead(graph, scratch, row, (depth - 1) // 2)
    start_walks(scratch, row, _TO_U_WITHOUT, 0)
    start_walks(scratch, row, _FROM_V, 1)
    if undirected:
        start_walks(scratch, row, _TO_V_WITHOUT, 1)
        start_walks(scratch, row, _FROM_U, 0)
    cuda.syncthreads()
    for k in range(1, depth):
        step_back(graph, scratch, row, _TO_U_WITHOUT, k, e)
        step_ahead(graph, scratch, row, _FROM_V, k, -1)
        if undirected:
            step_back(graph, scratch, row, _TO_V_WITHOUT, k, e)
            step_ahead(graph, scratch, row, _FROM_U, k, -1)
        cuda.syncthreads()
    # By the first step over the pair: k steps to u without it, over to v, and the rest of the walk; or to v first.
    for i in range(cuda.threadIdx.x, scratch.size[row], cuda.blockDim.x):
        loss = int64(0)
        for k in range(depth):
            rest = depth - 1 - k
            loss += scratch.walks[row, _TO_U_WITHOUT, k, i] * scratch.walks[row, _FROM_V, rest, i]
            if undirected:
                loss += scratch.walks[row, _TO_V_WITHOUT, k, i] * scratch.walks[row, _FROM_U, rest, i]
        # With its last edge a vertex loses all, the walk that stays included.
        if is_cut_off(graph, scratch, row, i):
            loss = graph.value[scratch.vertex[row, i]]
        scratch.loss[row, i] = loss
    forget_places(scratch, row)


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
            is_first = x < y or graph.directed != 0
            if is_first and graph.alive[pair] and pair != e and scratch.place[row, y] >= 0:
                risen[cuda.atomic.add(counters, RISEN, 1)] = pair
    forget_places(scratch, row)


@cuda.jit
def _closed_walks(graph: Graph, scratch: Scratch) -> None:
    """Walks of half the length out, and of the other half, one step more if the length is odd, back."""
    total = cuda.shared.array(1, int64)
    row, half = cuda.blockIdx.x, graph.depth // 2
    for t in range(row, len(graph.value), cuda.gridDim.x):
        if cuda.threadIdx.x == 0:
            total[0] = 0
        start_at_vertex(scratch, row, t)
        grow_back(graph, scratch, row, half)
        grow_ahead(graph, scratch, row, half)
        start_walks(scratch, row, _TO_U_WITHOUT, 0)
        start_walks(scratch, row, _FROM_V, 0)
        cuda.syncthreads()
        for k in range(1, graph.depth - half + 1):
            step_back(graph, scratch, row, _TO_U_WITHOUT, k, -1)
            step_ahead(graph, scratch, row, _FROM_V, k, -1)
            cuda.syncthreads()
        for i in range(cuda.threadIdx.x, scratch.size[row], cuda.blockDim.x):
            out, back = scratch.walks[row, _FROM_V, half, i], scratch.walks[row, _TO_U_WITHOUT, graph.depth - half, i]
            cuda.atomic.add(total, 0, out * back)
        forget_places(scratch, row)
        if cuda.threadIdx.x == 0:
            graph.value[t] = total[0] if graph.degree[t] > 0 else 0


def _fill_values(graph: Graph, scratch: Scratch) -> None:
    blocks = min(len(scratch.size) - 1, len(graph.value))
    device.launch(_closed_walks, blocks, _THREADS, graph, scratch)


# A ball has work for many threads.
_THREADS = 128
_FAMILY = Family(*build_kernels(_list_losses, _list_risen), _fill_values, threads=_THREADS, balls=True)
