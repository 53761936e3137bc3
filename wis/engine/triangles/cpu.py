"""2-WIS (depth 3) of an undirected graph, exact: degrees and triangles, no walk and no matrix power.

The walk index of ``t`` is ``1 + 3 d_t + 2 tau_t`` (0 where it is isolated), with its degree and number of triangles.
Removing ``{u, v}``, an edge in ``c`` triangles, lowers those of ``u`` and ``v`` by ``3 + 2 c`` and those of the ``c``
apexes, the third vertices of these, by 2. Keys of edges only fall, with one exception: after the removal of ``{u, w}``,
the key of an edge ``{u, v}`` of the same triangle no longer contains ``w``. So every stored key is an upper bound but
those, which are looked at after each removal (`_refresh`), mostly in constant time; all else is left to the queue.
Once there is no triangle left, values are three times the degrees, and the rest of the order is that of 1-WIS.

`apexes` finds the triangles of an edge, `keys` and `snapshots` compute and compare keys, `queue` keeps them.
See docs/engine.md, section 8. Source: Razin, Verbin and Cohen (NeurIPS 2023, arXiv:2211.16494), Algorithm 1 with L = 3.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from wis.engine.degrees.cpu import by_degrees
from wis.engine.task import Task
from wis.engine.triangles.apexes import Arcs, make_arcs, take_out
from wis.engine.triangles.dense import first_removals
from wis.engine.triangles.edge_table import (
    BEFORE,
    BUCKET,
    COUNT,
    FREE,
    GONE,
    HEAD,
    HUB,
    LOWEST,
    SNAPSHOT,
    TAIL,
    edge_table,
    fallen,
    into_bucket,
    out_of_bucket,
)
from wis.engine.triangles.keys import UNKNOWN, token_value
from wis.engine.triangles.listing import Triangles, count_triangles, list_triangles, walk_indices
from wis.engine.triangles.memory import lists_fit, most_triangles, say_what_searching_needs
from wis.engine.triangles.queue import bucket_of, pop_best, reevaluate, settle, sift_up
from wis.engine.triangles.snapshots import snapshot_size
from wis.engine.triangles.state import (
    APEX,
    COUNTERS,
    DONE,
    ENTRY_COLUMNS,
    FLOOR,
    GOING_COLUMNS,
    HEAD_EDGE,
    IN_HEAP,
    KEY_COLUMNS,
    NEAR,
    ROUND,
    RUN_COLUMNS,
    START,
    TAIL_EDGE,
    TOKENS,
    TRIANGLES,
    WIDTH,
    State,
    upper_bound,
)
from wis.graphs.edge_list import EdgeList
from wis.kernels import inlined, kernel
from wis.progress import track

# Removals between two checks for Ctrl-C.
_SLICE = 1 << 12

# Buckets at most, by powers of two: more would cost memory and gain nothing.
_MOST_BUCKETS = 1 << 22

# Triangles at one edge at most: counts share 64 bits with values.
_MOST_COUNT = 1 << 24

# Numbers in the pool of snapshots, for each pair.
_POOL = 1.0

# Triangles left, for each pair, from which on they are listed once that is possible.
_FEW_TRIANGLES = 1


def removal_order(task: Task) -> np.ndarray:
    """The exact greedy order of 2-WIS.

    Notes
    -----
    Memory: up to 170 bytes a pair, 12 a vertex, and 12 a triangle for lists of them (24 where a vertex has more than
    2^16 neighbours). Where the lists are larger than ``task.memory`` or, if that is None, than what is free, triangles
    are searched for in their place until those that are left fit. Time: listing the triangles, constant time for each
    of them when it goes, and a pass over the triangles of an edge whenever it comes to the top of the queue; searching,
    a pass over the neighbours of its ends. While a graph is so dense that rows of bits are faster, they are used
    (`dense`); where it has no triangles (any more), it takes no longer than 1-WIS.
    """
    task.require(3)
    found = []
    left = np.arange(task.edges.num_pairs)
    for remove in (first_removals, by_search, by_lists, by_degrees):
        first = remove(task)
        found.append(left[first])
        if len(first) == task.limit:
            break
        if len(first) > 0:
            task, left = _without(task, first), np.delete(left, first)
    return np.concatenate(found)


def by_search(task: Task) -> np.ndarray:
    """The first edges of the order of :func:`removal_order`, while lists of the triangles left take more than they may.

    Returns
    -------
    np.ndarray
        int64 ``[k]``: positions of pairs; ``k`` is ``limit`` or a multiple of ``chunk``, and 0 where the lists fit.
    """
    most_neighbours = int(task.edges.degrees().max(initial=0))
    if lists_fit(task, most_triangles(task.edges), most_neighbours):
        return np.empty(0, dtype=np.int64)
    count = count_triangles(task.edges, progress=task.progress)
    if lists_fit(task, num_triangles := int(count.sum(dtype=np.int64)) // 3, most_neighbours):
        return np.empty(0, dtype=np.int64)
    say_what_searching_needs(task, num_triangles, most_neighbours)
    state = _prepare(task, count, make_arcs(task.edges))
    return _removals(task, state, "searching for triangles", lambda: _searching_is_over(task, state, most_neighbours))


def by_lists(task: Task, threads: int | None = None) -> np.ndarray:
    """The first edges of the order of :func:`removal_order`, by lists of triangles, while there are any.

    So many threads make the lists; None: as pay. Returns int64 ``[k]``: positions of pairs; ``k`` is ``limit`` or a
    multiple of ``chunk``.
    """
    if task.limit == 0 or _are_gone(most_triangles(task.edges)):
        return np.empty(0, dtype=np.int64)
    arcs = make_arcs(task.edges)
    listed = list_triangles(task.edges, arcs, threads=threads, progress=task.progress)
    if _are_gone(len(listed.entries)):
        return np.empty(0, dtype=np.int64)
    state = _prepare(task, np.diff(listed.start).astype(np.int32), arcs, listed)
    return _removals(task, state, "by lists of triangles", lambda: _are_gone(int(state.counters[TRIANGLES])))


def _are_gone(triangles: int) -> bool:
    """Whether the rest goes by degrees."""
    return triangles == 0


def _removals(task: Task, state: State, way: str, is_over: Callable[[], bool]) -> np.ndarray:
    """Removals until all that were asked for are done, or it is over."""
    limit, order = task.limit, np.empty(task.limit, dtype=np.int64)
    with track(limit, f"{task.name}, {way}", enabled=task.progress) as advance:
        done = 0
        while done < limit and not is_over():
            _remove_best(state, order, min(done + _SLICE, limit), task.chunk)
            advance(int(state.counters[DONE]) - done)
            done = int(state.counters[DONE])
    return order[:done]


def _searching_is_over(task: Task, state: State, most_neighbours: int) -> bool:
    """Whether triangles are gone, or lists of those left fit, and these are not so few that they are found as fast."""
    triangles, left = int(state.counters[TRIANGLES]), task.edges.num_pairs - int(state.counters[DONE])
    pay = triangles > _FEW_TRIANGLES * left and lists_fit(task, triangles, most_neighbours)
    return pay or _are_gone(triangles)


def _without(task: Task, pairs: np.ndarray) -> Task:
    """What is left of a task when pairs have been removed."""
    left = np.delete(np.arange(task.edges.num_pairs), pairs)
    priority = task.priority
    if priority is not None:  # a permutation again
        by_priority = np.argsort(priority[left])
        priority = np.empty(len(left), dtype=np.int64)
        priority[by_priority] = np.arange(len(left))
    return replace(
        task,
        edges=EdgeList(task.edges.num_nodes, task.edges.pairs[:, left]),
        limit=task.limit - len(pairs),
        priority=priority,
    )


def _prepare(task: Task, count: np.ndarray, arcs: Arcs, listed: Triangles | None = None) -> State:
    """The state at the beginning, in which triangles are searched for unless they are listed."""
    n, m = task.edges.num_nodes, task.edges.num_pairs
    most_count = int(count.max(initial=0))
    if most_count >= _MOST_COUNT:
        raise OverflowError(f"depth=3: a pair is in {most_count} triangles, more than {_MOST_COUNT - 1} do not fit")
    value = walk_indices(n, *task.edges.pairs, count)
    largest = int(value.max(initial=0))
    value[~task.targets()] = FREE
    # Where values are large, a bucket is a range of them, and the heap sorts what it holds.
    shift = max(largest.bit_length() - _MOST_BUCKETS.bit_length() + 1, 0)
    key = np.empty((m, KEY_COLUMNS), dtype=np.int64)
    key[:, START] = 0 if listed is None else listed.start[:-1]
    pool = int(_POOL * m)
    state = State(
        free=FREE,
        shift=shift,
        searched=listed is None,
        value=value,
        edge=edge_table(task, count),
        key=key,
        entries=np.empty_like(arcs.numbers, shape=(most_count, ENTRY_COLUMNS)) if listed is None else listed.entries,
        going=np.empty((most_count, GOING_COLUMNS), dtype=np.int32),
        place=arcs.place,
        arcs=arcs.arcs,
        arc_edge=arcs.arc_edge,
        snapshot=np.empty(pool + 2 * snapshot_size(most_count), dtype=np.int64),
        pool=pool,
        runs=np.empty((most_count + NEAR, RUN_COLUMNS), dtype=np.int64),
        first=np.full((largest >> shift) + 2, -1, dtype=np.int32),
        group=np.full(n, -1, dtype=np.int32),
        group_value=np.empty(n, dtype=np.int64),
        heap=np.empty(m, dtype=np.int32),
        counters=np.zeros(COUNTERS, dtype=np.int64),
    )
    state.counters[FLOOR] = len(state.first)
    state.counters[TRIANGLES] = int(count.sum(dtype=np.int64)) // 3
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
    take_out(s, e)
    s.counters[TRIANGLES] -= s.edge[e, COUNT]
    for i in range(s.edge[e, COUNT]):
        w = s.going[i, APEX]
        if s.value[w] != s.free:
            s.value[w] -= 2
        _lose_triangle(s, s.going[i, TAIL_EDGE])
        _lose_triangle(s, s.going[i, HEAD_EDGE])
    # In a second pass: bounds are right only when all values have changed.
    for i in range(s.edge[e, COUNT]):
        w = s.going[i, APEX]
        _refresh(s, s.going[i, TAIL_EDGE], u, w, v, old_v)
        _refresh(s, s.going[i, HEAD_EDGE], v, w, u, old_u)


@inlined
def _lose_triangle(s: State, e: int) -> None:
    s.edge[e, COUNT] -= 1
    if s.edge[e, COUNT] == 0:
        s.edge[e, HUB] = -1


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
            reevaluate(s, np.int64(e))
            return
        if s.key[e, TOKENS + i] == UNKNOWN:
            return
        for j in range(i, WIDTH):
            s.key[e, TOKENS + j] = UNKNOWN
        break
    s.edge[e, SNAPSHOT] = -1
    sift_up(s, s.edge[e, BEFORE])
