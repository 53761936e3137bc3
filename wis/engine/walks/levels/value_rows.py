"""Rows: how many neighbours of each value every vertex has, as far as the words of keys go (``state``).

They are kept up to date whenever a value that the words tell of changes. Of vertices of high degree they are counted
anew when needed, as their counts do not fit into eight bits.
"""

from __future__ import annotations

import numpy as np

from wis.engine.walks.levels.state import BASE, FREE, HORIZON, IS_WHOLE, LEAST_HORIZON, SPAN, State
from wis.engine.walks.levels.word_heap import FIELDS, WORDS
from wis.kernels import inlined, kernel

# Degrees up to here: counts of two rows fit into eight bits, and are less than FULL.
SMALL = 90

# Counts in the rows of other vertices go up to here.
_MOST = 250


@kernel
def begin_rows(s: State) -> None:
    """Let the words begin behind all values, so that all are below."""
    largest = 0
    for x in range(len(s.degree)):
        if s.value[x] == FREE:
            continue
        largest = max(largest, s.value[x])
        for at in range(s.start[x], s.stop[x]):
            s.below[s.to[at]] += 1
    s.counters[BASE] = (largest | 7) + 1
    s.counters[IS_WHOLE] = 1


@inlined
def pack(s: State, j: int) -> np.uint64:
    """A word from the fields."""
    word = np.uint64(0)
    for i in range(FIELDS):
        word += np.uint64(s.fields[8 * j + i]) * s.unit[i]
    return word


@kernel
def count_row(s: State, x: int) -> None:
    """Count the row of x anew."""
    base = s.counters[BASE]
    for i in range(SPAN):
        s.fields[i] = 0
    below = 0
    for at in range(s.start[x], s.stop[x]):
        number = s.value[s.to[at]] - 1 - base
        if number < 0:
            below += 1
        # Counts that are cut here are FULL in any word made of them.
        elif number < SPAN and s.fields[number] < _MOST:
            s.fields[number] += 1
    s.below[x] = below
    for j in range(WORDS):
        s.row[x, ((base >> 3) + j) & 7] = pack(s, j)
    s.is_stale[x] = False


@inlined
def follow_level(s: State, level: np.int64) -> int:
    """Bring base and horizon down after the level; return the vertices visited."""
    s.counters[HORIZON] = min(level, FREE - s.counters[LEAST_HORIZON]) + s.counters[LEAST_HORIZON]
    if level >= s.counters[BASE]:
        return 0
    # A multiple of eight, so that rows move by whole words.
    _move_base(s, level & ~7)
    return len(s.degree)


@kernel
def _move_base(s: State, base: int) -> None:
    """Let the words begin at a smaller number, a multiple of 8. O(n) time, and the arcs of those in the new words."""
    before = s.counters[BASE]
    s.counters[BASE] = base
    for x in range(len(s.degree)):
        value = s.value[x]
        if s.degree[x] == 0 or value == FREE:
            continue
        number = value - 1
        # Nothing changes for values that stay below, or that both positions reach.
        if number < base or (before <= number < base + SPAN):
            continue
        was_below, was_within, is_within = number < before, before <= number < before + SPAN, number < base + SPAN
        if not (was_below or was_within):
            continue
        for at in range(s.start[x], s.stop[x]):
            y = s.to[at]
            if not s.is_small[y]:
                s.is_stale[y] = True
                continue
            if was_below:
                s.below[y] -= 1
            if was_within:
                s.row[y, (number >> 3) & 7] -= s.unit[number & 7]
            if is_within:
                s.row[y, (number >> 3) & 7] += s.unit[number & 7]


@inlined
def lower_value(s: State, x: int, value: int) -> None:
    """Set the value of a vertex that counts, in the rows of its neighbours too."""
    base = s.counters[BASE]
    old, new = s.value[x] - 1, value - 1
    s.value[x] = value
    # Below before and after, or beyond what rows tell.
    if old < base or new >= base + SPAN:
        return
    leaves, enters = old < base + SPAN, new >= base
    for at in range(s.start[x], s.stop[x]):
        y = s.to[at]
        if not s.is_small[y]:
            s.is_stale[y] = True
            continue
        if leaves:
            s.row[y, (old >> 3) & 7] -= s.unit[old & 7]
        if enters:
            s.row[y, (new >> 3) & 7] += s.unit[new & 7]
        else:
            s.below[y] += 1


@inlined
def leave_row(s: State, x: int, value: int) -> None:
    """Take a former neighbour with this value out of the row of x."""
    if not s.is_small[x]:
        # Degrees only fall: from here on the row is kept up to date.
        if s.degree[x] == SMALL:
            count_row(s, x)
            s.is_small[x] = True
        s.is_stale[x] = not s.is_small[x]
        return
    number = value - 1
    base = s.counters[BASE]
    if number < base:
        s.below[x] -= 1
    elif number < base + SPAN:
        s.row[x, (number >> 3) & 7] -= s.unit[number & 7]
