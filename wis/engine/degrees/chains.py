"""1-WIS by local maxima: the kernels, which any number of threads may run at once (docs/engine.md, section 7).

Seen from a vertex, its edges are ordered by the degree of the neighbour, the larger one first, then by priority. An
edge that is the first one for both of its ends beats all that share an end with it, and is removed, whatever happens
elsewhere. One is found by a walk from any vertex along first edges: each step leads to a better edge, so that a walk, a
*chain*, ends. Afterwards it goes on from the last vertex that is not an end of the removed edge.

The first edge of a vertex is found by a *cursor*. All neighbours have at most the degree ``TOP``, and those before the
cursor have less. As degrees only fall and edges only go, this stays true, and the first neighbour from the cursor on
that has the degree ``TOP`` is the one. Where none has, the next degree is the largest one left. Arcs of a vertex are
in the order of priority, in two parts: *near* ones, and *far* ones whose neighbours had a degree below ``BAR`` when
they were last told apart, which are not looked at before the work comes down to it.

With several threads a vertex is changed only by the one that has its lock, and an edge goes only while both ends are
locked. The degree of a neighbour is read without its lock: what is read may be too large, never too small, and all that
is said above holds for such numbers. No thread waits for a lock: it looks for work elsewhere.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from wis.engine.degrees.locks import take_number, try_lock, unlock
from wis.kernels import inlined, kernel

# Columns of a vertex: where its near arcs begin and end, and the far ones; the cursor; the largest degree of a
# neighbour, as far as known; the degree that tells near from far; the lock.
START, NEAR, FAR, END, CURSOR, TOP, BAR, LOCK, COLUMNS = range(9)

# Counters of a worker: edges removed; seeds put back; the seed of the present chain, and its length.
REMOVED, _WAITING, _SEED, _SIZE, NUM_COUNTERS = range(5)

# Seeds: how many vertices were taken as the beginning of chains; how many there are, the first ones; and the step from
# one to the next, so that threads begin far from each other, coprime to their number.
TAKEN, SEEDS, STRIDE = range(3)

# Vertices of fewer arcs do not tell near from far.
FEW = 16

# How often a thread asks for a lock before it looks for other work.
_PATIENCE = 64

_NONE = np.int64(-1)
_LOW = (1 << 32) - 1


class State(NamedTuple):
    """Everything that the threads share. Vertices are numbered by falling degree, edges by priority."""

    shift: int  # bits of a degree in a key
    infinite: int  # the degree of a vertex that does not count, which never falls; above all others
    shared: bool  # whether more than one thread is at work
    degree: np.ndarray  # int32 [n + 1]: the last is that of a gap, 0
    vertex: np.ndarray  # uint32 [n, COLUMNS]: see above
    words: np.ndarray  # uint32 [n * COLUMNS]: the same memory, for locks
    head: np.ndarray  # int32 [arcs]: neighbour; n for a gap, where an arc was removed
    edge: np.ndarray  # int32 [arcs]
    key: np.ndarray  # int64 [m]: smaller degree << shift | larger degree at the removal; 0 before it
    seeds: np.ndarray  # int64 [3]: see above


class Worker(NamedTuple):
    """What a thread has for itself."""

    chain: np.ndarray  # int32 [n + 2]: the vertices behind the present one; between two calls it is the last of them
    waiting: np.ndarray  # int32: seeds put back, because another thread was in the way
    room: np.ndarray  # int64 [largest degree]: for arcs on the move
    counters: np.ndarray  # int64 [NUM_COUNTERS]


@kernel
def drain(s: State, w: Worker, floor: int, steps: int) -> bool:
    """Remove edges whose smaller degree is at least ``floor``; whether none is left for this thread.

    Stops after about so many steps, to be called again.
    """
    while steps > 0:
        size = w.counters[_SIZE]
        if size > 0:
            size -= 1
            u = np.uint32(w.chain[size])
        else:
            seed = _next_seed(s, w)
            if seed < 0:
                return True
            u = np.uint32(seed)
            if min(np.int64(s.degree[u]), np.int64(s.vertex[u, TOP])) < floor:
                continue
            w.counters[_SEED] = seed
        w.counters[_SIZE] = 0
        if not _lock(s, u, size):
            _put_back(w)
            steps -= 1
            continue
        steps = _follow(s, w, floor, steps, u, size)
    return False


@inlined
def _follow(s: State, w: Worker, floor: int, steps: int, u: np.uint32, size: int) -> int:
    """Follow a chain from its last vertex ``u``, which is locked, behind ``size`` others; the steps that are left."""
    known, at = False, _NONE
    while True:
        steps -= 1
        if not known:
            at = _first_arc(s, w, u)
        known = False
        if at < 0 or min(np.int64(s.degree[u]), np.int64(s.vertex[u, TOP])) < floor:
            _unlock(s, u)
            if size == 0:
                break
            size -= 1
            u = np.uint32(w.chain[size])
        else:
            v = np.uint32(s.head[np.uint32(at)])
            if not _lock(s, v, size):
                _unlock(s, u)
                _put_back(w)
                break
            # Its degree may have fallen since it was read, and then it need not be the best neighbour.
            if np.int64(s.degree[v]) != np.int64(s.vertex[u, TOP]):
                _unlock(s, v)
                continue
            back = _first_arc(s, w, v)
            if np.uint32(s.head[np.uint32(back)]) != u:
                _unlock(s, u)
                w.chain[size] = u
                size += 1
                u, at, known = v, back, True
                # Longer than this only where others remove edges meanwhile: then it has met itself.
                if size < len(w.chain) - 1:
                    continue
                _unlock(s, u)
                _put_back(w)
                break
            _remove(s, w, u, at, v, back)
            _unlock(s, v)
            _unlock(s, u)
            if size > 0:
                size -= 1
                u = np.uint32(w.chain[size])
        if steps <= 0:
            w.chain[size] = u
            w.counters[_SIZE] = size + 1
            break
        if not _lock(s, u, size):
            _put_back(w)
            break
    return steps


@inlined
def _next_seed(s: State, w: Worker) -> np.int64:
    """A vertex to begin at: one that no thread has had, or one that was put back; -1 if there is none."""
    n = np.int64(s.seeds[SEEDS])
    held = w.counters[_WAITING]
    if held < len(w.waiting) and s.seeds[TAKEN] < n:
        number = take_number(s.seeds, TAKEN) if s.shared else s.seeds[TAKEN]
        if not s.shared:
            s.seeds[TAKEN] += 1
        if number < n:
            return number * s.seeds[STRIDE] % n
    if held == 0:
        return _NONE
    # The one that has waited longest.
    seed = np.int64(w.waiting[0])
    for i in range(held - 1):
        w.waiting[i] = w.waiting[i + 1]
    w.counters[_WAITING] = held - 1
    return seed


@inlined
def _put_back(w: Worker) -> None:
    """Give up the present chain; its seed waits."""
    w.waiting[w.counters[_WAITING]] = w.counters[_SEED]
    w.counters[_WAITING] += 1


@inlined
def _lock(s: State, x: int, size: int) -> bool:
    """Lock a vertex; False if another thread keeps it for longer than a chain of this size takes to be found anew."""
    if not s.shared:
        return True
    for _ in range(_PATIENCE + size):  # noqa: SIM110
        if try_lock(s.words, np.int64(x) * COLUMNS + LOCK):
            return True
    return False


@inlined
def _unlock(s: State, x: int) -> None:
    if s.shared:
        unlock(s.words, np.int64(x) * COLUMNS + LOCK)


@inlined
def _remove(s: State, w: Worker, u: int, at: int, v: int, back: int) -> None:
    """Remove an edge, given by both of its arcs."""
    gap = len(s.vertex)
    du, dv = np.int64(s.degree[u]), np.int64(s.degree[v])
    s.key[np.uint32(s.edge[np.uint32(at)])] = min(du, dv) << s.shift | max(du, dv)
    s.head[np.uint32(at)] = s.head[np.uint32(back)] = gap
    if du < s.infinite:
        s.degree[u] = du - 1
    if dv < s.infinite:
        s.degree[v] = dv - 1
    w.counters[REMOVED] += 1


@inlined
def _first_arc(s: State, w: Worker, x: int) -> np.int64:
    """The position of the arc to the best neighbour of a vertex, -1 if it has none."""
    top = np.int64(s.vertex[x, TOP])
    at, end = s.vertex[x, CURSOR], s.vertex[x, NEAR]
    while at < end and s.degree[np.uint32(s.head[at])] != top:
        at += np.uint32(1)
    if at == end:
        # None is left of the degree that was the largest: find the next one, and close the gaps on the way.
        gap = len(s.vertex)
        start = s.vertex[x, START]
        best, to, top = start, start, np.int64(0)
        for i in range(np.int64(start), np.int64(end)):
            y = s.head[np.uint32(i)]
            if y == gap:
                continue
            s.head[to] = y
            s.edge[to] = s.edge[np.uint32(i)]
            d = np.int64(s.degree[np.uint32(y)])
            if d > top:
                best, top = to, d
            to += np.uint32(1)
        s.vertex[x, NEAR] = to
        s.vertex[x, TOP] = top
        at = best
        if top < np.int64(s.vertex[x, BAR]):
            at = np.uint32(_tell_apart(s.degree, s.vertex, s.head, s.edge, w.room, x))
            top = np.int64(s.vertex[x, TOP])
        if top == 0:
            return _NONE
    s.vertex[x, CURSOR] = at
    return np.int64(at)


@kernel
def _tell_apart(
    degree: np.ndarray, vertex: np.ndarray, head: np.ndarray, edge: np.ndarray, room: np.ndarray, x: int
) -> np.int64:
    """Divide the arcs of a vertex into near and far ones anew; the position of the best neighbour."""
    size = _merge(vertex, head, edge, room, x)
    top, best = np.int64(0), 0
    for i in range(size):
        d = np.int64(degree[np.uint32(room[i] >> 32)])
        if d > top:
            top, best = d, i
    bar = top - top // 4
    start = vertex[x, START]
    at, last, found = start, 0, np.int64(start)
    for i in range(size):
        arc = room[i]
        # The best one is near whatever has happened to its degree meanwhile.
        if i == best or degree[np.uint32(arc >> 32)] >= bar:
            if i == best:
                found = np.int64(at)
            head[at] = arc >> 32
            edge[at] = arc & _LOW
            at += np.uint32(1)
        else:
            room[last] = arc
            last += 1
    vertex[x, NEAR] = vertex[x, FAR] = at
    for i in range(last):
        head[at] = room[i] >> 32
        edge[at] = room[i] & _LOW
        at += np.uint32(1)
    vertex[x, END] = at
    vertex[x, BAR] = bar
    vertex[x, TOP] = top
    return found


@inlined
def _merge(vertex: np.ndarray, head: np.ndarray, edge: np.ndarray, room: np.ndarray, x: int) -> int:
    """Put all arcs of a vertex into ``room``, in the order of priority; their number. Both parts have this order."""
    i, near = np.int64(vertex[x, START]), np.int64(vertex[x, NEAR])
    j, end = np.int64(vertex[x, FAR]), np.int64(vertex[x, END])
    size = 0
    while i < near or j < end:
        if j == end or (i < near and edge[np.uint32(i)] < edge[np.uint32(j)]):
            source = np.uint32(i)
            i += 1
        else:
            source = np.uint32(j)
            j += 1
        if head[source] != len(vertex):
            room[size] = np.int64(head[source]) << 32 | edge[source]
            size += 1
    return size
