"""Edges by an upper bound of their primary key, taken from the highest level down: a radix queue.

The level never rises, so an edge is filed by the highest digit in which its bound differs from the current level, and
by that digit. Only when the level reaches that digit, the edges there are filed anew by the next lower digit: with
digits of eight bits at most once or twice for the values that occur, whatever their range.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from wis.kernels import inlined, kernel

_BITS = 8
_SIZE = 1 << _BITS
_PLACES = 8

# No edge; and the level before the first.
NONE = -1
TOP = np.iinfo(np.int64).max


class RadixQueue(NamedTuple):
    """The queue; ``m`` edges.

    Attributes
    ----------
    first
        int32 ``[places * digits]``: the first edge of each list, -1 for none.
    following
        int32 ``[m]``: the next edge of the same list.
    bound
        int64 ``[m]``: the bound an edge is filed under.
    level
        int64 ``[1]``: the current level.
    """

    first: np.ndarray
    following: np.ndarray
    bound: np.ndarray
    level: np.ndarray


def make_queue(num_edges: int) -> RadixQueue:
    """An empty queue at the highest level."""
    return RadixQueue(
        first=np.full(_PLACES * _SIZE, NONE, dtype=np.int32),
        following=np.empty(num_edges, dtype=np.int32),
        bound=np.empty(num_edges, dtype=np.int64),
        level=np.full(1, TOP, dtype=np.int64),
    )


@inlined
def file_edge(queue: RadixQueue, e: int, bound: int) -> None:
    """File an edge under a bound between 0 and the current level. O(1) time."""
    differing = bound ^ queue.level[0]
    place = 0
    while differing >= _SIZE:
        differing >>= _BITS
        place += 1
    at = place * _SIZE + ((bound >> (place * _BITS)) & (_SIZE - 1))
    queue.bound[e] = bound
    queue.following[e] = queue.first[at]
    queue.first[at] = e


@kernel
def next_level(queue: RadixQueue) -> int:
    """Go down to the highest level that has edges, and take out the list of them.

    Returns its first edge; the others are ``following``, down to -1. There must be at least one edge.
    """
    while True:
        place = 0
        digit = _SIZE - 1
        # Lower places hold what is closer to the level, and in a place the highest digit is closest.
        while queue.first[place * _SIZE + digit] < 0:
            digit -= 1
            if digit < 0:
                digit = _SIZE - 1
                place += 1
        at = place * _SIZE + digit
        e = queue.first[at]
        queue.first[at] = NONE
        if place == 0:
            queue.level[0] = queue.bound[e]
            return e
        _go_down(queue, e)


@kernel
def _go_down(queue: RadixQueue, e: int) -> None:
    """File the edges of a list anew, from the highest of their bounds on."""
    highest = queue.bound[e]
    f = e
    while f >= 0:
        highest = max(highest, queue.bound[f])
        f = queue.following[f]
    # The new level differs from no bound of the list in this digit, so that all of them move to lower places.
    queue.level[0] = highest
    while e >= 0:
        f = queue.following[e]
        file_edge(queue, e, queue.bound[e])
        e = f
