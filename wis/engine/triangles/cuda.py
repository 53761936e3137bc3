"""2-WIS (depth 3) of an undirected graph on a GPU."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import cuda

from wis.engine.cuda import device
from wis.engine.cuda.graph import Graph, Scratch
from wis.engine.cuda.host import Family, greedy_order
from wis.engine.cuda.keys import is_cut_off
from wis.engine.cuda.pool import RISEN
from wis.engine.cuda.rounds import build_kernels
from wis.engine.task import Task
from wis.machine import check_memory


def removal_order(task: Task) -> np.ndarray:
    """Exact greedy order of 2-WIS, the same as that of :mod:`wis.engine.triangles.cpu`."""
    task.require(3)
    return greedy_order(task, _FAMILY)


@cuda.jit(device=True)
def _list_losses(graph: Graph, scratch: Scratch, row: int, e: int) -> None:
    # An edge takes one edge and all its triangles from its ends, and one triangle from each apex.
    cuda.syncthreads()
    if cuda.threadIdx.x == 0:
        scratch.size[row] = 2
    cuda.syncthreads()
    for i in range(graph.triangle_start[e] + cuda.threadIdx.x, graph.triangle_start[e + 1], cuda.blockDim.x):
        if graph.alive[graph.triangle[i, 1]] and graph.alive[graph.triangle[i, 2]]:
            at = cuda.atomic.add(scratch.size, row, 1)
            scratch.vertex[row, at] = graph.triangle[i, 0]
            scratch.loss[row, at] = 2
    cuda.syncthreads()
    i = cuda.threadIdx.x
    if i < 2:
        scratch.vertex[row, i] = graph.ends[e, i]
        # The last edge is in no triangle, and what is left, 1, goes with it.
        scratch.loss[row, i] = 4 if is_cut_off(graph, scratch, row, i) else 3 + 2 * (scratch.size[row] - 2)
    cuda.syncthreads()


@cuda.jit(device=True)
def _list_risen(graph: Graph, scratch: Scratch, row: int, e: int, risen: Any, counters: Any) -> None:
    # The other two edges of every triangle.
    for i in range(graph.triangle_start[e] + cuda.threadIdx.x, graph.triangle_start[e + 1], cuda.blockDim.x):
        if graph.alive[graph.triangle[i, 1]] and graph.alive[graph.triangle[i, 2]]:
            # Each edge is in one of these triangles only, so that it is listed once.
            at = cuda.atomic.add(counters, RISEN, 2)
            risen[at] = graph.triangle[i, 1]
            risen[at + 1] = graph.triangle[i, 2]
    cuda.syncthreads()


@cuda.jit
def _add_edges(graph: Graph) -> None:
    for t in range(cuda.grid(1), len(graph.value), cuda.gridsize(1)):
        graph.value[t] = 3 * graph.degree[t] + 1 if graph.degree[t] > 0 else 0


@cuda.jit
def _add_triangles(graph: Graph) -> None:
    for e in range(cuda.grid(1), len(graph.alive), cuda.gridsize(1)):
        if graph.alive[e]:
            for i in range(graph.triangle_start[e], graph.triangle_start[e + 1]):
                if graph.alive[graph.triangle[i, 1]] and graph.alive[graph.triangle[i, 2]]:
                    cuda.atomic.add(graph.value, graph.triangle[i, 0], 2)


def _fill_values(graph: Graph, scratch: Scratch) -> None:
    device.launch(_add_edges, device.enough_blocks(len(graph.value)), device.THREADS, graph)
    device.launch(_add_triangles, device.enough_blocks(len(graph.alive)), device.THREADS, graph)


@cuda.jit(device=True)
def _find_apex(start: Any, to: Any, x: int, y: int, i: int) -> int:
    """Where among the arcs of y the i-th arc of the graph, one of x, ends too; -1 if it does not."""
    low, high = start[y], start[y + 1]
    while low < high:
        middle = (low + high) // 2
        if to[middle] < to[i]:
            low = middle + 1
        else:
            high = middle
    return low if low < start[y + 1] and to[low] == to[i] else -1


@cuda.jit
def _count_triangles(ends: Any, start: Any, to: Any, count: Any) -> None:
    for e in range(cuda.grid(1), len(ends), cuda.gridsize(1)):
        x, y = ends[e, 0], ends[e, 1]
        # The arcs of the end that has fewer are looked up among those of the other.
        if start[x + 1] - start[x] > start[y + 1] - start[y]:
            x, y = y, x
        found = 0
        for i in range(start[x], start[x + 1]):
            if _find_apex(start, to, x, y, i) >= 0:
                found += 1
        count[e] = found


@cuda.jit
def _store_triangles(ends: Any, start: Any, to: Any, pair: Any, triangle_start: Any, triangle: Any) -> None:
    for e in range(cuda.grid(1), len(ends), cuda.gridsize(1)):
        x, y = ends[e, 0], ends[e, 1]
        if start[x + 1] - start[x] > start[y + 1] - start[y]:
            x, y = y, x
        at = triangle_start[e]
        for i in range(start[x], start[x + 1]):
            j = _find_apex(start, to, x, y, i)
            if j >= 0:
                triangle[at, 0] = to[i]
                triangle[at, 1] = pair[i]
                triangle[at, 2] = pair[j]
                at += 1


def _list_triangles(ends: Any, start: Any, to: Any, pair: Any) -> tuple[Any, Any]:
    import torch

    m, place = len(ends), ends.device
    count = torch.empty(m, dtype=torch.int64, device=place)
    device.launch(_count_triangles, device.enough_blocks(m), device.THREADS, ends, start, to, count)
    triangle_start = torch.zeros(m + 1, dtype=torch.int64, device=place)
    torch.cumsum(count, 0, out=triangle_start[1:])
    total = int(triangle_start[-1])
    check_memory(12 * total, place)
    triangle = torch.empty((max(total, 1), 3), dtype=torch.int32, device=place)
    arguments = (ends, start, to, pair, triangle_start, triangle)
    device.launch(_store_triangles, device.enough_blocks(m), device.THREADS, *arguments)
    return triangle_start, triangle


_FAMILY = Family(*build_kernels(_list_losses, _list_risen), _fill_values, threads=32, list_triangles=_list_triangles)
