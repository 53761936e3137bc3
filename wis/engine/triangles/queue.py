"""The queue of 2-WIS: buckets by upper bound below a floor, and above it a heap by key.

Every edge that is left is in the bucket of an upper bound of the first value of its key, or, if that bound reaches the
floor, in the heap. Moving between buckets takes constant time, which is what nearly all edges do that lose. Only when
the heap is empty, the floor comes down to the next bucket, and its edges are looked at.

In the heap, edges are compared by their stored tokens and snapshots, which are upper bounds too: keys only fall, but
for the exception that `cpu` takes care of. The best edge is the one at the top whose key still is what is stored.
"""

from __future__ import annotations

import numpy as np

from wis.engine.triangles.edge_table import (
    AFTER,
    BEFORE,
    BUCKET,
    COUNT,
    GONE,
    PRIORITY,
    SNAPSHOT,
    STAMP,
    into_bucket,
)
from wis.engine.triangles.groups import copy_key, first_of_group, is_misplaced, join, stands_for_group, successor
from wis.engine.triangles.keys import END, UNKNOWN, begin_key, evaluate
from wis.engine.triangles.snapshots import (
    compare_snapshots,
    snapshot_fits,
    snapshot_holds,
    take_snapshot,
    write_snapshot,
)
from wis.engine.triangles.state import (
    FLOOR,
    FRESH,
    IN_HEAP,
    ROUND,
    SIZE,
    TOKENS,
    USED,
    WIDTH,
    State,
    upper_bound,
)
from wis.kernels import inlined, kernel

# Here and in `keys`, what runs for every edge that comes up is inlined: passing the state takes a tenth of the
# time on R-MAT. More of that doubles the time to compile. Numbers that large functions are called with are made int64
# first: Numba compiles a function for each type of an argument, and what may be -1 has the type of that number, too,
# while types are inferred.

# The heap is swept when one of so many edges has fallen out of it since the last removal.
_SWEEP_SHARE = 8


@inlined
def bucket_of(s: State, value: np.int64) -> np.int64:
    """The bucket of a value; edges that change no value that counts share the highest."""
    return min(value >> s.shift, np.int64(len(s.first) - 1))


@inlined
def is_better(s: State, e: int, f: int) -> bool:
    """Whether ``e`` goes before ``f``, by all that is stored of their keys, then by priority."""
    for i in range(WIDTH):
        a, b = s.key[e, TOKENS + i], s.key[f, TOKENS + i]
        if a != b:
            return a > b
        # Equal keys, or nothing known of either from here on: then the one that would win a tie is looked at first.
        if a in (UNKNOWN, END):
            return s.edge[e, PRIORITY] < s.edge[f, PRIORITY]
    # One without a snapshot may be better beyond its tokens than the other one is: it comes first, to be looked at.
    e_ranked, f_ranked = s.edge[e, SNAPSHOT] >= 0, s.edge[f, SNAPSHOT] >= 0
    if e_ranked != f_ranked:
        return f_ranked
    if e_ranked:
        sign = compare_snapshots(s, e, f)
        if sign != 0:
            return sign > 0
    return s.edge[e, PRIORITY] < s.edge[f, PRIORITY]


@inlined
def sift_up(s: State, at: int) -> None:
    """Move the edge at a position of the heap up to where it belongs."""
    # The edge itself is written once, at the end; others move into the gap.
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
    s.edge[e, BUCKET] = IN_HEAP
    sift_up(s, at)


@kernel
def out_of_heap(s: State, at: int) -> None:
    """Take the edge at a position out of the heap."""
    s.edge[s.heap[at], BUCKET] = GONE
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
    bucket = bucket_of(s, value)
    if bucket < s.counters[FLOOR]:
        into_bucket(s, e, bucket)
        return
    # Only edges that come to the heap need more than their first value.
    begin_key(s, e, found, more)
    _store(s, e)
    first = first_of_group(s, e) if s.edge[e, COUNT] == 0 else np.int64(-1)
    if first < 0:
        into_heap(s, e)
    elif join(s, e, first) == e:
        _take_place(s, e, first)


@inlined
def _take_place(s: State, e: int, first: int) -> None:
    """Have an edge stand for a group in the heap, where another one did."""
    copy_key(s, first, e)
    at = s.edge[first, BEFORE]
    s.edge[first, BUCKET] = GONE
    s.heap[at] = e
    s.edge[e, BUCKET] = IN_HEAP
    sift_up(s, at)


@inlined
def _store(s: State, e: int) -> None:
    for i in range(WIDTH):
        s.key[e, TOKENS + i] = s.counters[FRESH + i]
    s.edge[e, STAMP] = s.counters[ROUND]
    s.edge[e, SNAPSHOT] = -1


@inlined
def _lower_floor(s: State) -> None:
    """Bring the floor down to right above the highest bucket that is not empty; there must be one."""
    while s.first[s.counters[FLOOR] - 1] < 0:
        s.counters[FLOOR] -= 1


@kernel
def _open_bucket(s: State) -> None:
    """Open the bucket below the floor; its edges go into the heap or into lower buckets."""
    bucket = s.counters[FLOOR] - 1
    s.counters[FLOOR] = bucket
    e = s.first[bucket]
    s.first[bucket] = -1
    while e >= 0:
        following = s.edge[e, AFTER]
        # Many have lost since they were filed, and are sent on without being evaluated.
        now = bucket_of(s, upper_bound(s, e))
        if now < bucket:
            into_bucket(s, e, now)
        else:
            settle(s, e)
        e = following


@kernel
def reevaluate(s: State, e: int) -> None:
    """Bring the stored key of an edge of the heap up to date, and move it where it belongs."""
    at = np.int64(s.edge[e, BEFORE])
    # What constant time can tell saves a pass over the apexes.
    bucket = bucket_of(s, upper_bound(s, e))
    if bucket < s.counters[FLOOR]:
        _out_of_heap_and_group(s, e)
        into_bucket(s, e, bucket)
        return
    if is_misplaced(s, e):
        _out_of_heap_and_group(s, e)
        settle(s, e)
        return
    value, found, more = evaluate(s, e)
    bucket = bucket_of(s, value)
    if bucket < s.counters[FLOOR]:
        out_of_heap(s, at)
        into_bucket(s, e, bucket)
        return
    begin_key(s, e, found, more)
    # A snapshot has cost a sort: where nothing has changed, it stays.
    if s.edge[e, SNAPSHOT] >= 0 and _agrees(s, e) and snapshot_holds(s, e):
        s.edge[e, STAMP] = s.counters[ROUND]
        return
    _store(s, e)
    # Keys mostly fall, but that of an edge which lost an apex may have risen.
    sift_up(s, at)
    sift_down(s, s.edge[e, BEFORE])


@inlined
def _out_of_heap_and_group(s: State, e: int) -> None:
    """Take an edge out of the heap; if it stood for a group, the next one does."""
    out_of_heap(s, np.int64(s.edge[e, BEFORE]))
    if stands_for_group(s, e):
        _let_next_stand(s, e)


@kernel
def _let_next_stand(s: State, e: int) -> None:
    """Put the edge into the heap that stands for a group after one that did."""
    following = successor(s, e)
    if following >= 0:
        into_heap(s, following)


@inlined
def _agrees(s: State, e: int) -> bool:
    """Whether the tokens just computed, as far as they go, are the stored ones."""
    for i in range(WIDTH):
        # One pass finds NEAR values only. What the snapshot tells beyond is compared by `snapshot_holds`.
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
        e = np.int64(s.heap[at])
        while e >= 0:
            bucket = bucket_of(s, upper_bound(s, e))
            if bucket >= s.counters[FLOOR]:
                s.heap[kept] = e
                s.edge[e, BUCKET] = IN_HEAP
                s.edge[e, BEFORE] = kept
                kept += 1
                break
            following = successor(s, e) if stands_for_group(s, e) else np.int64(-1)
            into_bucket(s, e, bucket)
            e = following
    s.counters[SIZE] = kept
    _order_heap(s)


@inlined
def _order_heap(s: State) -> None:
    for at in range(s.counters[SIZE] // 2 - 1, -1, -1):
        sift_down(s, at)


@kernel
def pop_best(s: State) -> np.int64:
    """Take out the edge that goes next; there must be one."""
    dropped = 0
    while True:
        while s.counters[SIZE] == 0:
            _lower_floor(s)
            _open_bucket(s)
        e = np.int64(s.heap[0])
        if s.edge[e, STAMP] != s.counters[ROUND]:
            reevaluate(s, e)
            dropped += s.edge[e, BUCKET] != IN_HEAP
            # One removal often makes most of the heap fall; to sort that out one by one would take longer.
            if dropped * _SWEEP_SHARE > s.counters[SIZE]:
                _sweep(s)
                dropped = 0
            continue
        # The key at the top is exact as far as its tokens go, and all others are upper bounds. It goes, unless one of
        # these agrees with it and the rest would have to decide.
        rival = -1 if s.edge[e, SNAPSHOT] >= 0 or s.key[e, TOKENS + WIDTH - 1] == END else _rival(s, e)
        if rival < 0:
            _out_of_heap_and_group(s, e)
            return e
        # Mostly the rival has fallen meanwhile, and no snapshot is needed.
        if s.edge[rival, STAMP] != s.counters[ROUND]:
            reevaluate(s, np.int64(rival))
        elif not snapshot_fits(s, e):
            _forget_snapshots(s)
            return _pop_by_duels(s)
        else:
            # With more known of it the edge may be worse than the rival; then that one comes up, and is known as far
            # before either goes.
            take_snapshot(s, e)
            sift_down(s, 0)


@inlined
def _rival(s: State, e: int) -> int:
    """An edge that may be as good as the one at the top as far as its tokens go, -1 if there is none."""
    rival = -1
    # The best of all others in a heap is one of the two below the top.
    for child in range(1, min(s.counters[SIZE], 3)):
        if _is_tied(s, e, s.heap[child]):
            rival = s.heap[child]
    return rival


@kernel
def _forget_snapshots(s: State) -> None:
    """Empty the pool of snapshots; edges get new ones when they tie again."""
    for at in range(s.counters[SIZE]):
        s.edge[s.heap[at], SNAPSHOT] = -1
    s.counters[USED] = 0
    _order_heap(s)


@kernel
def _pop_by_duels(s: State) -> np.int64:
    """Take out the edge that goes next, with no more than two snapshots at a time.

    However many edges tie and however little room there is for snapshots, one edge is found. The pool is empty then,
    so that it is filled once more before this is needed again.
    """
    best, losers = np.int64(-1), np.int64(-1)
    place, other = s.pool, (s.pool + len(s.snapshot)) // 2
    while s.counters[SIZE] > 0:
        e = np.int64(s.heap[0])
        if s.edge[e, STAMP] != s.counters[ROUND]:
            reevaluate(s, e)
            continue
        # This one bounds all that are left.
        if best >= 0 and _is_behind(s, e, best):
            break
        out_of_heap(s, np.int64(0))
        write_snapshot(s, e, place)
        loser = e
        if best < 0 or _wins(s, e, best):
            loser, best = best, e
            place, other = other, place
        if loser >= 0:
            s.edge[loser, AFTER] = losers
            losers = loser
    while losers >= 0:
        e = losers
        losers = s.edge[e, AFTER]
        s.edge[e, SNAPSHOT] = -1
        into_heap(s, e)
    if stands_for_group(s, best):
        _let_next_stand(s, best)
    return best


@inlined
def _is_behind(s: State, e: int, f: int) -> bool:
    """Whether the tokens of ``e`` tell that it is worse than ``f``."""
    for i in range(WIDTH):
        if s.key[e, TOKENS + i] != s.key[f, TOKENS + i]:
            return s.key[e, TOKENS + i] < s.key[f, TOKENS + i]
    return False


@inlined
def _wins(s: State, e: int, f: int) -> bool:
    """Whether ``e`` goes before ``f``, both with snapshots of this round."""
    sign = compare_snapshots(s, e, f)
    return sign > 0 or (sign == 0 and s.edge[e, PRIORITY] < s.edge[f, PRIORITY])
