"""A priority queue of edges by key: best first, and edges whose key may be better than it says before their equals.

Every edge has a *bound*, no smaller than the first value of its key (see :mod:`wis.engine.keys`); a *ranked* edge has
also the first ``WIDTH`` entries.

All functions are compiled; :class:`Queue` is a plain tuple of arrays to them.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from wis.engine.keys import compare_keys
from wis.kernels import kernel

# Entries of a key that are stored. Longer common beginnings are compared by the caller.
WIDTH = 16


class Queue(NamedTuple):
    """Arrays of the queue; ``m`` edges.

    Attributes
    ----------
    heap
        int32 ``[m]``: a binary heap of edges, the best at position 0.
    position
        int32 ``[m]``: where an edge is in the heap, -1 if it is not.
    size
        int64 ``[1]``: number of edges in the heap.
    bound
        int64 ``[m]``: upper bound of the first value of the key.
    ranked
        bool ``[m]``: whether the entries below are there; if not, the edge goes before all with the same bound.
    width
        int64 ``[m]``: how many entries are stored.
    whole
        bool ``[m]``: whether they are the whole key.
    values, counts
        int64 and int32 ``[m, WIDTH]``: the entries.
    priority
        int64 ``[m]``: decides between equal keys, the smallest first.
    """

    heap: np.ndarray
    position: np.ndarray
    size: np.ndarray
    bound: np.ndarray
    ranked: np.ndarray
    width: np.ndarray
    whole: np.ndarray
    values: np.ndarray
    counts: np.ndarray
    priority: np.ndarray


def make_queue(bound: np.ndarray, priority: np.ndarray) -> Queue:
    """A queue of all edges, with upper bounds int64 ``[m]`` and priorities int64 ``[m]``."""
    m = len(bound)
    queue = Queue(
        heap=np.arange(m, dtype=np.int32),
        position=np.arange(m, dtype=np.int32),
        size=np.array([m], dtype=np.int64),
        bound=bound,
        ranked=np.zeros(m, dtype=np.bool_),
        width=np.zeros(m, dtype=np.int64),
        whole=np.zeros(m, dtype=np.bool_),
        values=np.empty((m, WIDTH), dtype=np.int64),
        counts=np.empty((m, WIDTH), dtype=np.int32),
        priority=priority,
    )
    _heapify(queue)
    return queue


@kernel
def goes_before(queue: Queue, e: int, f: int) -> bool:
    """Whether edge e is to be looked at before f: better as far as is known, or unknown, or first by priority."""
    if queue.bound[e] != queue.bound[f]:
        return queue.bound[e] > queue.bound[f]
    # Nothing is known of the entries of one that is not ranked, so it must be looked at first.
    if queue.ranked[e] != queue.ranked[f]:
        return queue.ranked[f]
    if queue.ranked[e]:
        order = compare_keys(
            queue.values[e], queue.counts[e], queue.width[e], queue.values[f], queue.counts[f], queue.width[f]
        )
        if order != 0:
            return order > 0
    return queue.priority[e] < queue.priority[f]


@kernel
def may_differ(queue: Queue, e: int, f: int) -> bool:
    """Whether two ranked edges of the same bound agree in all stored entries, and there are more."""
    if queue.whole[e] and queue.whole[f]:
        return False
    # As far as both go: whole keys may still differ behind the stored entries.
    return (
        compare_keys(queue.values[e], queue.counts[e], queue.width[e], queue.values[f], queue.counts[f], queue.width[f])
        == 0
    )


@kernel
def second_bound(queue: Queue) -> int:
    """The largest bound of all edges but the first; -1 if there is none."""
    second = -1
    # In a heap it is one of the two below the top.
    for at in range(1, min(3, queue.size[0])):
        second = max(second, queue.bound[queue.heap[at]])
    return second


@kernel
def move_up(queue: Queue, e: int) -> None:
    """Restore the order after edge e may have become better."""
    at = queue.position[e]
    while at > 0:
        parent = (at - 1) >> 1
        f = queue.heap[parent]
        # The edge itself is written once, at the end; others move into the gap.
        if not goes_before(queue, e, f):
            break
        queue.heap[at] = f
        queue.position[f] = at
        at = parent
    queue.heap[at] = e
    queue.position[e] = at


@kernel
def move_down(queue: Queue, e: int) -> None:
    """Restore the order after edge e may have become worse."""
    at = queue.position[e]
    size = queue.size[0]
    while True:
        child = 2 * at + 1
        if child >= size:
            break
        f = queue.heap[child]
        if child + 1 < size and goes_before(queue, queue.heap[child + 1], f):
            child += 1
            f = queue.heap[child]
        if not goes_before(queue, f, e):
            break
        queue.heap[at] = f
        queue.position[f] = at
        at = child
    queue.heap[at] = e
    queue.position[e] = at


@kernel
def remove(queue: Queue, e: int) -> None:
    """Take edge e out."""
    at = queue.position[e]
    queue.position[e] = -1
    last = queue.size[0] - 1
    queue.size[0] = last
    if at == last:
        return
    f = queue.heap[last]
    queue.heap[at] = f
    queue.position[f] = at
    # The last edge may come from another branch, so that it may be better than what is above it there.
    move_up(queue, f)
    move_down(queue, f)


@kernel
def _heapify(queue: Queue) -> None:
    # From the last parent on: linear time, where one after another would take a sort.
    for at in range(queue.size[0] // 2 - 1, -1, -1):
        move_down(queue, queue.heap[at])
