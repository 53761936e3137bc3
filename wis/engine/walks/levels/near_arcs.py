"""At depth 4: the arcs of a vertex to near neighbours stand before the others, and are all that evaluations go through.

A removal changes the values of all neighbours of both ends, but what decides between two edges are values near the
level, and on graphs with hubs these are few: on Computers, one in a hundred. A vertex is *near* if some edge of a
neighbour might bring its value below the *horizon*, where words end, and the numbers by which whole keys are compared
first. The horizon comes down with the level; a vertex that becomes near in between enters, once.

An end of an edge loses much more than a neighbour does. What it loses was added up when all neighbours were last looked
at, and can only have become less. Where it might fall below what is compared, all neighbours are looked at again.
"""

from __future__ import annotations

import numpy as np

from wis.engine.walks.levels.state import BASE, ENTERING, FREE, HORIZON, LEAST_HORIZON, State
from wis.kernels import inlined, kernel

# The horizon is set anew once the level has come down by two fifths.
_SLACK = 3


@kernel
def note_places(s: State) -> None:
    """Write down where all arcs stand; no vertex is near."""
    for x in range(len(s.degree)):
        s.near.stop[x] = s.start[x]
        for at in range(s.start[x], s.stop[x]):
            _note_place(s, x, at)


@kernel
def follow_level(s: State, level: np.int64) -> int:
    """Bring base and horizon down after the level; return the vertices visited."""
    s.counters[BASE] = min(s.counters[BASE], level & ~7)
    width = max(level >> 1, s.counters[LEAST_HORIZON])
    if level == FREE or (s.counters[HORIZON] > 0 and s.counters[HORIZON] - level <= _SLACK * width):
        return 0
    s.counters[HORIZON] = level + width
    for x in range(len(s.degree)):
        s.near.holds[x] = _is_near(s, x)
    for x in range(len(s.degree)):
        stop = s.start[x]
        for at in range(s.start[x], s.stop[x]):
            if s.near.holds[s.to[at]]:
                _swap(s, x, at, stop)
                stop += 1
        s.near.stop[x] = stop
    return len(s.degree)


@inlined
def _note_place(s: State, x: int, at: int) -> None:
    """Write down where an arc of x stands."""
    if s.tail[s.pair[at]] == x:
        s.near.at_tail[s.pair[at]] = at
    else:
        s.near.at_head[s.pair[at]] = at


@inlined
def _move(s: State, x: int, at: int, target: int) -> None:
    """Write an arc of x over another one of its arcs."""
    s.to[target] = s.to[at]
    s.pair[target] = s.pair[at]
    # Places in the block stay what they are.
    s.wedges.place[target] = s.wedges.place[at]
    _note_place(s, x, target)


@inlined
def _swap(s: State, x: int, at: int, other: int) -> None:
    to, pair, place = s.to[other], s.pair[other], s.wedges.place[other]
    _move(s, x, at, other)
    s.to[at] = to
    s.pair[at] = pair
    s.wedges.place[at] = place
    _note_place(s, x, at)


@inlined
def is_far(s: State, x: int, loss: np.int64, end: np.int64) -> bool:
    """Whether a vertex that loses so much, or less, keeps a value above an end."""
    # Without its last edge a vertex has no walks left.
    return s.value[x] - end >= loss and s.degree[x] > 1


@inlined
def drop_placed_arc(s: State, x: int, e: int) -> None:
    """Remove the arc of vertex x along an edge, whose place is known. O(1) time."""
    at = s.near.at_tail[e] if s.tail[e] == x else s.near.at_head[e]
    # The last one to a near vertex fills the gap, and the last of all the gap that it leaves.
    if at < s.near.stop[x]:
        s.near.stop[x] -= 1
        _move(s, x, s.near.stop[x], at)
        at = s.near.stop[x]
    s.stop[x] -= 1
    if at < s.stop[x]:
        _move(s, x, s.stop[x], at)


@inlined
def _is_near(s: State, x: int) -> bool:
    """Whether a vertex may come below the horizon as a neighbour of an edge."""
    # By way of either end it loses at most twice the neighbours that it has in common with the other one, less 1, and 8
    # more with a triangle. With an edge of its own it loses more than 4: that it is near never ends.
    return s.value[x] < s.counters[HORIZON] + 4 * s.degree[x] + 6


@inlined
def look_at(s: State, x: int) -> None:
    """Note a vertex that has become near."""
    if _is_near(s, x) and not s.near.holds[x]:
        s.near.holds[x] = True
        s.near.entering[s.counters[ENTERING]] = x
        s.counters[ENTERING] += 1


@kernel
def let_enter(s: State) -> None:
    """Move the arcs to the vertices that were noted before those to others."""
    for i in range(s.counters[ENTERING]):
        x = s.near.entering[i]
        for at in range(s.start[x], s.stop[x]):
            y, e = s.to[at], s.pair[at]
            _swap(s, y, s.near.at_tail[e] if s.tail[e] == y else s.near.at_head[e], s.near.stop[y])
            s.near.stop[y] += 1
    s.counters[ENTERING] = 0
