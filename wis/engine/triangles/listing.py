"""Every triangle of a graph, listed at each of its three edges."""

from __future__ import annotations

import itertools
from typing import NamedTuple

import numpy as np

from wis.graphs.edge_list import EdgeList
from wis.kernels import compiled
from wis.progress import track

# Two-edge paths looked at between two checks for Ctrl-C: some 0.1 s.
_SLICE = 1 << 24


class Triangles(NamedTuple):
    """The triangles at every edge.

    Attributes
    ----------
    start
        int64 ``[m + 1]``: the entries of edge ``e`` are those from ``start[e]`` to ``start[e + 1]``.
    entries
        int32 ``[3 t, 3]``: for an edge ``{u, v}``, ``u < v``, the third vertex ``w`` of a triangle and the edges
        ``{u, w}`` and ``{v, w}``.
    """

    start: np.ndarray
    entries: np.ndarray


def list_triangles(edges: EdgeList, *, progress: bool = False) -> Triangles:
    """List all triangles of an undirected graph.

    Edges point from the endpoint of smaller degree to the other one, so that no vertex has more than ``sqrt(2 m)`` of
    them going out; every pair of consecutive ones is looked at, once to count and once to store.

    Notes
    -----
    O(m^1.5) time at most, 36 bytes a triangle. Source: Schank and Wagner, *Finding, Counting and Listing All Triangles
    in Large Graphs* (WEA 2005), algorithm forward.
    """
    mark = np.full(edges.num_nodes, -1, dtype=np.int32)
    with track(2 * edges.num_nodes, "listing triangles", unit="vertices", enabled=progress) as advance:
        out_start, out_head, out_edge = _point_up(edges)
        bounds = _slices(_num_paths(out_start, out_head))
        count = np.zeros(edges.num_pairs, dtype=np.int32)
        for low, high in itertools.pairwise(bounds):
            _count(out_start, out_head, out_edge, mark, low, high, count)
            advance(high - low)
        start = np.zeros(edges.num_pairs + 1, dtype=np.int64)
        np.cumsum(count, out=start[1:])
        entries = np.empty((start[-1], 3), dtype=np.int32)
        filled = start[:-1].copy()
        for low, high in itertools.pairwise(bounds):
            _store(out_start, out_head, out_edge, mark, low, high, filled, entries)
            advance(high - low)
    return Triangles(start, entries)


def count_triangles(edges: EdgeList, *, progress: bool = False) -> np.ndarray:
    """Number of triangles at every edge, int32 ``[m]``: as :func:`list_triangles`, without storing any."""
    mark = np.full(edges.num_nodes, -1, dtype=np.int32)
    with track(edges.num_nodes, "counting triangles", unit="vertices", enabled=progress) as advance:
        arcs = _point_up(edges)
        count = np.zeros(edges.num_pairs, dtype=np.int32)
        for low, high in itertools.pairwise(_slices(_num_paths(*arcs[:2]))):
            _count(*arcs, mark, low, high, count)
            advance(high - low)
    return count


@compiled
def walk_indices(num_nodes: int, tail: np.ndarray, head: np.ndarray, count: np.ndarray) -> np.ndarray:
    """Closed walks of length 3 at every vertex, ``1 + 3 d + 2 tau``, by the triangles at every edge: int64 ``[n]``."""
    value = np.zeros(num_nodes, dtype=np.int64)
    for e in range(len(tail)):
        # Every triangle at a vertex is at two of its edges.
        value[tail[e]] += 3 + count[e]
        value[head[e]] += 3 + count[e]
    for v in range(num_nodes):
        if value[v] > 0:
            value[v] += 1
    return value


def _point_up(edges: EdgeList) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Arcs from smaller to larger (degree, vertex): where those of each vertex begin, their heads, and edges."""
    start = np.zeros(edges.num_nodes + 2, dtype=np.int64)
    heads, arc_edge = np.empty((2, edges.num_pairs), dtype=np.int32)
    _orient(*edges.pairs, edges.degrees(), start, heads, arc_edge)
    return start[:-1], heads, arc_edge


def _slices(paths: np.ndarray) -> list[int]:
    """Vertices at which to cut, so that a slice has about the same number of paths."""
    total = np.cumsum(paths)
    size = len(paths)
    if size == 0:
        return [0]
    inner = np.searchsorted(total, np.arange(_SLICE, int(total[-1]), _SLICE)) + 1
    return np.unique(np.concatenate([[0], inner, [size]])).tolist()


@compiled
def _orient(
    tail: np.ndarray, head: np.ndarray, degree: np.ndarray, start: np.ndarray, heads: np.ndarray, arc_edge: np.ndarray
) -> None:
    m = len(tail)
    for e in range(m):
        start[tail[e] + 2 if degree[tail[e]] <= degree[head[e]] else head[e] + 2] += 1
    for u in range(len(start) - 2):
        start[u + 2] += start[u + 1]
    for e in range(m):
        u, v = tail[e], head[e]
        if degree[u] > degree[v]:
            u, v = v, u
        at = start[u + 1]
        heads[at] = v
        arc_edge[at] = e
        start[u + 1] = at + 1


@compiled
def _num_paths(start: np.ndarray, heads: np.ndarray) -> np.ndarray:
    """Number of two-arc paths from every vertex."""
    paths = np.zeros(len(start) - 1, dtype=np.int64)
    for u in range(len(paths)):
        for i in range(start[u], start[u + 1]):
            v = heads[i]
            # The work at a vertex, by which slices are cut.
            paths[u] += start[v + 1] - start[v]
    return paths


@compiled
def _count(
    start: np.ndarray, heads: np.ndarray, arc_edge: np.ndarray, mark: np.ndarray, low: int, high: int, count: np.ndarray
) -> None:
    for u in range(low, high):
        for i in range(start[u], start[u + 1]):
            # A path u, v, w of two arcs closes to a triangle where w is marked, by the edge from u to it.
            mark[heads[i]] = arc_edge[i]
        for i in range(start[u], start[u + 1]):
            v = heads[i]
            found = 0
            for j in range(start[v], start[v + 1]):
                uw = mark[heads[j]]
                if uw >= 0:
                    found += 1
                    count[uw] += 1
                    count[arc_edge[j]] += 1
            count[arc_edge[i]] += found
        for i in range(start[u], start[u + 1]):
            mark[heads[i]] = -1


@compiled
def _store(
    start: np.ndarray,
    heads: np.ndarray,
    arc_edge: np.ndarray,
    mark: np.ndarray,
    low: int,
    high: int,
    filled: np.ndarray,
    entries: np.ndarray,
) -> None:
    for u in range(low, high):
        for i in range(start[u], start[u + 1]):
            mark[heads[i]] = arc_edge[i]
        for i in range(start[u], start[u + 1]):
            v = heads[i]
            uv = arc_edge[i]
            # All arcs lead upwards, so that a triangle is found from its lowest vertex only.
            for j in range(start[v], start[v + 1]):
                w = heads[j]
                uw = mark[w]
                if uw >= 0:
                    vw = arc_edge[j]
                    _put(filled, entries, uv, w, u < v, uw, vw)
                    _put(filled, entries, uw, v, u < w, uv, vw)
                    _put(filled, entries, vw, u, v < w, uv, uw)
        for i in range(start[u], start[u + 1]):
            mark[heads[i]] = -1


@compiled
def _put(
    filled: np.ndarray, entries: np.ndarray, edge: int, apex: int, in_order: bool, first: int, second: int
) -> None:
    at = filled[edge]
    filled[edge] = at + 1
    entries[at, 0] = apex
    entries[at, 1] = first if in_order else second
    entries[at, 2] = second if in_order else first
