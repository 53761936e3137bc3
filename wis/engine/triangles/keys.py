"""Keys of edges for 2-WIS: what a removal does to the sorted tuple of values, compared as far as needed.

The key of an edge is a signed count per value: ascending values ``y``, each with a count ``q`` of how many more (or,
if negative, fewer) vertices have it after the removal. The better key has the smaller count at the smallest ``y`` where
two keys differ. One pair ``(y, q)`` is packed into one int64, a *token*, so that the better one is larger:

    more of y:    larger y first, then fewer of them
    END:          no further change
    fewer of y:   smaller y first, then more of them
    UNKNOWN:      not looked at yet; as good as it gets, so that it bounds every key that begins the same

An edge stores the first ``WIDTH`` tokens. They come from the ``NEAR`` smallest values among its apexes (the third
vertices of its triangles), found in one pass and without sorting. Only where two keys agree in all of them is the list
of apexes sorted by value and its values kept (a *snapshot*), and the rest of the two keys compared on these.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from wis.engine.sorting import shell_sort
from wis.engine.triangles.edge_table import COUNT, HEAD, LENGTH, LOWEST, RANKED, TAIL, fallen
from wis.kernels import inlined, kernel

# Tokens stored for an edge.
WIDTH = 5

# Distinct apex values from which they are computed.
NEAR = 6

_SHIFT = 24
_LOW = (1 << _SHIFT) - 1
END = 1 << 61
UNKNOWN = np.iinfo(np.int64).max
_FLIP = 1 << 62

# Columns of a key: where the triangles of the edge begin; WIDTH tokens; and of the snapshot its length, values before
# and after of both endpoints, and the number of triangles then.
START, TOKENS, ENDS, KEY_COLUMNS = 0, 1, 1 + WIDTH, 7 + WIDTH

# Columns of the runs: distinct apex values, ascending; how many apexes have them; and three for entries on the move.
VALUE, TIMES, MOVED = range(3)

# Counters: edges in the heap, the lowest bucket that was opened, rounds so far, edges chosen so far, and WIDTH tokens
# just computed.
SIZE, FLOOR, ROUND, DONE, FRESH = range(5)


class State(NamedTuple):
    """Everything the kernels work on: ``n`` vertices, ``m`` edges, ``t`` triangles."""

    free: int  # the value of a vertex that does not count (no target); larger than all others
    shift: int  # a bucket is a value without this many of its low bits
    value: np.ndarray  # int64 [n]: 1 + 3 * degree + 2 * triangles
    edge: np.ndarray  # int32 [m, COLUMNS]: see `edge_table`
    key: np.ndarray  # int64 [m, KEY_COLUMNS]: see above
    removed: np.ndarray  # uint8: one bit an edge
    entries: np.ndarray  # int32 [3 t, 3]: apex, edge from the tail to it, edge from the head to it
    snapshot: np.ndarray  # int64 [3 t]: sorted apex values of an edge, where its entries are
    runs: np.ndarray  # int64 [largest count + NEAR, 5]: for evaluation, see above
    by_value: np.ndarray  # int64 [largest count]: for sorting, value << 24 | place
    first: np.ndarray  # int32 [buckets]: first edge of each bucket, -1 for none
    heap: np.ndarray  # int32 [m]
    counters: np.ndarray  # int64 [FRESH + WIDTH]: see above


@inlined
def upper_bound(s: State, e: int) -> int:
    """No smaller than the first value of the key, in constant time."""
    bound = min(fallen(s, s.edge[e, TAIL], s.edge[e, COUNT]), fallen(s, s.edge[e, HEAD], s.edge[e, COUNT]))
    if s.edge[e, LOWEST] >= 0:
        x = s.value[s.edge[e, LOWEST]]
        if x != s.free:
            bound = min(bound, x - 2)
    return bound


@inlined
def is_removed(s: State, e: int) -> bool:
    """Whether an edge is gone."""
    return s.removed[np.uint32(e) >> np.uint32(3)] >> (e & 7) & 1


@inlined
def compact(s: State, e: int) -> None:
    """Drop the entries of removed triangles."""
    if s.edge[e, LENGTH] == s.edge[e, COUNT]:
        return
    begin = s.key[e, START]
    at = begin
    for i in range(begin, begin + s.edge[e, LENGTH]):
        if not (is_removed(s, s.entries[i, 1]) or is_removed(s, s.entries[i, 2])):
            s.entries[at, 0] = s.entries[i, 0]
            s.entries[at, 1] = s.entries[i, 1]
            s.entries[at, 2] = s.entries[i, 2]
            at += 1
    s.edge[e, LENGTH] = at - begin


@inlined
def evaluate(s: State, e: int) -> tuple[int, int, bool]:
    """First value of the key of ``e``, exact; sets the lowest apex, and leaves what ``begin_key`` needs in the runs.

    Returns the value, the number of runs, and whether there are larger apex values than those of the runs.
    """
    compact(s, e)
    found, more, lowest = 0, False, -1
    limit = np.int64(s.free) - 1
    for i in range(s.key[e, START], s.key[e, START] + s.edge[e, COUNT]):
        apex = s.entries[i, 0]
        x = s.value[apex]
        # Most apexes end here: once there are NEAR runs, only smaller values are of interest.
        if x > limit:
            more |= x < s.free
            continue
        at = found
        while at > 0 and s.runs[at - 1, VALUE] > x:
            at -= 1
        # Insertion into a few runs that stay sorted takes less than sorting all apexes.
        if at > 0 and s.runs[at - 1, VALUE] == x:
            s.runs[at - 1, TIMES] += 1
            continue
        if at == 0:
            lowest = apex
        if found == NEAR:
            more = True
        else:
            found += 1
        for j in range(found - 1, at, -1):
            s.runs[j, VALUE] = s.runs[j - 1, VALUE]
            s.runs[j, TIMES] = s.runs[j - 1, TIMES]
        s.runs[at, VALUE] = x
        s.runs[at, TIMES] = 1
        if found == NEAR:
            limit = s.runs[NEAR - 1, VALUE]
    value = min(fallen(s, s.edge[e, TAIL], s.edge[e, COUNT]), fallen(s, s.edge[e, HEAD], s.edge[e, COUNT]))
    s.edge[e, LOWEST] = -1
    if found > 0 and s.runs[0, VALUE] - 2 < value:
        value = s.runs[0, VALUE] - 2
        s.edge[e, LOWEST] = lowest
    return value, found, more


@inlined
def begin_key(s: State, e: int, found: int, more: bool) -> None:
    """Compute the first tokens of the key of ``e`` from the runs, into ``fresh``."""
    x_tail, x_head = s.value[s.edge[e, TAIL]], s.value[s.edge[e, HEAD]]
    y_tail, y_head = fallen(s, s.edge[e, TAIL], s.edge[e, COUNT]), fallen(s, s.edge[e, HEAD], s.edge[e, COUNT])
    # Counts are complete up to here: apexes beyond the last run fall to larger values.
    known = s.runs[found - 1, VALUE] - 2 if more else np.int64(s.free)
    fallers, leavers, width, last = 0, 0, 0, np.int64(-1)
    while width < WIDTH:
        y = np.int64(s.free)
        if fallers < found:
            y = s.runs[fallers, VALUE] - 2
        if leavers < found:
            y = min(y, s.runs[leavers, VALUE])
        for end in (x_tail, x_head, y_tail, y_head):
            if last < end < y:
                y = end
        if y == s.free or y > known:
            break
        # Every apex adds one at the value it falls to and takes one at the value it leaves, so the runs are read twice.
        q = np.int64(0)
        if fallers < found and s.runs[fallers, VALUE] - 2 == y:
            q += s.runs[fallers, TIMES]
            fallers += 1
        if leavers < found and s.runs[leavers, VALUE] == y:
            q -= s.runs[leavers, TIMES]
            leavers += 1
        q += np.int64(y_tail == y) + np.int64(y_head == y) - np.int64(x_tail == y) - np.int64(x_head == y)
        last = y
        if q != 0:
            s.counters[FRESH + width] = _token(y, q)
            width += 1
    for i in range(width, WIDTH):
        s.counters[FRESH + i] = UNKNOWN if more else END


@inlined
def _token(y: int, q: int) -> int:
    if q > 0:
        return (y << _SHIFT) | (_LOW - q)
    return _FLIP - ((y << _SHIFT) | (_LOW + q))


@inlined
def token_value(token: int) -> int:
    """The value ``y`` of a token; larger than all values for END and UNKNOWN."""
    if token < END:
        return token >> _SHIFT
    if token in (END, UNKNOWN):
        return UNKNOWN
    return (_FLIP - token) >> _SHIFT


@kernel
def take_snapshot(s: State, e: int) -> None:
    """Sort the apexes of ``e`` by value, keep the values, and compute all of its tokens."""
    compact(s, e)
    begin, count = s.key[e, START], s.edge[e, COUNT]
    for i in range(count):
        # Value and place in one number, so that one sort of plain integers orders the entries.
        s.by_value[i] = s.value[s.entries[begin + i, 0]] << 24 | i
        for j in range(3):
            s.runs[i, MOVED + j] = s.entries[begin + i, j]
    shell_sort(s.by_value[:count])
    size, found = 0, 0
    for i in range(count):
        source = s.by_value[i] & _LOW
        for j in range(3):
            s.entries[begin + i, j] = s.runs[source, MOVED + j]
        x = s.by_value[i] >> 24
        if x < s.free:
            s.snapshot[begin + size] = x
            size += 1
            if found == 0 or s.runs[found - 1, VALUE] != x:
                s.runs[found, VALUE] = x
                s.runs[found, TIMES] = 0
                found += 1
            s.runs[found - 1, TIMES] += 1
    s.key[e, ENDS] = size
    for i, end in enumerate(_sorted_ends(s, e)):
        s.key[e, ENDS + i + 1] = end
    s.key[e, ENDS + 5] = count
    s.edge[e, RANKED] = True
    begin_key(s, e, found, False)
    for i in range(WIDTH):
        s.key[e, TOKENS + i] = s.counters[FRESH + i]


@kernel
def _sorted_ends(s: State, e: int) -> tuple[int, int, int, int]:
    """Values before and after of both endpoints, the smaller one first."""
    u, v = s.edge[e, TAIL], s.edge[e, HEAD]
    if s.value[u] > s.value[v]:
        u, v = v, u
    count = s.edge[e, COUNT]
    return s.value[u], fallen(s, u, count), s.value[v], fallen(s, v, count)


@kernel
def snapshot_holds(s: State, e: int) -> bool:
    """Whether the snapshot of ``e`` still is what one taken now would be."""
    # As long as no triangle is lost, the entries stay in the order of the snapshot.
    if s.key[e, ENDS + 5] != s.edge[e, COUNT]:
        return False
    for i, end in enumerate(_sorted_ends(s, e)):
        if s.key[e, ENDS + i + 1] != end:
            return False
    begin = s.key[e, START]
    for i in range(s.key[e, ENDS]):  # noqa: SIM110
        if s.value[s.entries[begin + i, 0]] != s.snapshot[begin + i]:
            return False
    return True


@kernel
def compare_snapshots(s: State, e: int, f: int) -> int:
    """1 if the key of ``e`` is better than that of ``f``, -1 if it is worse, 0 if they are equal."""
    e_at, f_at = s.key[e, START], s.key[f, START]
    e_end, f_end = e_at + s.key[e, ENDS], f_at + s.key[f, ENDS]
    # Where both lists begin alike, their changes cancel out. From there on each list is read twice: for the values that
    # apexes fall to, and for those that they leave.
    while e_at < e_end and f_at < f_end and s.snapshot[e_at] == s.snapshot[f_at]:
        e_at += 1
        f_at += 1
    e_old, f_old, last = e_at, f_at, np.int64(-1)
    while True:
        y = np.int64(s.free)
        if e_at < e_end:
            y = min(y, s.snapshot[e_at] - 2)
        if f_at < f_end:
            y = min(y, s.snapshot[f_at] - 2)
        if e_old < e_end:
            y = min(y, s.snapshot[e_old])
        if f_old < f_end:
            y = min(y, s.snapshot[f_old])
        for i in range(1, 5):
            for g in (e, f):
                if last < s.key[g, ENDS + i] < y:
                    y = s.key[g, ENDS + i]
        if y == s.free:
            return 0
        q = np.int64(0)
        while e_at < e_end and s.snapshot[e_at] - 2 == y:
            q += 1
            e_at += 1
        while f_at < f_end and s.snapshot[f_at] - 2 == y:
            q -= 1
            f_at += 1
        while e_old < e_end and s.snapshot[e_old] == y:
            q -= 1
            e_old += 1
        while f_old < f_end and s.snapshot[f_old] == y:
            q += 1
            f_old += 1
        for i in range(1, 5):
            # Values after a removal are at even places, those before it at odd ones.
            sign = 1 if i % 2 == 0 else -1
            q += sign * (np.int64(s.key[e, ENDS + i] == y) - np.int64(s.key[f, ENDS + i] == y))
        if q != 0:
            return 1 if q < 0 else -1
        last = y
