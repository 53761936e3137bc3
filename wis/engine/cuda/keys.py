"""What an edge's removal changes, as a key to compare: device functions run by all threads of a block.

The values that an edge takes out of the tuple and those it puts in are a signed count ``net(x)`` per value ``x``, all
cancelled; of two edges the one whose ``net`` is smaller at the smallest ``x`` where they differ goes first. Written as
a sequence, one pair of numbers a value in ascending order, that is plain lexicographic order, larger first:

    net(x) > 0:  (x - 2**62 - 1, -net)        the end:  (0, 0)        net(x) < 0:  (2**62 + 1 - x, -net)

The first ``POINTS`` pairs are stored as the key; what comes after is computed only where keys tie.

``shared``, ``NUM_SHARED`` of int64 in the block's shared memory, comes from the kernel: numba-cuda cannot link a device
function that has shared memory of its own and is called along two paths.
"""

from __future__ import annotations

from typing import Any

from numba import cuda, int64

from wis.engine.cuda.graph import Graph, Scratch

# Pairs of a stored key. An edge has at most four of them with no common neighbour, and two more for each.
POINTS = 8

NUM_SHARED = 2
_SMALLEST, _NET = range(2)

_SHIFT = (1 << 62) + 1
_NO_VALUE = (1 << 63) - 1


@cuda.jit(device=True)
def new_value(graph: Graph, scratch: Scratch, row: int, i: int) -> int:
    """Value of the i-th listed vertex after the removal."""
    return int64(graph.value[scratch.vertex[row, i]] - scratch.loss[row, i])


@cuda.jit(device=True)
def is_cut_off(graph: Graph, scratch: Scratch, row: int, i: int) -> bool:
    """Whether the removal leaves the i-th listed vertex without a neighbour (directed: without an edge into it)."""
    return i < 2 and (i == 1 or graph.directed == 0) and graph.degree[scratch.vertex[row, i]] == 1


@cuda.jit(device=True)
def next_value(graph: Graph, scratch: Scratch, row: int, after: int, shared: Any) -> tuple[int, int]:
    """The smallest value above ``after`` with a net count other than zero, and that count; (-1, 0) if there is none."""
    while True:
        if cuda.threadIdx.x == 0:
            shared[_SMALLEST] = _NO_VALUE
            shared[_NET] = 0
        cuda.syncthreads()
        least = int64(_NO_VALUE)
        for i in range(cuda.threadIdx.x, scratch.size[row], cuda.blockDim.x):
            t = scratch.vertex[row, i]
            new, old = new_value(graph, scratch, row, i), graph.value[t]
            if graph.is_target[t] and new != old:
                if after < new < least:
                    least = new
                if after < old < least:
                    least = old
        # Each thread has found its own smallest: one atomic operation a thread, not one a vertex.
        cuda.atomic.min(shared, _SMALLEST, least)
        cuda.syncthreads()
        x = shared[_SMALLEST]
        if x == _NO_VALUE:
            cuda.syncthreads()  # nobody may reset what others still read
            return int64(-1), int64(0)
        for i in range(cuda.threadIdx.x, scratch.size[row], cuda.blockDim.x):
            t = scratch.vertex[row, i]
            new, old = new_value(graph, scratch, row, i), graph.value[t]
            if graph.is_target[t] and new != old:
                if new == x:
                    cuda.atomic.add(shared, _NET, 1)
                elif old == x:
                    cuda.atomic.add(shared, _NET, -1)
        cuda.syncthreads()
        count = shared[_NET]
        cuda.syncthreads()
        if count != 0:
            return x, count
        after = x


@cuda.jit(device=True)
def write_key(graph: Graph, scratch: Scratch, row: int, after: int, key: Any, shared: Any) -> None:
    """Write the key of the listed edge, from the values above ``after`` on, to ``key``."""
    # The length is the array's, not POINTS, so that the compiler does not write the body out that many times.
    for p in range(key.shape[0] >> 1):
        x, net = int64(-1), int64(0)
        if p == 0 or key[2 * p - 2] != 0:
            x, net = next_value(graph, scratch, row, after, shared)
            after = x
        cuda.syncthreads()  # all have read the last pair before it is written over, and after
        if cuda.threadIdx.x == 0:
            key[2 * p] = first_number(x, net)
            key[2 * p + 1] = -net
        cuda.syncthreads()


@cuda.jit(device=True)
def first_number(x: int, net: int) -> int:
    """The first number of a pair."""
    if net == 0:
        return int64(0)
    return int64(x - _SHIFT) if net > 0 else int64(_SHIFT - x)


@cuda.jit(device=True)
def last_value(key: Any) -> int:
    """The value of the last stored pair of a full key."""
    number = key[2 * POINTS - 2]
    return int64(number + _SHIFT) if number < 0 else int64(_SHIFT - number)


@cuda.jit(device=True)
def is_cut(key: Any) -> bool:
    """Whether there may be more pairs than are stored."""
    return key[2 * POINTS - 2] != 0


@cuda.jit(device=True)
def compare(key: Any, other: Any) -> int:
    """1 if ``key`` is larger, -1 if smaller, 0 if the stored pairs are equal. For one thread."""
    for i in range(key.shape[0]):
        if key[i] != other[i]:
            return 1 if key[i] > other[i] else -1
    return 0


@cuda.jit(device=True)
def compare_beyond(graph: Graph, scratch: Scratch, row: int, other_row: Any, after: int, shared: Any) -> int:
    """As ``compare``, for the pairs of two listed edges beyond the value ``after``, up to their ends. For a block."""
    other_after = after
    while True:
        after, net = next_value(graph, scratch, row, after, shared)
        other_after, other_net = next_value(graph, scratch, other_row, other_after, shared)
        number, other = first_number(after, net), first_number(other_after, other_net)
        if number != other:
            return 1 if number > other else -1
        if net != other_net:
            return 1 if net < other_net else -1
        if net == 0:
            return 0
