"""The greedy algorithm on a GPU, seen from the host: memory, launches and sorting."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from wis.engine.csr import build_csr
from wis.engine.cuda import device, keys, rounds
from wis.graphs import EdgeList
from wis.progress import track

_log = logging.getLogger(__name__)

# Candidates of a round, and rounds of a launch: some 0.1 s.
_CANDIDATES = 256
_ROUNDS = 4096

# Memory but for triangles and scratch rows, a sort on the way included: see _prepare and rounds.Queue.
_BYTES_A_PAIR = 24 + 1 + 16 * keys.POINTS + 8 + 18 + 24
_BYTES_A_VERTEX = 33

# Pairs in the pool that make a new sort worth it: the pool is searched through once a round.
_MAX_POOL = 4096


class Family(NamedTuple):
    """What is particular to a family of depths.

    Attributes
    ----------
    kernels
        The two kernels of :func:`rounds.build_kernels`.
    fill_values
        ``fill_values(graph, scratch, shape)``: compute ``graph.value`` for the pairs that are left.
    list_corners
        ``list_corners(ends, start, to, pair)``: the fields ``corner_start`` and ``corner`` of the graph and the largest
        number of triangles at a pair; None where triangles play no part.
    balls
        Whether whole balls of vertices are listed, and walks in them counted.
    """

    kernels: tuple[Any, Any]
    fill_values: Callable[[keys.Graph, keys.Scratch, tuple[int, int]], None]
    list_corners: Callable[[Any, Any, Any, Any], tuple[Any, Any, int]] | None = None
    balls: bool = False


class _Run(NamedTuple):
    """One run: the graph, the memory it works in, and how its kernels are launched."""

    pairs: np.ndarray
    family: Family
    graph: keys.Graph
    scratch: keys.Scratch
    shape: tuple[int, int]
    keys: Any
    priority: Any


def greedy_order(
    edges: EdgeList,
    family: Family,
    *,
    depth: int,
    is_target: np.ndarray | None,
    priority: np.ndarray | None,
    chunk: int,
    limit: int,
    progress: bool,
) -> np.ndarray:
    """Exact greedy order, int64 ``[limit]``; the arguments are those of every engine.

    Raises
    ------
    MemoryError
        If the GPU has too little memory; the message says how much is needed.

    Notes
    -----
    GPU memory: about 200 bytes a pair, 33 a vertex, 36 a triangle (depth 3), and for every block 12 bytes a triangle of
    the pair that has most (depth 3) or ``(16 + 32 * depth) * n`` bytes (above). There is a block a multiprocessor, or
    as many as fit.
    """
    if limit == 0:
        return np.empty(0, dtype=np.int64)
    run = _prepare(edges, family, depth, is_target, priority)
    with track(limit, f"{depth - 1}-WIS on the GPU", enabled=progress) as advance:
        remove = _remove_in_rounds if chunk == 1 else _remove_in_chunks
        return remove(run, chunk, limit, advance).astype(np.int64)


def _prepare(
    edges: EdgeList, family: Family, depth: int, is_target: np.ndarray | None, priority: np.ndarray | None
) -> _Run:
    """Copy the graph to the GPU and take all memory."""
    from numba import cuda

    n, m = edges.num_nodes, edges.num_pairs
    device.check_memory(_BYTES_A_PAIR * m + _BYTES_A_VERTEX * n)
    start, to, pair = build_csr(edges)
    ends = np.ascontiguousarray(edges.pairs.T, dtype=np.int32)
    arcs = tuple(cuda.to_device(np.ascontiguousarray(array)) for array in (ends, start, to, pair))
    corner_start, corner, width = np.zeros(1, dtype=np.int64), np.zeros((1, 3), dtype=np.int32), 2
    if family.list_corners is not None:
        corner_start, corner, most = family.list_corners(*arcs)
        width = 2 + most
    ball, steps, row = (n, depth, n) if family.balls else (1, 1, 1)
    width = max(width, row)
    shape = device.launch_shape(12 * width + 4 * ball + 32 * steps * row, _BYTES_A_PAIR * m + _BYTES_A_VERTEX * n)
    rows = shape[0] + 1
    graph = keys.Graph(
        ends=arcs[0],
        start=arcs[1],
        to=arcs[2],
        pair=arcs[3],
        alive=cuda.to_device(np.ones(m, dtype=np.uint8)),
        degree=cuda.to_device(np.diff(start)),
        value=cuda.to_device(np.zeros(n, dtype=np.int64)),
        counts=cuda.to_device(np.ones(n, np.uint8) if is_target is None else is_target.astype(np.uint8)),
        corner_start=cuda.to_device(corner_start),
        corner=cuda.to_device(corner),
        depth=cuda.to_device(np.array([depth])),
    )
    scratch = keys.Scratch(
        size=cuda.to_device(np.zeros(rows, dtype=np.int64)),
        vertex=cuda.device_array((rows, width), np.int32),
        loss=cuda.device_array((rows, width), np.int64),
        place=cuda.to_device(np.full((rows, ball), -1, dtype=np.int32)),
        walks=cuda.device_array((rows, 4, steps, row), np.int64),
    )
    family.fill_values(graph, scratch, shape)
    tie_break = np.arange(m) if priority is None else np.asarray(priority, dtype=np.int64)
    stored = cuda.device_array((m, 2 * keys.POINTS), np.int64)
    return _Run(edges.pairs, family, graph, scratch, shape, stored, cuda.to_device(tie_break))


def _evaluate(run: _Run, chosen: Any, after: Any) -> None:
    """Exact keys of the chosen pairs, from the values above ``after`` on."""
    run.family.kernels[0][run.shape](run.graph, run.scratch, chosen, after, run.keys)


def _left(run: _Run) -> Any:
    """The pairs that are left: int32 device array."""
    from numba import cuda

    return cuda.to_device(np.flatnonzero(run.graph.alive.copy_to_host()).astype(np.int32))


def _remove_in_rounds(run: _Run, chunk: int, limit: int, advance: Callable[[int], None]) -> np.ndarray:
    from numba import cuda

    m = len(run.graph.alive)
    queue = rounds.Queue(
        counters=cuda.to_device(np.zeros(rounds.NUM_COUNTERS, dtype=np.int64)),
        keys=run.keys,
        priority=run.priority,
        in_order=cuda.device_array(m, np.int32),
        pool=cuda.device_array(m, np.int32),
        slot=cuda.to_device(np.full(m, -1, dtype=np.int32)),
        chosen=cuda.device_array(_CANDIDATES, np.int32),
        stands=cuda.device_array(_CANDIDATES, np.uint8),
        is_alone=cuda.device_array(_CANDIDATES, np.uint8),
        fresh=cuda.device_array((_CANDIDATES + 1 + run.shape[0], 2 * keys.POINTS), np.int64),
        risen=cuda.device_array(m, np.int32),
        rose=cuda.device_array(m, np.uint8),
        touched=cuda.to_device(np.zeros(len(run.graph.value), dtype=np.int64)),
        removed=cuda.device_array(limit, np.int32),
    )
    counters = np.zeros(rounds.NUM_COUNTERS, dtype=np.int64)
    counters[rounds.STATUS] = rounds.POOL_IS_FULL
    launches = 0
    _evaluate(run, _left(run), cuda.to_device(np.full(m, -1, dtype=np.int64)))
    while counters[rounds.STATUS] != rounds.FINISHED:
        if counters[rounds.STATUS] == rounds.POOL_IS_FULL:
            queue = _sort_anew(run, queue, counters)
        done = int(counters[rounds.DONE])
        run.family.kernels[1][run.shape](run.graph, run.scratch, queue, _ROUNDS, _MAX_POOL)
        queue.counters.copy_to_host(counters)
        advance(int(counters[rounds.DONE]) - done)
        launches += 1
    _log.debug("%d removals in %d rounds and %d launches", limit, counters[rounds.ROUND], launches)
    return queue.removed.copy_to_host()


def _sort_anew(run: _Run, queue: rounds.Queue, counters: np.ndarray) -> rounds.Queue:
    """Put all pairs left in order, and none in the pool."""
    from numba import cuda

    in_order = device.sort_edges(run.keys, run.priority, _left(run))
    counters[[rounds.CURSOR, rounds.POOL, rounds.STATUS]] = 0, 0, rounds.RUNNING
    counters[rounds.SORTED] = len(in_order)
    queue.counters.copy_to_device(counters)
    return queue._replace(in_order=in_order, slot=cuda.to_device(np.full(len(run.graph.alive), -1, dtype=np.int32)))


def _remove_in_chunks(run: _Run, chunk: int, limit: int, advance: Callable[[int], None]) -> np.ndarray:
    """Evaluate all pairs, remove the best ``chunk`` of them, and again."""
    order = np.empty(limit, dtype=np.int32)
    done = 0
    while done < limit:
        size = min(chunk, limit - done)
        order[done : done + size] = _best(run, size)
        _drop(run, order[done : done + size])
        done += size
        advance(size)
    return order


def _best(run: _Run, size: int) -> np.ndarray:
    """The best pairs of all that are left, in order, by their keys to the end."""
    from numba import cuda

    after = np.full(len(run.graph.alive), -1, dtype=np.int64)
    left = _left(run)
    _evaluate(run, left, cuda.to_device(after))
    best, stored = _top(run, device.sort_edges(run.keys, run.priority, left), size)
    unsettled = [(low, high, stored[low:high]) for low, high in _cut_ties(stored)]
    while unsettled:
        low, high, stored = unsettled.pop()
        if low >= size:
            continue
        after[best[low:high]] = _last_values(stored)
        tied = cuda.to_device(best[low:high])
        _evaluate(run, tied, cuda.to_device(after))
        best[low:high] = device.sort_edges(run.keys, run.priority, tied).copy_to_host()
        stored = device.take_rows(run.keys, best[low:high])
        unsettled += [(low + first, low + stop, stored[first:stop]) for first, stop in _cut_ties(stored)]
    return best[:size]


def _top(run: _Run, in_order: Any, size: int) -> tuple[np.ndarray, np.ndarray]:
    """The first pairs in order and their stored keys: ``size`` of them, and all that tie with the last of these."""
    count = size
    while True:
        best = in_order[:count].copy_to_host()
        stored = device.take_rows(run.keys, best)
        if len(best) == len(in_order) or (stored[-1] != stored[size - 1]).any() or stored[-1, -2] == 0:
            return best, stored
        count *= 2


def _cut_ties(stored: np.ndarray) -> list[tuple[int, int]]:
    """Ranges of equal rows, two or more, of which the stored keys are cut."""
    differs = (stored[1:] != stored[:-1]).any(axis=1)
    bounds = np.concatenate([[0], np.flatnonzero(differs) + 1, [len(stored)]])
    return [
        (int(low), int(high)) for low, high in itertools.pairwise(bounds) if high - low > 1 and stored[low, -2] != 0
    ]


def _last_values(stored: np.ndarray) -> np.ndarray:
    """As ``keys.last_value``, for many keys."""
    number = stored[:, -2]
    shift = (1 << 62) + 1
    return np.where(number < 0, number + shift, shift - number)


def _drop(run: _Run, removed: np.ndarray) -> None:
    """Take pairs out of the graph, and count the walks of what is left."""
    alive, degree = run.graph.alive.copy_to_host(), run.graph.degree.copy_to_host()
    alive[removed] = 0
    degree -= np.bincount(run.pairs[:, removed].ravel(), minlength=len(degree))
    run.graph.alive.copy_to_device(alive)
    run.graph.degree.copy_to_device(degree)
    run.family.fill_values(run.graph, run.scratch, run.shape)
