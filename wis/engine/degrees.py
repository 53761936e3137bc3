"""1-WIS (depth 2) of an undirected graph, exact: by degree levels, in nearly linear time.

The walk index of ``t`` is one plus its degree (0 where it is isolated), so removing ``{u, v}`` touches two values only.
Written out, the comparison of the signed counts of values becomes: the next edge is the one whose *smaller* endpoint
degree is largest; among those, the one whose *larger* endpoint degree is largest; among those, the first by priority.
(A value that cancels, as where the larger degree is the smaller plus one, and the value 0 of an isolated vertex do not
change this order.) A vertex that is no target contributes no value, which is the same as an infinite degree that never
falls.

Both degrees only fall, so the smaller one of the next edge, the *level* ``k``, only falls too:

* At level ``k`` no edge joins two vertices of degree above ``k``. A vertex of degree ``k``, a *member*, takes part in
  at most one removal and then has left the level. Members are all that must be looked at.
* Each member is entered in the lists of its neighbours of largest degree, the *owners*. Owners are worked off by
  falling degree. Those of one degree take turns by the priority of the first member in their list; one that removes an
  edge falls to the next lower degree. Nothing else has to be updated.
* A member that is still there when the work comes down to the degree of its next best neighbours (an *event*) is
  entered in their lists as well.

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
(
    _INFINITE,  # the degree that stands for infinity: one more than the largest
    _LEVEL,
    _DEGREE,  # of the owners whose turn it is
    _OPEN,  # whether the level is open
    _DONE,  # number of edges removed,
    _IN_CHUNK,  # of which in this chunk,
    _PENDING,  # of which with degrees that must follow at its end
    _CROSSED,  # whether this chunk began at a higher level
    _DEGREES,  # lengths of the queues and stores
    _TURNS,
    _OWNERS,
    _ENTRIES,
    _MEMBERS,
    _NUM_COUNTERS,
) = range(14)

# Columns of the table of owners: vertex; first entry of its list, then first member in the sorted list; end of the
# sorted list, -1 before it is sorted; next owner of the same degree.
_VERTEX, _START, _END, _NEXT = range(4)

_LOW = (1 << 32) - 1


class _State(NamedTuple):
    """Everything the kernels work on. Vertices are numbered by falling degree, edges by priority."""

    counters: np.ndarray  # int64
    # The graph
    first: np.ndarray  # int64 [n + 1]: where the arcs of a vertex begin
    length: np.ndarray  # int32 [n]: how many there are; complemented while they are unsorted
    arcs: np.ndarray  # int64: neighbour << 32 | edge
    cut: np.ndarray  # int32 [infinite + 2]: number of vertices that had at least this degree at the start
    removed: np.ndarray  # uint8: one bit an edge
    # Degrees
    degree: np.ndarray  # int32 [n]
    opening: np.ndarray  # int32 [n]: degree when the level was opened; kept up to date for members
    by_degree: np.ndarray  # int32 [n]: vertices by rising degree
    place: np.ndarray  # int32 [n]: where a vertex stands in by_degree
    bins: np.ndarray  # int32 [infinite + 2]: where the vertices of each degree begin in by_degree
    # The level
    degrees: np.ndarray  # int32: heap of the degrees that have owners or events, negated
    owners_at: np.ndarray  # int32 [infinite + 1]: first owner of each degree, -1 for none
    events_at: np.ndarray  # int32 [infinite + 1]: first member with an event at each degree, -1 for none
    next_event: np.ndarray  # int32 [n]: next member with an event at the same degree
    owner_of: np.ndarray  # int32 [n]: row of a vertex in the table of owners, -1 for none
    owners: np.ndarray  # int32 [n, 4]
    entries: np.ndarray  # int64 [m, 2]: unsorted lists: edge << 32 | member, and the next entry or -1
    members: np.ndarray  # int64 [m]: sorted lists, one after another: edge << 32 | member
    turns: np.ndarray  # int64 [n]: heap of owners that can remove an edge: edge << 32 | row
    ties: np.ndarray  # int64: scratch, arcs to equally good neighbours
    # The result
    pending: np.ndarray  # int64: removals of this chunk whose degrees still stand: u << 32 | v
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
    counters = np.zeros(_NUM_COUNTERS, dtype=np.int64)
    counters[_INFINITE] = infinite
    counters[_LEVEL] = infinite - 1
    counters[_DONE] = num_free
    counters[_IN_CHUNK] = num_free % chunk
    by_degree = np.arange(n - 1, -1, -1, dtype=np.int32)
    # Arrays that only a level or a chunk fills are taken at their largest: memory never touched is never used.
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
        degrees=np.empty(infinite + 1, dtype=np.int32),
        owners_at=np.full(infinite + 1, -1, dtype=np.int32),
        events_at=np.full(infinite + 1, -1, dtype=np.int32),
        next_event=np.empty(n, dtype=np.int32),
        owner_of=np.full(n, -1, dtype=np.int32),
        owners=np.empty((n, 4), dtype=np.int32),
        entries=np.empty((m, 2), dtype=np.int64),
        members=np.empty(m, dtype=np.int64),
        turns=np.empty(n, dtype=np.int64),
        ties=np.empty(infinite, dtype=np.int64),
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
    counters, degree, opening, removed = state.counters, state.degree, state.opening, state.removed
    by_degree, place, bins, order, pending = state.by_degree, state.place, state.bins, state.order, state.pending
    degrees, owners_at, events_at = state.degrees, state.owners_at, state.events_at
    owner_of, owners, members, turns = state.owner_of, state.owners, state.members, state.turns
    while counters[_DONE] < stop:
        if not counters[_OPEN]:
            _open_level(state)
            continue
        if counters[_TURNS] == 0:
            if counters[_DEGREES]:
                _next_degree(state)
            else:
                _close_level(counters, degree, opening, owner_of, owners)
                counters[_LEVEL] -= 1
                counters[_CROSSED] = counters[_IN_CHUNK] > 0
            continue
        row = turns[0] & _LOW
        x = owners[row, _VERTEX]
        entry = members[owners[row, _START]]
        if degree[x] == counters[_DEGREE] and _is_live(entry, counters, degree, removed):
            _take(entry, x, counters, removed, order, pending)
            if counters[_IN_CHUNK] == chunk:
                crossed = counters[_CROSSED] > 0
                _end_chunk(counters, pending, degree, opening, by_degree, place, bins)
                if crossed:
                    _abandon_level(counters, degrees, owners_at, events_at)
                    _close_level(counters, degree, opening, owner_of, owners)
                    continue
        if not _find_live(row, counters, degree, removed, owners, members):
            _pop(turns, counters, _TURNS)
        elif degree[x] == counters[_DEGREE]:
            _sift_down(turns, members[owners[row, _START]] & ~_LOW | row, counters[_TURNS])
        else:
            _pop(turns, counters, _TURNS)
            _add_owner(row, degree[x], counters, degrees, owners_at, events_at, owners)


@njit(cache=True, nogil=True)
def _open_level(state):
    """Enter every vertex whose degree is that of the level in the lists of its best neighbours."""
    counters, first, length, arcs, removed = state.counters, state.first, state.length, state.arcs, state.removed
    degree, opening, cut, by_degree = state.degree, state.opening, state.cut, state.by_degree
    degrees, owners_at, events_at, next_event = state.degrees, state.owners_at, state.events_at, state.next_event
    owner_of, owners, entries, ties = state.owner_of, state.owners, state.entries, state.ties
    level, bound = counters[_LEVEL], counters[_INFINITE] + 1
    counters[_OPEN] = True
    for i in range(state.bins[level], state.bins[level + 1]):
        x = by_degree[i]
        _tidy(x, first, length, arcs, removed, degree)
        best, second, num_ties = _best(x, bound, level, first, length, arcs, removed, opening, cut, ties)
        if best >= level:
            _enter(x, best, num_ties, ties, counters, degrees, owners_at, events_at, owner_of, owners, entries)
        if second >= level:
            _add_event(x, second, counters, degrees, owners_at, events_at, next_event)


@njit(cache=True, nogil=True)
def _next_degree(state):
    """Go down to the next degree with owners: deal with its events, then let the owners take their turns."""
    counters, first, length, arcs, removed = state.counters, state.first, state.length, state.arcs, state.removed
    degree, opening, cut = state.degree, state.opening, state.cut
    degrees, owners_at, events_at, next_event = state.degrees, state.owners_at, state.events_at, state.next_event
    owner_of, owners, entries, ties = state.owner_of, state.owners, state.entries, state.ties
    members, turns = state.members, state.turns
    level, d = counters[_LEVEL], -degrees[0]
    counters[_DEGREE] = d
    x = events_at[d]
    while x >= 0:
        following = next_event[x]
        if degree[x] == level:
            best, second, num_ties = _best(x, d + 1, level, first, length, arcs, removed, opening, cut, ties)
            if best == d:
                _enter(x, best, num_ties, ties, counters, degrees, owners_at, events_at, owner_of, owners, entries)
            if second >= level:
                _add_event(x, second, counters, degrees, owners_at, events_at, next_event)
        x = following
    row = owners_at[d]
    owners_at[d] = events_at[d] = -1
    _pop(degrees, counters, _DEGREES)
    while row >= 0:
        following = owners[row, _NEXT]
        if owners[row, _END] < 0:
            _sort_list(row, counters, owners, entries, members, level, degree)
        if _find_live(row, counters, degree, removed, owners, members):
            _push(turns, members[owners[row, _START]] & ~_LOW | row, counters, _TURNS)
        row = following


@njit(cache=True, nogil=True)
def _close_level(counters, degree, opening, owner_of, owners):
    for row in range(counters[_OWNERS]):
        x = owners[row, _VERTEX]
        owner_of[x] = -1
        opening[x] = degree[x]
    counters[_OPEN] = counters[_TURNS] = counters[_OWNERS] = counters[_ENTRIES] = counters[_MEMBERS] = 0


@njit(cache=True, nogil=True)
def _abandon_level(counters, degrees, owners_at, events_at):
    for i in range(counters[_DEGREES]):
        owners_at[-degrees[i]] = events_at[-degrees[i]] = -1
    counters[_DEGREES] = 0


@njit(cache=True, nogil=True)
def _take(entry, owner, counters, removed, order, pending):
    """Remove the edge of an entry; degrees follow at the end of the chunk."""
    e = entry >> 32
    removed[e >> 3] |= np.uint8(1 << (e & 7))
    order[counters[_DONE]] = e
    pending[counters[_PENDING]] = (entry & _LOW) << 32 | owner
    counters[_DONE] += 1
    counters[_PENDING] += 1
    counters[_IN_CHUNK] += 1


@njit(cache=True, nogil=True)
def _end_chunk(counters, pending, degree, opening, by_degree, place, bins):
    """Lower the degrees. If the chunk began at a higher level, the present one must then be opened anew."""
    # Members follow at once. Owners keep their opening degree until the level closes.
    up_to = counters[_INFINITE] if counters[_CROSSED] else counters[_LEVEL]
    for i in range(counters[_PENDING]):
        for x in (pending[i] >> 32, pending[i] & _LOW):
            if degree[x] < counters[_INFINITE]:
                _lower(x, degree, by_degree, place, bins)
                if opening[x] <= up_to:
                    opening[x] = degree[x]
    counters[_PENDING] = counters[_IN_CHUNK] = counters[_CROSSED] = 0


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
def _is_live(entry, counters, degree, removed):
    """Whether the member of an entry is still at the level, and their edge there."""
    return degree[entry & _LOW] == counters[_LEVEL] and not _is_removed(entry >> 32, removed)


@njit(cache=True, nogil=True)
def _find_live(row, counters, degree, removed, owners, members):
    """Move on to the first live member of an owner, if it is still at the level; whether there is one."""
    if degree[owners[row, _VERTEX]] < counters[_LEVEL]:
        return False
    i, end = owners[row, _START], owners[row, _END]
    while i < end and not _is_live(members[i], counters, degree, removed):
        i += 1
    owners[row, _START] = i
    return i < end


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
def _best(x, below, level, first, length, arcs, removed, opening, cut, ties):
    """The two largest different degrees below a bound among the neighbours, and the arcs to those of the largest.

    A degree is ``level - 1`` where there is none from ``level`` on.
    """
    best = second = level - 1
    num_ties = 0
    limit = cut[second + 1]
    for i in range(first[x], first[x] + length[x]):
        arc = arcs[i]
        y = arc >> 32
        if y >= limit:
            break
        d = opening[y]
        if d < below and d > second and not _is_removed(arc & _LOW, removed):
            if d < best:
                second = d
            else:
                if d > best:
                    best, second, num_ties = d, best, 0
                ties[num_ties] = arc
                num_ties += 1
            limit = cut[second + 1]
    return best, second, num_ties


@njit(cache=True, nogil=True)
def _enter(x, d, num_ties, ties, counters, degrees, owners_at, events_at, owner_of, owners, entries):
    """Enter a member in the lists of neighbours, all of one degree."""
    among_members = d == counters[_LEVEL]
    for i in range(num_ties):
        y, e = ties[i] >> 32, ties[i] & _LOW
        # An edge between two members belongs in one list, that of the smaller number.
        if among_members and y > x:
            continue
        row = owner_of[y]
        if row < 0:
            row = counters[_OWNERS]
            counters[_OWNERS] = row + 1
            owner_of[y] = row
            owners[row, _VERTEX], owners[row, _START], owners[row, _END] = y, -1, -1
            _add_owner(row, d, counters, degrees, owners_at, events_at, owners)
        at = counters[_ENTRIES]
        counters[_ENTRIES] = at + 1
        entries[at, 0], entries[at, 1] = e << 32 | x, owners[row, _START]
        owners[row, _START] = at


@njit(cache=True, nogil=True)
def _sort_list(row, counters, owners, entries, members, level, degree):
    """Copy the members of an owner that are still at the level, and sort them by edge."""
    start = end = counters[_MEMBERS]
    at = owners[row, _START]
    while at >= 0:
        if degree[entries[at, 0] & _LOW] == level:
            members[end] = entries[at, 0]
            end += 1
        at = entries[at, 1]
    _sort(members, start, end)
    counters[_MEMBERS] = end
    owners[row, _START], owners[row, _END] = start, end


@njit(cache=True, nogil=True)
def _add_owner(row, d, counters, degrees, owners_at, events_at, owners):
    if owners_at[d] < 0 and events_at[d] < 0:
        _push(degrees, -d, counters, _DEGREES)
    owners[row, _NEXT] = owners_at[d]
    owners_at[d] = row


@njit(cache=True, nogil=True)
def _add_event(x, d, counters, degrees, owners_at, events_at, next_event):
    if owners_at[d] < 0 and events_at[d] < 0:
        _push(degrees, -d, counters, _DEGREES)
    next_event[x] = events_at[d]
    events_at[d] = x


@njit(cache=True, nogil=True)
def _push(heap, key, counters, size):
    at = counters[size]
    counters[size] = at + 1
    while at > 0 and heap[(at - 1) >> 1] > key:
        heap[at] = heap[(at - 1) >> 1]
        at = (at - 1) >> 1
    heap[at] = key


@njit(cache=True, nogil=True)
def _pop(heap, counters, size):
    counters[size] -= 1
    _sift_down(heap, heap[counters[size]], counters[size])


@njit(cache=True, nogil=True)
def _sift_down(heap, key, size):
    """Put a key in the place of the smallest, and restore the heap."""
    at = 0
    while True:
        child = 2 * at + 1
        if child >= size:
            break
        if child + 1 < size and heap[child + 1] < heap[child]:
            child += 1
        if heap[child] >= key:
            break
        heap[at] = heap[child]
        at = child
    heap[at] = key
