"""What the loop by levels works on, and how keys are packed into words.

With ``M(e)`` the multiset of all ``x`` with ``new <= x < old``, for every vertex whose value falls from ``old`` to
``new`` when edge ``e`` goes, the key of ``e`` is better than that of ``f`` exactly where ``M(e)`` has *fewer* of the
smallest ``x`` that the two do not have equally often: the signed counts of values (docs/engine.md, section 4), summed
up. It only adds and never subtracts, and its beginning fits into a few words: how often it has each of the ``SPAN``
numbers from ``base`` on, eight bits each.

Keys only fall when other edges go, but for vertices that lose walks with an edge no longer. The smallest element of
``M``, the *level* of the edge, never rises in the greedy order: a vertex that loses walks with ``e`` only by way of the
removed ``f`` loses more with ``f`` than with ``e``, so it was not the one that gave ``e`` a level no higher than that
of ``f``.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from wis.engine.walks.levels.radix_queue import RadixQueue
from wis.engine.walks.levels.tie_keys import TieKeys
from wis.engine.walks.levels.wedges import Wedges
from wis.engine.walks.levels.word_heap import FIELDS, WORDS, Heap
from wis.kernels import inlined

# Numbers that the words of a key tell of.
SPAN = WORDS * FIELDS

# The value of a vertex that does not count.
FREE = np.iinfo(np.int64).max

# Counts from here on are not told apart, and nothing behind them is known.
FULL = 200

# Counters: smallest number in the words, evaluations of the whole graph, edges removed, edges chosen, last mark, and
# vertices looked at with the last edge; whether these were all that lose walks with it (only at depth 4 they may not
# be); the horizon, the end of the numbers by which whole keys are compared first, and how far it is from the level at
# least; and at depth 4, how many vertices are noted to become near.
BASE, ROUND, DONE, CHOSEN, MARK, SIZE, IS_WHOLE, HORIZON, LEAST_HORIZON, ENTERING, NUM_COUNTERS = range(11)


# Larger than what any end can lose.
_UNKNOWN = np.iinfo(np.int64).max


class Near(NamedTuple):
    """At depth 4: which vertices are near the level, and places of arcs (``near_arcs``); ``n`` vertices, ``m`` edges.

    Attributes
    ----------
    stop
        int64 ``[n]``: the arcs of x up to here lead to near vertices, those from here on to others.
    holds
        bool ``[n]``: which vertices are near.
    at_tail, at_head
        int32 ``[m]``: where the arc from the tail, and from the head, of an edge stands.
    tail_loss, head_loss
        int64 ``[m]``: no less than what the tail and the head lose with an edge.
    entering
        int32 ``[n]``: scratch.
    """

    stop: np.ndarray
    holds: np.ndarray
    at_tail: np.ndarray
    at_head: np.ndarray
    tail_loss: np.ndarray
    head_loss: np.ndarray
    entering: np.ndarray


class State(NamedTuple):
    """Everything the kernels work on: ``n`` vertices, ``m`` edges.

    Attributes
    ----------
    depth
        2 or 3 for walks to anywhere; 4 for closed walks of length 4.
    start, stop, to, pair
        Arcs of vertex x: positions ``start[x]`` to ``stop[x]`` of ``to`` (the other end) and ``pair``.
    tail, head
        int32 ``[m]``: the ends of the edges.
    degree
        int64 ``[n]``.
    sums
        int64 ``[n]``, depth 3 only: walks of length 2.
    value
        int64 ``[n + 1]``: the walk index, ``FREE`` for vertices that do not count, of which n is one.
    lowest
        int32 ``[n]``: a vertex next to x (depth 3: at most two steps away) that counts and had the smallest value when
        last looked at; n for none.
    path
        int32 ``[n, 2]``, depth 3 only: the edges of a path to it, -1 where it is shorter.
    wedges
        Common neighbours; depth 4 only.
    near
        Vertices near the level; depth 4 only.
    witness
        int32 ``[m]``, depth 4 only: the edge to the vertex that had the smallest value without e when last looked at.
    queue, heap
        Edges below the current level; edges at it.
    checked
        int64 ``[m]``: the round in which the words of an edge in the heap were found exact.
    row
        uint64 ``[n, WORDS]``: how many neighbours of x have each value, less 1, in the words.
    below
        int32 ``[n]``: how many neighbours have smaller ones.
    is_small, is_stale
        bool ``[n]``: whether row and below are kept up to date, and if not, whether they are old.
    unit, ones
        uint64 ``[FIELDS]`` and ``[FIELDS + 1, FIELDS + 1]``: one in a field; one in each field from i up to j.
    words, lanes, fields
        uint64 ``[WORDS]`` and ``[2, WORDS]``, int64 ``[SPAN]``: scratch.
    mark
        int64 ``[n]``: scratch, for sets of vertices.
    ball, loss
        int32 and int64 ``[n]``: scratch: the vertices that lose walks and, depth 3 only, how many.
    old, new
        int64 ``[n]``: scratch: values before and after of the vertices that lose walks.
    tie_keys, tied
        Keys of edges whose words are equal; int32 ``[m]``: these edges.
    order
        int32 ``[limit]``: the result.
    counters
        int64 ``[NUM_COUNTERS]``.
    """

    depth: int
    start: np.ndarray
    stop: np.ndarray
    to: np.ndarray
    pair: np.ndarray
    tail: np.ndarray
    head: np.ndarray
    degree: np.ndarray
    sums: np.ndarray
    value: np.ndarray
    lowest: np.ndarray
    path: np.ndarray
    wedges: Wedges
    near: Near
    witness: np.ndarray
    queue: RadixQueue
    heap: Heap
    checked: np.ndarray
    row: np.ndarray
    below: np.ndarray
    is_small: np.ndarray
    is_stale: np.ndarray
    unit: np.ndarray
    ones: np.ndarray
    words: np.ndarray
    lanes: np.ndarray
    fields: np.ndarray
    mark: np.ndarray
    ball: np.ndarray
    loss: np.ndarray
    old: np.ndarray
    new: np.ndarray
    tie_keys: TieKeys
    tied: np.ndarray
    order: np.ndarray
    counters: np.ndarray


class TwoSteps(State):
    """Graph prediction at depth 2. Each depth has a class of its own, by which kernels are compiled."""

    __slots__ = ()


class ThreeSteps(State):
    """Graph prediction at depth 3."""

    __slots__ = ()


class Quadrangles(State):
    """Vertex prediction at depth 4."""

    __slots__ = ()


def make_near(num_nodes: int, num_pairs: int) -> Near:
    """Nothing is known yet."""
    return Near(
        stop=np.zeros(num_nodes, dtype=np.int64),
        holds=np.zeros(num_nodes, dtype=np.bool_),
        at_tail=np.empty(num_pairs, dtype=np.int32),
        at_head=np.empty(num_pairs, dtype=np.int32),
        tail_loss=np.full(num_pairs, _UNKNOWN, dtype=np.int64),
        head_loss=np.full(num_pairs, _UNKNOWN, dtype=np.int64),
        entering=np.empty(num_nodes, dtype=np.int32),
    )


@inlined
def drop_arc(s: State, x: int, e: int) -> None:
    """Remove one arc of vertex x. O(degree) time."""
    last = s.stop[x] - 1
    s.stop[x] = last
    for at in range(s.start[x], last):
        if s.pair[at] == e:
            s.to[at], s.to[last] = s.to[last], s.to[at]
            s.pair[at], s.pair[last] = s.pair[last], s.pair[at]
            break
