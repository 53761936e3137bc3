"""1-WIS (depth 2) of an undirected graph, exact: by degree levels, in nearly linear time.

The walk index of ``t`` is one plus its degree (0 where it is isolated), so removing ``{u, v}`` touches two values only.
Written out, the comparison of DESIGN's signed counts becomes: the next edge is the one whose *smaller* endpoint degree is
largest; among those, the one whose *larger* endpoint degree is largest; among those, the first by priority. (A value
that cancels, as where the larger degree is the smaller plus one, and the value 0 of an isolated vertex do not change
this order.) A vertex that is no target contributes no value, which is the same as an infinite degree that never falls.

Both degrees only fall, so the smaller one of the next edge, the *level* ``k``, only falls too:

* At level ``k`` no edge joins two vertices of degree above ``k``. A vertex of degree ``k``, a *member*, takes part in at
  most one removal and then has left the level. Members are all that must be looked at.
* Each member is entered in the list of its neighbour of largest degree, the *owner*. Owners wait in a heap, by degree
  and then by the priority of the first member in their list. The owner on top removes that edge, its degree falls by
  one, and it goes back into the heap: nothing else has to be updated.
* A member that is still there when the level comes down to the degree of its next best neighbours is entered in their
  lists as well (an *event* in the same heap).

Vertices are renumbered by falling degree, and arcs sorted by that number. As degrees only fall, the search for a best
neighbour ends at the first one whose starting degree is too small, after a short part of the list and in the small,
hot part of the arrays.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from wis.graphs import EdgeList
from wis.progress import track

# Removals between two looks at Ctrl-C and the progress bar: some 0.1 s.
_SLICE = 1 << 17

# Positions in the array of counters.
_LEVEL, _OPEN, _HEAP, _POOL, _OWNERS, _DONE, _IN_CHUNK, _PENDING, _CROSSED, _INFINITE = range(10)

# Order of heap entries for one degree: events, then owners whose list is not sorted yet, then owners by first edge.
_EVENT, _UNSORTED, _FIRST_EDGE = 0, 1, 2

_LOW = (1 << 32) - 1


class _State(NamedTuple):
    """Everything the kernels work on. Vertices are numbered by falling degree, edges by priority."""

    counters: np.ndarray  # int64 [10]
    first: np.ndarray  # int64 [n + 1]: where the arcs of a vertex begin
    length: np.ndarray  # int32 [n]: how many there are; complemented while they are unsorted
    arcs: np.ndarray  # int64: neighbour << 32 | edge
    cut: np.ndarray  # int32 [infinite + 2]: number of vertices that had at least this degree at the start
    removed: np.ndarray  # uint8: one bit an edge
    degree: np.ndarray  # int32 [n]
    opening: np.ndarray  # int32 [n]: degree when the level was opened; kept up to date for members
    by_degree: np.ndarray  # int32 [n]: vertices by rising degree
    place: np.ndarray  # int32 [n]: where a vertex stands in by_degree
    bins: np.ndarray  # int32 [infinite + 2]: where the vertices of each degree begin in by_degree
    list_of: np.ndarray  # int32 [n]: the first entry of an owner's list in the pool, -1 for none
    owners: np.ndarray  # int32 [n]: vertices that own a list at this level
    pool: np.ndarray  # int64 [m, 2]: list entries, edge << 32 | member, and the next entry or -1
    heap: np.ndarray  # int64 [2 n, 2]: key and vertex, smallest key first
    pending: np.ndarray  # int64: removals of this chunk, u << 32 | v: their degrees still stand
    order: np.ndarray  # int32 [limit]: edges removed


def removal_order(
    edges: EdgeList,
    *,
    depth: int = 2,
    is_target: np.ndarray | None = None,
    priority: np.ndarray | None = None,
    chunk: int = 1,
    limit: int,
    progress: bool = False,
) -> np.ndarray:
    """Exact greedy order of 1-WIS.

    Parameters
    ----------
    edges
        Undirected pairs.
    depth
        2, the only depth that this module computes.
    is_target
        bool ``[n]``: whose walk indices count. None: all.
    priority
        int64 ``[m]``, a permutation: the smaller wins a tie. None: canonical order.
    chunk
        Number of edges removed per evaluation.
    limit
        Number of edges to remove, at most ``m``.
    progress
        Show progress.

    Returns
    -------
    np.ndarray
        int64 ``[limit]``: positions of pairs, first removed first.

    Notes
    -----
    O(m log m) time plus the neighbours looked at, at most the sum over edges of the smaller endpoint degree; on graphs
    with heavy tails a small constant an edge. About 24 bytes a pair and 40 a vertex beyond ``edges``.
    """
    if depth != 2 or edges.directed:
        raise ValueError(f"only depth 2 of undirected graphs, got depth {depth}, directed={edges.directed}")
    if max(edges.num_nodes, edges.num_pairs) >= 1 << 31:
        raise OverflowError(f"at most 2**31 - 1 vertices and pairs fit, got {edges.num_nodes} and {edges.num_pairs}")
    state = _prepare(edges, is_target, priority, chunk, limit)
    with track(limit, "1-WIS", enabled=progress) as advance:
        done = int(state.counters[_DONE])
        advance(done)
        while done < limit:
            _remove(state, chunk, min(done + _SLICE, limit))
            advance(int(state.counters[_DONE]) - done)
            done = int(state.counters[_DONE])
    order = state.order
    del state
    if priority is None:
        return order.astype(np.int64)
    pair_of_edge = np.empty(edges.num_pairs, dtype=np.int32)
    pair_of_edge[priority] = np.arange(edges.num_pairs, dtype=np.int32)
    return pair_of_edge[order].astype(np.int64)


def _prepare(
    edges: EdgeList, is_target: np.ndarray | None, priority: np.ndarray | None, chunk: int, limit: int
) -> _State:
    """Number the vertices, sort them by degree, and remove the edges that touch no target: they go first."""
    n, m = edges.num_nodes, edges.num_pairs
    is_target = np.ones(n, dtype=np.bool_) if is_target is None else is_target
    edge_of_pair = np.empty(0, dtype=np.int64) if priority is None else priority
    number, degree, cut = _number(edges.pairs, is_target)
    first, arcs, free = _arcs(edges.pairs, is_target, edge_of_pair, number, degree)
    infinite = len(cut) - 2
    order = np.empty(limit, dtype=np.int32)
    num_free = min(len(free), limit)
    order[:num_free] = np.sort(free)[:num_free]
    counters = np.zeros(10, dtype=np.int64)
    counters[_INFINITE] = infinite
    counters[_LEVEL] = infinite - 1
    counters[_DONE] = num_free
    counters[_IN_CHUNK] = num_free % chunk
    by_degree = np.arange(n - 1, -1, -1, dtype=np.int32)
    # Memory of the lists, the heap and the chunk is only touched, and so only taken, as far as they grow.
    return _State(
        counters=counters,
        first=first,
        length=~np.diff(first).astype(np.int32),
        arcs=arcs,
        cut=cut,
        removed=np.zeros(m // 8 + 1, dtype=np.uint8),
        degree=degree,
        opening=degree.copy(),
        by_degree=by_degree,
        place=by_degree.copy(),
        bins=n - cut,
        list_of=np.full(n, -1, dtype=np.int32),
        owners=np.empty(n, dtype=np.int32),
        pool=np.empty((m, 2), dtype=np.int64),
        heap=np.empty((2 * n, 2), dtype=np.int64),
        pending=np.empty(min(chunk, limit), dtype=np.int64),
        order=order,
    )


@njit(cache=True, nogil=True)
def _number(pairs, is_target):
    """Number vertices by falling degree, those that are no target first: their degree is infinite."""
    n = len(is_target)
    count = np.zeros(n, dtype=np.int32)
    for i in range(2):
        for x in pairs[i]:
            count[x] += 1
    infinite = 1
    for x in range(n):
        if is_target[x]:
            infinite = max(infinite, count[x] + 1)
    cut = np.zeros(infinite + 2, dtype=np.int32)
    for x in range(n):
        if not is_target[x]:
            count[x] = infinite
        cut[count[x]] += 1
    for d in range(infinite, -1, -1):
        cut[d] += cut[d + 1]
    following = cut[1:].copy()
    number = np.empty(n, dtype=np.int32)
    degree = np.empty(n, dtype=np.int32)
    for x in range(n):
        number[x] = following[count[x]]
        degree[number[x]] = count[x]
        following[count[x]] += 1
    return number, degree, cut


@njit(cache=True, nogil=True)
def _arcs(pairs, is_target, edge_of_pair, number, degree):
    """The arcs out of every target; and, apart, the edges that touch no target."""
    n, m = len(number), pairs.shape[1]
    num_free = 0
    first = np.zeros(n + 2, dtype=np.int64)
    for x in range(n):
        if is_target[x]:
            first[number[x] + 2] = degree[number[x]]
    for x in range(n):
        first[x + 2] += first[x + 1]
    arcs = np.empty(first[n + 1], dtype=np.int64)
    for p in range(m):
        num_free += not is_target[pairs[0, p]] and not is_target[pairs[1, p]]
    free = np.empty(num_free, dtype=np.int32)
    for p in range(m):
        u, v = pairs[0, p], pairs[1, p]
        e = edge_of_pair[p] if len(edge_of_pair) else p
        if is_target[u]:
            _put(first, arcs, number[u], number[v], e)
        if is_target[v]:
            _put(first, arcs, number[v], number[u], e)
        if not is_target[u] and not is_target[v]:
            num_free -= 1
            free[num_free] = e
    return first[: n + 1], arcs, free


@njit(cache=True, nogil=True)
def _put(first, arcs, x, y, e):
    arcs[first[x + 1]] = np.int64(y) << 32 | e
    first[x + 1] += 1


# The functions below take the arrays that they use one by one: a call with the whole state would copy and count
# references to all of them, which costs more than the work.


@njit(cache=True, nogil=True)
def _remove(state, chunk, stop):
    """Remove edges until ``stop`` of them are gone."""
    counters, degree, removed = state.counters, state.degree, state.removed
    list_of, pool, heap, order, pending = state.list_of, state.pool, state.heap, state.order, state.pending
    while counters[_DONE] < stop:
        if not counters[_OPEN]:
            _open_level(state)
            continue
        if counters[_HEAP] == 0:
            _close_level(counters, degree, state.opening, list_of, state.owners)
            counters[_LEVEL] -= 1
            counters[_CROSSED] = counters[_IN_CHUNK] > 0
            continue
        level, x = counters[_LEVEL], heap[0, 1]
        key_degree = counters[_INFINITE] - (heap[0, 0] >> 33)
        kind = heap[0, 0] & ((1 << 33) - 1)
        if kind == _EVENT:
            _pop(counters, heap)
            if degree[x] == level:
                _enter_next(state, x, key_degree)
            continue
        if kind == _UNSORTED:
            list_of[x] = _sort_list(pool, list_of[x])
        elif degree[x] == key_degree and _is_live(pool[list_of[x], 0], level, degree, removed):
            _take(pool[list_of[x], 0], x, counters, removed, order, pending)
            if counters[_IN_CHUNK] == chunk and _end_chunk(state):
                continue
        _requeue(x, counters, degree, removed, list_of, pool, heap)


@njit(cache=True, nogil=True)
def _open_level(state):
    """Enter every vertex whose degree is that of the level in the lists of its best neighbours."""
    counters, first, length, arcs, removed = state.counters, state.first, state.length, state.arcs, state.removed
    degree, opening, cut, by_degree = state.degree, state.opening, state.cut, state.by_degree
    list_of, owners, pool, heap = state.list_of, state.owners, state.pool, state.heap
    level = counters[_LEVEL]
    counters[_OPEN] = True
    for i in range(state.bins[level], state.bins[level + 1]):
        x = by_degree[i]
        _tidy(x, first, length, arcs, removed, degree)
        best, second = _best_two(x, level, counters[_INFINITE] + 1, first, length, arcs, removed, opening, cut)
        if best >= level:
            _enter(x, best, counters, first, length, arcs, removed, opening, cut, list_of, owners, pool, heap)
        if second >= level:
            _push(second, _EVENT, x, counters, heap)


@njit(cache=True, nogil=True)
def _enter_next(state, x, degree):
    """An event: enter the member in the lists of the neighbours of this degree, and announce the next ones."""
    counters, first, length, arcs, removed = state.counters, state.first, state.length, state.arcs, state.removed
    opening, cut = state.opening, state.cut
    list_of, owners, pool, heap = state.list_of, state.owners, state.pool, state.heap
    _enter(x, degree, counters, first, length, arcs, removed, opening, cut, list_of, owners, pool, heap)
    following, _ = _best_two(x, counters[_LEVEL], degree, first, length, arcs, removed, opening, cut)
    if following >= counters[_LEVEL]:
        _push(following, _EVENT, x, counters, heap)


@njit(cache=True, nogil=True)
def _close_level(counters, degree, opening, list_of, owners):
    for i in range(counters[_OWNERS]):
        x = owners[i]
        list_of[x] = -1
        opening[x] = degree[x]
    counters[_OPEN] = counters[_HEAP] = counters[_POOL] = counters[_OWNERS] = 0


@njit(cache=True, nogil=True)
def _take(entry, owner, counters, removed, order, pending):
    """Remove the edge of a list entry; degrees follow at the end of the chunk."""
    e = entry >> 32
    removed[e >> 3] |= np.uint8(1 << (e & 7))
    order[counters[_DONE]] = e
    pending[counters[_PENDING]] = (entry & _LOW) << 32 | owner
    counters[_DONE] += 1
    counters[_PENDING] += 1
    counters[_IN_CHUNK] += 1


@njit(cache=True, nogil=True)
def _end_chunk(state):
    """Lower the degrees; if the chunk began at a higher level, the present one must be opened anew."""
    counters, pending, degree, opening = state.counters, state.pending, state.degree, state.opening
    by_degree, place, bins = state.by_degree, state.place, state.bins
    crossed = counters[_CROSSED] > 0
    # Members follow at once. Owners keep their opening degree until the level closes.
    up_to = counters[_INFINITE] if crossed else counters[_LEVEL]
    for i in range(counters[_PENDING]):
        for x in (pending[i] >> 32, pending[i] & _LOW):
            if degree[x] < counters[_INFINITE]:
                _lower(x, degree, by_degree, place, bins)
                if opening[x] <= up_to:
                    opening[x] = degree[x]
    counters[_PENDING] = counters[_IN_CHUNK] = counters[_CROSSED] = 0
    if crossed:
        _close_level(counters, degree, opening, state.list_of, state.owners)
    return crossed


@njit(cache=True, nogil=True)
def _lower(x, degree, by_degree, place, bins):
    """Take one from a degree: the vertex changes places with the first of its bin, which then begins after it."""
    d = degree[x]
    at, start = place[x], bins[d]
    y = by_degree[start]
    by_degree[start], by_degree[at] = x, y
    place[x], place[y] = start, at
    bins[d] = start + 1
    degree[x] = d - 1


@njit(cache=True, nogil=True)
def _is_removed(e, removed):
    return removed[e >> 3] >> (e & 7) & 1


@njit(cache=True, nogil=True)
def _is_live(entry, level, degree, removed):
    """Whether the member of a list entry is still at the level, and their edge there."""
    return degree[entry & _LOW] == level and not _is_removed(entry >> 32, removed)


@njit(cache=True, nogil=True)
def _requeue(x, counters, degree, removed, list_of, pool, heap):
    """Give the owner on top of the heap the key of its degree and its next live member, or take it out."""
    level, i = counters[_LEVEL], list_of[x]
    while i >= 0 and not _is_live(pool[i, 0], level, degree, removed):
        i = pool[i, 1]
    list_of[x] = i
    if i < 0 or degree[x] < level:
        _pop(counters, heap)
    else:
        _sift_down(_key(degree[x], _FIRST_EDGE + (pool[i, 0] >> 32), counters), x, counters, heap)


@njit(cache=True, nogil=True)
def _tidy(x, first, length, arcs, removed, degree):
    """Drop removed arcs where they are many, and sort the arcs when they are first used."""
    start, end = first[x], first[x]
    unsorted = length[x] < 0
    stored = ~length[x] if unsorted else length[x]
    if not unsorted and stored <= degree[x] + degree[x] // 4 + 4:
        return
    for i in range(start, start + stored):
        arc = arcs[i]
        if not _is_removed(arc & _LOW, removed):
            arcs[end] = arc
            end += 1
    length[x] = end - start
    if unsorted:
        _sort(arcs, start, end)


@njit(cache=True, nogil=True)
def _sort(values, start, end):
    if end - start > 24:
        values[start:end].sort()
        return
    for i in range(start + 1, end):
        value = values[i]
        while i > start and values[i - 1] > value:
            values[i] = values[i - 1]
            i -= 1
        values[i] = value


@njit(cache=True, nogil=True)
def _best_two(x, level, below, first, length, arcs, removed, opening, cut):
    """The two largest different degrees below a bound among the neighbours; level - 1 where there is none."""
    best = second = level - 1
    limit = cut[second + 1]
    for i in range(first[x], first[x] + length[x]):
        y = arcs[i] >> 32
        if y >= limit:
            break
        d = opening[y]
        if second < d < below and d != best and not _is_removed(arcs[i] & _LOW, removed):
            best, second = max(best, d), min(best, d)
            limit = cut[second + 1]
    return best, second


@njit(cache=True, nogil=True)
def _enter(x, degree, counters, first, length, arcs, removed, opening, cut, list_of, owners, pool, heap):
    """Enter a member in the lists of all its neighbours that opened the level with this degree."""
    among_members = degree == counters[_LEVEL]
    limit = cut[degree]
    for i in range(first[x], first[x] + length[x]):
        y = arcs[i] >> 32
        if y >= limit:
            break
        e = arcs[i] & _LOW
        # An edge between two members belongs in one list, that of the smaller number.
        if opening[y] != degree or (among_members and y > x) or _is_removed(e, removed):
            continue
        if list_of[y] < 0:
            owners[counters[_OWNERS]] = y
            counters[_OWNERS] += 1
            _push(degree, _UNSORTED, y, counters, heap)
        at = counters[_POOL]
        pool[at, 0], pool[at, 1] = e << 32 | x, list_of[y]
        list_of[y] = at
        counters[_POOL] = at + 1


@njit(cache=True, nogil=True)
def _sort_list(pool, head):
    """Sort a linked list by merging runs of 1, 2, 4, ... entries; returns its new first entry."""
    width, merges = 1, 2
    while merges > 1:
        rest, head, tail, merges = head, -1, -1, 0
        while rest >= 0:
            merges += 1
            left, right, num_left, num_right = rest, rest, 0, width
            while num_left < width and right >= 0:
                right = pool[right, 1]
                num_left += 1
            while num_left > 0 or (num_right > 0 and right >= 0):
                if num_left > 0 and (num_right == 0 or right < 0 or pool[left, 0] < pool[right, 0]):
                    at, left = left, pool[left, 1]
                    num_left -= 1
                else:
                    at, right = right, pool[right, 1]
                    num_right -= 1
                if tail < 0:
                    head = at
                else:
                    pool[tail, 1] = at
                tail = at
            rest = right
        pool[tail, 1] = -1
        width *= 2
    return head


@njit(cache=True, nogil=True)
def _key(degree, kind, counters):
    """Larger degrees first, then by kind."""
    return (counters[_INFINITE] - degree) << 33 | kind


@njit(cache=True, nogil=True)
def _push(degree, kind, x, counters, heap):
    key = _key(degree, kind, counters)
    at = counters[_HEAP]
    counters[_HEAP] = at + 1
    while at > 0:
        parent = (at - 1) >> 1
        if heap[parent, 0] <= key:
            break
        heap[at, 0], heap[at, 1] = heap[parent, 0], heap[parent, 1]
        at = parent
    heap[at, 0], heap[at, 1] = key, x


@njit(cache=True, nogil=True)
def _pop(counters, heap):
    size = counters[_HEAP] - 1
    counters[_HEAP] = size
    if size > 0:
        _sift_down(heap[size, 0], heap[size, 1], counters, heap)


@njit(cache=True, nogil=True)
def _sift_down(key, x, counters, heap):
    """Put an entry in the place of the top one, and restore the heap."""
    size, at = counters[_HEAP], 0
    while True:
        child = 2 * at + 1
        if child >= size:
            break
        if child + 1 < size and heap[child + 1, 0] < heap[child, 0]:
            child += 1
        if heap[child, 0] >= key:
            break
        heap[at, 0], heap[at, 1] = heap[child, 0], heap[child, 1]
        at = child
    heap[at, 0], heap[at, 1] = key, x
