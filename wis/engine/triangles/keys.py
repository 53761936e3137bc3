"""Keys of edges for 2-WIS: what a removal does to the sorted tuple of values, compared as far as needed.

The key of an edge is a signed count per value: ascending values ``y``, each with a count ``q`` of how many more (or,
if negative, fewer) vertices have it after the removal. The better key has the smaller count at the smallest ``y`` where
two keys differ. One pair ``(y, q)`` is packed into one int64, a *token*, so that the better one is larger:

    more of y:    larger y first, then fewer of them
    END:          no further change
    fewer of y:   smaller y first, then more of them
    UNKNOWN:      not looked at yet; as good as it gets, so that it bounds every key that begins the same

An edge stores the first ``WIDTH`` tokens. They come from the ``NEAR`` smallest values among its apexes (the third
vertices of its triangles), found in one pass and without sorting. Only where two keys agree in all of them are all
values sorted and kept (`snapshots`), and the rest of the two keys compared on these.
"""

from __future__ import annotations

import numpy as np

from wis.engine.triangles.apexes import apex_of, find_triangles_or_low_apex
from wis.engine.triangles.edge_table import COUNT, HEAD, LOWEST, TAIL, fallen
from wis.engine.triangles.state import BEGIN, FLOOR, FRESH, NEAR, START, TIMES, VALUE, WIDTH, State, upper_bound
from wis.kernels import inlined

_SHIFT = 24
_LOW = (1 << _SHIFT) - 1
END = 1 << 61
UNKNOWN = np.iinfo(np.int64).max
_FLIP = 1 << 62


@inlined
def evaluate(s: State, e: int) -> tuple[int, int, bool]:
    """First value of the key of ``e``; sets the lowest apex, and leaves what ``begin_key`` needs in the runs.

    The value is exact where it reaches the floor, which is when there are runs; else it is an upper bound. Returns it,
    the number of runs, and whether there are larger apex values than those of the runs.
    """
    low = find_triangles_or_low_apex(s, e, (s.counters[FLOOR] << s.shift) + 2)
    if low >= 0:
        s.edge[e, LOWEST] = low
        return upper_bound(s, e), 0, True
    found, more, lowest = 0, False, -1
    limit = np.int64(s.free) - 1
    row = s.place[s.edge[e, TAIL], BEGIN]
    for i in range(s.key[e, START], s.key[e, START] + s.edge[e, COUNT]):
        apex = apex_of(s, row, i)
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
