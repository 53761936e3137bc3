"""Graph prediction at depth 2, undirected: the walk index of t is the sum of ``1 + degree`` over t and its neighbours.

Removing ``{u, v}`` lowers that of u by ``2 + d_v``, that of v by ``2 + d_u``, and that of every other neighbour by 1,
or by 2 if it is a neighbour of both. Up to common neighbours, the words of an edge (``state``) are therefore the
sum of those of its ends: for each vertex, how many neighbours of each value it has, a *row*, kept up to date whenever a
value that the words tell of changes. Common neighbours make a key worse, so that they need to be looked for only
when an edge comes to the top.
"""

from __future__ import annotations

import numpy as np

from wis.engine.walks.levels.state import BASE, FREE, FULL, MARK, SPAN, State, drop_arc
from wis.engine.walks.levels.value_rows import begin_rows, count_row, leave_row, lower_value, pack
from wis.engine.walks.levels.word_heap import FIELDS, WORDS, sift_down, sift_up, store
from wis.engine.walks.levels.words import add_range, first_number
from wis.kernels import inlined, kernel


@inlined
def value_without(s: State, x: int, y: int) -> np.int64:
    """The value of x without its edge to y."""
    if s.value[x] == FREE:
        return np.int64(FREE)
    if s.degree[x] == 1:
        return np.int64(0)
    return s.value[x] - 2 - s.degree[y]


@kernel
def first_bound(s: State, e: int) -> int:
    """An upper bound of the level of an edge, before there are rows."""
    u, v = s.tail[e], s.head[e]
    bound = min(value_without(s, u, v), value_without(s, v, u))
    return min(bound, min(s.value[s.lowest[u]], s.value[s.lowest[v]]) - 1)


@kernel
def begin(s: State) -> None:
    """Find the lowest neighbours."""
    begin_rows(s)
    for x in range(len(s.degree)):
        find_lowest(s, x)


@inlined
def find_lowest(s: State, x: int) -> int:
    """Find the neighbour with the smallest value; return the position of the arc to it, -1 if there is none."""
    found = -1
    # The last value is that of no vertex, FREE: no test for an empty list.
    lowest = len(s.value) - 1
    for at in range(s.start[x], s.stop[x]):
        y = s.to[at]
        if s.value[y] < s.value[lowest]:
            lowest = y
            found = at
    s.lowest[x] = lowest
    return found


@inlined
def quick_words(s: State, e: int) -> np.int64:
    """Words of an edge as if its ends had no common neighbour, so that they are no worse than the exact ones.

    Returns its level, as far as these tell, or an upper bound if that is below the base; the words are set if not.
    """
    u, v = s.tail[e], s.head[e]
    fallen_u, fallen_v = value_without(s, u, v), value_without(s, v, u)
    bound = min(fallen_u, fallen_v)
    base = s.counters[BASE]
    for x in (u, v):
        # Rows of vertices of high degree are counted when they are asked for.
        if s.is_stale[x]:
            count_row(s, x)
        if s.below[x] > 0:
            # A neighbour is below the base, but not the one that was the lowest: look for it.
            if s.value[s.lowest[x]] - 1 >= base:
                find_lowest(s, x)
            bound = min(bound, s.value[s.lowest[x]] - 1)
    # The level is below what the words tell of.
    if bound < base:
        return bound
    if not (s.is_small[u] and s.is_small[v]):
        _add_fields(s, u, v)
    else:
        for j in range(WORDS):
            # Rows are rings of words: when the base moves down, only the words that are new change.
            at = ((base >> 3) + j) & 7
            s.words[j] = s.row[u, at] + s.row[v, at]
        for x in (u, v):
            # Each end is a neighbour of the other, and so in its row; but it falls by more than one, which is counted
            # next.
            number = s.value[x] - 1 - base
            if number < SPAN:
                s.words[number >> 3] -= s.unit[number & 7]
        if fallen_u != FREE:
            add_range(s, s.words, fallen_u, s.value[u])
        if fallen_v != FREE:
            add_range(s, s.words, fallen_v, s.value[v])
    return min(bound, first_number(s, s.words))


@kernel
def _add_fields(s: State, u: int, v: int) -> None:
    """The words of an edge with an end of high degree."""
    base = s.counters[BASE]
    for number in range(SPAN):
        # Counts of two rows would run over a field of eight bits, so they are added one by one.
        at, shift = ((base + number) >> 3) & 7, np.uint64(8 * (FIELDS - 1 - (number & 7)))
        count_u = (s.row[u, at] >> shift) & np.uint64(255)
        count_v = (s.row[v, at] >> shift) & np.uint64(255)
        s.fields[number] = np.int64(count_u) + np.int64(count_v)
    for x in (u, v):
        if s.value[x] - 1 - base < SPAN:
            s.fields[s.value[x] - 1 - base] -= 1
    _add_ends(s, u, v)
    _pack_all(s)


@inlined
def _add_ends(s: State, u: int, v: int) -> None:
    base = s.counters[BASE]
    if s.value[u] != FREE:
        for number in range(value_without(s, u, v) - base, min(s.value[u] - base, SPAN)):
            s.fields[number] += 1
    if s.value[v] != FREE:
        for number in range(value_without(s, v, u) - base, min(s.value[v] - base, SPAN)):
            s.fields[number] += 1


@inlined
def _pack_all(s: State) -> None:
    """Words from the fields, up to the first one that is full."""
    full = False
    for number in range(SPAN):
        # Behind a count that is full nothing is told, as if there was nothing: that is no worse than the truth.
        if full:
            s.fields[number] = 0
        elif s.fields[number] >= FULL:
            s.fields[number] = FULL
            full = True
    for j in range(WORDS):
        s.words[j] = pack(s, j)


@inlined
def exact_words(s: State, e: int) -> np.int64:
    """The words of an edge and its level, from the quick ones; they are not set if it is below the current one."""
    u, v = s.tail[e], s.head[e]
    if not (s.is_small[u] and s.is_small[v]):
        return _count_fields(s, e)
    if s.degree[u] > s.degree[v]:
        u, v = v, u
    end = s.counters[BASE] + SPAN
    # Marks are numbers that only grow, so that none has to be taken back.
    mark = s.counters[MARK] + 1
    s.counters[MARK] = mark
    for at in range(s.start[u], s.stop[u]):
        s.mark[s.to[at]] = mark
    for at in range(s.start[v], s.stop[v]):
        x = s.to[at]
        # The value of x was counted at one less, by each end: it falls by two.
        number = s.value[x] - 1
        if s.mark[x] == mark and number <= end and not _move_common(s, number, end):
            return number - 1
    return first_number(s, s.words)


@inlined
def _move_common(s: State, number: int, end: int) -> bool:
    """A vertex falls by 2, not twice by 1; return whether that is not below the current level."""
    if number <= s.queue.level[0]:
        return False
    i = number - s.counters[BASE]
    if number < end:
        s.words[i >> 3] -= s.unit[i & 7]
    s.words[(i - 1) >> 3] += s.unit[(i - 1) & 7]
    return True


@kernel
def _count_fields(s: State, e: int) -> np.int64:
    """Exact words of an edge with an end of high degree."""
    base = s.counters[BASE]
    for i in range(SPAN):
        s.fields[i] = 0
    affected = collect(s, e, True)
    level = np.int64(FREE)
    for i in range(affected):
        level = min(level, s.new[i])
        if s.new[i] < base:
            continue
        for number in range(s.new[i] - base, min(s.old[i] - base, SPAN)):
            s.fields[number] += 1
    _pack_all(s)
    return level


@kernel
def collect(s: State, e: int, far: bool) -> int:
    """Fill ``old`` and ``new`` with the values before and after of all that lose walks; return how many they are.

    All are collected, ``far`` or not.
    """
    u, v = s.tail[e], s.head[e]
    affected = 0
    # Two marks: next to u, and next to v, which includes those next to both.
    mark = s.counters[MARK] + 2
    s.counters[MARK] = mark
    for at in range(s.start[u], s.stop[u]):
        s.mark[s.to[at]] = mark - 1
    for at in range(s.start[v], s.stop[v]):
        x = s.to[at]
        loss = 2 if s.mark[x] == mark - 1 else 1
        s.mark[x] = mark
        affected = _append(s, affected, x, s.value[x] - loss) if x != u else affected
    for at in range(s.start[u], s.stop[u]):
        x = s.to[at]
        if s.mark[x] != mark and x != v:
            affected = _append(s, affected, x, s.value[x] - 1)
    affected = _append(s, affected, u, value_without(s, u, v))
    return _append(s, affected, v, value_without(s, v, u))


@inlined
def _append(s: State, affected: int, x: int, new: int) -> int:
    if s.value[x] == FREE:
        return affected
    s.old[affected] = s.value[x]
    s.new[affected] = new
    return affected + 1


@inlined
def remove(s: State, e: int) -> int:
    """Take an edge out of the graph; return the vertices visited."""
    u, v = s.tail[e], s.head[e]
    old_u, old_v = s.value[u], s.value[v]
    fallen_u, fallen_v = value_without(s, u, v), value_without(s, v, u)
    drop_arc(s, u, e)
    drop_arc(s, v, e)
    s.degree[u] -= 1
    s.degree[v] -= 1
    # The ends leave the rows of each other with their old values: before any value falls.
    leave_row(s, u, old_v)
    leave_row(s, v, old_u)
    if old_u != FREE:
        lower_value(s, u, fallen_u)
    if old_v != FREE:
        lower_value(s, v, fallen_v)
    _lower_neighbours(s, u)
    _lower_neighbours(s, v)
    _refresh(s, u, old_v)
    _refresh(s, v, old_u)
    return s.degree[u] + s.degree[v] + 2


@inlined
def _lower_neighbours(s: State, x: int) -> None:
    for at in range(s.start[x], s.stop[x]):
        y = s.to[at]
        if s.value[y] != FREE:
            lower_value(s, y, s.value[y] - 1)


@inlined
def _refresh(s: State, x: int, lost: int) -> None:
    """Renew the words of the edges at x that may have become better, as x lost a neighbour with this value.

    The keys of edges ``{x, y}`` contain all neighbours of x, which are lower than before, and x itself, which is too.
    But they do not contain the lost one any more, and y will fall by one less, to where it would have fallen before.
    So only these can be better: all edges, where the lost one was lower than all others, and the edge to the lowest of
    the others.
    """
    at = find_lowest(s, x)
    lowest, end = s.value[s.lowest[x]], s.counters[BASE] + SPAN
    if lost - 1 < min(end, min(lowest, s.value[x])):
        for i in range(s.start[x], s.stop[x]):
            if s.heap.at[s.pair[i]] >= 0:
                _renew(s, s.pair[i])
    elif lowest < min(end, s.value[x]) and s.heap.at[s.pair[at]] >= 0:
        _renew(s, s.pair[at])


@kernel
def _renew(s: State, e: int) -> None:
    # Below the level the stored words are too good, which is found out at the top.
    if quick_words(s, e) >= s.queue.level[0]:
        store(s.heap, e, s.words)
        s.checked[e] = -1
        sift_up(s.heap, s.heap.at[e])
        sift_down(s.heap, s.heap.at[e])
