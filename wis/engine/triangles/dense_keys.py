"""Edges of a dense graph in the order of their keys for 2-WIS, without sorting them.

The key of an edge (see `keys`) is compared by what it sums up to: for ascending values ``y``,

    S(y) = number of apexes with value y + 2
         + number of endpoints that fall to y, y - 2, y - 4, ... - number of endpoints that have these values

Two keys differ first where these sums do, and the smaller sum is the better key. The *level* of an edge is the smallest
``y`` with a sum that is not 0. An edge waits in the bucket of an upper bound of its level. The edges of the highest
level are *open*: they have their first four sums, packed into one int64, the smaller the better.

Levels and sums of an edge take one pass over the common bits of two rows, with one mask for all vertices whose values
are too small for the level, and one for each of the four sums.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from wis.engine.triangles.bit_rows import BITS, ONE, bit_of, lowest_bit, popcount, word_of
from wis.engine.triangles.edge_table import (
    AFTER,
    BEFORE,
    BUCKET,
    COUNT,
    GONE,
    HEAD,
    LOWEST,
    PRIORITY,
    STAMP,
    TAIL,
    fallen,
    into_bucket,
    out_of_bucket,
)
from wis.kernels import inlined, kernel

# Sums of an open edge, and bits that each takes: a sum is between -2 and the number of vertices + 2.
SUMS = 4
_SUM_BITS = 15

# Vertices at most, so that a sum fits.
MOST_NODES = (1 << _SUM_BITS) - 6

# Rows of the masks: vertices below the level; those of each sum of the level; those of further sums, for ties; all.
BELOW, FIRST, FURTHER, ALL, MASKS = 0, 1, 1 + SUMS, 1 + 2 * SUMS, 2 + 2 * SUMS

# Tied edges are compared by more sums together while there are more of them than this, and not more often than that.
_FEW = 16
_MOST_PASSES = 2

# All open edges are evaluated where they are few, or where the best ones have turned out not to be so often.
_SMALL = 16
_TRIES = 3

# The bucket of an edge that is open: one at the level of the floor, with its sums stored.
OPEN = -1

# Counters: the level of the open edges; how many there are; rounds so far; edges chosen so far; triangles left, counted
# at each edge; passes that found nothing new; and the sums that were just computed.
FLOOR, SIZE, ROUND, DONE, TRIANGLES, IDLE, KEY, COUNTERS = range(8)


class State(NamedTuple):
    """Everything the kernels work on: ``n`` vertices, ``m`` edges."""

    free: int  # the value of a vertex that does not count (no target); larger than all others
    value: np.ndarray  # int64 [n]: 1 + 3 * degree + 2 * triangles
    rows: np.ndarray  # uint64 [n, words]: neighbours
    mask: np.ndarray  # uint64 [MASKS, words]: see above
    pair: np.ndarray  # int32 [n, n]: the edge between two vertices
    edge: np.ndarray  # int32 [m, COLUMNS]: see `edge_table`; the position among the open edges is in BEFORE
    first: np.ndarray  # int32 [levels]: first edge of each bucket, -1 for none
    open_edge: np.ndarray  # int32 [m]: open edges
    open_key: np.ndarray  # int64 [m]: their sums
    tied: np.ndarray  # int32 [m]: open edges that may be the best
    counters: np.ndarray  # int64 [COUNTERS]: see above


@inlined
def _up_to(end: int, y: int) -> np.int64:
    """1 if an endpoint's value is one of ``y``, ``y - 2``, ``y - 4``, ..."""
    # No branch: this is computed four times for every sum.
    return np.int64(end <= y) & ~(end ^ y) & 1


@inlined
def _pack(s: State, e: int, y: int, a: int, b: int, c: int, d: int) -> np.int64:
    """The sums of ``y`` to ``y + 3``, with their numbers of apexes."""
    u, v, count = s.edge[e, TAIL], s.edge[e, HEAD], s.edge[e, COUNT]
    low, high, old_low, old_high = fallen(s, u, count), fallen(s, v, count), s.value[u], s.value[v]
    key = np.int64(0)
    for i, apexes in enumerate((a, b, c, d)):
        ends = _up_to(low, y + i) + _up_to(high, y + i) - _up_to(old_low, y + i) - _up_to(old_high, y + i)
        key = key << _SUM_BITS | (np.int64(apexes) + ends + 2)
    return key


@inlined
def _count_apexes(s: State, e: int, first: int) -> tuple[np.uint64, np.uint64, np.uint64, np.uint64, np.uint64]:
    """Not 0 if an apex is below the level; and how many there are in each of four rows of the masks."""
    u, v = np.uint64(s.edge[e, TAIL]), np.uint64(s.edge[e, HEAD])
    below = a = b = c = d = np.uint64(0)
    for i in range(np.uint64(s.rows.shape[1])):
        apexes = s.rows[u, i] & s.rows[v, i]
        below |= apexes & s.mask[BELOW, i]
        a += popcount(apexes & s.mask[first, i])
        b += popcount(apexes & s.mask[first + 1, i])
        c += popcount(apexes & s.mask[first + 2, i])
        d += popcount(apexes & s.mask[first + 3, i])
    return below, a, b, c, d


@inlined
def evaluate(s: State, e: int) -> np.int64:
    """The level of an edge that is at the floor, or an upper bound below it.

    Sets the lowest apex of an edge below the floor, and ``KEY`` for one at the floor.
    """
    floor = s.counters[FLOOR]
    level = _level_of_ends(s, e)
    s.edge[e, LOWEST] = -1
    if level < floor:
        return level
    below, a, b, c, d = _count_apexes(s, e, FIRST)
    if below != 0:
        return _level_with_apexes(s, e, level, BELOW)
    s.counters[KEY] = _pack(s, e, floor, a, b, c, d)
    return floor


@inlined
def _level_of_ends(s: State, e: int) -> np.int64:
    """The level that an edge would have without apexes; edges that change no value that counts share the highest."""
    count = s.edge[e, COUNT]
    level = min(fallen(s, s.edge[e, TAIL], count), fallen(s, s.edge[e, HEAD], count))
    return min(level, np.int64(len(s.first) - 1))


@kernel
def _level_with_apexes(s: State, e: int, level: np.int64, row: int) -> np.int64:
    """The level of an edge by that of its endpoints and the apexes of a row of the masks; sets its lowest one."""
    u, v = np.uint64(s.edge[e, TAIL]), np.uint64(s.edge[e, HEAD])
    for i in range(np.uint64(s.rows.shape[1])):
        apexes = s.rows[u, i] & s.rows[v, i] & s.mask[row, i]
        while apexes != 0:
            w = i * BITS + lowest_bit(apexes)
            apexes &= apexes - ONE
            if s.value[w] - 2 < level:
                level = s.value[w] - 2
                s.edge[e, LOWEST] = w
    return level


@kernel
def fill_buckets(s: State) -> None:
    """Put all edges into the buckets of their endpoints, with the floor at the highest."""
    s.counters[FLOOR] = len(s.first) - 1
    _fill_masks(s, s.counters[FLOOR], BELOW)
    # Backwards, so that the first edge comes out first.
    for e in range(len(s.edge) - 1, -1, -1):
        into_bucket(s, e, _level_of_ends(s, e))


@inlined
def _into_open(s: State, e: int) -> None:
    """Open an edge that is nowhere, with the sums just computed."""
    at = s.counters[SIZE]
    s.counters[SIZE] = at + 1
    s.open_edge[at] = e
    s.open_key[at] = s.counters[KEY]
    s.edge[e, BUCKET] = OPEN
    s.edge[e, BEFORE] = at
    s.edge[e, STAMP] = s.counters[ROUND]


@inlined
def _out_of_open(s: State, e: int) -> None:
    """Take an edge out of the open ones; the last one takes its place."""
    last = s.counters[SIZE] - 1
    s.counters[SIZE] = last
    at = s.edge[e, BEFORE]
    s.open_edge[at] = s.open_edge[last]
    s.open_key[at] = s.open_key[last]
    s.edge[s.open_edge[at], BEFORE] = at


@kernel
def relocate(s: State, e: int) -> None:
    """Put an edge that lost an apex into the bucket of its level.

    The level may have risen, but not above the floor: what holds it there is no greater than the floor, but the lost
    apex, an endpoint of an edge that was chosen at the floor or above, falls to more than that.
    """
    if s.edge[e, BUCKET] == OPEN:
        _out_of_open(s, e)
    else:
        out_of_bucket(s, e)
    s.edge[e, LOWEST] = -1
    into_bucket(s, e, _level_with_apexes(s, e, _level_of_ends(s, e), ALL))


@kernel
def _fill_masks(s: State, y: np.int64, row: int) -> np.int64:
    """Mask the vertices for the sums from ``y`` on, from a row on; for the level, those below it too.

    Returns the next ``y`` that a vertex has or falls to, ``free`` or more if there is none.
    """
    first = FIRST if row == BELOW else row
    s.mask[row : first + SUMS] = 0
    following = np.int64(s.free)
    for v in range(np.uint64(len(s.value))):
        x = s.value[v] - 2 - y
        if x >= SUMS:
            if s.value[v] < s.free:
                following = min(following, x)
        elif x >= 0:
            s.mask[first + x, word_of(v)] |= bit_of(v)
            if x >= SUMS - 2:
                following = min(following, x + 2)
        elif row == BELOW:
            s.mask[BELOW, word_of(v)] |= bit_of(v)
    return y + following


@inlined
def _mask_of(s: State, x: np.int64) -> np.int64:
    """The row of the masks for the level that a value is in, ``ALL`` if none."""
    x -= s.counters[FLOOR] + 2
    if x >= SUMS:
        return np.int64(ALL)
    return np.int64(BELOW) if x < 0 else FIRST + x


@inlined
def lower(s: State, v: int, x: np.int64) -> None:
    """Give a vertex a lower value."""
    # Most values change far above the level, where no mask tells them apart.
    old, new = _mask_of(s, s.value[v]), _mask_of(s, x)
    s.value[v] = x
    if old != new:
        if old != ALL:
            s.mask[old, word_of(v)] &= ~bit_of(v)
        s.mask[new, word_of(v)] |= bit_of(v)


@kernel
def choose(s: State) -> int:
    """Take out the edge that goes next."""
    tries = 0
    while True:
        _open_edges(s)
        size = s.counters[SIZE]
        # Stored sums may be of an earlier round, and are then no worse than the truth: only where the best ones do
        # stand is anything decided.
        best = s.open_key[0]
        for i in range(np.uint64(size)):
            best = min(best, s.open_key[i])
        _check_open(s, best, size <= _SMALL or tries >= _TRIES)
        tries += 1
        count = 0
        for i in range(s.counters[SIZE]):
            if s.open_key[i] == best:
                s.tied[count] = s.open_edge[i]
                count += 1
        if count > 0:
            e = s.tied[0] if count == 1 else _first_of_tied(s, count)
            _out_of_open(s, e)
            s.edge[e, BUCKET] = GONE
            return e


@kernel
def _open_edges(s: State) -> None:
    """Open the bucket at the floor; if nothing is open then, lower it."""
    while True:
        floor = s.counters[FLOOR]
        e = s.first[floor]
        s.first[floor] = -1
        while e >= 0:
            following = s.edge[e, AFTER]
            level = evaluate(s, e)
            if level == floor:
                _into_open(s, e)
            else:
                into_bucket(s, e, level)
            e = following
        if s.counters[SIZE] > 0:
            return
        floor -= 1
        while s.first[floor] < 0:
            floor -= 1
        s.counters[FLOOR] = floor
        _fill_masks(s, floor, BELOW)


@kernel
def _check_open(s: State, key: np.int64, all_keys: bool) -> None:
    """Evaluate the open edges whose stored sums are ``key``, or all of them, where that was not done this round."""
    floor = s.counters[FLOOR]
    # Backwards, as the last one takes the place of one that is taken out.
    for i in range(s.counters[SIZE] - 1, -1, -1):
        e = s.open_edge[i]
        if not (all_keys or s.open_key[i] == key) or s.edge[e, STAMP] == s.counters[ROUND]:
            continue
        level = evaluate(s, e)
        if level == floor:
            s.counters[IDLE] += s.open_key[i] == s.counters[KEY]
            s.open_key[i] = s.counters[KEY]
            s.edge[e, STAMP] = s.counters[ROUND]
        else:
            _out_of_open(s, e)
            into_bucket(s, e, level)


@kernel
def _first_of_tied(s: State, count: int) -> int:
    """Of edges with the same level and first sums the one that goes first."""
    y = s.counters[FLOOR] + SUMS
    for _ in range(_MOST_PASSES):
        if count <= _FEW or y >= s.free:
            break
        following = _fill_masks(s, y, FURTHER)
        best, kept = np.int64(-1), 0
        for i in range(count):
            e = s.tied[i]
            _, a, b, c, d = _count_apexes(s, e, FURTHER)
            key = _pack(s, e, y, a, b, c, d)
            if kept == 0 or key < best:
                best, kept = key, 0
            if key == best:
                s.tied[kept] = e
                kept += 1
        count = kept
        for i in range(count):
            for end in (TAIL, HEAD):
                low = fallen(s, s.edge[s.tied[i], end], s.edge[s.tied[i], COUNT])
                if low >= y + SUMS:
                    following = min(following, low)
        # The next value at which anything changes.
        y = following
    best_edge = s.tied[0]
    for i in range(1, count):
        if _is_better(s, s.tied[i], best_edge):
            best_edge = s.tied[i]
    return best_edge


@kernel
def _is_better(s: State, e: int, f: int) -> bool:
    """Whether ``e`` goes before ``f``, by the whole keys and then by priority.

    Apexes of both cancel out. Of the others and of the endpoints, each pass finds the next ``y`` where something
    changes, and how much more of it ``e`` has than ``f``.
    """
    t, u = np.uint64(s.edge[e, TAIL]), np.uint64(s.edge[e, HEAD])
    v, w = np.uint64(s.edge[f, TAIL]), np.uint64(s.edge[f, HEAD])
    last = np.int64(-1)
    while True:
        y, more = np.int64(s.free), np.int64(0)
        for g, sign in ((e, 1), (f, -1)):
            for end in (TAIL, HEAD):
                x = s.value[s.edge[g, end]]
                y, more = _add(last, y, more, x, -sign)
                y, more = _add(last, y, more, fallen(s, s.edge[g, end], s.edge[g, COUNT]), sign)
        for i in range(np.uint64(s.rows.shape[1])):
            of_e, of_f = s.rows[t, i] & s.rows[u, i], s.rows[v, i] & s.rows[w, i]
            apexes = of_e ^ of_f
            while apexes != 0:
                bit = lowest_bit(apexes)
                apexes &= apexes - ONE
                sign = 1 if (of_e >> bit) & ONE else -1
                x = s.value[i * BITS + bit]
                if x < s.free:
                    y, more = _add(last, y, more, x - 2, sign)
                    y, more = _add(last, y, more, x, -sign)
        if more != 0:
            return bool(more < 0)
        if y == s.free:
            return s.edge[e, PRIORITY] < s.edge[f, PRIORITY]
        last = y


@inlined
def _add(last: np.int64, y: np.int64, more: np.int64, x: np.int64, sign: int) -> tuple[np.int64, np.int64]:
    """Count a change at ``x`` if it is the smallest above ``last`` so far."""
    if x <= last or x > y:
        return y, more
    return x, (more if x == y else np.int64(0)) + sign
