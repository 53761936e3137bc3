"""2-WIS (depth 3) of an undirected graph, exact: degrees and triangles, no walk and no matrix power.

The walk index of ``t`` is ``1 + 3 d_t + 2 tau_t`` (0 where it is isolated), with its degree and number of triangles.
Removing ``{u, v}``, an edge in ``c`` triangles, lowers those of ``u`` and ``v`` by ``3 + 2 c`` and those of the ``c``
apexes, the third vertices of these, by 2. Keys of edges only fall, with one exception: after the removal of ``{u, w}``,
the key of an edge ``{u, v}`` of the same triangle no longer contains ``w``. So every stored key is an upper bound but
those, which are looked at after each removal (`_refresh`), mostly in constant time; all else is left to the queue.

`listing` finds the triangles, `keys` computes and compares keys, `queue` keeps them.
See docs/engine.md, section 8. Source: Razin, Verbin and Cohen (NeurIPS 2023, arXiv:2211.16494), Algorithm 1 with L = 3.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from wis.engine.task import Task
from wis.engine.triangles.dense import first_removals
from wis.engine.triangles.edge_table import (
    BEFORE,
    BUCKET,
    COUNT,
    FREE,
    GONE,
    HEAD,
    LENGTH,
    LOWEST,
    RANKED,
    TAIL,
    edge_table,
    fallen,
    into_bucket,
    out_of_bucket,
)
from wis.engine.triangles.keys import (
    DONE,
    FLOOR,
    FRESH,
    KEY_COLUMNS,
    NEAR,
    ROUND,
    START,
    TOKENS,
    UNKNOWN,
    WIDTH,
    State,
    is_removed,
    token_value,
    upper_bound,
)
from wis.engine.triangles.listing import Triangles, list_triangles, walk_indices
from wis.engine.triangles.queue import IN_HEAP, bucket_of, pop_best, reevaluate, settle, sift_up
from wis.graphs.edge_list import EdgeList
from wis.kernels import inlined, kernel
from wis.progress import track

# Removals between two checks for Ctrl-C.
_SLICE = 1 << 12

# Buckets at most, by powers of two: more would cost memory and gain nothing.
_MOST_BUCKETS = 1 << 22

# Triangles at one edge at most: counts share 64 bits with values.
_MOST_COUNT = 1 << 24


def removal_order(task: Task) -> np.ndarray:
    """The exact greedy order of 2-WIS.

    Raises
    ------
    MemoryError
        If the triangles do not fit into memory.

    Notes
    -----
    Memory: 36 bytes a triangle, up to 24 more where long keys tie, and some 150 bytes a pair. Time: listing the
    triangles, constant time for each of them when it goes, and a pass over the triangles of an edge whenever it comes
    to the top of the queue. While a graph is so dense that rows of bits are faster, they are used (`dense`).
    """
    task.require(3)
    first = first_removals(task)
    if len(first) == 0:
        return by_lists(task)
    left = np.delete(np.arange(task.edges.num_pairs), first)
    rest = replace(
        task,
        edges=EdgeList(task.edges.num_nodes, task.edges.pairs[:, left]),
        limit=task.limit - len(first),
        priority=None if task.priority is None else task.priority[left],
    )
    return np.concatenate([first, left[by_lists(rest)]])


def by_lists(task: Task) -> np.ndarray:
    """The order of :func:`removal_order`, by lists of triangles only."""
    limit = task.limit
    if limit == 0:
        return np.empty(0, dtype=np.int64)
    state = _prepare(task, list_triangles(task.edges, progress=task.progress))
    order = np.empty(limit, dtype=np.int64)
    with track(limit, task.name, enabled=task.progress) as advance:
        while (done := int(state.counters[DONE])) < limit:
            _remove_best(state, order, min(done + _SLICE, limit), task.chunk)
            advance(int(state.counters[DONE]) - done)
    return order


def _prepare(task: Task, triangles: Triangles) -> State:
    n, m = task.edges.num_nodes, task.edges.num_pairs
    count = np.diff(triangles.start).astype(np.int32)
    most_count = int(count.max(initial=0))
    if most_count >= _MOST_COUNT:
        raise OverflowError(f"depth=3: a pair is in {most_count} triangles, more than {_MOST_COUNT - 1} do not fit")
    value = walk_indices(n, *task.edges.pairs, count)
    largest = int(value.max(initial=0))
    value[~task.targets()] = FREE
    # Where values are large, a bucket is a range of them, and the heap sorts what it holds.
    shift = max(largest.bit_length() - _MOST_BUCKETS.bit_length() + 1, 0)
    key = np.empty((m, KEY_COLUMNS), dtype=np.int64)
    key[:, START] = triangles.start[:-1]
    state = State(
        free=FREE,
        shift=shift,
        value=value,
        edge=edge_table(task, count),
        key=key,
        removed=np.zeros(m // 8 + 1, dtype=np.uint8),
        entries=triangles.entries,
        snapshot=np.empty(len(triangles.entries), dtype=np.int64),
        runs=np.empty((most_count + NEAR, 5), dtype=np.int64),
        by_value=np.empty(most_count, dtype=np.int64),
        first=np.full((largest >> shift) + 2, -1, dtype=np.int32),
        heap=np.empty(m, dtype=np.int32),
        counters=np.zeros(FRESH + WIDTH, dtype=np.int64),
    )
    state.counters[FLOOR] = len(state.first)
    _fill_buckets(state)
    return state


@kernel
def _fill_buckets(s: State) -> None:
    # Backwards, so that the first edge comes out first.
    for e in range(len(s.edge) - 1, -1, -1):
        into_bucket(s, e, bucket_of(s, upper_bound(s, e)))


@kernel
def _remove_best(s: State, order: np.ndarray, until: int, chunk: int) -> None:
    """Remove edges until so many are gone, ``chunk`` at a time."""
    while s.counters[DONE] < until:
        begin = s.counters[DONE]
        end = min(begin + chunk, len(order))
        # Chosen first, removed afterwards: keys of one chunk are all relative to the graph at its beginning.
        for i in range(begin, end):
            order[i] = pop_best(s)
        for i in range(begin, end):
            _remove(s, order[i])
        s.counters[DONE] = end
        s.counters[ROUND] += 1


@kernel
def _remove(s: State, e: int) -> None:
    """Take an edge out of the graph."""
    u, v = s.edge[e, TAIL], s.edge[e, HEAD]
    old_u, old_v = s.value[u], s.value[v]
    s.value[u] = fallen(s, u, s.edge[e, COUNT])
    s.value[v] = fallen(s, v, s.edge[e, COUNT])
    # Live triangles move to the front, where the second loop finds them. It must be a second one: bounds are right only
    # when all values have changed.
    begin = s.key[e, START]
    end = begin
    for i in range(begin, begin + s.edge[e, LENGTH]):
        w, uw, vw = s.entries[i, 0], s.entries[i, 1], s.entries[i, 2]
        if is_removed(s, uw) or is_removed(s, vw):
            continue
        s.entries[end, 0] = w
        s.entries[end, 1] = uw
        s.entries[end, 2] = vw
        end += 1
        if s.value[w] != s.free:
            s.value[w] -= 2
        s.edge[uw, COUNT] -= 1
        s.edge[vw, COUNT] -= 1
    s.removed[np.uint32(e) >> np.uint32(3)] |= np.uint8(1 << (e & 7))
    for i in range(begin, end):
        w, uw, vw = s.entries[i, 0], s.entries[i, 1], s.entries[i, 2]
        _refresh(s, uw, u, w, v, old_v)
        _refresh(s, vw, v, w, u, old_u)


@inlined
def _refresh(s: State, e: int, shared: int, other: int, lost: int, old_lost: int) -> None:
    """Keep what is stored of ``e = {shared, other}`` an upper bound, after ``{shared, lost}`` was removed.

    The first value of the key can rise only if ``lost`` was its lowest apex. Of the rest, the following changed: the
    value to which ``shared`` will fall, down; values of other apexes, down; and the contributions of ``lost`` and of
    the old value of ``other``, which can make the key better, but only from ``better`` on.
    """
    bucket = s.edge[e, BUCKET]
    if bucket == GONE:
        return
    if s.edge[e, LOWEST] == lost:
        # Without it the bound is that of the endpoints, which may be higher than where the edge is.
        s.edge[e, LOWEST] = -1
        if bucket != IN_HEAP and bucket_of(s, upper_bound(s, e)) > bucket:
            out_of_bucket(s, e)
            settle(s, e)
            return
    # In a bucket, nothing but the bound is in use.
    if bucket != IN_HEAP:
        return
    # Its value before the removal, which took a triangle from it.
    old_other = s.value[other]
    if old_other != s.free:
        old_other += 2
    better = min(old_lost, old_other) - 2
    if fallen(s, shared, s.edge[e, COUNT]) >= better:
        _forget(s, e, better)


@kernel
def _forget(s: State, e: int, value: int) -> None:
    """The key of an edge in the heap may be better than stored from this value on."""
    for i in range(WIDTH):
        # What is stored of smaller values still holds.
        if token_value(s.key[e, TOKENS + i]) < value:
            continue
        # Nothing would be left to compare by, not even the first value.
        if i == 0:
            reevaluate(s, e)
            return
        if s.key[e, TOKENS + i] == UNKNOWN:
            return
        for j in range(i, WIDTH):
            s.key[e, TOKENS + j] = UNKNOWN
        break
    s.edge[e, RANKED] = False
    sift_up(s, s.edge[e, BEFORE])
