"""Vertices around an edge or a vertex, and walks among them: device functions run by all threads of a block.

The vertices are listed in a row of the scratch memory, ``place`` tells where; walks of every length up to ``L - 1`` are
counted for all of them at once, one step after the other. What is counted is kept under one of four *kinds*.
"""

from __future__ import annotations

from typing import Any

from numba import cuda

from wis.engine.cuda.graph import Graph, Scratch

# Where the distances are, for each direction, before the walks are counted.
_BACK, _AHEAD = range(2)
_NOT_REACHED = -1


@cuda.jit(device=True)
def start_ball(graph: Graph, scratch: Scratch, row: int, e: int) -> None:
    """List the ends of pair e: u, to which steps back lead, and v, from which steps lead ahead."""
    cuda.syncthreads()
    i = cuda.threadIdx.x
    if i < 2:
        x = graph.ends[e, i]
        scratch.vertex[row, i] = x
        scratch.place[row, x] = i
        scratch.walks[row, _BACK, 0, i] = 0 if i == 0 or graph.directed == 0 else _NOT_REACHED
        scratch.walks[row, _AHEAD, 0, i] = 0 if i == 1 or graph.directed == 0 else _NOT_REACHED
    if i == 0:
        scratch.size[row] = 2
    cuda.syncthreads()


@cuda.jit(device=True)
def start_at_vertex(scratch: Scratch, row: int, t: int) -> None:
    """List vertex t only."""
    cuda.syncthreads()
    if cuda.threadIdx.x == 0:
        scratch.vertex[row, 0] = t
        scratch.place[row, t] = 0
        scratch.walks[row, _BACK, 0, 0] = 0
        scratch.walks[row, _AHEAD, 0, 0] = 0
        scratch.size[row] = 1
    cuda.syncthreads()


@cuda.jit(device=True)
def grow_back(graph: Graph, scratch: Scratch, row: int, radius: int) -> None:
    """Add all vertices from which ``radius`` steps lead to those at distance 0."""
    _grow(graph, graph.back_start, graph.back_to, graph.back_pair, scratch, row, _BACK, radius)


@cuda.jit(device=True)
def grow_ahead(graph: Graph, scratch: Scratch, row: int, radius: int) -> None:
    """Add all vertices to which ``radius`` steps lead from those at distance 0; the same as back if undirected."""
    if graph.directed:
        _grow(graph, graph.start, graph.to, graph.pair, scratch, row, _AHEAD, radius)


@cuda.jit(device=True)
def _grow(
    graph: Graph, start: Any, to: Any, pair: Any, scratch: Scratch, row: int, direction: int, radius: int
) -> None:
    distance = scratch.walks[row, direction, 0]
    for d in range(radius):
        size = scratch.size[row]
        cuda.syncthreads()  # all know the size before it grows
        for i in range(cuda.threadIdx.x, size, cuda.blockDim.x):
            if distance[i] != d:
                continue
            x = scratch.vertex[row, i]
            for j in range(start[x], start[x + 1]):
                y = to[j]
                if not graph.alive[pair[j]]:
                    continue
                # -2 while it is being listed: one thread does it.
                if cuda.atomic.cas(scratch.place, (row, y), -1, -2) == -1:
                    at = cuda.atomic.add(scratch.size, row, 1)
                    scratch.vertex[row, at] = y
                    scratch.walks[row, 1 - direction, 0, at] = _NOT_REACHED
                    distance[at] = d + 1
                    scratch.place[row, y] = at
                else:
                    # Listed, or being listed by another thread that knows the distance as well; whoever writes it
                    # here writes the same number.
                    at = scratch.place[row, y]
                    if at >= 0 and distance[at] == _NOT_REACHED:
                        distance[at] = d + 1
        cuda.syncthreads()


@cuda.jit(device=True)
def forget_places(scratch: Scratch, row: int) -> None:
    """Make ``place`` -1 everywhere again; the list stays."""
    cuda.syncthreads()
    for i in range(cuda.threadIdx.x, scratch.size[row], cuda.blockDim.x):
        scratch.place[row, scratch.vertex[row, i]] = -1
    cuda.syncthreads()


@cuda.jit(device=True)
def start_walks(scratch: Scratch, row: int, kind: int, source: int) -> None:
    """Walks of length 0 of the vertex at a place."""
    for i in range(cuda.threadIdx.x, scratch.size[row], cuda.blockDim.x):
        scratch.walks[row, kind, 0, i] = i == source


@cuda.jit(device=True)
def step_back(graph: Graph, scratch: Scratch, row: int, kind: int, k: int, without: int) -> None:
    """Walks of length k *to* the source, from those of length k - 1; pair ``without`` left out."""
    _step(graph, graph.start, graph.to, graph.pair, scratch, row, kind, k, without)


@cuda.jit(device=True)
def step_ahead(graph: Graph, scratch: Scratch, row: int, kind: int, k: int, without: int) -> None:
    """Walks of length k *from* the source, from those of length k - 1; pair ``without`` left out."""
    _step(graph, graph.back_start, graph.back_to, graph.back_pair, scratch, row, kind, k, without)


@cuda.jit(device=True)
def _step(
    graph: Graph, start: Any, to: Any, pair: Any, scratch: Scratch, row: int, kind: int, k: int, without: int
) -> None:
    for i in range(cuda.threadIdx.x, scratch.size[row], cuda.blockDim.x):
        x = scratch.vertex[row, i]
        total = scratch.walks[row, kind, k - 1, i]
        for j in range(start[x], start[x + 1]):
            place = scratch.place[row, to[j]]
            if place >= 0 and pair[j] != without and graph.alive[pair[j]]:
                total += scratch.walks[row, kind, k - 1, place]
        scratch.walks[row, kind, k, i] = total


@cuda.jit(device=True)
def distance_back(scratch: Scratch, row: int, i: int) -> int:
    """Steps from the i-th listed vertex to the source, -1 if unknown; before walks are counted."""
    return scratch.walks[row, _BACK, 0, i]


@cuda.jit(device=True)
def distance_ahead(scratch: Scratch, row: int, i: int) -> int:
    """Steps from the source to the i-th listed vertex, -1 if unknown; before walks are counted."""
    return scratch.walks[row, _AHEAD, 0, i]
