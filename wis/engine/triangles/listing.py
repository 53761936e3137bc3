"""Every triangle of a graph, listed at each of its three edges."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from wis.engine.triangles.apexes import Arcs
from wis.engine.triangles.state import AT_HEAD, AT_TAIL, ENTRY_COLUMNS
from wis.graphs.edge_list import EdgeList
from wis.kernels import compiled
from wis.progress import track
from wis.threads import MOST_COPIES, num_threads, run_threads

# Two-edge paths looked at between two checks for Ctrl-C: some 0.1 s.
_SLICE = 1 << 24

# Paths and pairs from which on threads pay: some 5 ms of work, where to start threads takes less than one.
_MANY = 1 << 20


class Triangles(NamedTuple):
    """The triangles at every edge.

    Attributes
    ----------
    start
        int64 ``[m + 1]``: the entries of edge ``e`` are those from ``start[e]`` to ``start[e + 1]``.
    entries
        Of `entry_type`, ``[3 t, ENTRY_COLUMNS]``: for an edge ``{u, v}``, ``u < v``, and the third vertex ``w`` of a
        triangle, which arc of ``u`` leads to ``w``, and which one of ``v``.
    """

    start: np.ndarray
    entries: np.ndarray


def list_triangles(edges: EdgeList, arcs: Arcs, *, threads: int | None = None, progress: bool = False) -> Triangles:
    """List all triangles of an undirected graph.

    Edges point from the endpoint of smaller degree to the other one, so that no vertex has more than ``sqrt(2 m)`` of
    them going out; every pair of consecutive ones is looked at, once to count and once to store. The result does not
    depend on the threads; None: as many as pay.

    Notes
    -----
    O(m^1.5) time at most, 12 or 24 bytes a triangle (`apexes`), and for the time of listing 12 bytes a pair and thread.
    Source: Schank and Wagner, *Finding, Counting and Listing All Triangles in Large Graphs* (WEA 2005), algorithm
    forward.
    """
    with track(2 * edges.num_nodes, "listing triangles", unit="vertices", enabled=progress) as advance:
        upward = _point_up(edges)
        parts = _parts(edges, upward, threads)
        counts = _count_in_parts(edges, upward, parts, advance)
        start = np.zeros(edges.num_pairs + 1, dtype=np.int64)
        np.cumsum(counts.sum(axis=0, dtype=np.int32), out=start[1:])
        entries = np.empty_like(arcs.numbers, shape=(start[-1], ENTRY_COLUMNS))
        # What a thread stores at an edge goes behind that of the vertices of all threads before.
        filled = np.empty((len(parts), edges.num_pairs), dtype=np.int64)
        filled[0] = start[:-1]
        for i in range(1, len(parts)):
            np.add(filled[i - 1], counts[i - 1], out=filled[i])
        marks = np.full((len(parts), edges.num_nodes), -1, dtype=np.int32)
        _run(
            lambda i, low, high: _store(*upward, marks[i], low, high, filled[i], arcs.numbers, entries), parts, advance
        )
    return Triangles(start, entries)


def count_triangles(edges: EdgeList, *, threads: int | None = None, progress: bool = False) -> np.ndarray:
    """Number of triangles at every edge, int32 ``[m]``: as :func:`list_triangles`, without storing any."""
    with track(edges.num_nodes, "counting triangles", unit="vertices", enabled=progress) as advance:
        arcs = _point_up(edges)
        counts = _count_in_parts(edges, arcs, _parts(edges, arcs, threads), advance)
    return counts[0] if len(counts) == 1 else counts.sum(axis=0, dtype=np.int32)


def _count_in_parts(
    edges: EdgeList, arcs: tuple[np.ndarray, ...], parts: list[list[int]], advance: Callable[[int], None]
) -> np.ndarray:
    """Triangles at every edge that each part finds, int32 ``[parts, m]``."""
    counts = np.zeros((len(parts), edges.num_pairs), dtype=np.int32)
    marks = np.full((len(parts), edges.num_nodes), -1, dtype=np.int32)
    _run(lambda i, low, high: _count(*arcs, marks[i], low, high, counts[i]), parts, advance)
    return counts


def _parts(edges: EdgeList, arcs: tuple[np.ndarray, ...], threads: int | None) -> list[list[int]]:
    """The part of each thread: consecutive vertices of about equal work, cut into slices."""
    paths = _num_paths(*arcs[:2])
    if threads is None:
        pays = int(paths.sum()) + edges.num_pairs >= _MANY
        threads = min(num_threads(), MOST_COPIES) if pays else 1
    total = np.cumsum(paths + np.diff(arcs[0]))
    whole = int(total[-1]) if len(total) else 0
    ends = np.searchsorted(total, [whole * i // threads for i in range(1, threads)], side="right").tolist()
    return [_slices(paths[low:high], low) for low, high in itertools.pairwise([0, *ends, len(paths)])]


def _run(work: Callable[[int, int, int], None], parts: list[list[int]], advance: Callable[[int], None]) -> None:
    """Call ``work(i, low, high)`` for every slice of the part ``i``, each part in a thread of its own."""
    done = [0] * len(parts)
    shown = 0

    def show() -> None:
        nonlocal shown
        now = sum(done)
        advance(now - shown)
        shown = now

    def run_part(i: int, is_stopped: Callable[[], bool]) -> None:
        for low, high in itertools.pairwise(parts[i]):
            if is_stopped():
                return
            work(i, low, high)
            done[i] += high - low

    run_threads(run_part, len(parts), show)
    show()


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


def _slices(paths: np.ndarray, first: int) -> list[int]:
    """Vertices from ``first`` on at which to cut, so that a slice has about the same number of paths."""
    total = np.cumsum(paths)
    size = len(paths)
    if size == 0:
        return [first]
    inner = np.searchsorted(total, np.arange(_SLICE, int(total[-1]), _SLICE)) + 1
    return (first + np.unique(np.concatenate([[0], inner, [size]]))).tolist()


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
    numbers: np.ndarray,
    entries: np.ndarray,
) -> None:
    for u in range(low, high):
        for i in range(start[u], start[u + 1]):
            mark[heads[i]] = arc_edge[i]
        for i in range(start[u], start[u + 1]):
            v = heads[i]
            uv = arc_edge[i]
            u_v, v_u = numbers[uv, AT_TAIL if u < v else AT_HEAD], numbers[uv, AT_HEAD if u < v else AT_TAIL]
            # All arcs lead upwards, so that a triangle is found from its lowest vertex only.
            for j in range(start[v], start[v + 1]):
                w = heads[j]
                uw = mark[w]
                if uw >= 0:
                    vw = arc_edge[j]
                    # Of an edge the first number is that of the arc from its smaller end.
                    u_w, w_u = numbers[uw, AT_TAIL if u < w else AT_HEAD], numbers[uw, AT_HEAD if u < w else AT_TAIL]
                    v_w, w_v = numbers[vw, AT_TAIL if v < w else AT_HEAD], numbers[vw, AT_HEAD if v < w else AT_TAIL]
                    _put(filled, entries, uv, u < v, u_w, v_w)
                    _put(filled, entries, uw, u < w, u_v, w_v)
                    _put(filled, entries, vw, v < w, v_u, w_u)
        for i in range(start[u], start[u + 1]):
            mark[heads[i]] = -1


@compiled
def _put(filled: np.ndarray, entries: np.ndarray, edge: int, in_order: bool, first: int, second: int) -> None:
    at = filled[edge]
    filled[edge] = at + 1
    entries[at, AT_TAIL] = first if in_order else second
    entries[at, AT_HEAD] = second if in_order else first
