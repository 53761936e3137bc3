"""The kernels of 1-WIS: levels, the owners of a level, and their members. What they compute is told in `cpu`.

Vertices, edges and rows are cast to unsigned numbers before they serve as an index: for a signed one, Numba adds the
test whether it is negative, which took a good part of the time. Positions fit, as there are less than 2**31 of each.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from wis.engine.sorting import shell_sort, sort_arcs
from wis.kernels import inlined, kernel

# Positions in the array of counters.
(
    INFINITE,  # the degree that stands for infinity: one more than the largest
    LEVEL,
    _DEGREE,  # of the owners whose turn it is
    _OPEN,  # whether the level is open
    DONE,  # number of edges removed,
    IN_CHUNK,  # of which in this chunk,
    _PENDING,  # of which with degrees that must follow at its end
    _CROSSED,  # whether this chunk began at a higher level
    _DEGREES,  # lengths of the queues and stores
    _TURNS,
    _OWNERS,
    _ENTRIES,
    _MEMBERS,
    NUM_COUNTERS,
) = range(14)

# Columns of the table of owners: vertex; where its list of members begins, the first live one as far as known; where
# the list ends, and, while entries are collected, how many there are; next owner of the same degree.
_VERTEX, _START, _END, _NEXT = range(4)

_LOW = (1 << 32) - 1


class State(NamedTuple):
    """Everything the kernels work on. Vertices are numbered by falling degree, edges by priority."""

    counters: np.ndarray  # int64 [NUM_COUNTERS]
    # The graph
    name: np.ndarray  # int32 [n]: the vertex that has a number
    first: np.ndarray  # uint32 [n + 1]: where the arcs of a vertex begin
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
    degrees: np.ndarray  # int32 [infinite + 2]: heap of the degrees that have owners or events, negated
    owners_at: np.ndarray  # int32 [infinite + 1]: first owner that fell to each degree, -1 for none
    events_at: np.ndarray  # int32 [infinite + 1]: first member with an event at each degree, -1 for none
    next_event: np.ndarray  # int32 [n]: next member with an event at the same degree
    owner_of: np.ndarray  # int32 [n]: row of a vertex in the table of owners, -1 for none
    owners: np.ndarray  # int32 [n, 4]
    called: np.ndarray  # int64 [n]: the members whose event it is: name << 32 | member
    entries: np.ndarray  # int64 [m, 2]: what they enter in the lists: edge << 32 | member, and the row of the owner
    members: np.ndarray  # int64 [m]: the lists, one after another, each sorted: edge << 32 | member
    turns: np.ndarray  # int64 [n + 1]: heap of owners that can remove an edge: edge << 32 | row
    digits: np.ndarray  # int32 [NUM_DIGITS]: for sorting arcs
    # The result
    pending: np.ndarray  # int64: removals of this chunk whose degrees still stand: u << 32 | v
    order: np.ndarray  # int32 [limit]: edges removed


@kernel
def remove(s: State, chunk: int, stop: int) -> None:
    """Remove edges until ``stop`` of them are gone."""
    while s.counters[DONE] < stop:
        if not s.counters[_OPEN]:
            _open_level(s)
        elif s.counters[_TURNS]:
            _take_turn(s, chunk)
        elif s.counters[_DEGREES]:
            _next_degree(s)
        else:
            _close_level(s)
            s.counters[LEVEL] -= 1
            s.counters[_CROSSED] = s.counters[IN_CHUNK] > 0


@kernel
def remove_down_to(s: State, level: int, degree: int, stop: int) -> None:
    """Remove edges one by one, until ``stop`` are gone or all are whose degrees are at least (``level``, ``degree``).

    An edge is compared by its smaller degree, then by its larger one, as they are when it would be removed.
    """
    while s.counters[DONE] < stop and s.counters[LEVEL] >= level:
        if not s.counters[_OPEN]:
            _open_level(s)
        elif s.counters[_TURNS]:
            _take_turn(s, 1)
        elif not s.counters[_DEGREES]:
            _close_level(s)
            s.counters[LEVEL] -= 1
        elif s.counters[LEVEL] == level and -s.degrees[0] < degree:
            return
        else:
            _next_degree(s)


@inlined
def _take_turn(s: State, chunk: int) -> None:
    """Remove the edge of the owner whose turn it is, if it is still there; then let the owner wait for its next."""
    row = np.uint32(s.turns[0])
    x = np.uint32(s.owners[row, _VERTEX])
    entry = s.members[np.uint32(s.owners[row, _START])]
    crossed = False
    # The entry was live when it was put in; a removal since may have taken its member, or the owner down.
    if s.degree[x] == s.counters[_DEGREE] and _is_live(s, entry):
        _take(s, entry, x)
        if s.counters[IN_CHUNK] == chunk:
            crossed = s.counters[_CROSSED] > 0
            _end_chunk(s)
    if crossed:
        _abandon_level(s)
    elif not _find_live(s, row):
        _pop(s.turns, s.counters, _TURNS)
    elif s.degree[x] == s.counters[_DEGREE]:
        _sift_down(s.turns, s.members[np.uint32(s.owners[row, _START])] & ~_LOW | row, s.counters[_TURNS])
    else:
        _pop(s.turns, s.counters, _TURNS)
        # The owner has fallen: it goes on, list and all, at the next lower degree.
        d = s.degree[x]
        _add_degree(s, d)
        s.owners[row, _NEXT] = s.owners_at[d]
        s.owners_at[d] = row


@kernel
def _open_level(s: State) -> None:
    """Give every vertex whose degree is that of the level an event at the degree of its best neighbours."""
    level = s.counters[LEVEL]
    s.counters[_OPEN] = True
    for i in range(s.bins[level], s.bins[level + 1]):
        x = np.uint32(s.by_degree[i])
        _tidy(s, x)
        best = _best_degree(s, x, level)
        if best >= level:
            _add_event(s, x, best)


@kernel
def _next_degree(s: State) -> None:
    """Go down to the next degree with owners or events: deal with its events, then let the owners take their turns."""
    level, d = s.counters[LEVEL], np.int64(-s.degrees[0])
    s.counters[_DEGREE] = d
    s.counters[_ENTRIES] = 0
    start = s.counters[_OWNERS]
    for i in range(_call(s, d, level)):
        x = np.uint32(s.called[i])
        second = _enter(s, x, d, level)
        if second >= level:
            _add_event(s, x, second)
    _pop(s.degrees, s.counters, _DEGREES)
    # Owners from row `start` on are new at this degree; others have come down to it with their lists.
    _lay_out_lists(s, start)
    for new in range(start, s.counters[_OWNERS]):
        _await_turn(s, new)
    row = s.owners_at[d]
    while row >= 0:
        _await_turn(s, row)
        row = s.owners[row, _NEXT]
    s.owners_at[d] = s.events_at[d] = -1


@inlined
def _call(s: State, d: int, level: int) -> np.int64:
    """Gather the members with an event, by name: in the canonical order, all lists are then sorted as they are made."""
    count = np.int64(0)
    x = s.events_at[d]
    while x >= 0:
        if s.degree[x] == level:
            s.called[count] = np.int64(s.name[x]) << 32 | x
            count += 1
        x = s.next_event[x]
    shell_sort(s.called[:count])
    return count


@inlined
def _enter(s: State, x: int, d: int, level: int) -> int:
    """Enter a member in the lists of its neighbours of one degree; the next lower degree among its neighbours.

    That is ``level - 1`` where there is none from ``level`` on.
    """
    second = level - 1
    limit = s.cut[level]
    for arc in s.arcs[s.first[x] : s.first[x] + s.length[x]]:
        y = np.uint32(arc >> 32)
        if y >= limit:
            break
        other = s.opening[y]
        if other <= second or other > d or _is_removed(s, arc & _LOW):
            continue
        if other < d:
            second = other
            limit = s.cut[second + 1]
        elif d > level or y < x:  # An edge between two members belongs in one list, that of the smaller number.
            _add_entry(s, y, arc << 32 | x)
    return second


@inlined
def _add_entry(s: State, y: int, entry: int) -> None:
    if s.owner_of[y] < 0:
        new = np.uint32(s.counters[_OWNERS])
        s.counters[_OWNERS] += 1
        s.owner_of[y] = new
        s.owners[new, _VERTEX] = y
        s.owners[new, _END] = 0
    row = np.uint32(s.owner_of[y])
    s.owners[row, _END] += 1
    at = np.uint32(s.counters[_ENTRIES])
    s.counters[_ENTRIES] += 1
    s.entries[at, 0] = entry
    s.entries[at, 1] = row


@inlined
def _lay_out_lists(s: State, start: int) -> None:
    """Turn the entries into the lists of the owners from row ``start`` on."""
    at = s.counters[_MEMBERS]
    for row in range(start, s.counters[_OWNERS]):
        count = s.owners[row, _END]
        s.owners[row, _START] = s.owners[row, _END] = at
        at += count
    s.counters[_MEMBERS] = at
    for i in range(s.counters[_ENTRIES]):
        owner = np.uint32(s.entries[i, 1])
        s.members[np.uint32(s.owners[owner, _END])] = s.entries[i, 0]
        s.owners[owner, _END] += 1
    for row in range(start, s.counters[_OWNERS]):
        shell_sort(s.members[s.owners[row, _START] : s.owners[row, _END]])


@inlined
def _await_turn(s: State, row: int) -> None:
    if _find_live(s, row):
        _push(s.turns, s.members[np.uint32(s.owners[row, _START])] & ~_LOW | row, s.counters, _TURNS)


@kernel
def _close_level(s: State) -> None:
    for row in range(s.counters[_OWNERS]):
        x = s.owners[row, _VERTEX]
        s.owner_of[x] = -1
        s.opening[x] = s.degree[x]
    s.counters[_OPEN] = s.counters[_TURNS] = s.counters[_OWNERS] = s.counters[_MEMBERS] = 0


@kernel
def _abandon_level(s: State) -> None:
    """Close a level with work left, to open it anew."""
    # Degrees that were not reached still have owners and events, which the level that opens next must not find.
    for i in range(s.counters[_DEGREES]):
        s.owners_at[-s.degrees[i]] = s.events_at[-s.degrees[i]] = -1
    s.counters[_DEGREES] = 0
    _close_level(s)


@inlined
def _take(s: State, entry: int, owner: int) -> None:
    """Remove the edge of an entry; degrees follow at the end of the chunk."""
    e = entry >> 32
    s.removed[np.uint32(e) >> np.uint32(3)] |= np.uint8(1 << (e & 7))
    s.order[s.counters[DONE]] = e
    s.pending[s.counters[_PENDING]] = (entry & _LOW) << 32 | owner
    s.counters[DONE] += 1
    s.counters[_PENDING] += 1
    s.counters[IN_CHUNK] += 1


@inlined
def _end_chunk(s: State) -> None:
    """Lower the degrees. If the chunk began at a higher level, the present one must then be opened anew."""
    # Members follow at once. Owners keep their opening degree until the level closes.
    up_to = s.counters[INFINITE] if s.counters[_CROSSED] else s.counters[LEVEL]
    for i in range(s.counters[_PENDING]):
        for x in (np.uint32(s.pending[i] >> 32), np.uint32(s.pending[i])):
            if s.degree[x] < s.counters[INFINITE]:
                _lower(s, x)
                if s.opening[x] <= up_to:
                    s.opening[x] = s.degree[x]
    s.counters[_PENDING] = s.counters[IN_CHUNK] = s.counters[_CROSSED] = 0


@inlined
def _lower(s: State, x: int) -> None:
    """Take one from a degree: the vertex changes places with the first of its bin, which then begins after it."""
    d = s.degree[x]
    at, start = np.uint32(s.place[x]), np.uint32(s.bins[np.uint32(d)])
    y = np.uint32(s.by_degree[start])
    s.by_degree[start] = x
    s.by_degree[at] = y
    s.place[x] = start
    s.place[y] = at
    s.bins[np.uint32(d)] = start + 1
    s.degree[x] = d - 1


@inlined
def _is_removed(s: State, e: int) -> bool:
    return s.removed[np.uint32(e) >> np.uint32(3)] >> (e & 7) & 1


@inlined
def _is_live(s: State, entry: int) -> bool:
    """Whether the member of an entry is still at the level, and their edge there."""
    return s.degree[np.uint32(entry)] == s.counters[LEVEL] and not _is_removed(s, entry >> 32)


@inlined
def _find_live(s: State, row: int) -> bool:
    """Move on to the first live member of an owner, if it is still at the level; whether there is one."""
    if s.degree[np.uint32(s.owners[row, _VERTEX])] < s.counters[LEVEL]:
        return False
    i, end = np.uint32(s.owners[row, _START]), np.uint32(s.owners[row, _END])
    while i < end and not _is_live(s, s.members[i]):
        i += np.uint32(1)
    s.owners[row, _START] = i
    return bool(i < end)


@inlined
def _tidy(s: State, x: int) -> None:
    """Drop removed arcs where they are many, and sort the arcs when they are first used."""
    stored = s.length[x]
    unsorted = stored < 0
    if unsorted:
        stored = ~stored
    if unsorted or stored > s.degree[x] + s.degree[x] // 4 + 4:
        start = s.first[x]
        end = start
        for i in range(start, start + stored):
            arc = s.arcs[i]
            if not _is_removed(s, arc & _LOW):
                s.arcs[end] = arc
                end += 1
        s.length[x] = end - start
        if unsorted:
            # No list is laid out while a level is opened, so that there is room.
            sort_arcs(s.arcs[start:end], s.members, s.digits, len(s.length))


@inlined
def _best_degree(s: State, x: int, level: int) -> int:
    """The largest degree among the neighbours; ``level - 1`` where there is none from ``level`` on."""
    best = level - 1
    limit = s.cut[level]
    for arc in s.arcs[s.first[x] : s.first[x] + s.length[x]]:
        y = np.uint32(arc >> 32)
        if y >= limit:
            break
        if s.opening[y] > best and not _is_removed(s, arc & _LOW):
            best = s.opening[y]
            # Vertices numbered from here on had no more than `best` neighbours at the start, and have no more now.
            limit = s.cut[best + 1]
    return best


@inlined
def _add_degree(s: State, d: int) -> None:
    """Make sure that the work comes to a degree."""
    if s.owners_at[d] < 0 and s.events_at[d] < 0:
        _push(s.degrees, -d, s.counters, _DEGREES)


@inlined
def _add_event(s: State, x: int, d: int) -> None:
    _add_degree(s, d)
    s.next_event[x] = s.events_at[d]
    s.events_at[d] = x


@kernel
def _push(heap: np.ndarray, key: int, counters: np.ndarray, size: int) -> None:
    at = counters[size]
    counters[size] = at + 1
    while at > 0 and heap[(at - 1) >> 1] > key:
        heap[at] = heap[(at - 1) >> 1]
        at = (at - 1) >> 1
    heap[at] = key


@kernel
def _pop(heap: np.ndarray, counters: np.ndarray, size: int) -> None:
    counters[size] -= 1
    _sift_down(heap, heap[counters[size]], counters[size])


@kernel
def _sift_down(heap: np.ndarray, key: int, size: int) -> None:
    """Put a key in the place of the smallest, and restore the heap; the position after its end is overwritten."""
    # A sentinel, so that every child has a sibling.
    heap[size] = np.iinfo(heap.dtype).max
    at, child = np.uint32(0), np.uint32(1)
    while child < size:
        child += np.uint32(heap[child + np.uint32(1)] < heap[child])
        if heap[child] >= key:
            break
        heap[at] = heap[child]
        at = child
        child = at + at + np.uint32(1)
    heap[at] = key
