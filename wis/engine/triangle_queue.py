"""The queue of 2-WIS: buckets by upper bound below a floor, and above it a heap by key.

Every edge that is left is in the bucket of an upper bound of the first value of its key, or, if that bound reaches the
floor, in the heap. Moving between buckets takes constant time, which is what nearly all edges do that lose. Only when
the heap is empty, the floor comes down to the next bucket, and its edges are looked at.

In the heap, edges are compared by their stored tokens and snapshots, which are upper bounds too: keys only fall, but for
the exception that `triangles` takes care of. The best edge is the one at the top whose key still is what is stored.
"""

from __future__ import annotations

import numpy as np

from wis.engine.triangle_keys import (
    END,
    UNKNOWN,
    WIDTH,
    begin_key,
    compare_snapshots,
    evaluate,
    inlined,
    kernel,
    snapshot_holds,
    take_snapshot,
    upper_bound,
)

# Levels of edges that are in no bucket.
IN_HEAP = -1
GONE = -2

# Positions in the array of counters: edges in the heap, level of the floor, rounds so far, edges chosen so far.
SIZE, FLOOR, ROUND, DONE = range(4)


@inlined
def level_of(s, value):
    """The bucket of a value; edges that change no value that counts share the highest."""
    return min(value >> s.shift, np.int64(len(s.first) - 1))


@inlined
def into_bucket(s, e, level):
    """Put an edge that is nowhere into a bucket below the floor."""
    other = s.first[level]
    s.level[e] = level
    s.before[e] = -1
    s.after[e] = other
    s.first[level] = e
    if other >= 0:
        s.before[other] = e


@inlined
def out_of_bucket(s, e):
    """Take an edge out of its bucket."""
    before, after = s.before[e], s.after[e]
    if before >= 0:
        s.after[before] = after
    else:
        s.first[s.level[e]] = after
    if after >= 0:
        s.before[after] = before


@inlined
def is_better(s, e, f):
    """Whether ``e`` goes before ``f``, by all that is stored of their keys, then by priority."""
    for i in range(WIDTH):
        a, b = s.tokens[e, i], s.tokens[f, i]
        if a != b:
            return a > b
        if a == UNKNOWN or a == END:
            return s.priority[e] < s.priority[f]
    if s.ranked[e] != s.ranked[f]:
        return s.ranked[f]
    if s.ranked[e]:
        sign = compare_snapshots(s, e, f)
        if sign != 0:
            return sign > 0
    return s.priority[e] < s.priority[f]


@kernel
def sift_up(s, at):
    """Move the edge at a position of the heap up to where it belongs."""
    e = s.heap[at]
    while at > 0:
        parent = (at - 1) >> 1
        f = s.heap[parent]
        if not is_better(s, e, f):
            break
        s.heap[at] = f
        s.before[f] = at
        at = parent
    s.heap[at] = e
    s.before[e] = at


@kernel
def sift_down(s, at):
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
        s.before[f] = at
        at = child
    s.heap[at] = e
    s.before[e] = at


@inlined
def into_heap(s, e):
    """Put an edge that is nowhere into the heap, by its tokens."""
    at = s.counters[SIZE]
    s.counters[SIZE] = at + 1
    s.heap[at] = e
    s.level[e] = IN_HEAP
    sift_up(s, at)


@kernel
def out_of_heap(s, at):
    """Take the edge at a position out of the heap."""
    s.level[s.heap[at]] = GONE
    size = s.counters[SIZE] - 1
    s.counters[SIZE] = size
    if at < size:
        s.heap[at] = s.heap[size]
        s.before[s.heap[at]] = at
        sift_up(s, at)
        sift_down(s, at)


@kernel
def settle(s, e):
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
def _store(s, e):
    for i in range(WIDTH):
        s.tokens[e, i] = s.fresh[i]
    s.stamp[e] = s.counters[ROUND]
    s.ranked[e] = False


@kernel
def _lower_floor(s):
    """Open the next bucket that is not empty; its edges go into the heap or into lower buckets."""
    level = s.counters[FLOOR] - 1
    while s.first[level] < 0:
        level -= 1
    s.counters[FLOOR] = level
    e = s.first[level]
    s.first[level] = -1
    while e >= 0:
        following = s.after[e]
        now = level_of(s, upper_bound(s, e))
        if now < level:
            into_bucket(s, e, now)
        else:
            settle(s, e)
        e = following


@kernel
def reevaluate(s, e):
    """Bring the stored key of an edge of the heap up to date, and move it where it belongs."""
    at = s.before[e]
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
    if s.ranked[e] and _agrees(s, e) and snapshot_holds(s, e):
        s.stamp[e] = s.counters[ROUND]
        return
    _store(s, e)
    sift_up(s, at)
    sift_down(s, s.before[e])


@inlined
def _agrees(s, e):
    """Whether the tokens just computed, as far as they go, are the stored ones."""
    for i in range(WIDTH):
        if s.fresh[i] == UNKNOWN:
            return True
        if s.fresh[i] != s.tokens[e, i]:
            return False
    return True


@inlined
def _is_tied(s, e, f):
    """Whether more of the key of ``e`` is needed to tell that it is better than ``f``."""
    for i in range(WIDTH):
        if s.tokens[e, i] == UNKNOWN:
            return True
        if s.tokens[e, i] != s.tokens[f, i]:
            return False
    return True


@kernel
def pop_best(s):
    """Take out the edge that goes next."""
    while True:
        while s.counters[SIZE] == 0:
            _lower_floor(s)
        e = s.heap[0]
        if s.stamp[e] != s.counters[ROUND]:
            reevaluate(s, e)
        elif s.ranked[e] or s.tokens[e, WIDTH - 1] == END or not _has_rival(s, e):
            out_of_heap(s, 0)
            return e
        else:
            take_snapshot(s, e)
            sift_down(s, 0)


@inlined
def _has_rival(s, e):
    for child in range(1, min(s.counters[SIZE], 3)):
        if _is_tied(s, e, s.heap[child]):
            return True
    return False
