"""Large buckets of 2-WIS, opened on all cores: this is where nearly all edges are evaluated for the first time.

The graph does not change while a bucket is opened, and an evaluation writes to nothing but the rows and the entries of
its edge. Which edge goes next does not depend on how heap and buckets are arranged, so that the order of removals is
that of one thread.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from wis.engine.triangles.edge_table import AFTER, BEFORE, BUCKET, into_bucket
from wis.engine.triangles.keys import begin_key, evaluate
from wis.engine.triangles.queue import bucket_of, next_bucket, order_heap, store
from wis.engine.triangles.state import FLOOR, IN_HEAP, SIZE, State, upper_bound
from wis.kernels import kernel
from wis.threads import run_blocks, run_threads

# Edges of a bucket from which on threads pay: to evaluate and file them takes some 3 ms, and threads are started twice.
MANY = 1 << 12

# Edges that a thread takes at a time: less than 1 ms of work.
_SLICE = 1 << 9


class Opener:
    """Opens buckets of one state, whose triangles are listed, on so many threads.

    Parameters
    ----------
    state
        The state.
    threads
        At least 1.

    Notes
    -----
    8 bytes a pair.
    """

    def __init__(self, state: State, threads: int) -> None:
        self._state, self._threads = state, threads
        # What an evaluation leaves for the computation of a key is not shared.
        self._own = [
            state._replace(runs=np.empty_like(state.runs), counters=state.counters.copy()) for _ in range(threads)
        ]
        self._edges, self._buckets = np.empty((2, len(state.edge)), dtype=np.int32)

    def open_next(self) -> None:
        """Open the next bucket that is not empty; the heap must be."""
        size = _take_bucket(self._state, self._edges)
        for own in self._own:
            own.counters[:] = self._state.counters
        # Edges have any number of triangles: a thread that is done with a slice takes the next one.
        slices = iter(range(0, size, _SLICE))
        run_threads(lambda i, is_stopped: self._evaluate(i, slices, size, is_stopped), self._threads)
        run_blocks(lambda i, low, high: self._file(i, size), size, self._threads)
        _order(self._state)

    def _evaluate(self, i: int, slices: Iterator[int], size: int, is_stopped: Callable[[], bool]) -> None:
        for low in slices:
            if is_stopped():
                return
            high = min(low + _SLICE, size)
            _evaluate_some(self._own[i], self._edges[low:high], self._buckets[low:high])

    def _file(self, i: int, size: int) -> None:
        _file_some(self._state, self._edges[:size], self._buckets[:size], i, self._threads)


@kernel
def _take_bucket(s: State, edges: np.ndarray) -> int:
    """Lower the floor to the next bucket and take all edges out of it; their number."""
    bucket = next_bucket(s)
    s.counters[FLOOR] = bucket
    e = s.first[bucket]
    s.first[bucket] = -1
    size = 0
    while e >= 0:
        edges[size] = e
        size += 1
        e = s.edge[e, AFTER]
    return size


@kernel
def _evaluate_some(s: State, edges: np.ndarray, buckets: np.ndarray) -> None:
    """Find the bucket of edges that are nowhere, and the keys of those that belong into the heap."""
    floor = s.counters[FLOOR]
    for i in range(len(edges)):
        e = edges[i]
        # Many have lost since they were filed, and are sent on without being evaluated.
        bucket = bucket_of(s, upper_bound(s, e))
        if bucket >= floor:
            value, found, more = evaluate(s, e)
            bucket = bucket_of(s, value)
            if bucket >= floor:
                begin_key(s, e, found, more)
                store(s, e)
        buckets[i] = bucket


@kernel
def _file_some(s: State, edges: np.ndarray, buckets: np.ndarray, part: int, parts: int) -> None:
    """Put edges into their buckets, or unsorted into the heap: those of every so many-th bucket.

    A bucket is a list that no two threads may change at once, and the heap, where the first part puts edges, is one.
    """
    floor, size = s.counters[FLOOR], 0
    for i in range(len(edges)):
        bucket, e = np.int64(buckets[i]), np.int64(edges[i])
        if bucket < floor:
            if bucket % parts == part:
                into_bucket(s, e, bucket)
        elif part == 0:
            s.heap[size] = e
            s.edge[e, BUCKET] = IN_HEAP
            s.edge[e, BEFORE] = size
            size += 1
    if part == 0:
        s.counters[SIZE] = size


@kernel
def _order(s: State) -> None:
    order_heap(s)
