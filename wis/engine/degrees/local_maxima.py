"""1-WIS by local maxima, on all cores: edges go in any order and are sorted at the end (docs/engine.md, section 7).

The key of ``{u, v}``, smaller degree and then larger degree, changes only where an edge at ``u`` or ``v`` goes, and
only falls. So an edge that beats all edges at its ends (larger key, then smaller priority) beats them until it goes,
and goes with the key that it has now: it may go at once. The greedy algorithm comes to it with the same key. As keys
only fall, and those at a removed edge fall below its key, the greedy order is that of the keys at the removal, the
largest first, then of the priority. `chains` finds such edges.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np

from wis.engine.degrees.chains import (
    BAR,
    COLUMNS,
    CURSOR,
    END,
    FAR,
    FEW,
    NEAR,
    NUM_COUNTERS,
    REMOVED,
    START,
    TOP,
    State,
    Worker,
    drain,
)
from wis.engine.degrees.numbering import free_edges, number_vertices
from wis.engine.sorting import falling_order
from wis.engine.task import Task
from wis.kernels import compiled
from wis.progress import track
from wis.threads import MOST_COPIES, run_blocks, run_threads

# Steps between two looks at Ctrl-C and the progress bar: some 20 ms.
_SLICE = 1 << 16

# Seeds that a thread puts back before it takes no new ones.
_PUT_BACK = 64


def removal_order(task: Task, threads: int) -> np.ndarray:
    """The exact greedy order of 1-WIS, one edge removed at a time, by so many threads.

    O(m log m) time, plus a pass over some of the neighbours of a vertex whenever the largest degree among them falls;
    O(n + m) memory. The result does not depend on the threads.
    """
    limit, priority = task.limit, task.priority
    with track(limit, task.name, enabled=task.progress) as advance:
        free = free_edges(task.edges.pairs, task.targets(), _priorities(task))[:limit]
        advance(len(free))
        state = _prepare(task, threads)
        _remove(state, limit - len(free), threads, advance)
        key = state.key
        # The state is large; it goes before there is an order.
        del state
        order = _by_falling_key(key, limit - len(free), threads)
        if len(free):
            order = np.concatenate([free, order])
    if priority is None:
        return order
    pair_of_edge = np.empty(len(priority), dtype=np.int64)
    pair_of_edge[priority] = np.arange(len(priority))
    return pair_of_edge[order]


def _by_falling_key(key: np.ndarray, count: int, threads: int) -> np.ndarray:
    """So many edges, those of the largest keys, in falling order; int64."""
    if count == len(key):
        return falling_order(key, threads).astype(np.int64)
    removed = np.flatnonzero(key)
    return removed[falling_order(key[removed], threads)[:count]]


def _remove(s: State, limit: int, threads: int, advance: Callable[[int], None]) -> None:
    """Remove at least the first ``limit`` edges."""
    s = s._replace(shared=threads > 1)
    workers = [_worker(s) for _ in range(threads)]
    starting = s.degree[:-1].copy()
    shown = 0

    def removed() -> int:
        return sum(int(worker.counters[REMOVED]) for worker in workers)

    def show() -> None:
        nonlocal shown
        now = min(removed(), limit)
        advance(now - shown)
        shown = now

    for floor in _floors(s, limit):
        if removed() >= limit:
            break
        seeds = int(np.count_nonzero(starting >= floor))
        s.seeds[:] = 0, seeds, _stride(seeds) if threads > 1 else 1

        def work(i: int, is_stopped: Callable[[], bool], floor: int = floor) -> None:
            while not (drain(s, workers[i], floor, _SLICE) or is_stopped()):
                pass

        run_threads(work, threads, show)
    show()


def _floors(s: State, limit: int) -> Iterator[int]:
    """Degrees down to which edges are removed, one after another: not many more of them than are asked for."""
    # Threads get in each other's way at the end of a stage; one thread finds more in its cache.
    if s.shared and 2 * limit >= len(s.key):
        yield 1
        return
    floor = s.infinite
    while floor > 1:
        floor -= max(floor // 4, 1)
        yield floor


def _worker(s: State) -> Worker:
    n = len(s.vertex)
    return Worker(
        chain=np.empty(n + 2, dtype=np.int32),
        waiting=np.empty(_PUT_BACK + 1, dtype=np.int32),
        room=np.empty(int(np.diff(s.vertex[:, START], append=len(s.head)).max(initial=0)), dtype=np.int64),
        counters=np.zeros(NUM_COUNTERS, dtype=np.int64),
    )


def _priorities(task: Task) -> np.ndarray:
    return np.empty(0, dtype=np.int64) if task.priority is None else task.priority


def _prepare(task: Task, threads: int) -> State:
    """Number the vertices by degree, and list the arcs of each in the order of priority."""
    pairs, is_target = task.edges.pairs, task.targets()
    n, m = task.edges.num_nodes, task.edges.num_pairs
    number, degree = np.empty(n, dtype=np.int32), np.zeros(n + 1, dtype=np.int32)
    infinite = len(number_vertices(pairs, is_target, number, degree[:n])) - 2
    vertex = np.zeros((n, COLUMNS), dtype=np.uint32)
    head, edge = np.empty((2, 2 * m), dtype=np.int32)
    arcs = _list_arcs((pairs, is_target, number, _pairs_by_priority(task)), vertex, head, edge, threads)
    vertex[:, NEAR] = vertex[:, FAR] = vertex[:, CURSOR] = vertex[:, END]
    vertex[:, TOP] = infinite
    vertex[:, BAR] = np.where(vertex[:, END] - vertex[:, START] < FEW, 0, infinite + 1)
    return State(
        shift=infinite.bit_length(),
        infinite=infinite,
        shared=False,
        degree=degree,
        vertex=vertex,
        words=vertex.reshape(-1),
        head=head[:arcs],
        edge=edge[:arcs],
        key=np.zeros(m, dtype=np.int64),
        seeds=np.zeros(3, dtype=np.int64),
    )


def _stride(n: int) -> int:
    """A step through ``range(n)``, about the golden ratio of it, that comes to every number."""
    stride = max(int(0.618 * n), 1)
    while math.gcd(stride, n) > 1:
        stride += 1
    return stride


def _pairs_by_priority(task: Task) -> np.ndarray:
    """Pairs in rising priority; empty where that is their own order."""
    if task.priority is None:
        return np.empty(0, dtype=np.int64)
    pairs = np.empty(len(task.priority), dtype=np.int64)
    pairs[task.priority] = np.arange(len(pairs))
    return pairs


def _list_arcs(
    given: tuple[np.ndarray, ...], vertex: np.ndarray, head: np.ndarray, edge: np.ndarray, threads: int
) -> int:
    """Fill in the arcs of all edges that touch a target, and where those of each vertex begin and end; their number.

    Every thread has a block of the edges, and a place for each vertex where the next arc of its block goes.
    """
    m, blocks = given[0].shape[1], min(threads, MOST_COPIES)
    places = np.zeros((blocks, len(vertex)), dtype=np.uint32)
    run_blocks(lambda i, low, high: _count_arcs(*given, low, high, places[i]), m, blocks)
    arcs = _divide(places, vertex)
    run_blocks(lambda i, low, high: _put_arcs(*given, low, high, places[i], head, edge), m, blocks)
    return int(arcs)


@compiled
def _count_arcs(
    pairs: np.ndarray,
    is_target: np.ndarray,
    number: np.ndarray,
    by_priority: np.ndarray,
    low: int,
    high: int,
    count: np.ndarray,
) -> None:
    """Count the arcs of some edges at every vertex."""
    for e in range(low, high):
        p = by_priority[e] if len(by_priority) else e
        u, v = pairs[0, p], pairs[1, p]
        if is_target[u] or is_target[v]:
            count[number[u]] += np.uint32(1)
            count[number[v]] += np.uint32(1)


@compiled
def _divide(places: np.ndarray, vertex: np.ndarray) -> np.int64:
    """From numbers of arcs to places: those of a vertex stand together, block by block; how many there are."""
    at = np.uint32(0)
    for x in range(len(vertex)):
        vertex[x, START] = at
        for i in range(len(places)):
            count = places[i, x]
            places[i, x] = at
            at += count
        vertex[x, END] = at
    return np.int64(at)


@compiled
def _put_arcs(
    pairs: np.ndarray,
    is_target: np.ndarray,
    number: np.ndarray,
    by_priority: np.ndarray,
    low: int,
    high: int,
    places: np.ndarray,
    head: np.ndarray,
    edge: np.ndarray,
) -> None:
    """Put down the arcs of some edges, in the order of priority."""
    for e in range(low, high):
        p = by_priority[e] if len(by_priority) else e
        u, v = pairs[0, p], pairs[1, p]
        if is_target[u] or is_target[v]:
            _put(places, head, edge, number[u], number[v], e)
            _put(places, head, edge, number[v], number[u], e)


@compiled
def _put(places: np.ndarray, head: np.ndarray, edge: np.ndarray, x: int, y: int, e: int) -> None:
    at = places[x]
    head[at] = y
    edge[at] = e
    places[x] = at + np.uint32(1)
