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
_LEVEL, _OPEN, _HEAP, _POOL, _OWNERS, _DONE, _IN_CHUNK, _PENDING, _CROSSED = range(9)

# Order of heap entries for one degree: events, then owners whose list is not sorted yet, then owners by first edge.
_EVENT, _UNSORTED, _FIRST_EDGE = 0, 1, 2

_LOW = (1 << 32) - 1


class _State(NamedTuple):
    """Everything the kernels work on. Vertices are numbered by falling degree, edges by priority."""

    counters: np.ndarray  # int64 [9]
    infinite: int  # the degree that stands for infinity, one more than the largest
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
    list_of: np.ndarray  # int32 [n]: the first entry of an owner's list, -1 for none
    owners: np.ndarray  # int32 [n]: vertices that own a list at this level
    pool_entry: np.ndarray  # int64: edge << 32 | member
    pool_next: np.ndarray  # int32: next entry of the same list, -1 for none
    heap_key: np.ndarray  # int64: smallest first
    heap_vertex: np.ndarray  # int32
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
    counters = np.zeros(9, dtype=np.int64)
    counters[_LEVEL] = infinite - 1
    counters[_DONE] = num_free
    counters[_IN_CHUNK] = num_free % chunk
    by_degree = np.arange(n - 1, -1, -1, dtype=np.int32)
    # Memory of the lists, the heap and the chunk is only touched, and so only taken, as far as they grow.
    return _State(
        counters=counters,
        infinite=infinite,
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
        pool_entry=np.empty(m, dtype=np.int64),
        pool_next=np.empty(m, dtype=np.int32),
        heap_key=np.empty(2 * n, dtype=np.int64),
        heap_vertex=np.empty(2 * n, dtype=np.int32),
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


@njit(cache=True, nogil=True)
def _remove(state, chunk, stop):
    """Remove edges until ``stop`` of them are gone."""
    counters = state.counters
    while counters[_DONE] < stop:
        if not counters[_OPEN]:
            _open_level(state)
        elif counters[_HEAP] == 0:
            _close_level(state)
            counters[_LEVEL] -= 1
            counters[_CROSSED] = counters[_IN_CHUNK] > 0
        else:
            _step(state, chunk)


@njit(cache=True, nogil=True)
def _open_level(state):
    """Enter every vertex whose degree is that of the level in the lists of its best neighbours."""
    level = state.counters[_LEVEL]
    state.counters[_OPEN] = True
    for i in range(state.bins[level], state.bins[level + 1]):
        x = state.by_degree[i]
        _tidy(state, x)
        best, second = _best_two(state, x, state.infinite + 1)
        if best >= level:
            _enter(state, x, best)
        if second >= level:
            _push(state, second, _EVENT, x)


@njit(cache=True, nogil=True)
def _close_level(state):
    counters = state.counters
    for i in range(counters[_OWNERS]):
        x = state.owners[i]
        state.list_of[x] = -1
        state.opening[x] = state.degree[x]
    counters[_OPEN] = counters[_HEAP] = counters[_POOL] = counters[_OWNERS] = 0


@njit(cache=True, nogil=True)
def _step(state, chunk):
    """Deal with the top of the heap: an event, or an owner that may remove an edge."""
    counters = state.counters
    level = counters[_LEVEL]
    x = state.heap_vertex[0]
    degree = state.infinite - (state.heap_key[0] >> 33)
    kind = state.heap_key[0] & ((1 << 33) - 1)
    if kind == _EVENT:
        _pop(state)
        if state.degree[x] == level:
            _enter(state, x, degree)
            following, _ = _best_two(state, x, degree)
            if following >= level:
                _push(state, following, _EVENT, x)
        return
    if kind == _UNSORTED:
        state.list_of[x] = _sort_list(state.pool_entry, state.pool_next, state.list_of[x])
    elif state.degree[x] == degree and _is_live(state, state.pool_entry[state.list_of[x]]):
        _take(state, state.pool_entry[state.list_of[x]], x)
        if counters[_IN_CHUNK] == chunk and _end_chunk(state):
            return
    _requeue(state, x)


@njit(cache=True, nogil=True)
def _take(state, entry, owner):
    """Remove the edge of a list entry; degrees follow at the end of the chunk."""
    counters = state.counters
    e = entry >> 32
    state.removed[e >> 3] |= np.uint8(1 << (e & 7))
    state.order[counters[_DONE]] = e
    state.pending[counters[_PENDING]] = (entry & _LOW) << 32 | owner
    counters[_DONE] += 1
    counters[_PENDING] += 1
    counters[_IN_CHUNK] += 1


@njit(cache=True, nogil=True)
def _end_chunk(state):
    """Lower the degrees; if the chunk began at a higher level, the present one must be opened anew."""
    counters = state.counters
    crossed = counters[_CROSSED] > 0
    for i in range(counters[_PENDING]):
        _lower(state, state.pending[i] >> 32, crossed)
        _lower(state, state.pending[i] & _LOW, crossed)
    counters[_PENDING] = counters[_IN_CHUNK] = counters[_CROSSED] = 0
    if crossed:
        _close_level(state)
    return crossed


@njit(cache=True, nogil=True)
def _lower(state, x, crossed):
    """Take one from a degree: the vertex changes places with the first of its bin, which then ends before it."""
    d = state.degree[x]
    if d == state.infinite:
        return
    at, start = state.place[x], state.bins[d]
    y = state.by_degree[start]
    state.by_degree[start], state.by_degree[at] = x, y
    state.place[x], state.place[y] = start, at
    state.bins[d] += 1
    state.degree[x] = d - 1
    if crossed or state.opening[x] <= state.counters[_LEVEL]:
        state.opening[x] = d - 1


@njit(cache=True, nogil=True)
def _is_removed(state, e):
    return state.removed[e >> 3] >> (e & 7) & 1


@njit(cache=True, nogil=True)
def _is_live(state, entry):
    """Whether the member of a list entry is still at the level, and their edge there."""
    return state.degree[entry & _LOW] == state.counters[_LEVEL] and not _is_removed(state, entry >> 32)


@njit(cache=True, nogil=True)
def _requeue(state, x):
    """Give the owner on top of the heap the key of its degree and its next live member, or take it out."""
    i = state.list_of[x]
    while i >= 0 and not _is_live(state, state.pool_entry[i]):
        i = state.pool_next[i]
    state.list_of[x] = i
    if i < 0 or state.degree[x] < state.counters[_LEVEL]:
        _pop(state)
    else:
        key = _key(state, state.degree[x], _FIRST_EDGE + (state.pool_entry[i] >> 32))
        _sift_down(state, key, x)


@njit(cache=True, nogil=True)
def _tidy(state, x):
    """Drop removed arcs where they are many, and sort the arcs when they are first used."""
    start, length = state.first[x], state.length[x]
    unsorted = length < 0
    if unsorted:
        length = ~length
    elif length <= state.degree[x] + state.degree[x] // 4 + 4:
        return
    end = start
    for i in range(start, start + length):
        arc = state.arcs[i]
        if not _is_removed(state, arc & _LOW):
            state.arcs[end] = arc
            end += 1
    state.length[x] = end - start
    if unsorted:
        _sort(state.arcs[start:end])


@njit(cache=True, nogil=True)
def _sort(values):
    if len(values) > 24:
        values.sort()
        return
    for i in range(1, len(values)):
        value = values[i]
        j = i
        while j > 0 and values[j - 1] > value:
            values[j] = values[j - 1]
            j -= 1
        values[j] = value


@njit(cache=True, nogil=True)
def _best_two(state, x, below):
    """The two largest different degrees below a bound among the neighbours; level - 1 where there is none."""
    best = second = state.counters[_LEVEL] - 1
    limit = state.cut[second + 1]
    for i in range(state.first[x], state.first[x] + state.length[x]):
        y = state.arcs[i] >> 32
        if y >= limit:
            break
        d = state.opening[y]
        if second < d < below and d != best and not _is_removed(state, state.arcs[i] & _LOW):
            best, second = max(best, d), min(best, d)
            limit = state.cut[second + 1]
    return best, second


@njit(cache=True, nogil=True)
def _enter(state, x, degree):
    """Enter a member in the lists of all its neighbours that opened the level with this degree."""
    counters = state.counters
    among_members = degree == counters[_LEVEL]
    limit = state.cut[degree]
    for i in range(state.first[x], state.first[x] + state.length[x]):
        y = state.arcs[i] >> 32
        if y >= limit:
            break
        e = state.arcs[i] & _LOW
        # An edge between two members belongs in one list, that of the smaller number.
        if state.opening[y] != degree or (among_members and y > x) or _is_removed(state, e):
            continue
        if state.list_of[y] < 0:
            state.owners[counters[_OWNERS]] = y
            counters[_OWNERS] += 1
            _push(state, degree, _UNSORTED, y)
        at = counters[_POOL]
        state.pool_entry[at] = e << 32 | x
        state.pool_next[at] = state.list_of[y]
        state.list_of[y] = at
        counters[_POOL] = at + 1


@njit(cache=True, nogil=True)
def _sort_list(entry, following, head):
    """Sort a linked list by merging runs of 1, 2, 4, ... entries; returns its new first entry."""
    width = 1
    while True:
        rest, head, tail, merges = head, -1, -1, 0
        while rest >= 0:
            merges += 1
            left = right = rest
            num_left = 0
            while num_left < width and right >= 0:
                right = following[right]
                num_left += 1
            num_right = width
            while num_left > 0 or (num_right > 0 and right >= 0):
                if num_left > 0 and (num_right == 0 or right < 0 or entry[left] < entry[right]):
                    at, left = left, following[left]
                    num_left -= 1
                else:
                    at, right = right, following[right]
                    num_right -= 1
                if tail < 0:
                    head = at
                else:
                    following[tail] = at
                tail = at
            rest = right
        following[tail] = -1
        if merges == 1:
            return head
        width *= 2


@njit(cache=True, nogil=True)
def _key(state, degree, kind):
    """Larger degrees first, then by kind."""
    return (np.int64(state.infinite) - degree) << 33 | kind


@njit(cache=True, nogil=True)
def _push(state, degree, kind, x):
    key = _key(state, degree, kind)
    at = state.counters[_HEAP]
    state.counters[_HEAP] += 1
    while at > 0:
        parent = (at - 1) >> 1
        if state.heap_key[parent] <= key:
            break
        state.heap_key[at], state.heap_vertex[at] = state.heap_key[parent], state.heap_vertex[parent]
        at = parent
    state.heap_key[at], state.heap_vertex[at] = key, x


@njit(cache=True, nogil=True)
def _pop(state):
    size = state.counters[_HEAP] - 1
    state.counters[_HEAP] = size
    if size > 0:
        _sift_down(state, state.heap_key[size], state.heap_vertex[size])


@njit(cache=True, nogil=True)
def _sift_down(state, key, x):
    """Put an entry in the place of the top one, and restore the heap."""
    size, at = state.counters[_HEAP], 0
    while True:
        child = 2 * at + 1
        if child >= size:
            break
        if child + 1 < size and state.heap_key[child + 1] < state.heap_key[child]:
            child += 1
        if state.heap_key[child] >= key:
            break
        state.heap_key[at], state.heap_vertex[at] = state.heap_key[child], state.heap_vertex[child]
        at = child
    state.heap_key[at], state.heap_vertex[at] = key, x
