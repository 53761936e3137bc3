"""The queue of 2-WIS: buckets by upper bound below a floor, and above it a heap by key.

Every edge that is left is in the bucket of an upper bound of the first value of its key, or, if that bound reaches the
floor, in the heap. Moving between buckets takes constant time, which is what nearly all edges do that lose. Only when
the heap is empty, the floor comes down to the next bucket, and its edges are looked at.

In the heap, edges are compared by their stored tokens and snapshots, which are upper bounds too: keys only fall, but
for the exception that `triangles` takes care of. The best edge is the one at the top whose key still is what is stored.
"""

from __future__ import annotations

import numpy as np

from wis.engine.triangles.keys import (
    AFTER,
    BEFORE,
    END,
    FLOOR,
    FRESH,
    LEVEL,
    PRIORITY,
    RANKED,
    ROUND,
    SIZE,
    STAMP,
    TOKENS,
    UNKNOWN,
    WIDTH,
    State,
    begin_key,
    compare_snapshots,
    evaluate,
    snapshot_holds,
    take_snapshot,
    upper_bound,
)
from wis.kernels import inlined, kernel

# Here and in `triangle_keys`, what runs for every edge that comes up is inlined: passing the state takes a tenth of the
# time on R-MAT. More of that doubles the time to compile.

# Levels of edges that are in no bucket.
IN_HEAP = -1
GONE = -2

# The heap is swept when one of so many edges has fallen out of it since the last removal.
_SWEEP_SHARE = 8


@inlined
def level_of(s: State, value: np.int64) -> np.int64:
    """The bucket of a value; edges that change no value that counts share the highest."""
    return min(value >> s.shift, np.int64(len(s.first) - 1))


@inlined
def into_bucket(s: State, e: int, level: int) -> None:
    """Put an edge that is nowhere into a bucket below the floor."""
    other = s.first[level]
    s.edge[e, LEVEL] = level
    s.edge[e, BEFORE] = -1
    s.edge[e, AFTER] = other
    s.first[level] = e
    if other >= 0:
        s.edge[other, BEFORE] = e


@inlined
def out_of_bucket(s: State, e: int) -> None:
    """Take an edge out of its bucket."""
    before, after = s.edge[e, BEFORE], s.edge[e, AFTER]
    if before >= 0:
        s.edge[before, AFTER] = after
    else:
        s.first[s.edge[e, LEVEL]] = after
    if after >= 0:
        s.edge[after, BEFORE] = before


@inlined
def is_better(s: State, e: int, f: int) -> bool:
    """Whether ``e`` goes before ``f``, by all that is stored of their keys, then by priority."""
    for i in range(WIDTH):
        a, b = s.key[e, TOKENS + i], s.key[f, TOKENS + i]
        if a != b:
            return a > b
        if a in (UNKNOWN, END):
            return s.edge[e, PRIORITY] < s.edge[f, PRIORITY]
    if s.edge[e, RANKED] != s.edge[f, RANKED]:
        return s.edge[f, RANKED]
    if s.edge[e, RANKED]:
        sign = compare_snapshots(s, e, f)
        if sign != 0:
            return sign > 0
    return s.edge[e, PRIORITY] < s.edge[f, PRIORITY]


@inlined
def sift_up(s: State, at: int) -> None:
    """Move the edge at a position of the heap up to where it belongs."""
    e = s.heap[at]
    while at > 0:
        parent = (at - 1) >> 1
        f = s.heap[parent]
        if not is_better(s, e, f):
            break
        s.heap[at] = f
        s.edge[f, BEFORE] = at
        at = parent
    s.heap[at] = e
    s.edge[e, BEFORE] = at


@inlined
def sift_down(s: State, at: int) -> None:
    """Move the edge at a position of the heap down to where it belongs."""
    e = s.heap[at]
    size = s.counters[SIZE]
    while 2 * at + 1 < size:
        child = 2 * at + 1
        if child + 1 < size and is_better(s, s.heap[child + 1], s.heap[child]):
            child += 1
        f = s.heap[child]
        if not is_better(s, f, e):
            break
        s.heap[at] = f
        s.edge[f, BEFORE] = at
        at = child
    s.heap[at] = e
    s.edge[e, BEFORE] = at


@inlined
def into_heap(s: State, e: int) -> None:
    """Put an edge that is nowhere into the heap, by its tokens."""
    at = s.counters[SIZE]
    s.counters[SIZE] = at + 1
    s.heap[at] = e
    s.edge[e, LEVEL] = IN_HEAP
    sift_up(s, at)


@kernel
def out_of_heap(s: State, at: int) -> None:
    """Take the edge at a position out of the heap."""
    s.edge[s.heap[at], LEVEL] = GONE
    size = s.counters[SIZE] - 1
    s.counters[SIZE] = size
    if at < size:
        s.heap[at] = s.heap[size]
        s.edge[s.heap[at], BEFORE] = at
        sift_up(s, at)
        sift_down(s, at)


@kernel
def settle(s: State, e: int) -> None:
    """Evaluate an edge that is nowhere and put it where it belongs."""
    value, found, more = evaluate(s, e)
    level = level_of(s, value)
    if level < s.counters[FLOOR]:
        into_bucket(s, e, level)
        return
    begin_key(s, e, found, more)
    _store(s, e)
    into_heap(s, e)


@inlined
def _store(s: State, e: int) -> None:
    for i in range(WIDTH):
        s.key[e, TOKENS + i] = s.counters[FRESH + i]
    s.edge[e, STAMP] = s.counters[ROUND]
    s.edge[e, RANKED] = False


@kernel
def _lower_floor(s: State) -> None:
    """Open the next bucket that is not empty; its edges go into the heap or into lower buckets."""
    level = s.counters[FLOOR] - 1
    while s.first[level] < 0:
        level -= 1
    s.counters[FLOOR] = level
    e = s.first[level]
    s.first[level] = -1
    while e >= 0:
        following = s.edge[e, AFTER]
        now = level_of(s, upper_bound(s, e))
        if now < level:
            into_bucket(s, e, now)
        else:
            settle(s, e)
        e = following


@kernel
def reevaluate(s: State, e: int) -> None:
    """Bring the stored key of an edge of the heap up to date, and move it where it belongs."""
    at = s.edge[e, BEFORE]
    level = level_of(s, upper_bound(s, e))
    if level < s.counters[FLOOR]:
        out_of_heap(s, at)
        into_bucket(s, e, level)
        return
    value, found, more = evaluate(s, e)
    level = level_of(s, value)
    if level < s.counters[FLOOR]:
        out_of_heap(s, at)
        into_bucket(s, e, level)
        return
    begin_key(s, e, found, more)
    if s.edge[e, RANKED] and _agrees(s, e) and snapshot_holds(s, e):
        s.edge[e, STAMP] = s.counters[ROUND]
        return
    _store(s, e)
    sift_up(s, at)
    sift_down(s, s.edge[e, BEFORE])


@inlined
def _agrees(s: State, e: int) -> bool:
    """Whether the tokens just computed, as far as they go, are the stored ones."""
    for i in range(WIDTH):
        if s.counters[FRESH + i] == UNKNOWN:
            return True
        if s.counters[FRESH + i] != s.key[e, TOKENS + i]:
            return False
    return True


@inlined
def _is_tied(s: State, e: int, f: int) -> bool:
    """Whether more of the key of ``e`` is needed to tell that it is better than ``f``."""
    for i in range(WIDTH):
        if s.key[e, TOKENS + i] == UNKNOWN:
            return True
        if s.key[e, TOKENS + i] != s.key[f, TOKENS + i]:
            return False
    return True


@kernel
def _sweep(s: State) -> None:
    """Move all edges of the heap that have fallen below the floor, as far as is seen in constant time, to buckets."""
    kept = 0
    for at in range(s.counters[SIZE]):
        e = s.heap[at]
        level = level_of(s, upper_bound(s, e))
        if level < s.counters[FLOOR]:
            into_bucket(s, e, level)
        else:
            s.heap[kept] = e
            s.edge[e, BEFORE] = kept
            kept += 1
    s.counters[SIZE] = kept
    for at in range(kept // 2 - 1, -1, -1):
        sift_down(s, at)


@kernel
def pop_best(s: State) -> int:
    """Take out the edge that goes next."""
    dropped = 0
    while True:
        while s.counters[SIZE] == 0:
            _lower_floor(s)
        e = s.heap[0]
        if s.edge[e, STAMP] != s.counters[ROUND]:
            reevaluate(s, e)
            dropped += s.edge[e, LEVEL] != IN_HEAP
            # One removal often makes most of the heap fall; to sort that out one by one would take longer.
            if dropped * _SWEEP_SHARE > s.counters[SIZE]:
                _sweep(s)
                dropped = 0
            continue
        rival = -1 if s.edge[e, RANKED] or s.key[e, TOKENS + WIDTH - 1] == END else _rival(s, e)
        if rival < 0:
            out_of_heap(s, 0)
            return e
        if s.edge[rival, STAMP] != s.counters[ROUND]:
            reevaluate(s, rival)
        else:
            take_snapshot(s, e)
            sift_down(s, 0)


@inlined
def _rival(s: State, e: int) -> int:
    """An edge that may be as good as the one at the top as far as its tokens go, -1 if there is none."""
    rival = -1
    for child in range(1, min(s.counters[SIZE], 3)):
        if _is_tied(s, e, s.heap[child]):
            rival = s.heap[child]
    return rival
