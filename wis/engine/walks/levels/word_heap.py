"""A binary heap of the edges of one level, by the beginning of their keys, packed into words.

The words of an edge are counts, most significant first, so that the smaller number is the better key
(:mod:`wis.engine.walks.levels.state` says of what). Between equal words the smaller priority goes first.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from wis.kernels import inlined, kernel

# Words of 64 bits that are stored for an edge, and counts in each of them.
WORDS = 8
FIELDS = 8


class Heap(NamedTuple):
    """Arrays of the heap; ``m`` edges.

    Attributes
    ----------
    size
        int64 ``[1]``: number of edges in the heap.
    edge
        int32 ``[m]``: the edges, the best at position 0.
    lead
        uint64 ``[m]``: the first word of the edge at every position.
    at
        int32 ``[m]``: position of an edge, -1 if it is not in the heap.
    words
        uint64 ``[m, WORDS]``: words of every edge.
    priority
        int64 ``[m]``.
    """

    size: np.ndarray
    edge: np.ndarray
    lead: np.ndarray
    at: np.ndarray
    words: np.ndarray
    priority: np.ndarray


def make_heap(priority: np.ndarray) -> Heap:
    """An empty heap for ``m`` edges with the given priorities."""
    m = len(priority)
    return Heap(
        size=np.zeros(1, dtype=np.int64),
        edge=np.empty(m, dtype=np.int32),
        lead=np.empty(m, dtype=np.uint64),
        at=np.full(m, -1, dtype=np.int32),
        words=np.empty((m, WORDS), dtype=np.uint64),
        priority=priority,
    )


@inlined
def agree(heap: Heap, e: int, f: int) -> bool:
    """Whether two edges have the same words."""
    for j in range(WORDS):  # noqa: SIM110
        if heap.words[e, j] != heap.words[f, j]:
            return False
    return True


@inlined
def _is_better(heap: Heap, lead_e: int, e: int, lead_f: int, f: int) -> bool:
    # Most comparisons end here, and read the heap only: the words of an edge are on other lines of the cache.
    if lead_e != lead_f:
        return lead_e < lead_f
    for j in range(1, WORDS):
        if heap.words[e, j] != heap.words[f, j]:
            return heap.words[e, j] < heap.words[f, j]
    return heap.priority[e] < heap.priority[f]


@inlined
def is_worse(heap: Heap, words: np.ndarray, e: int) -> bool:
    """Whether words are worse than those of an edge."""
    for j in range(WORDS):
        if words[j] != heap.words[e, j]:
            return words[j] > heap.words[e, j]
    return False


@inlined
def store(heap: Heap, e: int, words: np.ndarray) -> bool:
    """Set the words of an edge, in the heap or not; return whether they changed. Does not move it."""
    changed = False
    for j in range(WORDS):
        # No branch: words are written in any case.
        changed |= heap.words[e, j] != words[j]
        heap.words[e, j] = words[j]
    if heap.at[e] >= 0:
        heap.lead[heap.at[e]] = words[0]
    return changed


@inlined
def append(heap: Heap, e: int) -> None:
    """Put an edge at the end, out of order: call ``heapify`` after the last one."""
    at = heap.size[0]
    heap.edge[at] = e
    heap.lead[at] = heap.words[e, 0]
    heap.at[e] = at
    heap.size[0] = at + 1


@kernel
def heapify(heap: Heap) -> None:
    """Restore the order of all edges."""
    # From the last parent on: linear time, where one after another would take a sort.
    for at in range(heap.size[0] // 2 - 1, -1, -1):
        sift_down(heap, at)


@kernel
def sift_up(heap: Heap, at: int) -> None:
    """Restore the order after the edge at a position may have become better."""
    e, lead = heap.edge[at], heap.lead[at]
    while at > 0:
        parent = (at - 1) >> 1
        f = heap.edge[parent]
        if not _is_better(heap, lead, e, heap.lead[parent], f):
            break
        heap.edge[at] = f
        heap.lead[at] = heap.lead[parent]
        heap.at[f] = at
        at = parent
    heap.edge[at] = e
    heap.lead[at] = lead
    heap.at[e] = at


@kernel
def sift_down(heap: Heap, at: int) -> None:
    """Restore the order after the edge at a position may have become worse."""
    e, lead = heap.edge[at], heap.lead[at]
    size = heap.size[0]
    while 2 * at + 1 < size:
        child = 2 * at + 1
        if child + 1 < size and _is_better(
            heap, heap.lead[child + 1], heap.edge[child + 1], heap.lead[child], heap.edge[child]
        ):
            child += 1
        f = heap.edge[child]
        if not _is_better(heap, heap.lead[child], f, lead, e):
            break
        heap.edge[at] = f
        heap.lead[at] = heap.lead[child]
        heap.at[f] = at
        at = child
    heap.edge[at] = e
    heap.lead[at] = lead
    heap.at[e] = at


@kernel
def take(heap: Heap, e: int) -> None:
    """Take an edge out."""
    at = heap.at[e]
    heap.at[e] = -1
    last = heap.size[0] - 1
    heap.size[0] = last
    if at == last:
        return
    heap.edge[at] = heap.edge[last]
    heap.lead[at] = heap.lead[last]
    heap.at[heap.edge[at]] = at
    # The last edge may come from another branch, so that it may be better than what is above it there.
    sift_up(heap, at)
    sift_down(heap, at)
