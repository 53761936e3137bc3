"""What tells edges apart that tie in all of their tokens: the values of all apexes, sorted.

The snapshot of an edge is some numbers in a row: how many apex values count; its triangles then; the values before and
after of both ends, those of the end with the smaller value first; and the apex values in ascending order. It stands in
a pool, at the place that the edge keeps. When the pool is full, all are forgotten at once (`queue`), so that it need
not be large; behind it there is room for the two edges of one comparison.
"""

from __future__ import annotations

import numpy as np

from wis.engine.sorting import shell_sort
from wis.engine.triangles.apexes import apex_of, find_triangles
from wis.engine.triangles.edge_table import COUNT, HEAD, SNAPSHOT, TAIL, fallen
from wis.engine.triangles.keys import begin_key
from wis.engine.triangles.state import BEGIN, FRESH, START, TIMES, TOKENS, USED, VALUE, WIDTH, State
from wis.kernels import inlined, kernel

# What a snapshot begins with, and where the values are.
_SIZE, _TRIANGLES, _ENDS, _VALUES = 0, 1, 2, 6


def snapshot_size(num_triangles: int) -> int:
    """Numbers in the snapshot of an edge with so many triangles."""
    return _VALUES + num_triangles


@inlined
def snapshot_fits(s: State, e: int) -> bool:
    """Whether there is room in the pool for the snapshot of an edge."""
    return s.counters[USED] + _VALUES + s.edge[e, COUNT] <= s.pool


@kernel
def take_snapshot(s: State, e: int) -> None:
    """Give an edge a snapshot of the pool, which has room for it."""
    write_snapshot(s, e, s.counters[USED])
    s.counters[USED] += _VALUES + s.edge[e, COUNT]


@kernel
def write_snapshot(s: State, e: int, place: int) -> None:
    """Write the snapshot of an edge to a place, and compute all of its tokens."""
    find_triangles(s, e)
    begin = place + _VALUES
    size = 0
    row = s.place[s.edge[e, TAIL], BEGIN]
    for i in range(s.key[e, START], s.key[e, START] + s.edge[e, COUNT]):
        x = s.value[apex_of(s, row, i)]
        if x < s.free:
            s.snapshot[begin + size] = x
            size += 1
    shell_sort(s.snapshot[begin : begin + size])
    found = 0
    for i in range(size):
        x = s.snapshot[begin + i]
        if found == 0 or s.runs[found - 1, VALUE] != x:
            s.runs[found, VALUE] = x
            s.runs[found, TIMES] = 0
            found += 1
        s.runs[found - 1, TIMES] += 1
    s.snapshot[place + _SIZE] = size
    s.snapshot[place + _TRIANGLES] = s.edge[e, COUNT]
    for i, end in enumerate(_sorted_ends(s, e)):
        s.snapshot[place + _ENDS + i] = end
    s.edge[e, SNAPSHOT] = place
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
    """Whether the snapshot of ``e``, the edge evaluated last, still is what one taken now would be."""
    place = s.edge[e, SNAPSHOT]
    if s.snapshot[place + _TRIANGLES] != s.edge[e, COUNT]:
        return False
    for i, end in enumerate(_sorted_ends(s, e)):
        if s.snapshot[place + _ENDS + i] != end:
            return False
    # No triangle is lost, so the apexes are the same, and their values only fall: none has if their sum has not.
    fall = np.int64(0)
    row = s.place[s.edge[e, TAIL], BEGIN]
    for i in range(s.key[e, START], s.key[e, START] + s.edge[e, COUNT]):
        x = s.value[apex_of(s, row, i)]
        if x < s.free:
            fall -= x
    for i in range(place + _VALUES, place + _VALUES + s.snapshot[place + _SIZE]):
        fall += s.snapshot[i]
    return fall == 0


@kernel
def compare_snapshots(s: State, e: int, f: int) -> int:
    """1 if the key of ``e`` is better than that of ``f``, -1 if it is worse, 0 if they are equal."""
    e_place, f_place = s.edge[e, SNAPSHOT], s.edge[f, SNAPSHOT]
    e_at, f_at = e_place + _VALUES, f_place + _VALUES
    e_end, f_end = e_at + s.snapshot[e_place + _SIZE], f_at + s.snapshot[f_place + _SIZE]
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
        for i in range(_ENDS, _ENDS + 4):
            for place in (e_place, f_place):
                if last < s.snapshot[place + i] < y:
                    y = s.snapshot[place + i]
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
        for i in range(4):
            # Values before a removal are at even places, those after it at odd ones.
            sign = 1 if i % 2 == 1 else -1
            e_end_value, f_end_value = s.snapshot[e_place + _ENDS + i], s.snapshot[f_place + _ENDS + i]
            q += sign * (np.int64(e_end_value == y) - np.int64(f_end_value == y))
        if q != 0:
            return 1 if q < 0 else -1
        last = y
