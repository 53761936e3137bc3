"""1-WIS (depth 2) of an undirected graph, exact: by degree levels, or by local maxima (docs/engine.md, section 7).

The walk index of ``t`` is one plus its degree (0 where it is isolated), so removing ``{u, v}`` touches two values only.
Written out, the comparison of the signed counts of values becomes: the next edge is the one whose *smaller* endpoint
degree is largest; among those, the one whose *larger* endpoint degree is largest; among those, the first by priority.
(A value that cancels, as where the larger degree is the smaller plus one, and the value 0 of an isolated vertex do not
change this order.) A vertex that is no target contributes no value, which is the same as an infinite degree that never
falls.

Both degrees only fall, so the smaller one of the next edge, the *level* ``k``, only falls too:

* At level ``k`` no edge joins two vertices of degree above ``k``. A vertex of degree ``k``, a *member*, takes part in
  at most one removal and then has left the level. Members are all that must be looked at.
* When the work comes down to the degree of its best neighbours (an *event*), a member is entered in the lists of all of
  these, its *owners*; if it is not taken there, its next event is at the degree of its next best neighbours.
* Owners of one degree take turns by the priority of the first member in their list; one that removes an edge falls to
  the next lower degree, list and all. Nothing else has to be updated.

Vertices are renumbered by falling degree, and arcs sorted by that number. As degrees only fall, the search for a best
neighbour ends at the first one whose starting degree is too small.

Dense graphs, and orders of most of the edges, take `local_maxima` instead, which gives the same order.
"""

from __future__ import annotations

import numpy as np

from wis.engine.degrees import local_maxima
from wis.engine.degrees.levels import DONE, IN_CHUNK, State, remove
from wis.engine.degrees.numbering import free_edges, number_vertices
from wis.engine.degrees.state import new_state
from wis.engine.task import Task
from wis.graphs.csr import check_size
from wis.kernels import compiled
from wis.progress import track
from wis.threads import num_threads

# Removals between two looks at Ctrl-C and the progress bar.
_SLICE = 1 << 17

# Mean degree from which on local maxima are faster than levels, however few edges go: with many neighbours in a level,
# nearly all entries in lists are in vain. There are too few maxima at a time for several threads then.
_DENSE = 48

# Share of the edges to remove from which on they are faster in any graph, and edges from which on threads pay.
_MOST = 0.75
_MANY = 1 << 18


def removal_order(task: Task) -> np.ndarray:
    """Exact greedy order of 1-WIS.

    O(m log m) time, plus the neighbours looked at and entered in lists at every level that a vertex is a member of;
    O(n + m) memory.
    """
    task.require(2)
    return by_degrees(task)


def by_degrees(task: Task) -> np.ndarray:
    """The order of :func:`removal_order`, whatever the depth of the task: that of 2-WIS too, without triangles."""
    check_size(task.edges.num_nodes, task.edges.num_pairs)
    threads = _threads_for_local_maxima(task)
    return local_maxima.removal_order(task, threads) if threads else by_levels(task)


def _threads_for_local_maxima(task: Task) -> int:
    """How many threads to look for local maxima with; 0 where levels are faster, or edges go by chunks."""
    m = task.edges.num_pairs
    if task.chunk > 1:
        return 0
    if 2 * m >= _DENSE * task.edges.num_nodes:
        return 1
    if task.limit < _MOST * m:
        return 0
    return num_threads() if m >= _MANY else 1


def by_levels(task: Task) -> np.ndarray:
    """The order of :func:`removal_order`, by degree levels, on one core."""
    limit, priority = task.limit, task.priority
    with track(limit, task.name, enabled=task.progress) as advance:
        state = _prepare(task)
        done = int(state.counters[DONE])
        advance(done)
        while done < limit:
            remove(state, task.chunk, min(done + _SLICE, limit))
            advance(int(state.counters[DONE]) - done)
            done = int(state.counters[DONE])
    # The state is large; it goes before the order is copied.
    order = state.order
    del state
    if priority is None:
        return order.astype(np.int64)
    pair_of_edge = np.empty(len(priority), dtype=np.int32)
    pair_of_edge[priority] = np.arange(len(priority), dtype=np.int32)
    return pair_of_edge[order].astype(np.int64)


def _prepare(task: Task) -> State:
    """Number the vertices, sort them by degree, and remove the edges that touch no target: they go first."""
    pairs, limit, is_target = task.edges.pairs, task.limit, task.targets()
    n, m = task.edges.num_nodes, task.edges.num_pairs
    edge_of_pair = np.empty(0, dtype=np.int64) if task.priority is None else task.priority
    number, degree = np.empty(n, dtype=np.int32), np.empty(n, dtype=np.int32)
    cut = number_vertices(pairs, is_target, number, degree)
    first = np.zeros(n + 2, dtype=np.uint32)
    arcs = _arcs(pairs, is_target, edge_of_pair, number, degree, first)
    first = first[: n + 1]
    free = free_edges(pairs, is_target, edge_of_pair)
    order = np.empty(limit, dtype=np.int32)
    num_free = min(len(free), limit)
    order[:num_free] = free[:num_free]
    name = np.empty(n, dtype=np.int32)
    name[number] = np.arange(n, dtype=np.int32)
    state = new_state(name, first, arcs, cut, degree, m, min(task.chunk, limit), order)
    state.counters[DONE] = num_free
    state.counters[IN_CHUNK] = num_free % task.chunk
    return state


@compiled
def _arcs(
    pairs: np.ndarray,
    is_target: np.ndarray,
    edge_of_pair: np.ndarray,
    number: np.ndarray,
    degree: np.ndarray,
    first: np.ndarray,
) -> np.ndarray:
    """The arcs out of every target; fills ``first`` (zeros ``[n + 2]``) with where those of each vertex begin."""
    n, m = len(number), pairs.shape[1]
    # Only members look at their arcs, and a vertex of infinite degree is never one. One place more than needed: while
    # arcs are put in, first[x + 1] is where the next one of x goes.
    for x in range(n):
        if is_target[x]:
            first[number[x] + 2] = degree[number[x]]
    for x in range(n):
        first[x + 2] += first[x + 1]
    arcs = np.empty(first[n + 1], dtype=np.int64)
    for p in range(m):
        u, v = pairs[0, p], pairs[1, p]
        e = edge_of_pair[p] if len(edge_of_pair) else p
        if is_target[u]:
            _put(first, arcs, number[u], number[v], e)
        if is_target[v]:
            _put(first, arcs, number[v], number[u], e)
    return arcs


@compiled
def _put(first: np.ndarray, arcs: np.ndarray, x: int, y: int, e: int) -> None:
    arcs[first[x + 1]] = np.int64(y) << 32 | e
    first[x + 1] += 1
