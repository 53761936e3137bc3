"""Graph prediction at any depth, directed or not, on a GPU: the tuple of walks of length L to anywhere."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import cuda, int64

from wis.engine.cuda import device
from wis.engine.cuda.balls import (
    distance_ahead,
    distance_back,
    forget_places,
    grow_ahead,
    grow_back,
    start_ball,
    start_walks,
    step_back,
)
from wis.engine.cuda.graph import Graph, Scratch
from wis.engine.cuda.host import Family, greedy_order
from wis.engine.cuda.keys import is_cut_off
from wis.engine.cuda.pool import RISEN
from wis.engine.cuda.rounds import build_kernels
from wis.engine.task import Task


def removal_order(task: Task) -> np.ndarray:
    """Exact greedy order for graph prediction, the same as that of :mod:`wis.engine.graph_walks.cpu`.

    The removal of an edge (u, v) changes the vertices within ``L - 1`` steps to u (or v, if undirected). One block
    counts the walks in such a ball, all of its vertices at once and one step after the other; every removal has all
    pairs next to those within ``L - 2`` steps evaluated anew.
    """
    return greedy_order(task, _FAMILY)


# Kinds of walks: to u without the pair, and, in undirected graphs, to v.
_TO_U, _TO_V = range(2)


@cuda.jit(device=True)
def _loss(graph: Graph, scratch: Scratch, row: int, i: int, length: int) -> int:
    """Walks of a length from the i-th listed vertex over the pair, by the first step over it."""
    u, v = scratch.vertex[row, 0], scratch.vertex[row, 1]
    total = int64(0)
    for k in range(length):
        rest = length - 1 - k
        total += scratch.walks[row, _TO_U, k, i] * graph.reach[v, rest]
        if graph.directed == 0:
            total += scratch.walks[row, _TO_V, k, i] * graph.reach[u, rest]
    return total


@cuda.jit(device=True)
def _list_losses(graph: Graph, scratch: Scratch, row: int, e: int) -> None:
    depth, undirected = graph.depth, graph.directed == 0
    start_ball(graph, scratch, row, e)
    grow_back(graph, scratch, row, depth - 1)
    start_walks(scratch, row, _TO_U, 0)
    if undirected:
        start_walks(scratch, row, _TO_V, 1)
    cuda.syncthreads()
    for k in range(1, depth):
        step_back(graph, scratch, row, _TO_U, k, e)
        if undirected:
            step_back(graph, scratch, row, _TO_V, k, e)
        cuda.syncthreads()
    for i in range(cuda.threadIdx.x, scratch.size[row], cuda.blockDim.x):
        t = scratch.vertex[row, i]
        loss = _loss(graph, scratch, row, i, depth)
        # Without an edge into it, t is not in its own boundary: walks that stay at t in their first step do not count.
        if is_cut_off(graph, scratch, row, i):
            loss += graph.reach[t, depth - 1]
        if is_cut_off(graph, scratch, row, i) or graph.degree[t] == 0:
            loss -= _loss(graph, scratch, row, i, depth - 1)
        scratch.loss[row, i] = loss
    forget_places(scratch, row)


@cuda.jit(device=True)
def _lower_reach(graph: Graph, scratch: Scratch, row: int, e: int) -> None:
    # Longest walks first: their losses are made of the shorter walks before the removal.
    for length in range(graph.depth, 0, -1):
        for i in range(cuda.threadIdx.x, scratch.size[row], cuda.blockDim.x):
            graph.reach[scratch.vertex[row, i], length] -= _loss(graph, scratch, row, i, length)
        cuda.syncthreads()


@cuda.jit(device=True)
def _list_risen(graph: Graph, scratch: Scratch, row: int, e: int, risen: Any, counters: Any) -> None:
    # A walk of length L over two pairs leads from one to the other in L - 2 steps or fewer.
    start_ball(graph, scratch, row, e)
    grow_back(graph, scratch, row, graph.depth - 2)
    grow_ahead(graph, scratch, row, graph.depth - 2)
    for i in range(cuda.threadIdx.x, scratch.size[row], cuda.blockDim.x):
        x = scratch.vertex[row, i]
        if distance_back(scratch, row, i) >= 0:
            for j in range(graph.back_start[x], graph.back_start[x + 1]):
                pair, y = graph.back_pair[j], graph.back_to[j]
                # An undirected pair in the ball is found from both of its ends.
                is_first = x < y or graph.directed != 0 or scratch.place[row, y] < 0
                if is_first and graph.alive[pair] and pair != e:
                    risen[cuda.atomic.add(counters, RISEN, 1)] = pair
        if graph.directed != 0 and distance_ahead(scratch, row, i) >= 0:
            for j in range(graph.start[x], graph.start[x + 1]):
                pair, at = graph.pair[j], scratch.place[row, graph.to[j]]
                is_new = at < 0 or distance_back(scratch, row, at) < 0
                if is_new and graph.alive[pair] and pair != e:
                    risen[cuda.atomic.add(counters, RISEN, 1)] = pair
    forget_places(scratch, row)


@cuda.jit
def _step_reach(graph: Graph, length: int) -> None:
    for x in range(cuda.grid(1), len(graph.value), cuda.gridsize(1)):
        total = graph.reach[x, length - 1]
        for j in range(graph.start[x], graph.start[x + 1]):
            if graph.alive[graph.pair[j]]:
                total += graph.reach[graph.to[j], length - 1]
        graph.reach[x, length] = total


def _fill_values(graph: Graph, scratch: Scratch) -> None:
    for length in range(1, graph.depth + 1):
        device.launch(_step_reach, device.enough_blocks(len(graph.value)), device.THREADS, graph, length)
    staying = graph.reach[:, graph.depth - 1].masked_fill(graph.degree > 0, 0)
    graph.value.copy_(graph.reach[:, graph.depth] - staying)


# A ball has work for many threads.
_FAMILY = Family(
    *build_kernels(_list_losses, _list_risen, _lower_reach), _fill_values, threads=128, balls=True, reach=True
)
